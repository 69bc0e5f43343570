// SPDX-License-Identifier: GPL-2.0-only
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/ptrace.h>
#include <linux/uaccess.h>
#include <asm/fpstate.h>
#include <asm/hosttrap.h>

static unsigned long read_tp(void)
{
	unsigned long tp;

	asm volatile("mrs %0, tpidr_el0" : "=r" (tp));
	return tp;
}

static void write_tp(unsigned long tp)
{
	asm volatile("msr tpidr_el0, %0" : : "r" (tp));
}

/* Current begins to run on this host thread, or a tracer has set its pointer (regset.c). */
void tls_load(void)
{
	current->thread.tp_set = false;
	write_tp(current->thread.tp);
}

void tls_save(void)
{
	if (current->thread.tp_set)
		tls_load();
	else
		current->thread.tp = read_tp();
}

/*
 * The thread pointer is the host thread's own register, so only its owner reads or sets it, there.
 */
void tls_copy(struct task_struct *p, const struct kernel_clone_args *args)
{
	if (!args->fn) {
		tls_save();
		p->thread.tp = current->thread.tp;
	}
	if (args->flags & CLONE_SETTLS)
		p->thread.tp = args->tls;
	p->thread.gate_key = 0;
}

void start_thread(struct pt_regs *regs, unsigned long pc, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->pc = pc;
	regs->sp = sp;
	regs->syscallno = NO_SYSCALL;
	fpstate_reset();
	current->thread.tp = 0;
	tls_load();
	clear_thread_flag(TIF_TAGGED_ADDR);
}

/* System calls take addresses with a tag of who has asked for that. */
bool kbox_tagged_access_ok(unsigned long addr, unsigned long size)
{
	unsigned long plain = untagged_addr(addr);

	return plain != addr && (current->flags & PF_KTHREAD || test_thread_flag(TIF_TAGGED_ADDR)) &&
	       access_ok((void __user *)plain, size);
}

/* PR_SET_TAGGED_ADDR_CTRL. What else it could control is MTE's. */
int kbox_set_tagged_addr(unsigned long ctrl)
{
	if (ctrl & ~PR_TAGGED_ADDR_ENABLE)
		return -EINVAL;
	update_thread_flag(TIF_TAGGED_ADDR, ctrl);
	return 0;
}

void show_regs(struct pt_regs *r)
{
	int i;

	printk("pc %016llx sp %016llx pstate %08llx %pS\n", r->pc, r->sp, r->pstate, (void *)r->pc);
	for (i = 0; i < 30; i += 3)
		printk("x%-2d %016llx x%-2d %016llx x%-2d %016llx\n", i, r->regs[i], i + 1, r->regs[i + 1], i + 2, r->regs[i + 2]);
	printk("x30 %016llx %pS\n", r->regs[30], (void *)r->regs[30]);
}

void regs_hold(void)
{
	fpstate_hold();
	tls_save();
}
