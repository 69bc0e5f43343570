/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_FPSTATE_H
#define _ASM_KBOX_FPSTATE_H
#include <asm/sigcontext.h>
extern struct fpsimd_context init_fpstate;
extern void fpstate_save(struct fpsimd_context *to);	/* entry.S: the registers */
extern void fpstate_hold(void);
extern void fpstate_reset(void);
extern void fpstate_copy(struct task_struct *to);
extern struct fpsimd_context *fpstate_own(struct task_struct *t);
extern struct fpsimd_context *fpstate_in(struct sigcontext *sc);
#endif
