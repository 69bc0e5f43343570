// SPDX-License-Identifier: GPL-2.0-only
/* The host's mappings of a guest process are a cache of its page tables: fill, flush, evict. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <asm/boot.h>
#include <asm/cacheflush.h>
#include <asm/debugreg.h>
#include <asm/fault.h>
#include <asm/hostmm.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "tlb.h"

/*
 * An old page is not mapped, and a clean one is not mapped writable: else the kernel would not see
 * that it is used.
 */
static int host_prot(pte_t pte)
{
	unsigned long v = pte_val(pte);

	if (!(v & _PAGE_PRESENT) || !(v & _PAGE_USER) || !(v & _PAGE_ACCESSED))
		return 0;
	return PROT_READ | ((v & (_PAGE_RW | _PAGE_DIRTY)) == (_PAGE_RW | _PAGE_DIRTY) ? PROT_WRITE : 0) |
	       (v & _PAGE_EXEC ? PROT_EXEC : 0);
}

/* What to map there: of text, the patched copy. */
static unsigned long host_pfn(struct mm_struct *mm, unsigned long addr, pte_t pte)
{
	if (!kbox_images || !pte_present(pte) || pte_special(pte))
		return pte_pfn(pte);
	if (mm->context.maps && pte_val(pte) & _PAGE_EXEC && !pte_write(pte))
		return kbox_patched_pfn(mm, addr, pte_pfn(pte));
	return pte_pfn(pte);
}

/* How it is mapped where nobody watches it. */
int kbox_pte_host(struct mm_struct *mm, unsigned long addr, pte_t pte, unsigned long *pfn)
{
	*pfn = host_pfn(mm, addr, pte);
	return host_prot(pte);
}

/* The entry of the page table for addr; NULL: there is none. */
pmd_t *kbox_walk_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d = p4d_offset(pgd, addr);
	pud_t *pud;
	pmd_t *pmd;

	if (p4d_none(*p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (pud_none(*pud))
		return NULL;
	pmd = pmd_offset(pud, addr);
	return pmd_none(*pmd) ? NULL : pmd;
}

/* There is no page table for addr: the first address behind that has one, perhaps. */
unsigned long kbox_walk_next(struct mm_struct *mm, unsigned long addr)
{
	p4d_t *p4d = p4d_offset(pgd_offset(mm, addr), addr);

	if (p4d_none(*p4d))
		return (addr + PGDIR_SIZE) & PGDIR_MASK;
	if (pud_none(*pud_offset(p4d, addr)))
		return (addr + PUD_SIZE) & PUD_MASK;
	return (addr + PMD_SIZE) & PMD_MASK;
}

pte_t *kbox_walk(struct mm_struct *mm, unsigned long addr)
{
	pmd_t *pmd = kbox_walk_pmd(mm, addr);

	return pmd ? pte_offset_kernel(pmd, addr) : NULL;
}

/* The host has none of these pages mapped any more. */
void kbox_mark_unmapped(pte_t *ptep, unsigned int pages)
{
	for (; pages--; ptep++)
		if (pte_present(*ptep))
			set_pte(ptep, pte_mkunmapped(*ptep));
}

/* Part of a page table: that of the page at addr, which is the table's number at. */
struct window {
	struct mm_struct *mm;
	pte_t *table;
	unsigned long base;		/* the address of the table's first page */
};

static struct window window_of(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	unsigned long at = pte_index(addr);

	return (struct window){ mm, ptep - at, (addr & PAGE_MASK) - (at << PAGE_SHIFT) };
}

/* Can the host map page b in one call with page a, where that is to be mapped? */
static bool goes_with(const struct window *w, unsigned int a, unsigned int b)
{
	pte_t pte = w->table[b];

	return !pte_mapped(pte) && host_prot(pte) == host_prot(w->table[a]) &&
	       host_pfn(w->mm, w->base + ((unsigned long)b << PAGE_SHIFT), pte) - b ==
	       host_pfn(w->mm, w->base + ((unsigned long)a << PAGE_SHIFT), w->table[a]) - a;
}

static void ran(const struct window *w, unsigned int first, unsigned int end)
{
	for (; first < end; first++)
		set_pte(&w->table[first], pte_mkmapped(w->table[first]));
	evict_filled(w->table);
}

/* Pages of files that can be written to from now on: there is no patched copy of them. */
static void tell_writable(const struct window *w, unsigned int first, unsigned int end)
{
	if (!kbox_images || !pte_write(w->table[first]) || pte_special(w->table[first]))
		return;
	for (; first < end; first++)
		if (!PageAnon(pte_page(w->table[first])))
			flush_dcache_page(pte_page(w->table[first]));
}

typedef int map_fn(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);

static int map_run(const struct window *w, unsigned int first, unsigned int end, map_fn *map)
{
	unsigned long addr = w->base + ((unsigned long)first << PAGE_SHIFT);
	int ret;

	tell_writable(w, first, end);
	ret = map(&w->mm->context.host, addr, host_pfn(w->mm, addr, w->table[first]), end - first, host_prot(w->table[first]));
	if (!ret)
		ran(w, first, end);
	return ret;
}

/*
 * Map page at and, in the same call, what goes with it; then of the others of pages lo to hi what is
 * worth it.
 */
static int map_window(const struct window *w, unsigned int at, unsigned int lo, unsigned int hi)
{
	bool near = !w->mm->context.host.evicted && (pte_special(w->table[at]) || !PageAnon(pte_page(w->table[at])));
	unsigned int first = at, end = at + 1, i, run;
	int ret;

	while (first > 0 && goes_with(w, at, first - 1))
		first--;
	while (end < PTRS_PER_PTE && goes_with(w, at, end))
		end++;
	ret = map_run(w, first, end, host_mm_map);
	for (i = lo; !ret && i < hi; i = run) {
		run = i + 1;
		if (pte_mapped(w->table[i]) || !host_prot(w->table[i]))
			continue;
		while (run < hi && goes_with(w, i, run))
			run++;
		if (run - i >= RUN_MIN || (near && i / RUN_NEAR == at / RUN_NEAR))
			map_run(w, i, run, host_mm_offer);
	}
	return ret;
}

static int map_around(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	struct window w = window_of(mm, addr, ptep);
	unsigned int at = pte_index(addr), lo = at & ~(KBOX_FILL_WINDOW - 1U);

	return map_window(&w, at, lo, lo + KBOX_FILL_WINDOW);
}

/*
 * If the page tables permit the access, map it, as a processor would: that it has been used, or
 * written to, is noted.
 */
enum kbox_fill kbox_tlb_fill(struct mm_struct *mm, unsigned long addr, bool write, bool exec)
{
	pte_t *ptep = kbox_walk(mm, addr), pte;
	int prot;

	if (!ptep)
		return KBOX_FILL_FAULT;
	pte = pte_mkyoung(*ptep);
	if (write && pte_write(pte))
		pte = pte_mkdirty(pte);
	prot = host_prot(pte);
	if (!prot || (write && !(prot & PROT_WRITE)) || (exec && !(prot & PROT_EXEC)))
		return KBOX_FILL_FAULT;
	set_pte(ptep, pte);
	if (unlikely(host_mm_refuses_wx()) && exec && (prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC) && !pte_special(pte)) {
		set_pte(ptep, pte_mkmapped(pte));
		host_mm_map(&mm->context.host, addr & PAGE_MASK, pte_pfn(pte), 1, PROT_READ | PROT_EXEC);
		evict_filled(ptep - pte_index(addr));
		return KBOX_FILLED;
	}
	return map_around(mm, addr, ptep) ? KBOX_FILL_REFUSED : KBOX_FILLED;
}

/*
 * Map the page at addr, and what is there and not mapped yet of pages from first on, all in one
 * page table. wanted: of these alone; NULL: of all.
 */
void kbox_tlb_fill_range(struct mm_struct *mm, unsigned long addr, unsigned long first, unsigned int pages,
			 const unsigned long *wanted)
{
	pte_t *ptep = kbox_walk(mm, first);
	unsigned int i, run, end, from = pte_index(first);
	struct window w;

	if (!ptep)
		return;
	w = window_of(mm, first, ptep);
	ptep = &w.table[pte_index(addr)];
	set_pte(ptep, pte_mkunmapped(*ptep));
	i = pte_index(first);
	for (end = i + pages; i < end; i = run) {
		run = i + 1;
		if (pte_mapped(w.table[i]) || !host_prot(w.table[i]) || (wanted && !test_bit(i - from, wanted)))
			continue;
		while (run < end && goes_with(&w, i, run))
			run++;
		map_run(&w, i, run, host_mm_map);
	}
}

void update_mmu_cache_range(struct vm_fault *vmf, struct vm_area_struct *vma,
			    unsigned long addr, pte_t *ptep, unsigned int nr)
{
	mm_context_t *c = &vma->vm_mm->context;
	bool filling = c->filling == current;

	if (!host_mm_is_here(&c->host) || ((c->gathering || filling) && !(filling && c->replacing)))
		return;
	if (filling)
		c->replacing = false;
	if (vmf) {
		unsigned long off = (vmf->address & PAGE_MASK) - addr;

		/* Only the page that was asked for is certain to be young. */
		if (off >> PAGE_SHIFT < nr) {
			addr += off;
			ptep += off >> PAGE_SHIFT;
		}
	}
	if (host_prot(*ptep) && kbox_user_address(addr))
		map_around(vma->vm_mm, addr, ptep);
}

/*
 * Are these few pages there, with other rights than before (ld.so's mprotect)? They are mapped as
 * they are now, and no fault has to.
 */
static bool refill(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned int n = (end - start) >> PAGE_SHIFT, i;
	pte_t *ptep;

	if (end - start > REFILL_MAX * PAGE_SIZE || (start ^ (end - 1)) & PMD_MASK)
		return false;
	ptep = kbox_walk(mm, start);
	for (i = 0; i < n; i++)
		if (!ptep || !host_prot(ptep[i]))
			return false;
	kbox_mark_unmapped(ptep, n);
	kbox_tlb_fill_range(mm, start, start, n, NULL);
	return true;
}

static void flush_part(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	if (start >= end)
		return;
	if (!host_mm_is_here(&mm->context.host) || !refill(mm, start, end))
		host_mm_unmap(&mm->context.host, start, end);
}

/* The home is not the mm's, whatever is mapped across it. */
void kbox_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	start &= PAGE_MASK;
	end = min(PAGE_ALIGN(end), TASK_SIZE);
	if (start >= end || !mm->context.host.threads)
		return;
	if (unlikely(mm->context.maps))
		kbox_text_flushed(mm, start, end);
	flush_part(mm, start, min(end, KBOX_HOME_START));
	flush_part(mm, max(start, KBOX_HOME_END), end);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	fork_ends(mm);
	if (mm->context.protected) {
		mm->context.protected = false;
		return;
	}
	kbox_flush_range(mm, 0, TASK_SIZE);
}

void flush_tlb_range(struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	kbox_flush_range(vma->vm_mm, start, end);
}

void flush_tlb_page(struct vm_area_struct *vma, unsigned long addr)
{
	kbox_flush_range(vma->vm_mm, addr, addr + PAGE_SIZE);
}

void kbox_flush_window(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	unsigned int at = pte_index(addr) % KBOX_FILL_WINDOW;

	addr = (addr & PAGE_MASK) - at * PAGE_SIZE;
	kbox_flush_range(mm, addr, addr + KBOX_FILL_WINDOW * PAGE_SIZE);
	kbox_mark_unmapped(ptep - at, KBOX_FILL_WINDOW);
}

/*
 * In a fault of the mm's own, wp_page_copy() puts another page there before it lets go of the old
 * one: mapping that is the flush, see update_mmu_cache_range(). Nothing but reclaim comes here in a
 * fault besides. Where nobody can use the old page meanwhile, that is when the fault has them all.
 */
pte_t ptep_clear_flush(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	pte_t pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);
	mm_context_t *c = &vma->vm_mm->context;

	if (!pte_present(pte) || !pte_mapped(pte))
		return pte;
	if (c->filling == current && host_mm_is_here(&c->host) && is_cow_mapping(vma->vm_flags) &&
	    !(current->flags & PF_MEMALLOC))
		c->replacing = !c->alone;
	/* Of what moves (gather.c) the neighbours come next: one signal for all. */
	else if (!host_mm_is_here(&c->host) && current->mm && current->mm->context.gathering)
		kbox_flush_window(vma->vm_mm, addr, ptep);
	else
		flush_tlb_page(vma, addr);
	return pte;
}

/*
 * The host lets go of all these pages, of one page table: for what is about to be put there in
 * their place.
 */
void kbox_tlb_clear_range(struct mm_struct *mm, unsigned long addr, unsigned int pages)
{
	pte_t *ptep = kbox_walk(mm, addr);
	unsigned int i, mapped = 0;

	for (i = 0; ptep && i < pages; i++)
		mapped += pte_present(ptep[i]) && pte_mapped(ptep[i]);
	if (mapped < 2)
		return;
	host_mm_unmap(&mm->context.host, addr, addr + pages * PAGE_SIZE);
	kbox_mark_unmapped(ptep, pages);
}
