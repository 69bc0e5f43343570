// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of guest memory the host has given pages for. Memory that the allocator hands out for the
 * first time is asked of the host a chunk at a time, in one call: by faults each page would cost
 * as much as the call. Chunks that have been free for some time go back to the host
 * (mm/page_reporting.c).
 */
#include <linux/init.h>
#include <linux/memblock.h>	/* max_pfn */
#include <linux/mm.h>
#include <linux/page_reporting.h>
#include <uapi/linux/falloc.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "backing.h"
#include "grow.h"

#define CHUNK_ORDER	5
#define CHUNK_SIZE	(PAGE_SIZE << CHUNK_ORDER)
#define CHUNK(pfn)	((pfn) >> CHUNK_ORDER)

static unsigned long *backed;	/* by chunk */

/* Bytes of the map of so many pages, which is zero at first. */
unsigned long __init backing_size(unsigned long pages)
{
	return BITS_TO_LONGS(CHUNK(pages) + 1) * sizeof(long);
}

void __init backing_init(void *map)
{
	backed = map;
}

/*
 * The host gives pages in one call (Linux 5.14) faster than by faults; without it nothing but
 * time is lost.
 */
void host_populate(const void *start, unsigned long size)
{
	unsigned long first = (unsigned long)start & PAGE_MASK, end = PAGE_ALIGN((unsigned long)start + size);

	if (!(kbox_boot->hidden & KBOX_HIDE_POPULATE))
		host_populate_write(first, end);
}

/*
 * Where the host has no such call (before Linux 5.14), or no memory, faults go on as they would.
 * It allocates faster by fallocate(2) than in a fault.
 */
static void back(unsigned long chunk)
{
	unsigned long pfn = chunk << CHUNK_ORDER, pages = min(1UL << CHUNK_ORDER, max_pfn - pfn);

	__set_bit(chunk, backed);
	host_fallocate(kbox_boot->mem_fd, FALLOC_FL_KEEP_SIZE, pfn << PAGE_SHIFT, pages << PAGE_SHIFT);
	host_populate(pfn_to_virt(pfn), pages << PAGE_SHIFT);
}

/* The allocator is about to give these pages out. */
void arch_alloc_page(struct page *page, int order)
{
	unsigned long pfn = page_to_pfn(page), chunk;

	for (chunk = CHUNK(pfn); chunk <= CHUNK(pfn + (1UL << order) - 1); chunk++)
		if (unlikely(!test_bit(chunk, backed)))
			back(chunk);
	grow_wake();
}

/* These blocks are free, and nobody gets them meanwhile. */
static int report(struct page_reporting_dev_info *dev, struct scatterlist *list, unsigned int n)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sg(list, sg, n, i) {
		unsigned long first = CHUNK(page_to_pfn(sg_page(sg))), end = first + sg->length / CHUNK_SIZE;

		if (find_next_bit(backed, end, first) >= end)
			continue;
		if (host_fallocate(kbox_boot->mem_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first * CHUNK_SIZE, sg->length))
			return -EIO;
		bitmap_clear(backed, first, end - first);
	}
	return 0;
}

static struct page_reporting_dev_info reporting = { .report = report, .order = CHUNK_ORDER + 2 };

static int __init reporting_init(void)
{
	return page_reporting_register(&reporting);
}
late_initcall(reporting_init);
