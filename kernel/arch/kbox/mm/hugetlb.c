// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages of hugetlbfs. The host maps runs of pages in one call, so a large entry in the guest's
 * page tables would gain nothing: a huge page fills a page table with entries of small ones.
 * Filling, flushing, fork and get_user_pages() find these as they find any others. Only hugetlbfs
 * treats them as one, whose state is that of all of them (arm64's contiguous entries are alike).
 */
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <asm/pgalloc.h>
#include <asm/tlbflush.h>

pte_t *huge_pte_alloc(struct mm_struct *mm, struct vm_area_struct *vma, unsigned long addr, unsigned long size)
{
	p4d_t *p4d = p4d_alloc(mm, pgd_offset(mm, addr), addr);
	pud_t *pud = p4d ? pud_alloc(mm, p4d, addr) : NULL;
	pmd_t *pmd = pud ? pmd_alloc(mm, pud, addr) : NULL;

	return pmd ? pte_alloc_huge(mm, pmd, addr) : NULL;
}

pte_t *huge_pte_offset(struct mm_struct *mm, unsigned long addr, unsigned long size)
{
	return kbox_walk(mm, addr & HPAGE_MASK);
}

bool __init arch_hugetlb_valid_size(unsigned long size)
{
	return size == HPAGE_SIZE;
}

/* One that is not present (a marker) says the same in each entry. */
void set_huge_pte_at(struct mm_struct *mm, unsigned long addr, pte_t *ptep, pte_t pte, unsigned long size)
{
	unsigned long step = pte_present(pte) ? PAGE_SIZE : 0;
	int i;

	if (step)
		pte = pte_mkunmapped(pte);
	for (i = 0; i < PTRS_PER_PTE; i++)
		set_pte(&ptep[i], __pte(pte_val(pte) + i * step));
}

void huge_pte_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long size)
{
	memset(ptep, 0, PTRS_PER_PTE * sizeof(*ptep));
}

/* A processor notes an access in the entry that it has used. */
pte_t huge_ptep_get(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_t pte = *ptep;
	int i;

	for (i = 1; pte_present(pte) && i < PTRS_PER_PTE; i++)
		pte = __pte(pte_val(pte) | (pte_val(ptep[i]) & (_PAGE_ACCESSED | _PAGE_DIRTY)));
	return pte;
}

pte_t huge_ptep_get_and_clear(struct mm_struct *mm, unsigned long addr, pte_t *ptep, unsigned long size)
{
	pte_t pte = huge_ptep_get(mm, addr, ptep);

	huge_pte_clear(mm, addr, ptep, size);
	return pte;
}

pte_t huge_ptep_clear_flush(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t pte = huge_ptep_get_and_clear(vma->vm_mm, addr, ptep, HPAGE_SIZE);

	flush_tlb_range(vma, addr, addr + HPAGE_SIZE);
	return pte;
}

void huge_ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	int i;

	for (i = 0; i < PTRS_PER_PTE; i++)
		ptep_set_wrprotect(mm, addr + i * PAGE_SIZE, &ptep[i]);
}

/* More is permitted than before. What the host has mapped permits less: a fault mends that. */
int huge_ptep_set_access_flags(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t pte, int dirty)
{
	unsigned long more = pte_val(pte) & (_PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_RW);
	int i, changed = 0;

	for (i = 0; i < PTRS_PER_PTE; i++) {
		changed |= (pte_val(ptep[i]) & more) != more;
		set_pte(&ptep[i], __pte(pte_val(ptep[i]) | more));
	}
	return changed;
}
