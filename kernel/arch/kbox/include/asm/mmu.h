/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMU_H
#define _ASM_KBOX_MMU_H
typedef struct {
	unsigned int threads;		/* host threads whose host process maps this mm */
	unsigned int copying;		/* between the write-protection of fork and the host clone */
} mm_context_t;
#endif
