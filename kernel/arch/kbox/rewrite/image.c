// SPDX-License-Identifier: GPL-2.0-only
/* Images: which there are, and of which files. */
#include <linux/file.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

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
	im->windows = windows_new(size);
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
static bool was_same(const struct image *im, const struct inode *inode)
{
	return im->sb == inode->i_sb && im->ino == inode->i_ino && im->generation == inode->i_generation &&
	       im->size == i_size_read(inode);
}

static bool image_is_of(const struct image *im, const struct file *file)
{
	const struct inode *inode = file->f_mapping->host;

	return im->mapping == file->f_mapping && (im->file || was_same(im, inode));
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
	copies_free_retired(im);
	list_move_tail(&im->list, &images);
}

static void image_free(struct image *im)
{
	list_del(&im->list);
	kbox_images--;
	copies_free(im);
	slot_pages_free(im);
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
