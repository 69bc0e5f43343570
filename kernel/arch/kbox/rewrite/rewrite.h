/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_H
#define KBOX_REWRITE_H
/*
 * Patched text. An image is what the processes that map a file share: copies of its text pages with
 * jumps in them, and pages of slots. A map is what one mm has of an image: an area of slots at the
 * right distance from its text. docs/rewriting.md explains the whole.
 *
 * All of it runs with the CPU in hand, and only what allocates or takes a lock sleeps.
 * Addresses in struct site are offsets into the file, since that is what processes have in common.
 */
#include <linux/bitmap.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/xarray.h>
#include <asm/site.h>

struct patched_site {
	struct site site;
	u8 original[SITE_JUMP];
	struct list_head of_text, of_slots;
};

/* The patched copy of a page of text. Sites are in the order of their addresses. */
struct text_copy {
	struct page *page;
	u64 index;			/* of the file's page */
	struct list_head sites;
	struct list_head retired;
};

#define SLOT_UNITS	(PAGE_SIZE / SLOT_UNIT)

/*
 * As many pages of text as a fault maps. When faults go on here and nothing more is patched, all of
 * it is copied into contiguous memory, for the host to map it in one call.
 */
struct text_window {
	unsigned int faults;		/* since the last change */
	unsigned int rounds;		/* how often it has been gathered; so much later it is the next time */
	bool gathered;
};

struct slot_page {
	struct page *page;
	DECLARE_BITMAP(used, SLOT_UNITS);
	struct list_head sites;
};

enum promotion {
	PROMOTION_UNKNOWN,
	PROMOTION_DENIED,
	PROMOTION_DONE,			/* its calls of cancellation wrappers are patched, if it has any */
};

struct image {
	struct list_head list;
	struct file *file;		/* while a process has it mapped; only compared, later: what it was */
	const struct address_space *mapping;
	const struct super_block *sb;
	unsigned long ino;
	u32 generation;
	loff_t size;
	unsigned int maps, refs;	/* maps that are alive, and all of them */
	enum promotion promotion;	/* arm64's, see promote.c */
	u64 text, text_end;		/* of the file */
	u64 slots, slots_size;		/* the area of slots, in the same terms; may be "below" 0 */
	u64 far, far_size;		/* another one, for sites of a large text that do not reach that one */
	struct xarray copies;		/* by page of the file: struct text_copy */
	struct text_window *windows;	/* from the one of "text" on */
	struct xarray slot_pages;	/* by page from the area's start: struct slot_page */
	struct list_head retired;	/* copies that others may still have mapped */
	struct list_head of_maps;
};

static inline bool image_has_slots(const struct image *im, u64 at)
{
	return at - im->slots < im->slots_size || at - im->far < im->far_size;
}

struct rewrite_map {
	struct rewrite_map *next;	/* of the mm */
	struct list_head of_image;	/* while it is alive */
	struct image *image;
	struct mm_struct *mm;
	unsigned long base;		/* where the file's offset 0 would be */
	bool alive;			/* the area of slots is as it was made */
	bool checking;			/* a check of whether the text is still there is on its way */
};

/* image.c */
struct image *image_get(struct vm_area_struct *text);
void image_put(struct image *im);
void image_unmapped(struct image *im);
struct image *image_find(struct mm_struct *mm, struct file *file);

/* copy.c */
bool image_taken(struct image *im, const struct site *s);
struct patched_site *image_call(struct image *im, u64 call, bool at);
struct patched_site *image_site(struct image *im, u64 at);
struct page *image_patched(struct image *im, u64 index, struct page *original);
bool copy_is_of(struct text_copy *c, struct page *original);
struct text_copy *copy_new(struct image *im, u64 index, struct page *original, struct page *page);
void copy_drop(struct image *im, u64 index);
void copies_free(struct image *im);
void copies_free_retired(struct image *im);
/* Those of these pages of the file, which nobody has mapped; but what is known of a site stays. */
void copies_free_replaced(struct image *im, u64 first, unsigned int pages);

/* gather.c */
struct text_window *windows_new(u64 size);
void window_changed(struct image *im, u64 index);
void image_text_fault(struct image *im, u64 index);

/* slotpages.c */
struct patched_site *image_slot(struct image *im, u64 at);
struct slot_page *slot_page_new(struct image *im, unsigned long index);
struct slot_page *place_slot(struct image *im, struct site *s, const struct site_text *t);
void slot_pages_free(struct image *im);

/* place.c */
enum site_refusal image_place_entry(struct image *im, struct site *s, struct page *original);
enum site_refusal image_place(struct image *im, struct site *s, const struct site_text *t, struct page *original);

/*
 * The ISA's: by what a call that has been made with this number is replaced, as far as one page goes.
 * at: the jump is to begin where the call is.
 */
enum site_refusal plan_site(const struct site_text *t, u64 call, u32 nr, bool at, struct site *s);

/* The ISA's slots.c */
void slots_choose(struct image *im, struct vm_area_struct *text);
unsigned long slots_first(const struct image *im, const struct site *s);
unsigned long slots_end(const struct image *im, const struct site *s);
void slots_head(void *page);

/* map.c */
struct rewrite_map *map_get(struct vm_area_struct *text);
void map_unmap(struct rewrite_map *map);
unsigned long text_base(struct vm_area_struct *vma);
struct page *text_page(struct vm_area_struct *vma, unsigned long addr);
bool can_be_patched(struct vm_area_struct *vma);
struct patched_site *site_of_slot(struct mm_struct *mm, unsigned long ip, bool alive, struct rewrite_map **of);
#endif
