/* SPDX-License-Identifier: GPL-2.0-only */
#include <linux/linkage.h>
#include <asm/page.h>

	.section .rodata, "a"
	.balign PAGE_SIZE
SYM_DATA_START(kbox_vdso_start)
	.incbin "vdso.so"
	.balign PAGE_SIZE
SYM_DATA_END_LABEL(kbox_vdso_start, SYM_L_GLOBAL, kbox_vdso_end)
