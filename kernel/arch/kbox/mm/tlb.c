// SPDX-License-Identifier: GPL-2.0-only
/* The host's mappings of a guest process are a cache of its page tables: fill, flush, evict. */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <asm/cacheflush.h>
#include <asm/icache.h>
#include <asm/kbox.h>
#include <asm/tlbflush.h>
#include <asm/unistd.h>


static int host_prot(pte_t pte)
{
	unsigned long v = pte_val(pte);

	if (!(v & _PAGE_PRESENT) || !(v & _PAGE_USER) || !(v & _PAGE_ACCESSED))
		return 0;
	return PROT_READ | ((v & (_PAGE_RW | _PAGE_DIRTY)) == (_PAGE_RW | _PAGE_DIRTY) ? PROT_WRITE : 0) |
	       (v & _PAGE_EXEC ? PROT_EXEC : 0);
}

/* What to map there: of text, the patched copy. What can be written to from now on has none. */
static unsigned long host_pfn(struct mm_struct *mm, unsigned long addr, pte_t pte)
{
	if (!kbox_images || !pte_present(pte) || pte_special(pte))
		return pte_pfn(pte);
	if (pte_write(pte) && !PageAnon(pte_page(pte)))
		flush_dcache_page(pte_page(pte));
	if (mm->context.maps && pte_val(pte) & _PAGE_EXEC && !pte_write(pte))
		return kbox_patched_pfn(mm, addr, pte_pfn(pte));
	return pte_pfn(pte);
}

/* Unmap all of the running host process's user memory. */
void kbox_drop_user(void)
{
	HCALL(__NR_munmap, 0, TASK_SIZE, 0, 0, 0, 0);
}

/* Pages of guest memory, or of a host's file (KBOX_HOST_PFN); 0, or why the host refuses that one. */
int kbox_host_map(unsigned long addr, unsigned long pfn, unsigned long pages, int prot)
{
	bool host = pfn >= KBOX_HOST_PFN(0, 0), dropped = false;
	int fd = host ? pfn / KBOX_HOST_PFN_PAGES % KBOX_HOST_PFN_FDS : kbox_boot->mem_fd;
	unsigned long at = host ? pfn % KBOX_HOST_PFN_PAGES : pfn;
	long ret;

	for (;;) {
		ret = HCALL(__NR_mmap, addr, pages << PAGE_SHIFT, prot, MAP_SHARED | MAP_FIXED, fd, at << PAGE_SHIFT);
		if (ret == addr) {
			if (prot & PROT_EXEC && !host)
				kbox_sync_icache(addr, pfn, pages);
			return 0;
		}
		if (host && (ret != -ENOMEM || dropped))
			return ret;
		if (ret != -ENOMEM)
			panic("host mmap: error %ld", -ret);
		kbox_drop_user();	/* vm.max_map_count: evict, faults bring back what is used */
		dropped = true;
	}
}

pte_t *kbox_walk(struct mm_struct *mm, unsigned long addr)
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
	if (pmd_none(*pmd))
		return NULL;
	return pte_offset_kernel(pmd, addr);
}

/* Map the page of ptep and those of the window around it that are contiguous with it, in one call. */
static int map_around(struct mm_struct *mm, unsigned long addr, pte_t *ptep)
{
	unsigned long pfn = host_pfn(mm, addr, *ptep), idx = pte_index(addr);
	unsigned long lo = idx & ~(KBOX_FILL_WINDOW - 1UL), hi = lo + KBOX_FILL_WINDOW;
	pte_t *table = ptep - idx;
	int prot = host_prot(*ptep);
	unsigned long first = idx, last = idx + 1;

	while (first > lo && host_prot(table[first - 1]) == prot &&
	       host_pfn(mm, addr - ((idx - first + 1) << PAGE_SHIFT), table[first - 1]) == pfn - (idx - first) - 1)
		first--;
	while (last < hi && host_prot(table[last]) == prot &&
	       host_pfn(mm, addr + ((last - idx) << PAGE_SHIFT), table[last]) == pfn + (last - idx))
		last++;
	return kbox_host_map((addr & PAGE_MASK) - ((idx - first) << PAGE_SHIFT), pfn - (idx - first), last - first, prot);
}

/* If the page tables permit the access, map it. */
enum kbox_fill kbox_tlb_fill(struct mm_struct *mm, unsigned long addr, bool write, bool exec)
{
	pte_t *ptep = kbox_walk(mm, addr);
	int prot;

	if (!ptep)
		return KBOX_FILL_FAULT;
	prot = host_prot(*ptep);
	if (!prot || (write && !(prot & PROT_WRITE)) || (exec && !(prot & PROT_EXEC)))
		return KBOX_FILL_FAULT;
	return map_around(mm, addr, ptep) ? KBOX_FILL_REFUSED : KBOX_FILLED;
}

/* Map what is there of pages in one page table, in as few calls as they have runs. */
void kbox_tlb_fill_range(struct mm_struct *mm, unsigned long addr, unsigned int pages)
{
	pte_t *ptep = kbox_walk(mm, addr);
	unsigned int i, run;

	for (i = 0; ptep && i < pages; i += run) {
		unsigned long start = addr + i * PAGE_SIZE, pfn;
		int prot = host_prot(ptep[i]);

		run = 1;
		if (!prot)
			continue;
		pfn = host_pfn(mm, start, ptep[i]);
		while (i + run < pages && host_prot(ptep[i + run]) == prot &&
		       host_pfn(mm, start + run * PAGE_SIZE, ptep[i + run]) == pfn + run)
			run++;
		kbox_host_map(start, pfn, run, prot);
	}
}

void update_mmu_cache_range(struct vm_fault *vmf, struct vm_area_struct *vma,
			    unsigned long addr, pte_t *ptep, unsigned int nr)
{
	if (vma->vm_mm != kbox_cpu.host->mm || vma->vm_mm->context.filling)
		return;
	if (vmf) {
		unsigned long off = (vmf->address & PAGE_MASK) - addr;

		/* Only the page that was asked for is certain to be young. */
		if (off >> PAGE_SHIFT < nr) {
			addr += off;
			ptep += off >> PAGE_SHIFT;
		}
	}
	if (host_prot(*ptep))
		map_around(vma->vm_mm, addr, ptep);
}

/* A flush for another host process: it unmaps by itself, in a signal handler, without the CPU. */
static struct { struct mm_struct *mm; unsigned long start, end; u32 taken, served; } flush_request;

void kbox_serve_flush(struct host_thread *me)
{
	if (me && me->mm == READ_ONCE(flush_request.mm) && !xchg(&flush_request.taken, 1))
		HCALL(__NR_munmap, flush_request.start, flush_request.end - flush_request.start, 0, 0, 0, 0);
	WRITE_ONCE(flush_request.served, 1);
}

static void flush_remote(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct task_struct *g, *t;
	struct host_thread *h = NULL;

	for_each_process_thread(g, t)
		if (t->thread.host && t->thread.host->mm == mm && t->thread.host->arrived && !t->thread.host->dead) {
			h = t->thread.host;
			goto found;
		}
	return;
found:
	flush_request.start = start;
	flush_request.end = end;
	flush_request.taken = flush_request.served = 0;
	smp_mb();
	WRITE_ONCE(flush_request.mm, mm);
	/*
	 * One signal, and it has been served when this goes on: it must not come late, see struct
	 * host_thread. The thread cannot end meanwhile, for that takes the CPU.
	 */
	if (!HCALL(__NR_tkill, h->tid, FLUSH_SIGNAL, 0, 0, 0, 0))
		while (!READ_ONCE(flush_request.served))
			HCALL(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	WRITE_ONCE(flush_request.mm, NULL);
}

void kbox_flush_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	start &= PAGE_MASK;
	end = min(PAGE_ALIGN(end), TASK_SIZE);
	if (start >= end || !mm->context.threads)
		return;
	if (unlikely(mm->context.maps))
		kbox_text_flushed(mm, start, end);
	if (mm == kbox_cpu.host->mm)
		HCALL(__NR_munmap, start, end - start, 0, 0, 0, 0);
	else
		flush_remote(mm, start, end);
}

void flush_tlb_mm(struct mm_struct *mm)
{
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
