/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PAGE_H
#define _ASM_KBOX_PAGE_H
#include <linux/const.h>
#define PAGE_SHIFT	12
#define PAGE_SIZE	(_AC(1, UL) << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
/* As large as a page table's range (mm/hugetlb.c). */
#define HPAGE_SHIFT	21
#define HPAGE_SIZE	(_AC(1, UL) << HPAGE_SHIFT)
#define HPAGE_MASK	(~(HPAGE_SIZE - 1))
#define HUGETLB_PAGE_ORDER	(HPAGE_SHIFT - PAGE_SHIFT)
#include <uapi/asm/layout.h>
#define PAGE_OFFSET	KBOX_PAGE_OFFSET
#ifdef __x86_64__
#define __HAVE_ARCH_GATE_AREA	/* x86_64/vsyscall.c */
#endif
#ifndef __ASSEMBLY__
#define clear_page(p)		memset((void *)(p), 0, PAGE_SIZE)
#define copy_page(to, from)	memcpy((void *)(to), (void *)(from), PAGE_SIZE)
#define clear_user_page(p, v, pg)	clear_page(p)
#define copy_user_page(to, from, v, pg)	copy_page(to, from)
#define HAVE_ARCH_ALLOC_PAGE
struct page;
extern void arch_alloc_page(struct page *page, int order);	/* mm/backing.c */
typedef struct { unsigned long pte; } pte_t;
typedef struct { unsigned long pmd; } pmd_t;
typedef struct { unsigned long pud; } pud_t;
typedef struct { unsigned long pgd; } pgd_t;
typedef struct { unsigned long pgprot; } pgprot_t;
typedef struct page *pgtable_t;
#define pte_val(x)	((x).pte)
#define pmd_val(x)	((x).pmd)
#define pud_val(x)	((x).pud)
#define pgd_val(x)	((x).pgd)
#define pgprot_val(x)	((x).pgprot)
#define __pte(x)	((pte_t) { (x) })
#define __pmd(x)	((pmd_t) { (x) })
#define __pud(x)	((pud_t) { (x) })
#define __pgd(x)	((pgd_t) { (x) })
#define __pgprot(x)	((pgprot_t) { (x) })
#define __pa(x)		((unsigned long)(x) - PAGE_OFFSET)
#define __va(x)		((void *)((unsigned long)(x) + PAGE_OFFSET))
#define __pa_symbol(x)	__pa(x)
#define ARCH_PFN_OFFSET	0UL
#define virt_to_pfn(x)	(__pa(x) >> PAGE_SHIFT)
#define pfn_to_virt(x)	__va((unsigned long)(x) << PAGE_SHIFT)
#define pfn_to_kaddr(x)	pfn_to_virt(x)
#define virt_to_page(x)	pfn_to_page(virt_to_pfn(x))
#define page_to_virt(p)	pfn_to_virt(page_to_pfn(p))
#define page_to_phys(p)	((phys_addr_t)page_to_pfn(p) << PAGE_SHIFT)
#define virt_addr_valid(x) ((unsigned long)(x) >= PAGE_OFFSET && pfn_valid(virt_to_pfn(x)))
#define VM_DATA_DEFAULT_FLAGS	VM_DATA_FLAGS_TSK_EXEC
#ifdef CONFIG_NUMA
extern struct page *mem_map;	/* of a machine with one node, see mm/init.c */
extern unsigned long max_mapnr;
#endif
#include <asm-generic/memory_model.h>
#include <asm-generic/getorder.h>
#endif
#endif
