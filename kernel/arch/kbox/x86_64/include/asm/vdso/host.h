/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_HOST_H
#define _ASM_KBOX_VDSO_HOST_H
#include <linux/types.h>
#include <asm/ptrace.h>
/*
 * What vdso/host-x86_64.S leaves on the stack, aligned to 16 bytes: its own address, where to begin
 * again, and the registers then.
 */
struct vdso_frame { u64 self, start, pad, si, di, r15, r14, r13, r12, bp, bx; };

static inline void vdso_restart(struct pt_regs *r, const struct vdso_frame *f)
{
	r->si = f->si; r->di = f->di;
	r->r15 = f->r15; r->r14 = f->r14; r->r13 = f->r13; r->r12 = f->r12;
	r->bp = f->bp; r->bx = f->bx;
	r->sp = f->self + sizeof(*f);
	r->ip = f->start;
}
#endif
