// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that a fault has made beside the one it was for (prefault.c) may never be used.
 * Before anybody is killed for want of memory they go back: those that are all zero, which is what
 * the program reads there again if it ever does. A window is given back once, and its missing pages
 * are made singly from then on. So a program that uses up memory by zeros is killed as any other.
 */
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/oom.h>
#include <linux/rmap.h>
#include <linux/sched/signal.h>
#include <linux/swap.h>
#include <linux/userfaultfd_k.h>
#include <asm/tlbflush.h>
#include "tlb.h"

static bool made;	/* since they were last looked for */

/* Of these pages some have been made that nobody has asked for: they are of one page table. */
void giveback_made(struct mm_struct *mm, unsigned long first, unsigned int pages)
{
	unsigned long addr = first & -WINDOW_SIZE, end = first + pages * PAGE_SIZE;
	pte_t *ptep = kbox_walk(mm, first);

	for (; ptep && addr < end; addr += WINDOW_SIZE) {
		unsigned long *note = note_of(ptep - pte_index(first));

		if (!(*note & NOTE_GIVEN_BACK(window_number(addr)))) {
			*note |= NOTE_MADE(window_number(addr));
			made = true;
		}
	}
}

/* Are pages of addr's window no more to be made that nobody asks for? */
bool giveback_done(struct mm_struct *mm, unsigned long addr)
{
	pte_t *ptep = kbox_walk(mm, addr);

	return ptep && *note_of(ptep - pte_index(addr)) & NOTE_GIVEN_BACK(window_number(addr));
}

/* The page if nobody else has it, and it is all zero. */
static struct folio *unused(struct vm_area_struct *vma, unsigned long addr, pte_t pte)
{
	struct folio *folio = pte_present(pte) && pte_write(pte) ? vm_normal_folio(vma, addr, pte) : NULL;

	if (!folio || folio_test_large(folio) || !folio_test_anon(folio) || folio_test_swapcache(folio) ||
	    folio_test_mlocked(folio) || folio_ref_count(folio) != 1 || memchr_inv(folio_address(folio), 0, PAGE_SIZE))
		return NULL;
	return folio;
}

static bool give_back(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	struct folio *folio = unused(vma, addr, *ptep);

	if (!folio)
		return false;
	/* Another thread may write to it until the host lets go of it. */
	if (pte_mapped(*ptep)) {
		kbox_flush_window(vma->vm_mm, addr, ptep);
		if (!unused(vma, addr, *ptep))
			return false;
	}
	pte_clear(vma->vm_mm, addr, ptep);
	dec_mm_counter(vma->vm_mm, MM_ANONPAGES);
	folio_remove_rmap_pte(folio, &folio->page, vma);
	folio_put(folio);
	return true;
}

/* Of a page table, whose lock is held, what of [addr, end) is in windows that were made. */
static unsigned long give_back_windows(struct vm_area_struct *vma, pte_t *table, unsigned long addr, unsigned long end)
{
	unsigned long freed = 0, *note = note_of(table), next;

	for (; addr < end; addr = next) {
		next = min((addr & -WINDOW_SIZE) + WINDOW_SIZE, end);
		if (!(*note & NOTE_MADE(window_number(addr))))
			continue;
		*note &= ~NOTE_MADE(window_number(addr));
		*note |= NOTE_GIVEN_BACK(window_number(addr));
		for (; addr < next; addr += PAGE_SIZE)
			freed += give_back(vma, addr, table + pte_index(addr));
	}
	return freed;
}

static unsigned long give_back_area(struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start, next, freed = 0;
	spinlock_t *ptl;

	for (; addr < vma->vm_end; addr = next) {
		pmd_t *pmd = kbox_walk_pmd(vma->vm_mm, addr);

		next = min(kbox_walk_next(vma->vm_mm, addr), vma->vm_end);
		if (!pmd)
			continue;
		ptl = pte_lockptr(vma->vm_mm, pmd);
		spin_lock(ptl);
		freed += give_back_windows(vma, pte_offset_kernel(pmd, addr & PMD_MASK), addr, next);
		spin_unlock(ptl);
	}
	return freed;
}

static unsigned long give_back_of(struct mm_struct *mm)
{
	VMA_ITERATOR(vmi, mm, 0);
	struct vm_area_struct *vma;
	unsigned long freed = 0;

	for_each_vma(vmi, vma)
		if (vma_is_anonymous(vma) && vma->anon_vma && !(vma->vm_flags & VM_LOCKED) && !userfaultfd_armed(vma))
			freed += give_back_area(vma);
	return freed;
}

static int before_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	struct task_struct *p, *t;

	if (!made)
		return NOTIFY_OK;
	made = false;
	lru_add_drain();
	rcu_read_lock();
	for_each_process(p) {
		t = find_lock_task_mm(p);
		if (!t)
			continue;
		if (mmap_read_trylock(t->mm)) {
			*(unsigned long *)freed += give_back_of(t->mm);
			mmap_read_unlock(t->mm);
		}
		task_unlock(t);
	}
	rcu_read_unlock();
	return NOTIFY_OK;
}

static struct notifier_block block = { .notifier_call = before_oom };

static int __init giveback_init(void)
{
	return register_oom_notifier(&block);
}
core_initcall(giveback_init);
