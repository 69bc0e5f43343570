/* SPDX-License-Identifier: GPL-2.0-only */
/* For kernel/asm-offsets.c alone. */
#include <asm/site.h>
static __always_inline void isa_offsets(void)
{
	DEFINE(SITE_CANCEL_FIRST, SITE_CANCEL_FIRST);
	DEFINE(SITE_CANCEL_LAST, SITE_CANCEL_LAST);
	OFFSET(PT_REGS, pt_regs, regs);
	OFFSET(PT_SP, pt_regs, sp);
	OFFSET(PT_PC, pt_regs, pc);
	OFFSET(PT_PSTATE, pt_regs, pstate);
	OFFSET(FP_FPSR, fpsimd_context, fpsr);
	OFFSET(FP_FPCR, fpsimd_context, fpcr);
	OFFSET(FP_VREGS, fpsimd_context, vregs);
}
