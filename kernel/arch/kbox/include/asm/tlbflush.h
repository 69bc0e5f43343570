/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_TLBFLUSH_H
#define _ASM_KBOX_TLBFLUSH_H
#include <linux/mm.h>

/* NULL: of a spare, which has none. */
static inline struct host_mm *host_mm_of(struct mm_struct *mm)
{
	return mm ? &mm->context.host : NULL;
}

extern void flush_tlb_mm(struct mm_struct *mm);
extern void flush_tlb_range(struct vm_area_struct *vma, unsigned long start, unsigned long end);
extern void flush_tlb_page(struct vm_area_struct *vma, unsigned long addr);
extern void flush_tlb_kernel_range(unsigned long start, unsigned long end);
extern void kbox_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end);
#define KBOX_FILL_WINDOW 64	/* pages looked at around a fault; of one page table */
extern pmd_t *kbox_walk_pmd(struct mm_struct *mm, unsigned long addr);
extern pte_t *kbox_walk(struct mm_struct *mm, unsigned long addr);
extern int kbox_pte_host(struct mm_struct *mm, unsigned long addr, pte_t pte, unsigned long *pfn);
extern unsigned long kbox_walk_next(struct mm_struct *mm, unsigned long addr);
#define flush_tlb_all() flush_tlb_kernel_range(VMALLOC_START, VMALLOC_END)
#endif
