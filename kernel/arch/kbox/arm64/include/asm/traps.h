/* SPDX-License-Identifier: GPL-2.0-only */
/* What arch/arm64's simulation of instructions asks of it. */
#ifndef _ASM_KBOX_TRAPS_H
#define _ASM_KBOX_TRAPS_H
#include <asm/insn.h>
#include <asm/ptrace.h>

/* Register 31 is the one that is 0. */
static inline u64 pt_regs_read_reg(const struct pt_regs *regs, int r)
{
	return r == 31 ? 0 : regs->regs[r];
}

static inline void pt_regs_write_reg(struct pt_regs *regs, int r, u64 v)
{
	if (r != 31)
		regs->regs[r] = v;
}
#endif
