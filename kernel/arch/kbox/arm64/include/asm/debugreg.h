/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_DEBUGREG_H
#define _ASM_KBOX_DEBUGREG_H
#include <linux/sched.h>
/*
 * Single steps, and the breakpoints and watchpoints that a tracer sets: debugreg.c, access.c,
 * outofline.c.
 */
#define WATCHES	8		/* one half each */
struct isa_debug {
	struct debug_reg { u64 addr; u32 ctrl; } reg[WATCHES];
	/*
	 * An exclusive store has failed, and is tried again within so many instructions; what it
	 * accesses.
	 */
	unsigned int tries;
	struct { unsigned long addr; unsigned int size; } store;
};
#include <asm/watch.h>
extern bool debug_came_in(struct pt_regs *regs);
extern void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code);
extern bool debug_breakpoint(struct pt_regs *regs);
extern bool debug_leaves(struct pt_regs *regs);
extern struct watch_access insn_access(u32 insn, unsigned long addr, unsigned int kind);

static inline void debug_entered(struct pt_regs *regs, int trap)
{
	debug_came_in(regs);
}

static inline void debug_clear(struct task_struct *t)
{
	t->thread.debug = NULL;
}

/* A task that is made has none. */
static inline void debug_copy(struct task_struct *p)
{
	debug_clear(p);
	p->thread.insn = (struct insn_slot){ };
	p->thread.tp_set = false;
}

struct membuf;
struct user_regset;
extern int debug_regset_get(struct task_struct *t, const struct user_regset *rs, struct membuf to);
extern int debug_regset_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos, unsigned int count,
			    const void *kbuf, const void __user *ubuf);
#endif
