// SPDX-License-Identifier: GPL-2.0-only
/* The registers that a sample may have, by perf's numbers. */
#include <linux/bug.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/perf_event.h>
#include <linux/perf_regs.h>
#include <linux/ptrace.h>

u64 perf_reg_value(struct pt_regs *regs, int i)
{
	if (i == PERF_REG_ARM64_PC)
		return regs->pc;
	if (i == PERF_REG_ARM64_SP)
		return regs->sp;
	return i < ARRAY_SIZE(regs->regs) ? regs->regs[i] : 0;
}

int perf_reg_validate(u64 mask)
{
	return mask && !(mask & ~(BIT_ULL(PERF_REG_ARM64_MAX) - 1)) ? 0 : -EINVAL;
}
