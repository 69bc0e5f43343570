/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_FPSTATE_H
#define _ASM_KBOX_FPSTATE_H
#include <asm/sigcontext.h>
#define MXCSR_VALID		0xffff
extern struct _xstate init_fpstate;
extern unsigned int fpstate_size(const struct _xstate *x);
extern bool fpstate_extended(const struct _xstate *x);
extern void fpstate_learn(const struct _xstate *x);
extern void fpstate_hold(void);
extern void fpstate_reset(void);
extern void fpstate_copy(struct task_struct *to);
extern struct _xstate *fpstate_own(struct task_struct *t);
extern int fpstate_from_user(const void __user *from);
extern void fpstate_sanitize(struct _xstate *x);
#endif
