// SPDX-License-Identifier: GPL-2.0-only
/* Pages of slots, and places in them. */
#include <linux/slab.h>
#include <asm/icache.h>
#include "rewrite.h"

/* The site whose slot is there. */
struct patched_site *image_slot(struct image *im, u64 at)
{
	struct slot_page *p = xa_load(&im->slot_pages, (at - im->slots) >> PAGE_SHIFT);
	struct patched_site *s;

	if (p)
		list_for_each_entry(s, &p->sites, of_slots)
			if (at - s->site.slot < s->site.slot_len)
				return s;
	return NULL;
}

struct slot_page *slot_page_new(struct image *im, unsigned long index)
{
	struct slot_page *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->page = alloc_page(GFP_KERNEL);
	if (!p->page || xa_err(xa_store(&im->slot_pages, index, p, GFP_KERNEL))) {
		if (p->page)
			__free_page(p->page);
		kfree(p);
		return NULL;
	}
	INIT_LIST_HEAD(&p->sites);
	slots_head(page_address(p->page));
	bitmap_set(p->used, 0, SLOT_HEAD / SLOT_UNIT);
	return p;
}

/* Put the slot into this page of the area, if it has a place where the site's jump can go. */
static bool place_in(struct image *im, unsigned long index, struct slot_page *p, struct site *s, const struct site_text *t)
{
	u64 start = im->slots + ((u64)index << PAGE_SHIFT);
	u8 code[SLOT_MAX], jump[SITE_JUMP];
	unsigned int i, units;

	for (i = 0; i < SLOT_UNITS; i++) {
		u64 slot = start + i * SLOT_UNIT;

		if (test_bit(i, p->used) || !site_jump(s, slot, jump) || !site_emit(s, t, slot, start, code))
			continue;
		units = DIV_ROUND_UP(s->slot_len, SLOT_UNIT);
		if (i + units > SLOT_UNITS || find_next_bit(p->used, i + units, i) < i + units)
			continue;
		bitmap_set(p->used, i, units);
		memcpy(page_address(p->page) + i * SLOT_UNIT, code, s->slot_len);
		kbox_code_written(page_address(p->page) + i * SLOT_UNIT, s->slot_len);
		return true;
	}
	return false;
}

/* Find or make a place for the slot: rather in a page that is there. */
struct slot_page *place_slot(struct image *im, struct site *s, const struct site_text *t)
{
	unsigned long i;
	struct slot_page *p;

	xa_for_each(&im->slot_pages, i, p)
		if (place_in(im, i, p, s, t))
			return p;
	for (i = slots_first(im, s); i < slots_end(im, s); i++) {
		if (xa_load(&im->slot_pages, i))
			continue;
		p = slot_page_new(im, i);
		if (!p)
			return NULL;
		if (place_in(im, i, p, s, t))
			return p;
	}
	return NULL;
}

/* The image goes. */
void slot_pages_free(struct image *im)
{
	struct patched_site *s, *next;
	struct slot_page *p;
	unsigned long i;

	xa_for_each(&im->slot_pages, i, p) {
		list_for_each_entry_safe(s, next, &p->sites, of_slots)
			kfree(s);
		put_page(p->page);
		kfree(p);
	}
	xa_destroy(&im->slot_pages);
}
