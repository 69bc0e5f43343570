// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork keeps the parent's host mappings: they become read-only where the page tables did. Small
 * parts of memory are copied at once: a fault costs the host more than some pages.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>
#include <asm/debugreg.h>
#include <asm/hostmm.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>
#include "tlb.h"

/* Pages that the child gets a copy of, of a process that forks. */
struct fork_copies {
	struct list_head list;
	struct mm_struct *mm;
	struct offer offer;	/* so that an area's copies are one mapping of the host's */
	unsigned int n;
	struct page *page[FORK_COPIES];
};
static LIST_HEAD(forks);

static struct fork_copies *copies_of(struct mm_struct *mm)
{
	struct fork_copies *c;

	list_for_each_entry(c, &forks, list)
		if (c->mm == mm)
			return c;
	return NULL;
}

static bool is_own(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct page *page = pte_present(pte) && pte_write(pte) ? vm_normal_page(vma, addr, pte) : NULL;

	return page && PageAnon(page) && !PageCompound(page) && PageAnonExclusive(page);
}

/*
 * What the program has written to in this area since it forked last, if that is little. Of a
 * process that has not forked that is all of its memory; of one that forks often it is what it, and
 * most likely the child, is going to write to next.
 */
static void choose(struct fork_copies *c, struct vm_area_struct *vma)
{
	unsigned int first = c->n, most = min(first + FORK_COPIES_AREA, FORK_COPIES);
	unsigned long addr, next;
	pte_t *ptep = NULL;

	for (addr = vma->vm_start; addr < vma->vm_end; addr = next) {
		if (!ptep || !(addr & ~PMD_MASK))
			ptep = kbox_walk(vma->vm_mm, addr);
		next = ptep ? addr + PAGE_SIZE : min(kbox_walk_next(vma->vm_mm, addr), vma->vm_end);
		if (ptep && is_own(vma, addr, *ptep)) {
			if (c->n == most) {
				c->n = first;
				return;
			}
			c->page[c->n++] = pte_page(*ptep);
		}
		if (ptep)
			ptep++;
	}
}

/* Stock fork copies at once what is pinned. */
static void pin(struct page *page)
{
	page_ref_add(page, GUP_PIN_COUNTING_BIAS);
}

static void unpin(struct page *page)
{
	page_ref_sub(page, GUP_PIN_COUNTING_BIAS);
}

void kbox_fork_begins(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	struct fork_copies *c;
	unsigned int i;

	/* Another thread's writes would be torn: a copy is made page by page. */
	if (host_mm_has_others(&mm->context.host) || !prefault_has_room(mm))
		return;
	c = kmalloc(sizeof(*c), GFP_KERNEL | __GFP_NOWARN);
	if (!c)
		return;
	c->mm = mm;
	c->n = 0;
	for_each_vma(vmi, vma)
		if (vma->anon_vma && is_cow_mapping(vma->vm_flags) && !userfaultfd_armed(vma) &&
		    !(vma->vm_flags & (VM_DONTCOPY | VM_WIPEONFORK)))
			choose(c, vma);
	if (!c->n) {
		kfree(c);
		return;
	}
	offer_begin(&c->offer, mm, c->n);
	for (i = 0; i < c->n; i++)
		pin(c->page[i]);
	set_bit(MMF_HAS_PINNED, &mm->flags);
	list_add(&c->list, &forks);
}

/* The child has its copies, or there is none. */
void fork_ends(struct mm_struct *mm)
{
	struct fork_copies *c = copies_of(mm);
	unsigned int i;

	if (!c)
		return;
	list_del(&c->list);
	for (i = 0; i < c->n; i++)
		unpin(c->page[i]);
	offer_end(&c->offer);
	kfree(c);
}

/* Runs of pages become read-only. Of the child's nothing is mapped yet. */
static void protect_vma(struct vm_area_struct *vma, struct mm_struct *child)
{
	int prot = PROT_READ | (vma->vm_flags & VM_EXEC ? PROT_EXEC : 0);
	unsigned long addr, start = vma->vm_start, next;
	pte_t *ptep = NULL, *copy = NULL;

	for (addr = start; addr < vma->vm_end; addr = next) {
		if (!ptep || !(addr & ~PMD_MASK)) {
			ptep = kbox_walk(vma->vm_mm, addr);
			copy = kbox_walk(child, addr);
		}
		next = ptep ? addr + PAGE_SIZE : min(kbox_walk_next(vma->vm_mm, addr), vma->vm_end);
		if (ptep && pte_present(*ptep) && pte_val(*ptep) & _PAGE_TAKEN) {
			set_pte(ptep, __pte(pte_val(*ptep) & ~_PAGE_TAKEN));
		} else {
			host_mm_protect(&vma->vm_mm->context.host, start, addr, prot);
			start = next;
		}
		if (copy) {
			if (pte_present(*copy))
				set_pte(copy, pte_mkunmapped(*copy));
			copy++;
		}
		if (ptep)
			ptep++;
	}
	host_mm_protect(&vma->vm_mm->context.host, start, vma->vm_end, prot);
}

/* dup_mmap() has made the copy; its flush_tlb_mm(old) follows. */
int arch_dup_mmap(struct mm_struct *old, struct mm_struct *new)
{
	VMA_ITERATOR(vmi, old, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma)
		if (vma->anon_vma && is_cow_mapping(vma->vm_flags))
			protect_vma(vma, new);
	old->context.protected = true;
	debug_mapping(0, TASK_SIZE >> PAGE_SHIFT);	/* whatever rights they have now */
	return 0;
}
