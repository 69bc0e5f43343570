/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_DEBUGREG_H
#define _ASM_KBOX_DEBUGREG_H
#include <linux/sched.h>
/* The debug registers that a tracer sets, and single steps: debugreg.c, step.c. */
extern unsigned long debugreg_get(struct task_struct *t, unsigned int n);
extern int debugreg_set(struct task_struct *t, unsigned int n, unsigned long v);
extern void debug_free(struct task_struct *t);
extern void debug_mm_free(struct mm_struct *mm);
extern void debug_entered(struct pt_regs *regs, int trap);
extern void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code);
extern bool debug_breakpoint(struct pt_regs *regs);
extern bool debug_step(struct pt_regs *regs, int code);
extern bool debug_leaves(struct pt_regs *regs);
extern void debug_mapping(unsigned long addr, unsigned long pages);

/* A task that is made has none. */
static inline void debug_copy(struct task_struct *p)
{
	p->thread.debug = NULL;
	p->thread.dr6 = 0;
	p->thread.bases_set = false;
}

/* In step.c. */
extern bool step_is_branch(unsigned long from, unsigned long to);
extern unsigned int insn_text(struct mm_struct *mm, unsigned long ip, u8 *buf);
struct insn;
extern unsigned int insn_access_size(struct insn *insn);
#endif
