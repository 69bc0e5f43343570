/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the parts of the cache of host mappings. */
struct vm_area_struct;
#define WINDOW_SIZE	(KBOX_FILL_WINDOW * PAGE_SIZE)

/* Of its page table. */
static inline unsigned int window_number(unsigned long addr)
{
	return pte_index(addr) / KBOX_FILL_WINDOW;
}

/*
 * What evict.c and giveback.c know of a page table's mappings and windows. pt_index is generic code's to give away for page
 * tables of a process.
 */
#define NOTE_RECENT		BIT(0)	/* filled from since the hand of evict.c's clock was there */
#define NOTE_TRIED(window)	BIT(8 + (window))	/* evict_once_for() */
#define NOTE_MADE(window)	BIT(16 + (window))
#define NOTE_GIVEN_BACK(window)	BIT(24 + (window))
#define NOTE_WINDOWS		GENMASK(31, 16)	/* that stays when mappings go */
#define NOTE_MAPPING		BIT(32)	/* the rest counts mappings that have been made, at most as many are left */

static inline unsigned long *note_of(pte_t *table)
{
	return &virt_to_ptdesc(table)->pt_index;
}
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
/* giveback.c: pages have been made that nobody has asked for, and have been given back. */
extern void giveback_made(pte_t *table, unsigned long addr);
extern bool giveback_done(pte_t *table, unsigned long addr);
