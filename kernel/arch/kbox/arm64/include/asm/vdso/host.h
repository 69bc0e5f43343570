/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_HOST_H
#define _ASM_KBOX_VDSO_HOST_H
#include <linux/string.h>
#include <linux/types.h>
#include <asm/ptrace.h>
/*
 * What vdso/host-arm64.S leaves on the stack, aligned to 16 bytes: its own address, where to begin
 * again, and the registers then.
 */
struct vdso_frame { u64 self, start, x0, x1, x19_to_x30[12]; };

static inline void vdso_restart(struct pt_regs *r, const struct vdso_frame *f)
{
	r->regs[0] = f->x0;
	r->regs[1] = f->x1;
	memcpy(r->regs + 19, f->x19_to_x30, sizeof(f->x19_to_x30));
	r->sp = f->self + sizeof(*f);
	r->pc = f->start;
	r->pstate &= ~PSR_BTYPE_MASK;
}
#endif
