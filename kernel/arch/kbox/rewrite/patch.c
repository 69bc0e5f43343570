// SPDX-License-Identifier: GPL-2.0-only
/*
 * A system call has trapped: see whether its site can be patched, so that it does not do so again.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <asm/boot.h>
#include <asm/gate.h>
#include <asm/fault.h>
#include <asm/rewrite.h>
#include <asm/hostpage.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

/* What has been tried in this mm; a collision only costs time. */
#define SEEN_BITS 7

enum tried { TRIED_MAP = 1, TRIED_ALL };

struct rewrite_seen {
	struct { unsigned long call; enum tried tried; } site[1 << SEEN_BITS];
};

static void note(struct mm_struct *mm, unsigned long call, enum tried tried)
{
	unsigned int i = hash_long(call, SEEN_BITS);

	if (!mm->context.seen)
		mm->context.seen = kzalloc(sizeof(*mm->context.seen), GFP_KERNEL);
	if (!mm->context.seen)
		return;
	mm->context.seen->site[i].call = call;
	mm->context.seen->site[i].tried = tried;
}

static enum tried noted(struct mm_struct *mm, unsigned long call)
{
	unsigned int i = hash_long(call, SEEN_BITS);

	return mm->context.seen && mm->context.seen->site[i].call == call ? mm->context.seen->site[i].tried : 0;
}

static void refuse(struct mm_struct *mm, unsigned long call, enum site_refusal why)
{
	struct kbox_counter *c = &kbox_shared->count[KBOX_SITES_REFUSED + why];

	if (!c->name[0])
		strscpy(c->name, site_refusal_text[why], sizeof(c->name));
	c->n++;
	note(mm, call, TRIED_ALL);
}

/* Copy what there is of the text around a call; addresses become offsets into the file. */
static void read_around(struct vm_area_struct *vma, unsigned long call, u8 *buf, struct site_text *t)
{
	unsigned long start = max(call - SITE_BEFORE, vma->vm_start), end = min(call + SITE_AFTER, vma->vm_end), addr, n;
	struct page *page;

	/* Rather less than a page that is not there. */
	if ((start ^ call) & PAGE_MASK && !text_page(vma, start))
		start = call & PAGE_MASK;
	t->bytes = buf;
	t->addr = start - text_base(vma);
	for (addr = start; addr < end; addr += n, buf += n) {
		n = min(end, (addr & PAGE_MASK) + PAGE_SIZE) - addr;
		page = text_page(vma, addr);
		if (!page)
			break;
		memcpy(buf, page_address(page) + (addr & ~PAGE_MASK), n);
	}
	t->size = addr - start;
}

/* The host maps the page of text as it is now, and the slot, which will be wanted next. */
static void map_now(struct rewrite_map *map, struct site *s)
{
	struct vm_area_struct *slots = vma_lookup(map->mm, map->base + s->slot);

	if (slots && slots->vm_private_data == map && kbox_tlb_fill(map->mm, map->base + s->slot, false, true) != KBOX_FILLED)
		handle_mm_fault(slots, map->base + s->slot, FAULT_FLAG_INSTRUCTION | FAULT_FLAG_USER, NULL);
	kbox_tlb_fill(map->mm, map->base + s->start, false, true);
}

/* A site that another process has had patched, or this one before its mapping was filled anew. */
static struct patched_site *known(struct vm_area_struct *vma, u64 call, bool at)
{
	struct image *im = image_find(vma->vm_mm, vma->vm_file);
	struct patched_site *s;
	struct page *page;

	if (!im)
		return NULL;
	s = image_call(im, call, at);
	page = s ? text_page(vma, text_base(vma) + s->site.start) : NULL;
	return page && image_patched(im, s->site.start >> PAGE_SHIFT, page) ? s : NULL;
}

static enum site_refusal patch_new(struct vm_area_struct *vma, unsigned long call, int nr, bool at, struct patched_site **new)
{
	u8 buf[SITE_BEFORE + SITE_AFTER];
	u64 off = call - text_base(vma);
	struct rewrite_map *map;
	enum site_refusal why;
	struct site_text t;
	struct page *page;
	struct site s;

	read_around(vma, call, buf, &t);
	why = plan_site(&t, off, nr, at, &s);
	if (why)
		return why;
	map = map_get(vma);
	if (!map || min(off, s.start) < map->image->text || s.start + s.len > map->image->text_end)
		return SITE_NO_ROOM;
	if (image_taken(map->image, &s))
		return at ? SITE_TAKEN : patch_new(vma, call, nr, true, new);
	page = text_page(vma, s.start + map->base);
	if (!page)
		return SITE_NOT_FILE;
	why = image_place(map->image, &s, &t, page);
	if (why)
		return why;
	kbox_count(s.kind == SITE_AT_CALL ? KBOX_SITES_AT : KBOX_SITES_BEFORE);
	*new = image_call(map->image, off, s.kind == SITE_AT_CALL);
	return SITE_OK;
}

/*
 * The text around a call may be pages of the host's, of which there are no copies with sites. What
 * is near has calls, too.
 */
static void want_text(struct vm_area_struct *vma, unsigned long call)
{
	const unsigned long window = KBOX_FILL_WINDOW * PAGE_SIZE;
	unsigned long start = max(ALIGN_DOWN(call - SITE_BEFORE, window), vma->vm_start);
	unsigned long end = min(ALIGN(call + SITE_AFTER, window), vma->vm_end), at;

	if (!kbox_want_pages(vma, start, end))
		return;
	for (at = start; at < end; at += PAGE_SIZE)
		if (!text_page(vma, at))
			handle_mm_fault(vma, at, FAULT_FLAG_INSTRUCTION | FAULT_FLAG_USER, NULL);
}

/* With mm locked for writing. */
static enum site_refusal patch(struct mm_struct *mm, unsigned long call, int nr)
{
	struct vm_area_struct *vma = vma_lookup(mm, call);
	bool at = noted(mm, call) == TRIED_MAP;
	struct patched_site *s;
	struct rewrite_map *map;
	enum site_refusal why;

	lockdep_assert_held_write(&mm->mmap_lock);
	if (!can_be_patched(vma))
		return SITE_NOT_FILE;
	want_text(vma, call);
	if (!text_page(vma, call))
		return SITE_NOT_FILE;
	s = known(vma, call - text_base(vma), at);
	if (!s) {
		why = patch_new(vma, call, nr, at, &s);
		if (why)
			return why;
	}
	map = map_get(vma);
	if (!map)
		return SITE_NO_ROOM;
	map_now(map, &s->site);
	/*
	 * Were it to trap again, then because code lands on the syscall instruction behind a
	 * patched mov.
	 */
	note(mm, call, s->site.kind == SITE_AT_CALL ? TRIED_ALL : TRIED_MAP);
	return SITE_OK;
}

/*
 * A call with this number has come in by a trap. May sleep. What stops a patched site from
 * serving, as flags of the program's own, is none of the site's fault.
 */
void kbox_rewrite(struct pt_regs *regs, int nr)
{
	struct mm_struct *mm = current->mm;
	unsigned long ip = instruction_pointer(regs), call;
	enum site_refusal why;

	if (mm->context.maps)
		instruction_pointer_set(regs, kbox_original_ip(mm, ip));
	if (instruction_pointer(regs) != ip)
		kbox_count(KBOX_CALLS_BOUNCED);
	call = instruction_pointer(regs) - SITE_CALL;
	if (instruction_pointer(regs) != ip || gate_refuses(regs) || noted(mm, call) == TRIED_ALL || mmap_write_lock_killable(mm))
		return;
	why = patch(mm, call, nr);
	if (why)
		refuse(mm, call, why);
	mmap_write_unlock(mm);
}
