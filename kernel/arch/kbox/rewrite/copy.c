// SPDX-License-Identifier: GPL-2.0-only
/* Patched copies of pages of text, and the sites in them. */
#include <linux/slab.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

static void copy_free(struct text_copy *c)
{
	__free_page(c->page);
	kfree(c);
}

void copies_free_retired(struct image *im)
{
	struct text_copy *c, *next;

	list_for_each_entry_safe(c, next, &im->retired, retired)
		copy_free(c);
	INIT_LIST_HEAD(&im->retired);
}

void copies_free_replaced(struct image *im, u64 first, unsigned int pages)
{
	struct text_copy *c, *next;

	list_for_each_entry_safe(c, next, &im->retired, retired)
		if (c->index - first < pages && list_empty(&c->sites)) {
			list_del(&c->retired);
			copy_free(c);
		}
}

/* The image goes. */
void copies_free(struct image *im)
{
	struct text_copy *c;
	unsigned long i;

	copies_free_retired(im);
	xa_for_each(&im->copies, i, c)
		copy_free(c);
	xa_destroy(&im->copies);
}

static struct patched_site *copy_site(struct text_copy *c, u64 at)
{
	struct patched_site *s;

	list_for_each_entry(s, &c->sites, of_text)
		if (at - s->site.start < SITE_JUMP)
			return s;
	return NULL;
}

/* Bytes that the site's jump would replace belong to another one's. */
bool image_taken(struct image *im, const struct site *s)
{
	struct text_copy *c = xa_load(&im->copies, s->start >> PAGE_SHIFT);

	return c && (copy_site(c, s->start) || copy_site(c, s->start + SITE_JUMP - 1));
}

/*
 * The site of the call that has been patched already. at: its jump begins where the call is. Else
 * one whose jump begins before it is preferred: that one comes first.
 */
struct patched_site *image_call(struct image *im, u64 call, bool at)
{
	u64 index = (call - min_t(u64, call, SITE_AHEAD)) >> PAGE_SHIFT;
	struct patched_site *s;
	struct text_copy *c;

	for (; index <= call >> PAGE_SHIFT; index++) {
		c = xa_load(&im->copies, index);
		if (c)
			list_for_each_entry(s, &c->sites, of_text)
				if (s->site.call == call && (!at || s->site.start == call))
					return s;
	}
	return NULL;
}

/* The site whose jump has this byte, or else had it. */
struct patched_site *image_site(struct image *im, u64 at)
{
	struct text_copy *c = xa_load(&im->copies, at >> PAGE_SHIFT);
	struct patched_site *s = c ? copy_site(c, at) : NULL;

	if (s)
		return s;
	list_for_each_entry(c, &im->retired, retired) {
		s = copy_site(c, at);
		if (s)
			return s;
	}
	return NULL;
}

/*
 * Is this page what the copy was made of? Another one may have taken its place in the page cache.
 * PG_arch_1 says that it has been compared; generic code clears it for new pages,
 * kbox_folio_written() for those that change.
 */
bool copy_is_of(struct text_copy *c, struct page *original)
{
	const u8 *text = page_address(original), *copy = page_address(c->page);
	unsigned int pos = 0, at;
	struct patched_site *s;

	if (test_bit(PG_arch_1, &original->flags))
		return true;
	list_for_each_entry(s, &c->sites, of_text) {
		at = s->site.start & ~PAGE_MASK;
		if (memcmp(text + pos, copy + pos, at - pos) || memcmp(text + at, s->original, SITE_JUMP))
			return false;
		pos = at + SITE_JUMP;
	}
	if (memcmp(text + pos, copy + pos, PAGE_SIZE - pos))
		return false;
	set_bit(PG_arch_1, &original->flags);
	return true;
}

/* The file's page has been written to: its copy is not used any more, anywhere. */
void copy_drop(struct image *im, u64 index)
{
	struct text_copy *c = xa_erase(&im->copies, index);
	struct rewrite_map *map;

	if (!c)
		return;
	list_add(&c->retired, &im->retired);
	list_for_each_entry(map, &im->of_maps, of_image)
		kbox_flush_range(map->mm, map->base + (index << PAGE_SHIFT), map->base + ((index + 1) << PAGE_SHIFT));
}

/* The patched copy of a page of the file, if there is one of what is in it now. */
struct page *image_patched(struct image *im, u64 index, struct page *original)
{
	struct text_copy *c = xa_load(&im->copies, index);

	return c && copy_is_of(c, original) ? c->page : NULL;
}

/*
 * A copy in this page, which it takes over. Text is never changed where it is mapped: other threads
 * may be executing it. A new copy is made with one jump more, and a process gets it when its
 * mapping is filled the next time. The old one stays as long as any process has the file mapped,
 * for nobody knows who has that copy.
 */
struct text_copy *copy_new(struct image *im, u64 index, struct page *original, struct page *page)
{
	struct text_copy *c = kzalloc(sizeof(*c), GFP_KERNEL), *old;

	if (!c || xa_reserve(&im->copies, index, GFP_KERNEL)) {
		kfree(c);
		return NULL;
	}
	c->page = page;
	c->index = index;
	INIT_LIST_HEAD(&c->sites);
	old = xa_load(&im->copies, index);
	xa_store(&im->copies, index, c, GFP_KERNEL);	/* there is room: it does not sleep */
	copy_page(page_address(page), page_address(old && copy_is_of(old, original) ? old->page : original));
	if (old) {
		if (copy_is_of(old, original))
			list_splice_init(&old->sites, &c->sites);
		list_add(&old->retired, &im->retired);
	}
	return c;
}
