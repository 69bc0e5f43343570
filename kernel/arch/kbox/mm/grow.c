// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory is booted small and grows. A struct page for each page of it would be written at
 * boot, 16 MiB for each GiB, if the kernel were told of all of it at once. So it is told of what
 * booting takes; the rest is added, with its struct pages, when free pages run low. It counts as
 * there and free from the beginning: it can be had, and nothing that sizes itself by memory or
 * tells of it is to see a small machine.
 */
#include <linux/init.h>
#include <linux/kthread.h>
#include <linux/memblock.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/oom.h>
#include <linux/sched.h>
#include <linux/compaction.h>	/* behind what it uses */
#include <linux/vmstat.h>
#include <uapi/linux/sched/types.h>
#include "backing.h"
#include "grow.h"
#include <internal.h>	/* of the kernel's mm/ */

#define BOOT_ROOM	(24UL << 20)	/* bytes beside image and initrd: booting and a shell take half of it */
#define STEP		4096UL		/* pages; their struct pages are 64 of the host's */
#define LIST_BATCH	63	/* pages; what a zone of 1 GiB has (zone_batchsize()) */
#define MARGIN		2048UL		/* pages that are free beside what keeps reclaim asleep */

/* Pages [grown, max_pfn) have no struct pages yet. */
static unsigned long grown;
static struct task_struct *grower;

static unsigned long owed(void)
{
	return max_pfn - grown;
}

static struct zone *only_zone(void)
{
	return &NODE_DATA(0)->node_zones[ZONE_NORMAL];
}

/*
 * Of all memory, how much the kernel is told of at boot: pages. taken: bytes from the beginning
 * that are in use.
 */
unsigned long __init grow_boot_pages(unsigned long taken)
{
	unsigned long arrays;

	grown = min(max_pfn, PHYS_PFN(taken + BOOT_ROOM) & -MAX_ORDER_NR_PAGES);
	/*
	 * memblock allocates from the top: the arrays of free_area_init(), then, when these are
	 * gone, hash tables.
	 */
	arrays = grown * sizeof(struct page);
	host_populate(__va(PFN_PHYS(grown) - arrays), arrays);
	return grown;
}

/* The struct pages of [start, end), in the array of all of them. */
static void __ref init_struct_pages(unsigned long start, unsigned long end)
{
	host_populate(mem_map + start, (end - start) * sizeof(struct page));
	memmap_init_range(end - start, 0, ZONE_NORMAL, start, end, MEMINIT_EARLY, NULL, MIGRATE_MOVABLE);
}

/*
 * free_area_init() has made arrays for what it knows of. Those of all memory take their place:
 * nothing of the old ones has been used, so they are memory like other.
 */
void __init grow_move_arrays(struct page *pages, unsigned long *blocks)
{
	pg_data_t *node = NODE_DATA(0);
	struct page *old_pages = node->node_mem_map;
	unsigned long *old_blocks = only_zone()->pageblock_flags;
	unsigned long nr_blocks = DIV_ROUND_UP(grown, pageblock_nr_pages);

	node->node_mem_map = mem_map = pages;
	only_zone()->pageblock_flags = blocks;
	init_struct_pages(0, grown);
	memblock_free(old_pages, ALIGN(grown, MAX_ORDER_NR_PAGES) * sizeof(struct page));
	memblock_free(old_blocks, BITS_TO_LONGS(nr_blocks * NR_PAGEBLOCK_BITS) * sizeof(long));
}

/*
 * Some parts of the kernel size themselves by the zone's pages when they start: buffer_init()
 * before there are initcalls, protocols as fs_initcalls. What is owed counts there meanwhile,
 * while nobody makes watermarks of it.
 */
static unsigned long counted;

static int __init size_by_all(void)
{
	counted = owed();
	atomic_long_add(counted, &only_zone()->managed_pages);
	return 0;
}
subsys_initcall_sync(size_by_all);

static int __init size_by_grown(void)
{
	atomic_long_sub(counted, &only_zone()->managed_pages);
	counted = 0;
	return 0;
}
fs_initcall_sync(size_by_grown);

/*
 * What the kernel counts as all of memory, and as free, has what is owed in it. The zone's own
 * counts do not: by these, pages are given out and reclaimed.
 */
void __init grow_init(void)
{
	max_mapnr = grown;
	totalram_pages_add(owed());
	atomic_long_add(owed(), &vm_zone_stat[NR_FREE_PAGES]);
	size_by_all();
	/* Nobody allocates from memblock any more; fork_init() asks it how much memory there is. */
	if (owed())
		memblock_add(PFN_PHYS(grown), PFN_PHYS(owed()));
}

static void __ref free_pages_of(unsigned long pfn, unsigned long end)
{
	unsigned int order;

	for (; pfn < end; pfn += 1UL << order) {
		order = min3((unsigned long)MAX_PAGE_ORDER, __ffs(pfn), (unsigned long)ilog2(end - pfn));
		__free_pages_core(pfn_to_page(pfn), order, MEMINIT_EARLY);
	}
}

/* One more step. May sleep, but allocates nothing. */
static void __ref grow_step(void)
{
	unsigned long start = grown, end = min(start + STEP, max_pfn), n = end - start;
	pg_data_t *node = NODE_DATA(0);
	struct zone *zone = only_zone();

	grown = end;
	/* As hot-add does: they are the zone's first, and pages that pfn_valid() tells of last. */
	node->node_spanned_pages += n;
	zone->spanned_pages += n;
	init_struct_pages(start, end);
	node->node_present_pages += n;
	zone->present_pages += n;
	max_mapnr = end;
	free_pages_of(start, end);
	atomic_long_sub(n, &vm_zone_stat[NR_FREE_PAGES]);	/* they were counted before */
}

static unsigned long wanted(void)
{
	return high_wmark_pages(only_zone()) + MARGIN;
}

/* for_block: by a step at least, however many pages are free. */
static bool __ref grow(bool for_block)
{
	bool more = false;

	while (owed() && (for_block || zone_page_state(only_zone(), NR_FREE_PAGES) < wanted() + STEP)) {
		for_block = false;
		grow_step();
		more = true;
	}
	/* Watermarks go by what there is. */
	if (more && !counted)
		init_per_zone_wmark_min();
	return more;
}

/*
 * The lists of single free pages are sized by the zone, anew with each step and sysctl. Shorter
 * than the blocks that faults take apart (mm/offer.c), they would not give these
 * pages back in order, and each fault would cost the host several mappings.
 */
static void keep_lists(void)
{
	struct per_cpu_pages *lists = this_cpu_ptr(only_zone()->per_cpu_pageset);

	if (likely(lists->batch >= LIST_BATCH))
		return;
	lists->batch = LIST_BATCH;
	lists->high_min = max(lists->high_min, LIST_BATCH * 4);
	lists->high_max = max(lists->high_max, lists->high_min);
}

/*
 * Pages are given out. It may be anywhere, so the work is another task's: before reclaim could
 * begin, that one runs.
 */
void grow_wake(void)
{
	if (!owed())
		return;
	keep_lists();
	if (grower && zone_page_state(only_zone(), NR_FREE_PAGES) < wanted())
		wake_up_process(grower);
}

/*
 * Pages are free, but no block of the size that somebody asks for. A step has blocks of all sizes.
 * Reclaim and compaction would make one, too, but while there is more memory neither begins: each
 * page that goes or moves costs a signal to every other host process that has it mapped, and a page
 * of text loses its patched copy. The kernel's calls come here by the linker's --wrap.
 */
static bool block_wanted;

void __real_wakeup_kswapd(struct zone *zone, gfp_t gfp, int order, enum zone_type highest);
void __wrap_wakeup_kswapd(struct zone *zone, gfp_t gfp, int order, enum zone_type highest);

void __wrap_wakeup_kswapd(struct zone *zone, gfp_t gfp, int order, enum zone_type highest)
{
	if (!owed() || !grower) {
		__real_wakeup_kswapd(zone, gfp, order, highest);
	} else if (!zone_watermark_ok(zone, order, low_wmark_pages(zone), highest, 0)) {
		block_wanted = true;
		wake_up_process(grower);
	}
}

typedef enum compact_result compact_fn(gfp_t gfp, unsigned int order, unsigned int flags,
				       const struct alloc_context *ac, enum compact_priority prio,
				       struct page **page);
compact_fn __real_try_to_compact_pages, __wrap_try_to_compact_pages;

/* Who calls this may sleep, and looks for a block once more. */
enum compact_result __wrap_try_to_compact_pages(gfp_t gfp, unsigned int order, unsigned int flags,
						const struct alloc_context *ac,
						enum compact_priority prio, struct page **page)
{
	if (grow(true))
		return COMPACT_SUCCESS;
	return __real_try_to_compact_pages(gfp, order, flags, ac, prio, page);
}

static int grow_loop(void *unused)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (!owed())
			break;
		if (!block_wanted && zone_page_state(only_zone(), NR_FREE_PAGES) >= wanted())
			schedule();
		__set_current_state(TASK_RUNNING);
		grow(xchg(&block_wanted, false));
	}
	__set_current_state(TASK_RUNNING);
	grower = NULL;
	return 0;
}

/* Memory has run out in one go: nobody is killed while there is more. */
static int grow_before_oom(struct notifier_block *nb, unsigned long unused, void *freed)
{
	if (grow(false))
		*(unsigned long *)freed += STEP;
	return NOTIFY_OK;
}

static struct notifier_block oom_block = { .notifier_call = grow_before_oom };

static int __init grow_start(void)
{
	struct task_struct *t;

	size_by_grown();
	if (!owed())
		return 0;
	t = kthread_create(grow_loop, NULL, "kgrowd");
	if (IS_ERR(t))
		return PTR_ERR(t);
	sched_set_fifo(t);
	grower = t;
	wake_up_process(t);
	return register_oom_notifier(&oom_block);
}
core_initcall(grow_start);
