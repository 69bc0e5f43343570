// SPDX-License-Identifier: GPL-2.0-only
/* Images: the patched copies of a file's text pages, and its slots. */
#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <asm/icache.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

#define WINDOW_ORDER	ilog2(KBOX_FILL_WINDOW)
#define WHOLE_MAX	2048	/* pages; text up to this has large windows */

static LIST_HEAD(images);
unsigned int kbox_images;

#define TEXT_MAX	(256UL << 20)

/*
 * Images that nobody has mapped are kept, since the next program may be the same; so many of them.
 */
#define IDLE_MAX	8

static struct image *image_new(struct vm_area_struct *text)
{
	const struct inode *inode = text->vm_file->f_mapping->host;
	u64 size = text->vm_end - text->vm_start;
	struct image *im;

	if (size > TEXT_MAX)
		return NULL;
	im = kzalloc(sizeof(*im), GFP_KERNEL);
	if (!im)
		return NULL;
	im->windows = kvcalloc((size >> PAGE_SHIFT >> WINDOW_ORDER) + 2, sizeof(*im->windows), GFP_KERNEL);
	if (!im->windows) {
		kfree(im);
		return NULL;
	}
	im->mapping = text->vm_file->f_mapping;
	im->sb = inode->i_sb;
	im->ino = inode->i_ino;
	im->generation = inode->i_generation;
	im->size = i_size_read(inode);
	im->text = (u64)text->vm_pgoff << PAGE_SHIFT;
	im->text_end = im->text + size;
	slots_choose(im, text);
	xa_init(&im->copies);
	xa_init(&im->slot_pages);
	INIT_LIST_HEAD(&im->retired);
	INIT_LIST_HEAD(&im->of_maps);
	list_add(&im->list, &images);
	kbox_images++;
	return im;
}

/*
 * An image that nobody has mapped does not hold its file, and another one may have got the same
 * place in memory. A mistake would cost time, no more: copies are compared with what they are to
 * replace.
 */
static bool image_is_of(const struct image *im, const struct file *file)
{
	const struct inode *inode = file->f_mapping->host;

	return im->mapping == file->f_mapping &&
	       (im->file || (im->sb == inode->i_sb && im->ino == inode->i_ino && im->generation == inode->i_generation &&
			     im->size == i_size_read(inode)));
}

/*
 * The image of this file that the mm would use, or NULL. One with promoted calls is preferred, but
 * an mm whose promotion has been undone does not use it.
 */
struct image *image_find(struct mm_struct *mm, struct file *file)
{
	struct image *im, *found = NULL;

	list_for_each_entry(im, &images, list) {
		if (!image_is_of(im, file) || (im->promotion == PROMOTION_DONE && mm->context.unpromoted))
			continue;
		if (!found || im->promotion == PROMOTION_DONE)
			found = im;
	}
	return found;
}

/* The image of this text, for one more map; NULL: too large, or no memory. */
struct image *image_get(struct vm_area_struct *text)
{
	struct image *im = image_find(text->vm_mm, text->vm_file) ?: image_new(text);

	if (!im)
		return NULL;
	if (!im->file)
		im->file = get_file(text->vm_file);
	im->maps++;
	im->refs++;
	return im;
}

static void copy_free(struct text_copy *c)
{
	__free_page(c->page);
	kfree(c);
}

static void free_retired(struct image *im)
{
	struct text_copy *c, *next;

	list_for_each_entry_safe(c, next, &im->retired, retired)
		copy_free(c);
	INIT_LIST_HEAD(&im->retired);
}

/*
 * A map of it is dead. After the last one no process has its copies mapped, and the file is not
 * held any more.
 */
void image_unmapped(struct image *im)
{
	if (--im->maps)
		return;
	fput(im->file);
	im->file = NULL;
	free_retired(im);
	list_move_tail(&im->list, &images);
}

static void image_free(struct image *im)
{
	struct patched_site *s, *next;
	struct text_copy *c;
	struct slot_page *p;
	unsigned long i;

	list_del(&im->list);
	kbox_images--;
	free_retired(im);
	xa_for_each(&im->copies, i, c)
		copy_free(c);
	xa_for_each(&im->slot_pages, i, p) {
		list_for_each_entry_safe(s, next, &p->sites, of_slots)
			kfree(s);
		put_page(p->page);
		kfree(p);
	}
	xa_destroy(&im->copies);
	xa_destroy(&im->slot_pages);
	kvfree(im->windows);
	kfree(im);
}

/* A map of it is gone. The images in use longest ago come first in the list. */
void image_put(struct image *im)
{
	struct image *next;
	unsigned int idle = 0;

	im->refs--;
	list_for_each_entry(im, &images, list)
		idle += !im->refs;
	list_for_each_entry_safe(im, next, &images, list)
		if (!im->refs && idle > IDLE_MAX) {
			image_free(im);
			idle--;
		}
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

/* The site of this kind of the call that has been patched already. */
struct patched_site *image_call(struct image *im, u64 call, enum site_kind kind)
{
	u64 index, first = (call - (kind == SITE_BEFORE_CALL ? SITE_JUMP + 2 : 0)) >> PAGE_SHIFT;
	struct patched_site *s;
	struct text_copy *c;

	for (index = first; index <= call >> PAGE_SHIFT; index++) {
		c = xa_load(&im->copies, index);
		if (c)
			list_for_each_entry(s, &c->sites, of_text)
				if (s->site.call == call && s->site.kind == kind)
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

/*
 * Is this page what the copy was made of? Another one may have taken its place in the page cache.
 * PG_arch_1 says that it has been compared; generic code clears it for new pages,
 * kbox_folio_written() for those that change.
 */
static bool copy_is_of(struct text_copy *c, struct page *original)
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
static void copy_drop(struct image *im, u64 index)
{
	struct text_copy *c = xa_erase(&im->copies, index);
	struct rewrite_map *map;

	if (!c)
		return;
	list_add(&c->retired, &im->retired);
	list_for_each_entry(map, &im->of_maps, of_image)
		kbox_flush_range(map->mm, map->base + (index << PAGE_SHIFT), map->base + ((index + 1) << PAGE_SHIFT));
}

void kbox_folio_written(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);
	unsigned long i;
	struct image *im;

	list_for_each_entry(im, &images, list)
		if (mapping && im->mapping == mapping)
			for (i = 0; i < folio_nr_pages(folio); i++) {
				clear_bit(PG_arch_1, &folio_page(folio, i)->flags);
				copy_drop(im, folio->index + i);
			}
}

void kbox_page_written(struct page *page)
{
	kbox_folio_written(page_folio(page));
}

/* The patched copy of a page of the file, if there is one of what is in it now. */
struct page *image_patched(struct image *im, u64 index, struct page *original)
{
	struct text_copy *c = xa_load(&im->copies, index);

	return c && copy_is_of(c, original) ? c->page : NULL;
}

static struct slot_page *slot_page_new(struct image *im, unsigned long index)
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
static struct slot_page *place_slot(struct image *im, struct site *s, const struct site_text *t)
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

/*
 * A copy in this page, which it takes over. Text is never changed where it is mapped: other threads
 * may be executing it. A new copy is made with one jump more, and a process gets it when its
 * mapping is filled the next time. The old one stays as long as any process has the file mapped,
 * for nobody knows who has that copy.
 */
static struct text_copy *copy_new(struct image *im, u64 index, struct page *original, struct page *page)
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

static u64 first_page(const struct image *im)
{
	return im->text >> PAGE_SHIFT;
}

static unsigned long text_pages(const struct image *im)
{
	return (PAGE_ALIGN(im->text_end) >> PAGE_SHIFT) - first_page(im);
}

/* How many pages a window has: all that a page table has of text that is not large. */
static unsigned int window_order(const struct image *im)
{
	return text_pages(im) <= WHOLE_MAX ? ilog2(PTRS_PER_PTE) : WINDOW_ORDER;
}

static struct text_window *window_of(struct image *im, u64 index)
{
	return &im->windows[(index - first_page(im)) >> window_order(im)];
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

/*
 * No process has these pages mapped from now on, so nobody has copies that have been replaced. What
 * knows of a site stays.
 */
static void flush_window(struct image *im, u64 first, unsigned int pages)
{
	struct rewrite_map *map;
	struct text_copy *c, *next;

	list_for_each_entry(map, &im->of_maps, of_image)
		kbox_flush_range(map->mm, map->base + (first << PAGE_SHIFT), map->base + ((first + pages) << PAGE_SHIFT));
	list_for_each_entry_safe(c, next, &im->retired, retired)
		if (c->index - first < pages && list_empty(&c->sites)) {
			list_del(&c->retired);
			copy_free(c);
		}
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
	flush_window(im, first, pages);
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
	if (++w->faults < min(GATHER_AFTER << w->rounds, GATHER_SELDOM) || global_zone_page_state(NR_FREE_PAGES) < totalram_pages() / 8)
		return;
	w->faults = 0;
	w->rounds += GATHER_AFTER << w->rounds < GATHER_SELDOM;
	w->gathered = true;
	gather(im, index);
}

/* The copy for one site more. */
static struct text_copy *copy_to_patch(struct image *im, u64 index, struct page *original)
{
	struct page *page = alloc_page(GFP_KERNEL);
	struct text_copy *c = page ? copy_new(im, index, original, page) : NULL;

	if (page && !c)
		__free_page(page);
	window_of(im, index)->gathered = false;
	window_of(im, index)->faults = 0;
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
