// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/ptrace.h>
#include <asm/fpstate.h>
#include <asm/hosttrap.h>
#include <asm/segments.h>

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->flags = 0x202;
	regs->cs = USER_CS;
	regs->ss = USER_SS;
	regs->orig_ax = -1;
	fpstate_reset();
	set_fsbase(0);
	clear_gsbase();
}

void show_regs(struct pt_regs *r)
{
	printk("ip %016lx sp %016lx flags %08lx ax %016lx bx %016lx cx %016lx dx %016lx\n"
	       "si %016lx di %016lx bp %016lx r8 %016lx r9 %016lx r10 %016lx r11 %016lx\n"
	       "r12 %016lx r13 %016lx r14 %016lx r15 %016lx %pS\n",
	       r->ip, r->sp, r->flags, r->ax, r->bx, r->cx, r->dx, r->si, r->di, r->bp,
	       r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, (void *)r->ip);
}

void regs_hold(void)
{
	fpstate_hold();
	bases_save();
}
