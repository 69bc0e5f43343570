// SPDX-License-Identifier: GPL-2.0-only
/* A word of a string that begins in one page and ends in the next: asm/word-at-a-time.h. */
#include <linux/mm.h>
#include <asm/word-at-a-time.h>

/*
 * Only in vmalloc space may the next page be missing: guest memory is mapped whole, and it ends
 * with the array of struct pages, in which there are no strings (mm/init.c).
 */
unsigned long load_across_pages(const void *addr)
{
	const void *next = PTR_ALIGN(addr, PAGE_SIZE);
	unsigned long skip = (unsigned long)addr % sizeof(long);

	if (is_vmalloc_addr(next) && !vmalloc_to_page(next))
		return *(const unsigned long *)(addr - skip) >> skip * BITS_PER_BYTE;
	return *(const unsigned long *)addr;
}
