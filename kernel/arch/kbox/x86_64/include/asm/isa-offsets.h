/* SPDX-License-Identifier: GPL-2.0-only */
/* For kernel/asm-offsets.c alone. */
#include <asm/fpstate.h>
static __always_inline void isa_offsets(void)
{
	OFFSET(XS_MAGIC1, _xstate, fpstate.sw_reserved.magic1);
	OFFSET(XS_FEATURES, _xstate, fpstate.sw_reserved.xfeatures);
	DEFINE(FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC1);
	DEFINE(GATE_MAGIC_AT, offsetof(struct isa_host_thread, gate_magic) - offsetof(struct isa_host_thread, gate_regs));
	OFFSET(PT_R15, pt_regs, r15);
	OFFSET(PT_R14, pt_regs, r14);
	OFFSET(PT_R13, pt_regs, r13);
	OFFSET(PT_R12, pt_regs, r12);
	OFFSET(PT_BP, pt_regs, bp);
	OFFSET(PT_BX, pt_regs, bx);
	OFFSET(PT_R11, pt_regs, r11);
	OFFSET(PT_R10, pt_regs, r10);
	OFFSET(PT_R9, pt_regs, r9);
	OFFSET(PT_R8, pt_regs, r8);
	OFFSET(PT_AX, pt_regs, ax);
	OFFSET(PT_CX, pt_regs, cx);
	OFFSET(PT_DX, pt_regs, dx);
	OFFSET(PT_SI, pt_regs, si);
	OFFSET(PT_DI, pt_regs, di);
	OFFSET(PT_IP, pt_regs, ip);
	OFFSET(PT_CS, pt_regs, cs);
	OFFSET(PT_FLAGS, pt_regs, flags);
	OFFSET(PT_SP, pt_regs, sp);
	OFFSET(PT_SS, pt_regs, ss);
}
