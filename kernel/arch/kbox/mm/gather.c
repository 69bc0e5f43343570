// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neighbours in a process's memory that lie apart in guest memory cost the host a mapping each, and
 * it has no more than vm.max_map_count for a process. Here pages are moved to where they are
 * neighbours, too: by page migration, as compaction moves them.
 */
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <asm/fault.h>
#include <asm/tlbflush.h>
#include "tlb.h"
#include <internal.h>	/* of the kernel's mm/ */

static bool is_memory(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte);
}

/* Are there many pages whose neighbour is memory, but lies elsewhere? */
bool kbox_scattered(const pte_t *ptes, unsigned int pages)
{
	unsigned int apart = 0, i;

	for (i = 1; i < pages; i++)
		apart += is_memory(ptes[i - 1]) && is_memory(ptes[i]) && pte_pfn(ptes[i]) != pte_pfn(ptes[i - 1]) + 1;
	return apart >= GATHER_WORTH;
}

/* Of how many pieces would the pages that can be written to be if all between them could? */
unsigned int kbox_pieces(const pte_t *ptes, unsigned int pages)
{
	unsigned long last = 0;
	unsigned int n = 0, i;

	for (i = 0; i < pages; i++)
		if (is_memory(ptes[i]) && pte_write(ptes[i]) && pte_pfn(ptes[i]) - i != last) {
			last = pte_pfn(ptes[i]) - i;
			n++;
		}
	return n;
}

struct places {
	struct page *block;
	unsigned int pages;
	unsigned int next;	/* they are asked for in their order, mostly */
	DECLARE_BITMAP(taken, PTRS_PER_PTE);
	struct folio *from[];	/* what comes to each page of it; NULL: nothing, or it is there */
};

static struct folio *place_of(struct folio *from, unsigned long private)
{
	struct places *p = (void *)private;
	unsigned int n, i;

	for (n = 0; n < p->pages; n++) {
		i = (p->next + n) % p->pages;
		if (p->from[i] == from) {
			p->from[i] = NULL;
			p->next = i + 1;
			__set_bit(i, p->taken);
			return page_folio(p->block + i);
		}
	}
	return NULL;
}

/* Of these pages those that can move. */
static void isolate(struct vm_area_struct *vma, unsigned long first, unsigned int pages, enum gather what,
		    struct places *p, struct list_head *list)
{
	pte_t *ptes = kbox_walk(vma->vm_mm, first);
	unsigned int i;

	lru_add_drain();
	for (i = 0; ptes && i < pages; i++) {
		struct folio *folio = is_memory(ptes[i]) ? vm_normal_folio(vma, first + i * PAGE_SIZE, ptes[i]) : NULL;

		if (!folio || (what == GATHER_WRITTEN && !pte_write(ptes[i])) || (what == GATHER_FILE && folio_test_anon(folio)) ||
		    folio_test_large(folio) || !folio_isolate_lru(folio))
			continue;
		p->from[i] = folio;
		list_add_tail(&folio->lru, list);
		node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio), 1);
	}
}

static struct places *places_new(unsigned int pages)
{
	struct places *p = kzalloc(struct_size(p, from, pages), GFP_NOWAIT | __GFP_NOWARN);

	if (!p)
		return NULL;
	p->pages = pages;
	p->block = block_take(order_base_2(pages));
	if (!p->block) {
		kfree(p);
		return NULL;
	}
	return p;
}

/*
 * What of the block is not taken goes to the allocator, in such an order that who makes the missing
 * pages next gets them for their places.
 */
static void places_free(struct places *p)
{
	unsigned int i;

	for (i = 1U << order_base_2(p->pages); i--; )
		if (!test_bit(i, p->taken))
			__free_page(p->block + i);
	kfree(p);
}

/* Pages of the area, of one page table; its mm is current's and locked. False: there is no block. */
bool kbox_gather(struct vm_area_struct *vma, unsigned long first, unsigned int pages, enum gather what)
{
	struct mm_struct *mm = vma->vm_mm;
	struct places *p = places_new(pages);
	LIST_HEAD(list);

	lockdep_assert_held(&mm->mmap_lock);
	if (!p)
		return false;
	mm->context.gathering++;
	kbox_tlb_clear_range(mm, first, pages);
	isolate(vma, first, pages, what, p, &list);
	if (!list_empty(&list) && migrate_pages(&list, place_of, NULL, (unsigned long)p, MIGRATE_ASYNC, MR_COMPACTION, NULL))
		putback_movable_pages(&list);
	mm->context.gathering--;
	places_free(p);
	return true;
}
