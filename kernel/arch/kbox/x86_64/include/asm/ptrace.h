/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PTRACE_H
#define _ASM_KBOX_PTRACE_H
#include <uapi/asm/ptrace.h>
#ifndef __ASSEMBLY__
#include <linux/err.h>
#endif
#ifndef __ASSEMBLY__
/* The order of the ISA's native struct, which is also user_regs_struct's. */
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx;
	unsigned long r11, r10, r9, r8, ax, cx, dx, si, di;
	unsigned long orig_ax, ip, cs, flags, sp, ss;
};
/* Never from hardware: kernel code runs at the same privilege as user code. */
#define user_mode(regs)			(!kbox_kernel_text((regs)->ip))
extern int kbox_kernel_text(unsigned long ip);
#define instruction_pointer(regs)	((regs)->ip)
#define user_stack_pointer(regs)	((regs)->sp)
#define kernel_stack_pointer(regs)	((regs)->sp)
#define frame_pointer(regs)		((regs)->bp)
#define profile_pc(regs)		((regs)->ip)
static inline void instruction_pointer_set(struct pt_regs *r, unsigned long v) { r->ip = v; }
static inline void user_stack_pointer_set(struct pt_regs *r, unsigned long v) { r->sp = v; }
static inline void regs_set_return_value(struct pt_regs *r, unsigned long v) { r->ax = v; }
static inline unsigned long regs_return_value(struct pt_regs *regs) { return regs->ax; }
static inline int is_syscall_success(struct pt_regs *regs)
{
	return !IS_ERR_VALUE(regs->ax);
}
#define current_user_stack_pointer()	user_stack_pointer(current_pt_regs())
#define arch_has_single_step()		(1)
#define arch_has_block_step()		(1)
#define ARCH_HAS_USER_SINGLE_STEP_REPORT
extern void user_single_step_report(struct pt_regs *regs);
static inline bool regs_irqs_disabled(struct pt_regs *regs) { return false; }
#define arch_ptrace_stop_needed() (1)
#define arch_ptrace_stop arch_ptrace_stop
extern void arch_ptrace_stop(void);
#define current_pt_regs()		task_pt_regs(current)
#endif
#endif
