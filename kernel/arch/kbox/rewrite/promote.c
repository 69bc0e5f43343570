// SPDX-License-Identifier: GPL-2.0-only
/*
 * At exec: may calls of libc's cancellation wrappers go to the kernel in this program, and which
 * are they (docs/cancel-wrapper.md)? The scan needs all of the text, so its outcome is kept with
 * the image.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <asm/gate.h>
#include <asm/boot.h>
#include <asm/rewrite.h>
#include "cancel.h"
#include "rewrite.h"
#include "walk.h"

struct scan {
	struct image *im;
	struct address_space *mapping;
	struct site_text text;
};

static void refused(enum cancel_verdict why)
{
	struct kbox_counter *c = &kbox_shared->count[KBOX_SITES_REFUSED + SITE_REFUSALS + why];

	if (!c->name[0])
		snprintf(c->name, sizeof(c->name), "cancel wrapper: %s", cancel_verdict_text[why]);
	c->n++;
}

static bool promote_site(const struct cancel_site *found, void *cookie)
{
	enum site_kind kind = found->convention == CANCEL_NR_FIRST ? SITE_CANCEL_FIRST : SITE_CANCEL_LAST;
	struct scan *scan = cookie;
	struct page *page;
	struct site s;

	if (found->verdict != CANCEL_OK) {
		refused(found->verdict);
		return true;
	}
	if (image_taken(scan->im, &(struct site) { .start = found->addr }) ||
	    site_plan_cancel(&scan->text, found->addr, kind, &s))
		return true;
	page = read_mapping_page(scan->mapping, found->addr >> PAGE_SHIFT, NULL);
	if (IS_ERR(page))
		return true;
	if (image_place_entry(scan->im, &s, page) == SITE_OK)
		kbox_count(KBOX_SITES_PROMOTED);
	put_page(page);
	return true;
}

static struct vm_area_struct *text_of(struct mm_struct *mm, struct file *file)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma)
		if (can_be_patched(vma) && vma->vm_file->f_mapping == file->f_mapping)
			return vma;
	return NULL;
}

/* With mm locked for writing. text: the whole segment, read from the file. */
static bool promote_text(struct vm_area_struct *vma, const struct site_text *text)
{
	struct scan scan = { .mapping = vma->vm_file->f_mapping, .text = *text };
	struct rewrite_map *map;

	lockdep_assert_held_write(&vma->vm_mm->mmap_lock);
	if (kbox_rewrite_has_fork_sites(KBOX_ISA_AARCH64, text->bytes, text->addr, text->size)) {
		struct image *im = image_find(vma->vm_mm, vma->vm_file);

		if (im)
			im->promotion = PROMOTION_DENIED;
		return false;
	}
	map = map_get(vma);
	if (!map)
		return false;
	scan.im = map->image;
	cancel_scan(text->bytes, text->addr, text->size, promote_site, &scan);
	map->image->promotion = PROMOTION_DONE;
	return true;
}

static bool promote(struct file *file)
{
	struct vm_area_struct *vma = text_of(current->mm, file);
	struct image *im = vma ? image_find(current->mm, vma->vm_file) : NULL;
	struct site_text text;
	bool done = false;
	loff_t pos;
	void *buf;

	if (!vma)
		return false;
	if (im && im->promotion != PROMOTION_UNKNOWN)
		return im->promotion == PROMOTION_DONE;
	/*
	 * Others run it already (ld.so, as their loader), and text is not changed where it is
	 * mapped.
	 */
	if (im && im->maps)
		return false;
	pos = (loff_t)vma->vm_pgoff << PAGE_SHIFT;
	text = (struct site_text) { .addr = pos, .size = vma->vm_end - vma->vm_start };
	buf = kvzalloc(text.size, GFP_KERNEL);
	if (!buf)
		return false;
	text.bytes = buf;
	if (kernel_read(file, buf, text.size, &pos) > 0)
		done = promote_text(vma, &text);
	kvfree(buf);
	return done;
}

/* exec has mapped the program, and nothing of it has run. */
void kbox_promote(struct file *file, bool has_interp)
{
	bool done;

	current->mm->context.unpromoted = !kbox_boot->cancel_promote;
	if (!kbox_rewrites() || !kbox_boot->cancel_promote)
		return;
	if (has_interp) {
		kbox_count(KBOX_PROMOTE_DENIED);
		return;
	}
	if (mmap_write_lock_killable(current->mm))
		return;
	done = promote(file);
	mmap_write_unlock(current->mm);
	kbox_count(done ? KBOX_PROMOTE_ALLOWED : KBOX_PROMOTE_DENIED);
}

/*
 * Current makes a process or thread, or is about to be able to cancel: from now on it calls its
 * wrappers.
 */
void kbox_promote_undo(void)
{
	struct mm_struct *mm = current->mm;
	struct rewrite_map *map;

	if (!mm->context.maps || mm->context.unpromoted)
		return;
	mmap_write_lock(mm);
	mm->context.unpromoted = true;
	for (map = mm->context.maps; map; map = map->next)
		if (map->alive && map->image->promotion == PROMOTION_DONE) {
			map_unmap(map);
			kbox_count(KBOX_PROMOTE_UNDONE);
		}
	mmap_write_unlock(mm);
}
