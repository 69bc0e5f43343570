// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps: the area of slots that a process has beside its text. It is an area of the guest's own, so
 * nothing else is put there; fork inherits it, exec and exit drop it.
 */
#include <linux/elf.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/security.h>
#include <linux/slab.h>
#include <linux/task_work.h>
#include <asm/cacheflush.h>
#include <asm/debugreg.h>
#include <asm/gate.h>
#include <asm/hostthread.h>
#include <asm/mmu_context.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "rewrite.h"

/* Where offset 0 of the file would be. */
unsigned long text_base(struct vm_area_struct *vma)
{
	return vma->vm_start - (vma->vm_pgoff << PAGE_SHIFT);
}

/* The page of the file that is mapped there; NULL: none, or the process's own copy of it. */
struct page *text_page(struct vm_area_struct *vma, unsigned long addr)
{
	pte_t *ptep = kbox_walk(vma->vm_mm, addr);

	if (!ptep || !pte_present(*ptep) || pte_special(*ptep))
		return NULL;
	return folio_mapping(page_folio(pte_page(*ptep))) == vma->vm_file->f_mapping ? pte_page(*ptep) : NULL;
}

/* Private text of a file that nobody can write to by a mapping. */
bool can_be_patched(struct vm_area_struct *vma)
{
	return vma && vma->vm_file && vma->vm_flags & VM_EXEC && !(vma->vm_flags & (VM_WRITE | VM_MAYSHARE | VM_PFNMAP | VM_MIXEDMAP | VM_HUGETLB)) &&
	       !mapping_writably_mapped(vma->vm_file->f_mapping);
}

static const char *slots_name(struct vm_area_struct *vma)
{
	return "[kbox]";
}

/* The area is not readable: what it does not have slots in is not there. */
static vm_fault_t slots_fault(struct vm_fault *vmf)
{
	struct rewrite_map *map = vmf->vma->vm_private_data;
	struct slot_page *p = map ? xa_load(&map->image->slot_pages, (vmf->address - map->base - map->image->slots) >> PAGE_SHIFT) : NULL;

	if (!p)
		return VM_FAULT_SIGBUS;
	get_page(p->page);
	vmf->page = p->page;
	return 0;
}

/* It takes over the caller's count of the image's maps. */
static struct rewrite_map *map_new(struct image *im, struct mm_struct *mm, unsigned long base)
{
	struct rewrite_map *map = kzalloc(sizeof(*map), GFP_KERNEL | __GFP_NOFAIL);

	map->image = im;
	map->mm = mm;
	map->base = base;
	map->alive = true;
	list_add(&map->of_image, &im->of_maps);
	map->next = mm->context.maps;
	mm->context.maps = map;
	return map;
}

static bool is_in_kernel(const struct task_struct *t)
{
	return t->thread.host && READ_ONCE(t->thread.host->state) == HT_KERNEL;
}

/*
 * Calls that came in by a slot of the map go on in the original text. Who is still coming in will
 * see, kbox_lost_slot().
 */
static void forget_slots(struct rewrite_map *map)
{
	struct task_struct *g, *t;

	for_each_process_thread(g, t)
		if (t->mm == map->mm && is_in_kernel(t) &&
		    image_has_slots(map->image, regs_top(task_pt_regs(t))->resume - map->base))
			regs_forget_slot(task_pt_regs(t));
}

/* The area of slots is not what it was: the process goes on with the original text. */
static void map_kill(struct rewrite_map *map)
{
	struct image *im = map->image;

	if (!map->alive)
		return;
	map->alive = false;
	list_del(&map->of_image);
	if (map->mm->context.host.threads) {
		kbox_flush_range(map->mm, map->base + im->text, map->base + im->text_end);
		forget_slots(map);
	}
	image_unmapped(im);
}

/* The same for a new process; it has the first of two areas already, perhaps. */
static struct rewrite_map *map_copy(const struct rewrite_map *old, struct mm_struct *mm)
{
	struct rewrite_map *map;

	for (map = mm->context.maps; map; map = map->next)
		if (map->image == old->image && map->base == old->base)
			return map;
	old->image->refs++;
	old->image->maps++;
	return map_new(old->image, mm, old->base);
}

/*
 * fork copies the area; anything else that comes here has cut it in two. Without a live map it is
 * just an area.
 */
static void slots_open(struct vm_area_struct *vma)
{
	struct rewrite_map *map = vma->vm_private_data;

	if (!map)
		return;
	if (map->mm == vma->vm_mm) {
		map_kill(map);
		return;
	}
	vma->vm_private_data = map->alive ? map_copy(map, vma->vm_mm) : NULL;
}

static void slots_close(struct vm_area_struct *vma)
{
	if (vma->vm_private_data)
		map_kill(vma->vm_private_data);
}

static int slots_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int slots_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags)
{
	return -EACCES;
}

static const struct vm_operations_struct slots_ops = {
	.name = slots_name, .fault = slots_fault, .open = slots_open, .close = slots_close,
	.mremap = slots_mremap, .mprotect = slots_mprotect,
};

/* What install_special_mapping() asks for; slots_ops takes its place. */
static const struct vm_special_mapping slots_special = { .name = "[kbox]" };

static bool install(struct rewrite_map *map, unsigned long start, unsigned long size)
{
	struct vm_area_struct *vma;

	if (!size)
		return true;
	if (start < mmap_min_addr || start >= TASK_SIZE || size > TASK_SIZE - start || kbox_meets_home(start, size))
		return false;
	vma = _install_special_mapping(map->mm, start, size, VM_EXEC | VM_MAYREAD | VM_MAYEXEC | VM_DONTDUMP, &slots_special);
	if (IS_ERR(vma))
		return false;
	vma->vm_ops = &slots_ops;
	vma->vm_private_data = map;
	return true;
}

/* With mm locked for writing: the map's areas go, and so it dies. */
void map_unmap(struct rewrite_map *map)
{
	lockdep_assert_held_write(&map->mm->mmap_lock);
	do_munmap(map->mm, map->base + map->image->slots, map->image->slots_size, NULL);
	if (map->image->far_size)
		do_munmap(map->mm, map->base + map->image->far, map->image->far_size, NULL);
}

/*
 * The map that belongs to this text, a new one if need be. With mm locked for writing. NULL: there
 * is no room for it.
 */
struct rewrite_map *map_get(struct vm_area_struct *text)
{
	unsigned long base = text_base(text);
	struct mm_struct *mm = text->vm_mm;
	struct rewrite_map *map;
	struct image *im;

	lockdep_assert_held_write(&mm->mmap_lock);
	for (map = mm->context.maps; map; map = map->next)
		if (map->alive && map->base == base && map->image->mapping == text->vm_file->f_mapping)
			return map;
	im = image_get(text);
	if (!im)
		return NULL;
	map = map_new(im, mm, base);
	if (install(map, base + im->slots, im->slots_size)) {
		if (install(map, base + im->far, im->far_size))
			return map;
		do_munmap(mm, base + im->slots, im->slots_size, NULL);
	}
	/* Nobody has seen it: the next try is not to find one more that is dead. */
	map_kill(map);
	mm->context.maps = map->next;
	image_put(im);
	kfree(map);
	return NULL;
}

/*
 * Text has been mapped there, and nothing of it has been executed yet. If others have patched it,
 * this process gets what they have from the first instruction on.
 */
void kbox_text_mapped(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;

	if (!kbox_images || mmap_write_lock_killable(mm))
		return;
	while ((vma = find_vma(mm, start)) && vma->vm_start < end) {
		start = vma->vm_end;
		if (can_be_patched(vma) && image_find(mm, vma->vm_file))
			map_get(vma);
	}
	mmap_write_unlock(mm);
}

/* Of this map and those behind it, the first that has text there. */
static struct rewrite_map *text_at(struct rewrite_map *map, unsigned long addr)
{
	while (map && !(map->alive && addr - map->base >= map->image->text && addr - map->base < map->image->text_end))
		map = map->next;
	return map;
}

bool kbox_text_has_copies(struct mm_struct *mm, unsigned long addr)
{
	return text_at(mm->context.maps, addr);
}

/* A page of text is about to be mapped for a process that wants to execute it. May sleep. */
void kbox_text_fault(struct mm_struct *mm, unsigned long addr)
{
	struct rewrite_map *map = text_at(mm->context.maps, addr);

	if (map)
		image_text_fault(map->image, (addr - map->base) >> PAGE_SHIFT);
}

/* A host mapping of an executable page is made: what of? */
unsigned long kbox_patched_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn)
{
	struct rewrite_map *map;
	struct page *page;

	for (map = text_at(mm->context.maps, addr); map; map = text_at(map->next, addr)) {
		if (folio_mapping(page_folio(pfn_to_page(pfn))) != map->image->mapping)
			continue;
		page = image_patched(map->image, (addr - map->base) >> PAGE_SHIFT, pfn_to_page(pfn));
		if (page)
			return page_to_pfn(page);
	}
	return pfn;
}

/* The site in whose slot ip is; alive: of a map that is, or else one that is not any more. */
struct patched_site *site_of_slot(struct mm_struct *mm, unsigned long ip, bool alive, struct rewrite_map **of)
{
	struct patched_site *s;
	struct rewrite_map *map;

	for (map = mm->context.maps; map; map = map->next) {
		u64 at = ip - map->base;

		if (map->alive != alive || !image_has_slots(map->image, at))
			continue;
		*of = map;
		s = image_slot(map->image, at);
		if (s)
			return s;
	}
	return NULL;
}

/* Where the program would be if it had not been rewritten. */
unsigned long kbox_original_ip(struct mm_struct *mm, unsigned long ip)
{
	struct rewrite_map *map;
	struct patched_site *s = site_of_slot(mm, ip, true, &map);

	return s ? site_original(&s->site, ip - map->base) + map->base : ip;
}

/*
 * Nothing can be executed at ip. If another thread has just now unmapped the slots that were there:
 * where the program would be if it had not been rewritten, else 0.
 */
unsigned long kbox_lost_slot(struct mm_struct *mm, unsigned long ip)
{
	struct rewrite_map *map;
	struct patched_site *s = site_of_slot(mm, ip, false, &map);
	struct vm_area_struct *vma;
	bool lost;

	if (!s || mmap_read_lock_killable(mm))
		return 0;
	vma = vma_lookup(mm, ip);
	lost = !vma || !(vma->vm_flags & VM_EXEC);
	mmap_read_unlock(mm);
	return lost ? site_original(&s->site, ip - map->base) + map->base : 0;
}

/* Is there anything left of the text? */
static bool has_text(struct rewrite_map *map)
{
	VMA_ITERATOR(vmi, map->mm, map->base + map->image->text);
	struct vm_area_struct *vma;

	for_each_vma_range(vmi, vma, map->base + map->image->text_end)
		if (vma->vm_file && vma->vm_file->f_mapping == map->image->mapping && text_base(vma) == map->base)
			return true;
	return false;
}

static void drop_unused(struct callback_head *work)
{
	struct mm_struct *mm = current->mm;
	struct rewrite_map *map;

	kfree(work);
	if (!mm || mmap_write_lock_killable(mm))
		return;
	for (map = mm->context.maps; map; map = map->next) {
		if (map->alive && map->checking && !has_text(map))
			map_unmap(map);
		map->checking = false;
	}
	mmap_write_unlock(mm);
}

/* Mappings of the mm are gone: where it was text, slots go too, before user mode is seen again. */
void kbox_text_flushed(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct callback_head *work;
	struct rewrite_map *map;

	if (mm != current->mm || current->flags & PF_EXITING)
		return;
	for (map = mm->context.maps; map; map = map->next) {
		if (!map->alive || map->checking || start >= map->base + map->image->text_end || end <= map->base + map->image->text)
			continue;
		work = kmalloc(sizeof(*work), GFP_ATOMIC);
		if (!work)
			return;
		map->checking = true;
		init_task_work(work, drop_unused);
		if (task_work_add(current, work, TWA_RESUME))
			kfree(work);
	}
}

void kbox_rewrite_free(struct mm_struct *mm)
{
	struct rewrite_map *map, *next;

	for (map = mm->context.maps; map; map = next) {
		next = map->next;
		map_kill(map);
		image_put(map->image);
		kfree(map);
	}
	kfree(mm->context.seen);
}
