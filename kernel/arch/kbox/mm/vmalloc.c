// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmalloc space in every host process. It may not be filled by faults: code that runs
 * on a borrowed host thread (a kernel thread, say) has no stack for a host signal. So
 * every change is logged, and a host thread that gets the CPU replays what it missed.
 * What is replayed is the range; what is mapped there is what the page tables say now.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <asm/hostmm.h>
#include <asm/tlbflush.h>
#include <asm/unistd.h>
#include <asm/hostthread.h>

#define LOG 64

static struct { unsigned long start, end; } changes[LOG];
unsigned int kbox_vmalloc_gen;		/* changes so far */

/*
 * PTEs are mapped in runs of neighbours in physical memory. mm: whose host process this is, or
 * NULL.
 */
static void sync_range(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long addr = start, next;

	host_mm_unmap_here(host_mm_of(mm), start, end);
	while (addr < end) {
		pte_t *ptep = kbox_walk(&init_mm, addr);

		if (!ptep) {
			addr = (addr + PMD_SIZE) & PMD_MASK;
			continue;
		}
		next = addr + PAGE_SIZE;
		if (pte_present(*ptep)) {
			pte_t *last = ptep;

			while (next < end && next & ~PMD_MASK && pte_present(last[1]) && pte_pfn(last[1]) == pte_pfn(*last) + 1)
				last++, next += PAGE_SIZE;
			host_mm_map(host_mm_of(mm), addr, pte_pfn(*ptep), last - ptep + 1, PROT_READ | PROT_WRITE);
		}
		addr = next;
	}
}

/* This host thread gets the CPU. */
void kbox_vmalloc_replay(struct host_thread *h)
{
	unsigned int missed = kbox_vmalloc_gen - h->vmalloc_gen;

	if (missed > LOG) {
		sync_range(h->mm, VMALLOC_START, VMALLOC_END);
	} else {
		for (; missed; missed--)
			sync_range(h->mm, changes[(kbox_vmalloc_gen - missed) % LOG].start,
				   changes[(kbox_vmalloc_gen - missed) % LOG].end);
	}
	h->vmalloc_gen = kbox_vmalloc_gen;
}

/* mm/vmalloc.c has changed these page tables. */
void arch_sync_kernel_mappings(unsigned long start, unsigned long end)
{
	changes[kbox_vmalloc_gen % LOG].start = start & PAGE_MASK;
	changes[kbox_vmalloc_gen % LOG].end = PAGE_ALIGN(end);
	kbox_vmalloc_gen++;
	kbox_vmalloc_sync(this_vcpu()->host);
}

/* Unmapped at once, above. */
void flush_tlb_kernel_range(unsigned long start, unsigned long end)
{
}
