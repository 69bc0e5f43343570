// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies of all of a window of text, in contiguous memory, where faults go on and nothing more is
 * patched.
 */
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

#define WINDOW_ORDER	ilog2(KBOX_FILL_WINDOW)
#define LARGE_ORDER	ilog2(PTRS_PER_PTE)
#define LARGE_MAX	2048	/* pages; text up to this has large windows */

/* For a text of this size. */
struct text_window *windows_new(u64 size)
{
	return kvcalloc((size >> PAGE_SHIFT >> WINDOW_ORDER) + 2, sizeof(struct text_window), GFP_KERNEL);
}

static u64 first_page(const struct image *im)
{
	return im->text >> PAGE_SHIFT;
}

static u64 text_pages(const struct image *im)
{
	return (PAGE_ALIGN(im->text_end) >> PAGE_SHIFT) - first_page(im);
}

/* How many pages a window has: as many as a page table, of text that is not large. */
static unsigned int window_order(const struct image *im)
{
	return text_pages(im) <= LARGE_MAX ? LARGE_ORDER : WINDOW_ORDER;
}

static struct text_window *window_of(struct image *im, u64 index)
{
	return &im->windows[(index - first_page(im)) >> window_order(im)];
}

/* One site more is patched there. */
void window_changed(struct image *im, u64 index)
{
	window_of(im, index)->gathered = false;
	window_of(im, index)->faults = 0;
}

/*
 * A copy in this page, which it takes over, if the file's page is in memory and cannot change
 * unseen.
 */
static bool copy_cached(struct image *im, u64 index, struct page *page)
{
	struct folio *folio = filemap_get_folio(im->file->f_mapping, index);
	bool done;

	if (IS_ERR(folio))
		return false;
	/* Writes by such a mapping are not seen; one may have been made while this slept. */
	done = folio_test_uptodate(folio) && !mapping_writably_mapped(im->file->f_mapping) &&
	       copy_new(im, index, folio_file_page(folio, index), page);
	folio_put(folio);
	return done;
}

/* No process has these pages mapped from now on, so nobody has copies that have been replaced. */
static void flush(struct image *im, u64 first, unsigned int pages)
{
	struct rewrite_map *map;

	list_for_each_entry(map, &im->of_maps, of_image)
		kbox_flush_range(map->mm, map->base + (first << PAGE_SHIFT), map->base + ((first + pages) << PAGE_SHIFT));
	copies_free_replaced(im, first, pages);
}

/* Copies of the window's pages that are in memory, in the order that they have in the file. */
static void gather(struct image *im, u64 index)
{
	u64 skip = (index - first_page(im)) & -(1ULL << window_order(im)), first = first_page(im) + skip;
	unsigned int pages = min_t(u64, text_pages(im) - skip, 1ULL << window_order(im)), order = order_base_2(pages), i;
	struct page *block = alloc_pages((GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_NOMEMALLOC | __GFP_NOWARN, order);

	if (!block)
		return;
	split_page(block, order);
	for (i = 0; i < 1U << order; i++)
		if (i >= pages || !copy_cached(im, first + i, block + i))
			__free_page(block + i);
	flush(im, first, pages);
}

/* So many faults since the last change; each time, twice as many. */
#define GATHER_AFTER	3
#define GATHER_SELDOM	1024

/* A fault of a process that has the image mapped, for a page of text. May sleep. */
void image_text_fault(struct image *im, u64 index)
{
	struct text_window *w = window_of(im, index);

	if ((w->gathered && xa_load(&im->copies, index)) || mapping_writably_mapped(im->file->f_mapping))
		return;
	w->gathered = false;
	if (++w->faults < min(GATHER_AFTER << w->rounds, GATHER_SELDOM) ||
	    global_zone_page_state(NR_FREE_PAGES) < totalram_pages() / 8)
		return;
	w->faults = 0;
	w->rounds += GATHER_AFTER << w->rounds < GATHER_SELDOM;
	w->gathered = true;
	gather(im, index);
}
