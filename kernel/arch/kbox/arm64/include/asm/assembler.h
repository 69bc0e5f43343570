/* SPDX-License-Identifier: GPL-2.0-only */
/* What arch/arm64/lib's string functions ask of it. */
#ifndef _ASM_KBOX_ASSEMBLER_H
#define _ASM_KBOX_ASSEMBLER_H
#define CPU_BE(code...)
#define CPU_LE(code...)	code
#define EXPORT_SYMBOL_NOKASAN(name)
#define SYM_FUNC_ALIAS_MEMFUNC(name)	\
	SYM_FUNC_ALIAS(__##name, __pi_##name)
#endif
