/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMU_H
#define _ASM_KBOX_MMU_H
typedef struct {
	unsigned int threads;		/* host threads whose host process maps this mm */
	bool protected;			/* fork has done what the next flush_tlb_mm() is for */
} mm_context_t;
#endif
