/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_TLB_H
#define KBOX_TLB_H
/* Between the parts of the cache of host mappings. */
#include <linux/mm.h>
#include <linux/vmstat.h>
#include <asm/tlbflush.h>

/*
 * Constants of policy, in pages. What they are for is measured by bench/ and scripts/count-calls,
 * and by first touches of memory at random and one after the other.
 */
#define AHEAD_MAX	32U	/* a program that writes to page after page has so many made at a time in the end */
#define AHEAD_SMALL	4	/* and so many at first in a small area, */
#define AHEAD_DATA	8	/* or in a program's data: relocations, reference counts */
#define SMALL_AREA	SZ_1M	/* bytes */
#define DENSE		16	/* a window is made whole when one page of so many has been written to, */
#define PIECES		2	/* and then is put together if it would be of more pieces */
#define ROOM		256	/* a control group has to be so far from its limit */
#define RUN_MIN		4	/* shorter runs are not worth a call as long as nobody asks for them, */
#define RUN_NEAR	16	/* but for a file's pages that are so near, where mappings are not scarce */
#define REFILL_MAX	8	/* so few whose rights change are mapped at once, and not by a fault */
#define FORK_COPIES	128U	/* fork copies so many at once, */
#define FORK_COPIES_AREA 32U	/* and all or none of an area */
#define SEGMENT_MAX	2048U	/* a program's text or data up to this is taken as a whole, */
#define SEGMENT_PIECES	2	/* and put together where what has a page table takes more mappings */
#define SEGMENT_AFTER	4	/* and so many processes have come to it; */
#define SEGMENT_WRITTEN	256U	/* so many pages at most are copied when the first is written to; */
#define SEGMENT_NOTES	8	/* 2^n notes of segments are kept */
#define GATHER_WORTH	8	/* putting a window together has to save so many mappings */

/* Is a part of memory free? What nobody has asked for is made only then. */
static inline bool is_free(unsigned int part)
{
	return global_zone_page_state(NR_FREE_PAGES) > totalram_pages() / part;
}
#define FOR_PREFAULT	16
#define FOR_WINDOWS	4

#define WINDOW_SIZE	(KBOX_FILL_WINDOW * PAGE_SIZE)

/* Of its page table. */
static inline unsigned int window_number(unsigned long addr)
{
	return pte_index(addr) / KBOX_FILL_WINDOW;
}

/*
 * What evict.c and giveback.c know of a page table's mappings and windows. pt_index is generic
 * code's to give away for page tables of a process.
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
enum gather {
	GATHER_ALL,
	GATHER_WRITTEN,		/* what can be written to, since the others are about to be copied */
	GATHER_FILE,
};
extern bool kbox_gather(struct vm_area_struct *vma, unsigned long first, unsigned int pages, enum gather what);
/* giveback.c: pages have been made that nobody has asked for, and have been given back. */
extern void giveback_made(struct mm_struct *mm, unsigned long first, unsigned int pages);
extern bool giveback_done(struct mm_struct *mm, unsigned long addr);

/* offer.c: single pages that are contiguous; NULL: there are none. Nothing is reclaimed for them. */
extern struct page *block_take(unsigned int order);
/* Pages made for the mm between these two are contiguous, if that can be. */
struct offer {
	struct list_head list;
	struct mm_struct *mm;
	struct page *next;
	unsigned int left;
};
extern void offer_begin(struct offer *o, struct mm_struct *mm, unsigned int pages);
extern void offer_end(struct offer *o);

/* fork.c: the child has its memory, or there is none. */
extern void fork_ends(struct mm_struct *mm);

/*
 * prefault.c: may more be made than is asked for, and the fault that does; mm is locked for
 * reading, and the fault has it let go of as handle_mm_fault() has.
 */
/* May pages be made in this process that nobody has asked for? */
extern bool prefault_has_room(struct mm_struct *mm);
extern bool prefaults(struct vm_area_struct *vma, unsigned long addr, unsigned int flags);
extern vm_fault_t prefault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct pt_regs *regs);
/* segment.c: what of a file comes with the page that has been read from; mm is locked for reading. */
extern void segment_fault(struct vm_area_struct *vma, unsigned long addr);
/*
 * Pages of a file's data are about to be written to, those of "wanted" from *first on: what the last
 * process wrote to comes with the first of it. Of one page table.
 */
extern void segment_written(struct vm_area_struct *vma, unsigned long *first, unsigned int *pages,
			    unsigned long *wanted);
#endif
