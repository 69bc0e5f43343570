// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that was written as data: the instruction cache does not see that by itself. ARM ARM B2.2.5
 * and D7.5: clean to the point of unification, then invalidate, by the addresses where it will be
 * executed.
 */
#include <linux/mm.h>
#include <asm/barrier.h>
#include <asm/icache.h>

#define CTR_IDC		(1UL << 28)	/* data need not be cleaned */
#define CTR_DIC		(1UL << 29)	/* instructions need not be invalidated */

static unsigned long ctr(void)
{
	unsigned long v;

	asm volatile("mrs %0, ctr_el0" : "=r" (v));
	return v;
}

static unsigned long dline(void) { return 4UL << (ctr() >> 16 & 15); }
static unsigned long iline(void) { return 4UL << (ctr() & 15); }

#define CTR_PIPT	(3UL << 14)	/* of the instruction cache: by physical addresses, so once is enough */

static void sync(unsigned long addr, unsigned long from, unsigned long size)
{
	unsigned long line;

	if (!(ctr() & CTR_IDC))
		for (line = from & -dline(); line < from + size; line += dline())
			asm volatile("dc cvau, %0" : : "r" (line) : "memory");
	dsb(ish);
	if (!(ctr() & CTR_DIC))
		for (line = addr & -iline(); line < addr + size; line += iline())
			asm volatile("ic ivau, %0" : : "r" (line) : "memory");
	dsb(ish);
	isb();
}

/*
 * Code has been written to a page of the kernel's that processes have mapped executable, where no
 * code was before. A cache by virtual addresses has nothing of it either, for nobody has come there
 * yet.
 */
void kbox_code_written(const void *code, unsigned long size)
{
	sync((unsigned long)code, (unsigned long)code, size);
}

/* It has been written to code that the running host process has mapped at addr. */
void kbox_code_changed(unsigned long addr, const void *code, unsigned long size)
{
	sync(addr, (unsigned long)code, size);
}

/*
 * These pages of guest memory have just been mapped executable at addr of the running host process.
 */
void kbox_sync_icache(unsigned long addr, unsigned long pfn, unsigned long pages)
{
	bool once = (ctr() & CTR_PIPT) == CTR_PIPT;

	for (; pages--; pfn++, addr += PAGE_SIZE) {
		struct page *page = pfn_to_page(pfn);

		if (once && test_bit(PG_arch_2, &page->flags))
			continue;
		sync(addr, (unsigned long)page_address(page), PAGE_SIZE);
		set_bit(PG_arch_2, &page->flags);
	}
}

/* The kernel has written there. */
void kbox_icache_stale_page(struct page *page)
{
	clear_bit(PG_arch_2, &page->flags);
}

void kbox_icache_stale(struct folio *folio)
{
	unsigned long i;

	for (i = 0; i < folio_nr_pages(folio); i++)
		kbox_icache_stale_page(folio_page(folio, i));
}
