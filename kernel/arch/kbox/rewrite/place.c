// SPDX-License-Identifier: GPL-2.0-only
/* A site is patched: its jump, in a copy of the page of text, and its slot. */
#include <linux/slab.h>
#include "rewrite.h"

/*
 * That a site is patched in this copy, and goes to one of these slots: by "new", which is theirs
 * then.
 */
static void record_site(struct text_copy *c, struct slot_page *slots, const struct site *s, struct page *original,
			struct patched_site *new)
{
	struct patched_site *next;

	new->site = *s;
	memcpy(new->original, page_address(original) + (s->start & ~PAGE_MASK), SITE_JUMP);
	list_for_each_entry(next, &c->sites, of_text)
		if (next->site.start > s->start)
			break;
	list_add_tail(&new->of_text, &next->of_text);
	list_add(&new->of_slots, &slots->sites);
}

/* The copy for one site more. */
static struct text_copy *copy_to_patch(struct image *im, u64 index, struct page *original)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct text_copy *c = page ? copy_new(im, index, original, page) : NULL;

	if (page && !c)
		__free_page(page);
	window_changed(im, index);
	return c;
}

/* Patch the planned site of the file's page whose original this is. */
enum site_refusal image_place(struct image *im, struct site *s, const struct site_text *t, struct page *original)
{
	struct patched_site *new = kzalloc(sizeof(*new), GFP_KERNEL);
	struct slot_page *slots;
	struct text_copy *c;

	if (!new)
		return SITE_NO_ROOM;
	slots = place_slot(im, s, t);
	c = slots ? copy_to_patch(im, s->start >> PAGE_SHIFT, original) : NULL;
	if (!c) {
		kfree(new);
		return SITE_NO_ROOM;
	}
	site_jump(s, s->slot, page_address(c->page) + (s->start & ~PAGE_MASK));
	record_site(c, slots, s, original, new);
	return SITE_OK;
}

#ifdef CONFIG_KBOX_PROMOTE
/*
 * The same for a call of a cancellation wrapper, which goes to an entry at the head of any page of
 * slots; nobody has the text mapped yet.
 */
enum site_refusal image_place_entry(struct image *im, struct site *s, struct page *original)
{
	unsigned long first = slots_first(im, s);
	struct slot_page *slots = xa_load(&im->slot_pages, first) ?: slot_page_new(im, first);
	u64 index = s->start >> PAGE_SHIFT;
	struct text_copy *c = xa_load(&im->copies, index) ?: copy_to_patch(im, index, original);

	if (!slots || !c || !copy_is_of(c, original))
		return SITE_NO_ROOM;
	s->slot = site_entry(s, im->slots + ((u64)first << PAGE_SHIFT));
	if (!site_jump(s, s->slot, page_address(c->page) + (s->start & ~PAGE_MASK)))
		return SITE_NO_ROOM;
	record_site(c, slots, s, original, kzalloc(sizeof(struct patched_site), GFP_KERNEL | __GFP_NOFAIL));
	return SITE_OK;
}
#endif
