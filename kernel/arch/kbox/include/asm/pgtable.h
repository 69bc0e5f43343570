/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PGTABLE_H
#define _ASM_KBOX_PGTABLE_H
/*
 * Page tables are walked by software only (mm/tlb.c); the layout is ours.
 * Four levels of 512 entries, 48 bits.
 */
#include <asm/page.h>
#define PGDIR_SHIFT	39
#define PUD_SHIFT	30
#define PMD_SHIFT	21
#define PTRS_PER_PGD	512
#define PTRS_PER_PUD	512
#define PTRS_PER_PMD	512
#define PTRS_PER_PTE	512
#define PGDIR_SIZE	(1UL << PGDIR_SHIFT)
#define PUD_SIZE	(1UL << PUD_SHIFT)
#define PMD_SIZE	(1UL << PMD_SHIFT)
#define PGDIR_MASK	(~(PGDIR_SIZE - 1))
#define PUD_MASK	(~(PUD_SIZE - 1))
#define PMD_MASK	(~(PMD_SIZE - 1))
#define USER_PTRS_PER_PGD	PTRS_PER_PGD

#define _PAGE_PRESENT	0x001
#define _PAGE_RW	0x002
#define _PAGE_USER	0x004
#define _PAGE_EXEC	0x008
#define _PAGE_TAKEN	0x010	/* fork has taken the right to write, which the host does not know yet */
#define _PAGE_ACCESSED	0x020
#define _PAGE_DIRTY	0x040
#define _PAGE_MAPPED	0x080	/* the host may have this page mapped here; if not set, it has not */
#define _PAGE_PROTNONE	0x100	/* present to the kernel, no access for the user */
#define _PAGE_SPECIAL	0x200
#define _PAGE_SWP_EXCLUSIVE 0x400
#ifdef CONFIG_HAVE_ARCH_USERFAULTFD_WP
#define _PAGE_UFFD_WP	0x800	/* also in swap entries */
#else
#define _PAGE_UFFD_WP	0
#endif
#define _PAGE_TABLE	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_ACCESSED | _PAGE_DIRTY)
#define _PAGE_CHG_MASK	(PTE_PFN_MASK | _PAGE_ACCESSED | _PAGE_DIRTY | _PAGE_SPECIAL | _PAGE_MAPPED | \
			 _PAGE_UFFD_WP)
#define PTE_PFN_MASK	0x7ffffffffffff000UL
/*
 * A page of a host's file, by its descriptor and number, where there would be one of guest memory;
 * with _PAGE_SPECIAL.
 */
#define KBOX_HOST_PFN(fd, page)	(1UL << 50 | (unsigned long)(fd) << 34 | (page))
#define KBOX_HOST_PFN_FDS	(1UL << 16)
#define KBOX_HOST_PFN_PAGES	(1UL << 34)

#define _PB		(_PAGE_PRESENT | _PAGE_USER | _PAGE_ACCESSED)
#define PAGE_NONE	__pgprot(_PAGE_PROTNONE | _PAGE_ACCESSED)
#define PAGE_READONLY	__pgprot(_PB)
#define PAGE_READEXEC	__pgprot(_PB | _PAGE_EXEC)
#define PAGE_SHARED	__pgprot(_PB | _PAGE_RW)
#define PAGE_SHARED_X	__pgprot(_PB | _PAGE_RW | _PAGE_EXEC)
#define PAGE_KERNEL	__pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_DIRTY | _PAGE_ACCESSED)
#define PAGE_KERNEL_RO	__pgprot(_PAGE_PRESENT | _PAGE_ACCESSED)
#define PAGE_KERNEL_EXEC __pgprot(_PAGE_PRESENT | _PAGE_RW | _PAGE_DIRTY | _PAGE_ACCESSED | _PAGE_EXEC)

#define VMALLOC_START	KBOX_VMALLOC_START
#define VMALLOC_END	KBOX_VMALLOC_END

#ifndef __ASSEMBLY__
#include <asm-generic/pgtable-nop4d.h>
#include <linux/mm_types.h>
extern pgd_t swapper_pg_dir[PTRS_PER_PGD];
extern unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)];
#define ZERO_PAGE(vaddr) virt_to_page(empty_zero_page)

#define pte_ERROR(e) pr_err("bad pte %016lx\n", pte_val(e))
#define pmd_ERROR(e) pr_err("bad pmd %016lx\n", pmd_val(e))
#define pud_ERROR(e) pr_err("bad pud %016lx\n", pud_val(e))
#define pgd_ERROR(e) pr_err("bad pgd %016lx\n", pgd_val(e))

#define PTE_FN(name, bit) \
static inline int pte_##name(pte_t p) { return !!(pte_val(p) & (bit)); }
PTE_FN(write, _PAGE_RW)
PTE_FN(dirty, _PAGE_DIRTY)
PTE_FN(young, _PAGE_ACCESSED)
PTE_FN(special, _PAGE_SPECIAL)
#define PTE_SET(name, op) \
static inline pte_t pte_##name(pte_t p) { return __pte(pte_val(p) op); }
PTE_SET(wrprotect, & ~_PAGE_RW)
PTE_SET(mkclean, & ~_PAGE_DIRTY)
PTE_SET(mkold, & ~_PAGE_ACCESSED)
PTE_SET(mkdirty, | _PAGE_DIRTY)
PTE_SET(mkyoung, | _PAGE_ACCESSED)
PTE_SET(mkwrite_novma, | _PAGE_RW)
PTE_SET(mkspecial, | _PAGE_SPECIAL)
PTE_SET(mkmapped, | _PAGE_MAPPED)
PTE_SET(mkunmapped, & ~_PAGE_MAPPED)
PTE_FN(mapped, _PAGE_MAPPED)
#define __HAVE_ARCH_PTE_SPECIAL
/* kbox_tlb_fill() sets the bits as a processor would. */
#define arch_has_hw_pte_young() true

#define pte_present(p)	(pte_val(p) & (_PAGE_PRESENT | _PAGE_PROTNONE))
#define pte_none(p)	(!pte_val(p))
#define pte_pfn(p)	((pte_val(p) & PTE_PFN_MASK) >> PAGE_SHIFT)
#define pte_page(p)	pfn_to_page(pte_pfn(p))
#define pfn_pte(pfn, prot) __pte(((unsigned long)(pfn) << PAGE_SHIFT) | pgprot_val(prot))
#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), prot)
#define PFN_PTE_SHIFT	PAGE_SHIFT
static inline pte_t pte_modify(pte_t p, pgprot_t n)
{
	return __pte((pte_val(p) & _PAGE_CHG_MASK) | (pgprot_val(n) & ~_PAGE_ACCESSED) |
		     (pgprot_val(n) & _PAGE_ACCESSED));
}
#define set_pte(p, v)	WRITE_ONCE(*(p), v)
#define set_pmd(p, v)	WRITE_ONCE(*(p), v)
#define set_pud(p, v)	WRITE_ONCE(*(p), v)
#define set_p4d(p, v)	WRITE_ONCE(*(p), v)
#define pte_clear(mm, a, p)	set_pte(p, __pte(0))

#define pmd_none(p)	(!pmd_val(p))
#define pmd_bad(p)	((pmd_val(p) & ~PTE_PFN_MASK) != _PAGE_TABLE)
#define pmd_present(p)	(pmd_val(p) & _PAGE_PRESENT)
#define pmd_clear(p)	set_pmd(p, __pmd(0))
#define pmd_leaf(p)	0
#define pmd_pfn(p)	((pmd_val(p) & PTE_PFN_MASK) >> PAGE_SHIFT)
#define pmd_page(p)	pfn_to_page(pmd_pfn(p))
#define pmd_page_vaddr(p) ((unsigned long)__va(pmd_val(p) & PTE_PFN_MASK))
#define pud_none(p)	(!pud_val(p))
#define pud_bad(p)	((pud_val(p) & ~PTE_PFN_MASK) != _PAGE_TABLE)
#define pud_present(p)	(pud_val(p) & _PAGE_PRESENT)
#define pud_clear(p)	set_pud(p, __pud(0))
#define pud_leaf(p)	0
#define pud_page(p)	pfn_to_page((pud_val(p) & PTE_PFN_MASK) >> PAGE_SHIFT)
#define pud_pgtable(p)	((pmd_t *)__va(pud_val(p) & PTE_PFN_MASK))
#define p4d_none(p)	(!pgd_val((p).pgd))
#define p4d_bad(p)	((pgd_val((p).pgd) & ~PTE_PFN_MASK) != _PAGE_TABLE)
#define p4d_present(p)	(pgd_val((p).pgd) & _PAGE_PRESENT)
#define p4d_clear(p)	set_p4d(p, ((p4d_t) { __pgd(0) }))
#define p4d_leaf(p)	0
#define p4d_page(p)	pfn_to_page((pgd_val((p).pgd) & PTE_PFN_MASK) >> PAGE_SHIFT)
#define p4d_pgtable(p)	((pud_t *)__va(pgd_val((p).pgd) & PTE_PFN_MASK))

/*
 * A page that is being moved keeps what has been noted of it: its entry has room for that beside
 * the page's number.
 */
#define MAX_PHYSMEM_BITS	44

/* Swap entries: bits 12-16 type, 17- offset; not present, not PROTNONE. */
#define __swp_type(x)		(((x).val >> 12) & 0x1f)
#define __swp_offset(x)		((x).val >> 17)
#define __swp_entry(t, o)	((swp_entry_t) { (((t) & 0x1fUL) << 12) | ((o) << 17) })
#define __pte_to_swp_entry(p)	((swp_entry_t) { pte_val(p) & ~(unsigned long)(_PAGE_SWP_EXCLUSIVE | _PAGE_UFFD_WP) })
#define __swp_entry_to_pte(x)	((pte_t) { (x).val })
PTE_FN(swp_exclusive, _PAGE_SWP_EXCLUSIVE)
PTE_SET(swp_mkexclusive, | _PAGE_SWP_EXCLUSIVE)
PTE_SET(swp_clear_exclusive, & ~_PAGE_SWP_EXCLUSIVE)

#ifdef CONFIG_HAVE_ARCH_USERFAULTFD_WP
PTE_FN(uffd_wp, _PAGE_UFFD_WP)
PTE_SET(clear_uffd_wp, & ~_PAGE_UFFD_WP)
PTE_FN(swp_uffd_wp, _PAGE_UFFD_WP)
PTE_SET(swp_mkuffd_wp, | _PAGE_UFFD_WP)
PTE_SET(swp_clear_uffd_wp, & ~_PAGE_UFFD_WP)
static inline pte_t pte_mkuffd_wp(pte_t p)
{
	return pte_wrprotect(__pte(pte_val(p) | _PAGE_UFFD_WP));
}
#define pmd_uffd_wp(p)	0	/* no huge pages */
#endif

/* vmalloc.c wants to know. */
#define ARCH_PAGE_TABLE_SYNC_MASK PGTBL_PTE_MODIFIED
extern void arch_sync_kernel_mappings(unsigned long start, unsigned long end);

struct vm_fault;
extern void update_mmu_cache_range(struct vm_fault *vmf, struct vm_area_struct *vma,
				   unsigned long addr, pte_t *ptep, unsigned int nr);
/* Only fork does this; mm/fork.c tells the host. */
#define __HAVE_ARCH_PTEP_SET_WRPROTECT
static inline void ptep_set_wrprotect(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	pte_t pte = *ptep;

	set_pte(ptep, __pte((pte_val(pte) & ~_PAGE_RW) | (pte_mapped(pte) && pte_write(pte) ? _PAGE_TAKEN : 0)));
}
#define __HAVE_ARCH_PTEP_CLEAR_FLUSH
extern pte_t ptep_clear_flush(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep);
/* A host mapping that permits less than the page tables is mended by a fault: kbox_tlb_fill(). */
#define flush_tlb_fix_spurious_fault(vma, addr, ptep) do { } while (0)
#define update_mmu_cache(vma, addr, ptep) update_mmu_cache_range(NULL, vma, addr, ptep, 1)
#define pgprot_noncached(p) (p)
#define pgprot_writecombine(p) (p)
extern void paging_init(void);
#endif
#endif
