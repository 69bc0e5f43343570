/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_DEBUGREG_H
#define _ASM_KBOX_DEBUGREG_H
#include <linux/sched.h>
/* The debug registers that a tracer sets, and single steps: debugreg.c, step.c. */
#define WATCHES	4
struct isa_debug {
	unsigned long addr[WATCHES], dr7;
	u8 info[WATCHES];	/* of DR7 as it was set last, also of what is off */
	u8 on;			/* bits of those that are not */
	bool alone;		/* the instruction does run alone, by a trap flag of ours */
	bool was_alone;		/* until this trap */
	bool done;		/* and this trap is its end */
	bool steps;		/* the flag was set before */
	unsigned long from;	/* of a step to the next branch: the last instruction */
};
#include <asm/watch.h>
extern unsigned long debugreg_get(struct task_struct *t, unsigned int n);
extern int debugreg_set(struct task_struct *t, unsigned int n, unsigned long v);
extern void debug_entered(struct pt_regs *regs, int trap);
extern void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code);
extern bool debug_breakpoint(struct pt_regs *regs);
extern bool debug_step(struct pt_regs *regs, int code);
extern bool debug_leaves(struct pt_regs *regs);

static inline void debug_clear(struct task_struct *t)
{
	t->thread.debug = NULL;
	t->thread.dr6 = 0;
}

/* A task that is made has none. */
static inline void debug_copy(struct task_struct *p)
{
	debug_clear(p);
	p->thread.bases_set = false;
}

/* In step.c. */
extern bool step_is_branch(unsigned long from, unsigned long to);
extern unsigned int insn_text(struct mm_struct *mm, unsigned long ip, u8 *buf);
struct insn;
extern unsigned int insn_access_size(struct insn *insn);
#endif
