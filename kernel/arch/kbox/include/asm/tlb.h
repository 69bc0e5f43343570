/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_TLB_H
#define _ASM_KBOX_TLB_H
#include <linux/mm.h>
#include <asm/tlbflush.h>
struct mmu_gather;
static void tlb_flush(struct mmu_gather *tlb);
#define tlb_flush tlb_flush
/*
 * zap_present_folio_ptes() asks this of a file's page that is dirty: its rmap would have to outlast
 * the flush if others can write to it until then, since whoever writes it back would not find them.
 * Here it is enough that the flush is made under the page table lock, where nobody else runs in the
 * kernel: the caller's force_flush.
 */
#define tlb_delay_rmap(tlb) (*force_flush |= host_mm_has_others(&(tlb)->mm->context.host), false)
static inline void tlb_flush_rmaps(struct mmu_gather *tlb, struct vm_area_struct *vma) { }
#include <asm-generic/tlb.h>
static inline void tlb_flush(struct mmu_gather *tlb)
{
	/*
	 * exit_mmap(): its host process has gone or drops everything itself. Else tlb_finish_mmu()
	 * says so where two overlap.
	 */
	if (tlb->fullmm && !atomic_read(&tlb->mm->mm_users))
		return;
	if (tlb->fullmm || tlb->need_flush_all)
		kbox_flush_range(tlb->mm, 0, TASK_SIZE);
	else if (tlb->end)
		kbox_flush_range(tlb->mm, tlb->start, tlb->end);
}
#endif
