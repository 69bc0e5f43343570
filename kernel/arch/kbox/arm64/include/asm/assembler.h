/* SPDX-License-Identifier: GPL-2.0-only */
/* What arch/arm64's string functions and its ChaCha20 ask of it. */
#ifndef _ASM_KBOX_ASSEMBLER_H
#define _ASM_KBOX_ASSEMBLER_H
#define CPU_BE(code...)
#define CPU_LE(code...)	code
#define EXPORT_SYMBOL_NOKASAN(name)
#define SYM_FUNC_ALIAS_MEMFUNC(name)	\
	SYM_FUNC_ALIAS(__##name, __pi_##name)
#define emit_aarch64_feature_1_and	/* no landing pads */
.macro mov_q reg, val
	movz	\reg, :abs_g3:\val
	movk	\reg, :abs_g2_nc:\val
	movk	\reg, :abs_g1_nc:\val
	movk	\reg, :abs_g0_nc:\val
.endm
#endif
