/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the parts of the cache of host mappings. */
struct vm_area_struct;
/* tlb.c: the host has none of these pages mapped any more. */
extern void kbox_mark_unmapped(pte_t *ptep, unsigned int pages);
/* tlb.c: the host lets go of the window around this page, in whichever process. */
extern void kbox_flush_window(struct mm_struct *mm, unsigned long addr, pte_t *ptep);
/* evict.c */
extern void evict_filled(pte_t *table);
extern void evict_some(struct mm_struct *mm);
extern void evict_all(struct mm_struct *mm);
extern bool evict_once_for(pte_t *table, unsigned int window);
/* gather.c */
extern bool kbox_scattered(const pte_t *ptes, unsigned int pages);
extern unsigned int kbox_pieces(const pte_t *ptes, unsigned int pages);
extern bool kbox_gather(struct vm_area_struct *vma, unsigned long first, unsigned int pages, bool written);
/* giveback.c: so many pages have been made that nobody has asked for. */
extern void giveback_made(unsigned int pages);
