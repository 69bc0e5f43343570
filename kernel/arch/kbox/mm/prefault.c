// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fault makes and maps besides the page that it is for: a fault costs the host more than a
 * page. How much that is, and when, is decided here; mm/tlb.h has the constants.
 */
#include <linux/hugetlb.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/userfaultfd_k.h>
#include <asm/fault.h>
#include <asm/tlbflush.h>
#include "tlb.h"

/* Can somebody write to the file? Nobody counts that of shmem's. */
static bool may_change(struct file *file)
{
	return inode_is_open_for_write(file_inode(file)) || mapping_writably_mapped(file->f_mapping) || shmem_mapping(file->f_mapping);
}

/* Is one of the process's cgroups so? */
static bool any_cgroup(struct mm_struct *mm, bool (*is_so)(struct mem_cgroup *memcg))
{
	struct mem_cgroup *memcg;
	bool so = false;

	if (mem_cgroup_disabled())
		return false;
	rcu_read_lock();
	for (memcg = mem_cgroup_from_task(rcu_dereference(mm->owner)); !so && memcg; memcg = parent_mem_cgroup(memcg))
		so = is_so(memcg);
	rcu_read_unlock();
	return so;
}

/* A process that has not asked for a page is not to be killed for it. */
static bool is_near_limit(struct mem_cgroup *memcg)
{
	return page_counter_read(&memcg->memory) + ROOM > min(READ_ONCE(memcg->memory.max), READ_ONCE(memcg->memory.high));
}

/* A limit counts pages that nobody has asked for with the others. */
static bool has_limit(struct mem_cgroup *memcg)
{
	return READ_ONCE(memcg->memory.max) != PAGE_COUNTER_MAX || READ_ONCE(memcg->memory.high) != PAGE_COUNTER_MAX;
}

/*
 * Private memory, whose faults nobody waits for. Of a file that somebody can write to, what the
 * program has not written to itself goes on to be the file's (mmap(2) would allow either).
 */
static bool may_prefault(struct vm_area_struct *vma)
{
	if (!is_cow_mapping(vma->vm_flags) || is_vm_hugetlb_page(vma) || userfaultfd_armed(vma))
		return false;
	if (vma->vm_flags & (VM_RAND_READ | VM_LOCKED | VM_PFNMAP | VM_MIXEDMAP))
		return false;
	return !vma->vm_file || !may_change(vma->vm_file);
}

bool prefault_has_room(struct mm_struct *mm)
{
	return is_free(FOR_PREFAULT) && !any_cgroup(mm, is_near_limit);
}

/* May a fault make more pages than it is asked for? Where they are written to, and there is room. */
bool prefaults(struct vm_area_struct *vma, unsigned long addr, unsigned int flags)
{
	if (!(flags & FAULT_FLAG_WRITE) || !may_prefault(vma))
		return false;
	return prefault_has_room(vma->vm_mm) && !giveback_done(vma->vm_mm, addr);
}

/* How many pages a first fault makes, with one that is next to be expected anywhere near by. */
static unsigned int ahead_first(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		return AHEAD_DATA;	/* a program's data: relocations, reference counts */
	return vma->vm_end - vma->vm_start <= SMALL_AREA ? AHEAD_SMALL : 1;
}

/*
 * Which pages the fault at addr is to make: a fault costs the host more than a page. A program that
 * writes to page after page gets more each time. In small areas (stacks, the heaps of small
 * programs) there is a second one to be written to near by more often than not. One that jumps
 * about in a large area gets what it asks for, and no more.
 */
static unsigned int ahead_pages(struct vm_area_struct *vma, unsigned long *addr)
{
	mm_context_t *c = &vma->vm_mm->context;
	unsigned int n = ahead_first(vma), i;
	unsigned long start = *addr, end;

	for (i = 0; i < ARRAY_SIZE(c->ahead); i++)
		if (start - c->ahead[i].next < AHEAD_MAX * PAGE_SIZE)
			break;
	if (i < ARRAY_SIZE(c->ahead))
		n = max(n, min(c->ahead[i].pages * 2, AHEAD_MAX));
	else
		i = c->ahead_last++ % ARRAY_SIZE(c->ahead);
	if (n == ahead_first(vma))
		start &= -(n * PAGE_SIZE);
	end = min3(start + n * PAGE_SIZE, vma->vm_end, (start & PMD_MASK) + PMD_SIZE);
	*addr = max(start, vma->vm_start);
	c->ahead[i].pages = n;
	c->ahead[i].next = end;
	return (end - *addr) >> PAGE_SHIFT;
}

/* Is there something to be made for a write to the page? */
static bool is_missing(pte_t pte)
{
	return pte_none(pte) || (pte_present(pte) && !pte_write(pte));
}

/*
 * A program that jumps about in a large area comes back to most places sooner or later. When a
 * sixteenth of a window has been written to the rest is made, too, and all of it becomes one
 * mapping of the host's. Memory that is short is not used so.
 */
static bool is_dense(struct vm_area_struct *vma, unsigned long addr, unsigned long *where, unsigned int *pages)
{
	unsigned long first = max(addr & -WINDOW_SIZE, vma->vm_start);
	unsigned int n = (min((addr & -WINDOW_SIZE) + WINDOW_SIZE, vma->vm_end) - first) >> PAGE_SHIFT, written = 0, i;
	pte_t *ptes = kbox_walk(vma->vm_mm, first);
	mm_context_t *c = &vma->vm_mm->context;

	if (!ptes || vma->vm_file || vma->vm_end - vma->vm_start <= SMALL_AREA ||
	    !is_free(FOR_WINDOWS) || any_cgroup(vma->vm_mm, has_limit))
		return false;
	for (i = 0; i < n; i++)
		written += pte_present(ptes[i]) && pte_write(ptes[i]);
	if (written < KBOX_FILL_WINDOW / DENSE)
		return false;
	/* If it goes on to the next window it goes from page to page. */
	for (i = 0; i < ARRAY_SIZE(c->ahead); i++)
		if (c->ahead[i].next - first <= n * PAGE_SIZE)
			c->ahead[i].next = first + n * PAGE_SIZE;
	*where = first;
	*pages = n;
	return true;
}

/* The pages of a fault of its own become neighbours. */
static bool gather_filling(struct vm_area_struct *vma, unsigned long first, unsigned int pages)
{
	mm_context_t *c = &vma->vm_mm->context;
	bool done;

	c->filling = NULL;
	done = kbox_gather(vma, first, pages, GATHER_WRITTEN);
	c->filling = current;
	c->replacing = false;
	return done;
}

/* Not all that has gone has something in its place. */
static void clear_replaced(struct mm_struct *mm, unsigned long first, unsigned int pages)
{
	pte_t *ptes = kbox_walk(mm, first);

	if (!mm->context.alone)
		return;
	mm->context.alone = false;
	host_mm_unmap(&mm->context.host, first, first + pages * PAGE_SIZE);
	if (ptes)
		kbox_mark_unmapped(ptes, pages);
}

/*
 * The page at addr is to be written to: make it and those around that it can be expected of, and map
 * them all.
 */
vm_fault_t prefault(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct pt_regs *regs)
{
	unsigned long first = addr & PAGE_MASK;
	unsigned int pages, missing = 0, i;
	struct mm_struct *mm = vma->vm_mm;
	DECLARE_BITMAP(wanted, PTRS_PER_PTE);
	vm_fault_t fault = 0, other = 0;
	struct offer offer = { .list = LIST_HEAD_INIT(offer.list) };
	pte_t *ptes;
	bool dense;

	lockdep_assert_held(&mm->mmap_lock);
	pages = ahead_pages(vma, &first);
	dense = pages < AHEAD_MAX / 2 && is_dense(vma, addr, &first, &pages);
	bitmap_fill(wanted, pages);
	if (vma->vm_file)
		segment_written(vma, &first, &pages, wanted);
	ptes = kbox_walk(mm, first);	/* in one page table; NULL: there is none */
	for_each_set_bit(i, wanted, pages)
		missing += !ptes || is_missing(ptes[i]);
	if (!dense || kbox_pieces(ptes, pages) <= PIECES || !gather_filling(vma, first, pages))
		offer_begin(&offer, mm, missing);
	mm->context.alone = !host_mm_has_others(&mm->context.host) && host_mm_is_here(&mm->context.host);
	if (!mm->context.alone)
		kbox_tlb_clear_range(mm, first, pages);
	for_each_set_bit(i, wanted, pages) {
		unsigned long at = first + i * PAGE_SIZE;

		if (at == (addr & PAGE_MASK)) {
			fault = handle_mm_fault(vma, addr, flags, regs);
			if (fault & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED))
				break;	/* it has let go of the mm, perhaps */
		} else if (!(other & (VM_FAULT_ERROR | VM_FAULT_RETRY)) && (!ptes || is_missing(ptes[i]))) {
			/* Nobody waits for the disk for it, and the mm stays locked. */
			other = handle_mm_fault(vma, at, FAULT_FLAG_WRITE | FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT, NULL);
		}
	}
	offer_end(&offer);
	if (i < pages) {
		clear_replaced(mm, first, pages);
		return fault;
	}
	if (other & (VM_FAULT_ERROR | VM_FAULT_RETRY))
		clear_replaced(mm, first, pages);
	mm->context.alone = false;
	kbox_tlb_fill_range(mm, addr & PAGE_MASK, first, pages, wanted);
	if (missing > 1)
		giveback_made(mm, first, pages);
	return fault;
}
