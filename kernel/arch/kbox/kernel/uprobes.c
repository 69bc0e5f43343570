// SPDX-License-Identifier: GPL-2.0-only
/*
 * There are no uprobes: text is patched and shared among processes by other means here (rewrite/).
 * Each request for one is refused.
 */
#include <linux/errno.h>
#include <linux/notifier.h>
#include <linux/uprobes.h>

int arch_uprobe_analyze_insn(struct arch_uprobe *aup, struct mm_struct *mm, unsigned long addr)
{
	return -EOPNOTSUPP;
}

int arch_uprobe_pre_xol(struct arch_uprobe *aup, struct pt_regs *regs)
{
	return -EOPNOTSUPP;
}

int arch_uprobe_post_xol(struct arch_uprobe *aup, struct pt_regs *regs)
{
	return -EOPNOTSUPP;
}

bool arch_uprobe_xol_was_trapped(struct task_struct *t)
{
	return false;
}

int arch_uprobe_exception_notify(struct notifier_block *self, unsigned long val, void *data)
{
	return NOTIFY_DONE;
}

void arch_uprobe_abort_xol(struct arch_uprobe *aup, struct pt_regs *regs)
{
}

unsigned long arch_uretprobe_hijack_return_addr(unsigned long trampoline, struct pt_regs *regs)
{
	return -1;
}

bool arch_uprobe_skip_sstep(struct arch_uprobe *aup, struct pt_regs *regs)
{
	return false;
}
