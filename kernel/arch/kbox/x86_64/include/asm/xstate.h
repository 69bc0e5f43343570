/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_XSTATE_H
#define _ASM_KBOX_XSTATE_H
#include <linux/regset.h>
#include <asm/sigcontext.h>
/* The FP state as tracers and core files have it: xstate.c. */
extern void xstate_learn(u64 features, unsigned int size);
extern unsigned int xstate_size(void);		/* 0: the processor has no XSAVE */
extern int xstate_get(const struct _xstate *x, struct membuf to);
extern int xstate_set(struct _xstate *x, const struct _xstate *from);
extern void xstate_get_legacy(struct _fpstate *to, const struct _xstate *x);
extern int xstate_set_legacy(struct _xstate *x, const struct _fpstate *from);
#endif
