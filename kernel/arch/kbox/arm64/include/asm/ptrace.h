/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PTRACE_H
#define _ASM_KBOX_PTRACE_H
#include <uapi/asm/ptrace.h>
#ifndef __ASSEMBLY__
#include <linux/err.h>
/* The beginning is the ISA's struct user_pt_regs; gate.S and slots know the places. */
struct pt_regs {
	union {
		struct user_pt_regs user_regs;
		struct {
			u64 regs[31];
			u64 sp, pc, pstate;
		};
	};
	u64 orig_x0;
	s64 syscallno;			/* NO_SYSCALL: none */
};
#define NO_SYSCALL	(-1)
/* Never from hardware: kernel code runs at the same privilege as user code. */
#define user_mode(regs)			(!kbox_kernel_text((regs)->pc))
extern int kbox_kernel_text(unsigned long ip);
#define instruction_pointer(regs)	((unsigned long)(regs)->pc)
#define user_stack_pointer(regs)	((unsigned long)(regs)->sp)
#define kernel_stack_pointer(regs)	((unsigned long)(regs)->sp)
#define frame_pointer(regs)		((unsigned long)(regs)->regs[29])
#define profile_pc(regs)		instruction_pointer(regs)
static inline void instruction_pointer_set(struct pt_regs *r, unsigned long v) { r->pc = v; }
static inline void user_stack_pointer_set(struct pt_regs *r, unsigned long v) { r->sp = v; }
static inline void regs_set_return_value(struct pt_regs *r, unsigned long v) { r->regs[0] = v; }
static inline unsigned long regs_return_value(struct pt_regs *regs) { return regs->regs[0]; }
static inline int is_syscall_success(struct pt_regs *regs)
{
	return !IS_ERR_VALUE(regs->regs[0]);
}
#define current_user_stack_pointer()	user_stack_pointer(current_pt_regs())
#define arch_has_single_step()		(1)
static inline bool regs_irqs_disabled(struct pt_regs *regs) { return false; }
#define arch_ptrace_stop_needed() (1)
#define arch_ptrace_stop arch_ptrace_stop
extern void arch_ptrace_stop(void);
#define current_pt_regs()		task_pt_regs(current)
#endif
#endif
