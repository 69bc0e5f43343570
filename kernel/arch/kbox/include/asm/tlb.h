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
	/* exit_mmap(): its host process has gone or drops everything itself. Else tlb_finish_mmu() says so where two overlap. */
	if (tlb->fullmm && !atomic_read(&tlb->mm->mm_users))
		return;
	if (tlb->fullmm || tlb->need_flush_all)
		kbox_flush_range(tlb->mm, 0, TASK_SIZE);
	else if (tlb->end)
		kbox_flush_range(tlb->mm, tlb->start, tlb->end);
}
#endif
