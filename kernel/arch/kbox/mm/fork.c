// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork keeps the host's mappings: the parent's become read-only where the page tables
 * did, and the host clone hands them to the child, which drops those whose PTEs were
 * not copied (kernel: mm/memory.c, vma_needs_copy()).
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <asm/kbox.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>
#include <asm/unistd.h>

static void protect(unsigned long start, unsigned long end, int prot)
{
	/* Pages that the host does not have mapped end the call early. */
	if (start < end && HCALL(__NR_mprotect, start, end - start, prot, 0, 0, 0))
		HCALL(__NR_munmap, start, end - start, 0, 0, 0, 0);
}

/* Runs of present pages: the host may have these mapped, and no others. */
static void protect_vma(struct vm_area_struct *vma)
{
	int prot = 1 | (vma->vm_flags & VM_EXEC ? 4 : 0);
	unsigned long addr, start = vma->vm_start, next;
	pte_t *ptep = NULL;

	for (addr = start; addr < vma->vm_end; addr = next) {
		if (!ptep || !(addr & ~PMD_MASK))
			ptep = kbox_walk(vma->vm_mm, addr);
		next = ptep ? addr + PAGE_SIZE : min((addr + PMD_SIZE) & PMD_MASK, vma->vm_end);
		if (!ptep || !pte_present(*ptep)) {
			protect(start, addr, prot);
			start = next;
		}
		if (ptep)
			ptep++;
	}
	protect(start, vma->vm_end, prot);
}

/* dup_mmap() has made the copy; its flush_tlb_mm(old) follows. */
int arch_dup_mmap(struct mm_struct *old, struct mm_struct *new)
{
	VMA_ITERATOR(vmi, old, 0);
	struct vm_area_struct *vma;

	for_each_vma(vmi, vma)
		if (vma->anon_vma && is_cow_mapping(vma->vm_flags))
			protect_vma(vma);
	old->context.protected = true;
	/* A pinned page was copied, not shared. */
	if (!test_bit(MMF_HAS_PINNED, &old->flags))
		old->context.copy = new;
	return 0;
}

static bool add_drop(struct host_thread *h, unsigned long start, unsigned long end)
{
	if (start >= end)
		return true;
	if (h->ndrop && h->drop[h->ndrop - 1].end == start) {
		h->drop[h->ndrop - 1].end = end;
		return true;
	}
	if (h->ndrop == ARRAY_SIZE(h->drop))
		return false;
	h->drop[h->ndrop].start = start;
	h->drop[h->ndrop++].end = end;
	return true;
}

static bool list_drops(struct host_thread *h)
{
	VMA_ITERATOR(vmi, h->mm, 0);
	struct vm_area_struct *vma;
	unsigned long end = 0;

	for_each_vma(vmi, vma) {
		if (!vma->anon_vma || vma->vm_flags & VM_WIPEONFORK)
			continue;
		if (!add_drop(h, end, vma->vm_start))
			return false;
		end = vma->vm_end;
	}
	return add_drop(h, end, TASK_SIZE);
}

/* With the CPU in hand, right before the host clone: what its child h, a new host process, is to unmap. */
void kbox_fork_drops(struct host_thread *h)
{
	if (current->mm && current->mm->context.copy == h->mm && list_drops(h))
		return;
	h->ndrop = 1;
	h->drop[0].start = 0;
	h->drop[0].end = TASK_SIZE;
}
