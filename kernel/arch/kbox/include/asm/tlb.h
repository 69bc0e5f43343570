/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_TLB_H
#define _ASM_KBOX_TLB_H
#include <linux/mm.h>
#include <asm/tlbflush.h>
struct mmu_gather;
static void tlb_flush(struct mmu_gather *tlb);
#define tlb_flush tlb_flush
#include <asm-generic/tlb.h>
static inline void tlb_flush(struct mmu_gather *tlb)
{
	/* The whole mm goes: its host process has gone or drops everything itself. */
	if (tlb->fullmm)
		return;
	if (tlb->need_flush_all)
		flush_tlb_mm(tlb->mm);
	else if (tlb->end)
		kbox_flush_range(tlb->mm, tlb->start, tlb->end);
}
#endif
