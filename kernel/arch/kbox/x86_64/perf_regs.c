// SPDX-License-Identifier: GPL-2.0-only
/* The registers that a sample may have, by perf's numbers. */
#include <linux/bug.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/perf_event.h>
#include <linux/perf_regs.h>
#include <linux/ptrace.h>
#include <linux/stddef.h>

#define REG(number, name) [PERF_REG_X86_##number] = offsetof(struct pt_regs, name)
static const u8 offsets[] = {
	REG(AX, ax), REG(BX, bx), REG(CX, cx), REG(DX, dx), REG(SI, si), REG(DI, di), REG(BP, bp), REG(SP, sp),
	REG(IP, ip), REG(FLAGS, flags), REG(CS, cs), REG(SS, ss),
	REG(R8, r8), REG(R9, r9), REG(R10, r10), REG(R11, r11), REG(R12, r12), REG(R13, r13), REG(R14, r14), REG(R15, r15),
};

/* As natively: the data segments' are not to be had in 64-bit mode. */
#define NOT_THERE (BIT_ULL(PERF_REG_X86_DS) | BIT_ULL(PERF_REG_X86_ES) | BIT_ULL(PERF_REG_X86_FS) | BIT_ULL(PERF_REG_X86_GS))

u64 perf_reg_value(struct pt_regs *regs, int i)
{
	return i < ARRAY_SIZE(offsets) ? *(unsigned long *)((void *)regs + offsets[i]) : 0;
}

int perf_reg_validate(u64 mask)
{
	return mask && !(mask & (NOT_THERE | ~(BIT_ULL(PERF_REG_X86_64_MAX) - 1))) ? 0 : -EINVAL;
}
