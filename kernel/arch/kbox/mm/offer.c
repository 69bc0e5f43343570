// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host can map pages in one call if they are contiguous. So whoever is about to have several
 * pages made for a process takes a block first, and the kernel's calls for a page come here by the
 * linker (--wrap) while it is offered.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include "tlb.h"

static LIST_HEAD(offers);

struct page *block_take(unsigned int order)
{
	struct page *block = alloc_pages((GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | __GFP_NOWARN, order);

	if (block)
		split_page(block, order);
	return block;
}

void offer_begin(struct offer *o, struct mm_struct *mm, unsigned int pages)
{
	unsigned int order = order_base_2(pages);

	o->mm = mm;
	o->left = 0;
	INIT_LIST_HEAD(&o->list);
	if (pages < 2)
		return;
	o->next = block_take(order);
	if (!o->next)
		return;
	o->left = 1U << order;
	list_add(&o->list, &offers);
}

void offer_end(struct offer *o)
{
	list_del(&o->list);
	/* Who asks next gets the first of what is left. */
	while (o->left)
		__free_page(o->next + --o->left);
}

static struct folio *offered(struct mm_struct *mm, gfp_t gfp, int order)
{
	struct offer *o;

	if (order || !(gfp & __GFP_MOVABLE) || gfp & __GFP_ZERO)
		return NULL;
	list_for_each_entry(o, &offers, list)
		if (o->mm == mm && o->left) {
			o->left--;
			return page_folio(o->next++);
		}
	return NULL;
}

#ifdef CONFIG_NUMA
typedef struct folio *alloc_fn(gfp_t gfp, int order, struct vm_area_struct *vma, unsigned long addr, bool huge);
alloc_fn __real_vma_alloc_folio_noprof, __wrap_vma_alloc_folio_noprof;

struct folio *__wrap_vma_alloc_folio_noprof(gfp_t gfp, int order, struct vm_area_struct *vma, unsigned long addr,
					    bool huge)
{
	struct folio *folio = list_empty(&offers) ? NULL : offered(vma->vm_mm, gfp, order);

	return folio ?: __real_vma_alloc_folio_noprof(gfp, order, vma, addr, huge);
}
#else
/* Here it is not said for whom the page is. */
typedef struct folio *alloc_fn(gfp_t gfp, unsigned int order, int node, nodemask_t *nodes);
alloc_fn __real___folio_alloc_noprof, __wrap___folio_alloc_noprof;

struct folio *__wrap___folio_alloc_noprof(gfp_t gfp, unsigned int order, int node, nodemask_t *nodes)
{
	struct folio *folio = list_empty(&offers) || !current->mm ? NULL : offered(current->mm, gfp, order);

	return folio ?: __real___folio_alloc_noprof(gfp, order, node, nodes);
}
#endif
