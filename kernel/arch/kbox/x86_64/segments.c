// SPDX-License-Identifier: GPL-2.0-only
/*
 * FS and GS bases: the host thread's own, so only their owner reads or sets them, on its host thread.
 * A task that has no GS base finds its kernel stack by the host's, see gate.S.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <asm/kbox.h>
#include <asm/segments.h>
#include <asm/unistd.h>
#include <asm/ptrace.h>
#include <uapi/asm/prctl.h>

/* HWCAP2_FSGSBASE (kernel: arch/x86/include/uapi/asm/hwcap2.h): user mode may use the instructions. */
static bool have_instructions(void)
{
	return kbox_boot->hwcap2 & 2;
}

void set_fsbase(unsigned long base)
{
	current->thread.fsbase = base;
	if (have_instructions())
		asm volatile("wrfsbase %0" : : "r" (base));
	else
		HCALL(__NR_arch_prctl, ARCH_SET_FS, base, 0, 0, 0, 0);
}

void set_gsbase(unsigned long base)
{
	current->thread.gsbase = base;
	if (!base && kbox_boot->rewrite)
		base = ~(unsigned long)current_pt_regs();
	if (have_instructions())
		asm volatile("wrgsbase %0" : : "r" (base));
	else
		HCALL(__NR_arch_prctl, ARCH_SET_GS, base, 0, 0, 0, 0);
}

unsigned long get_fsbase(void)
{
	if (have_instructions())
		asm volatile("rdfsbase %0" : "=r" (current->thread.fsbase));
	return current->thread.fsbase;
}

unsigned long get_gsbase(void)
{
	unsigned long base = current->thread.gsbase;

	if (have_instructions())
		asm volatile("rdgsbase %0" : "=r" (base));
	return current->thread.gsbase = (long)base < 0 ? 0 : base;
}

/* Current, on its own host thread, makes p. */
void tls_copy(struct task_struct *p, const struct kernel_clone_args *args)
{
	if (!args->fn) {
		p->thread.fsbase = get_fsbase();
		p->thread.gsbase = get_gsbase();
	}
	if (args->flags & CLONE_SETTLS)
		p->thread.fsbase = args->tls;
}

/* Current begins to run on this host thread. */
void tls_load(void)
{
	set_fsbase(current->thread.fsbase);
	set_gsbase(current->thread.gsbase);
}
