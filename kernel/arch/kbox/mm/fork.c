// SPDX-License-Identifier: GPL-2.0-only
/* fork keeps the parent's host mappings: they become read-only where the page tables did. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <asm/debugreg.h>
#include <asm/hostmm.h>
#include <asm/mmu_context.h>
#include <asm/tlbflush.h>

/* Runs of mapped pages become read-only. Of the child's nothing is mapped yet. */
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
		if (!ptep || !pte_present(*ptep) || !pte_mapped(*ptep)) {
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
