// SPDX-License-Identifier: GPL-2.0-only
/* Guest physical memory: the memfd, from its beginning. */
#include <linux/mm.h>
#include <linux/memblock.h>
#include <linux/initrd.h>
#include <asm/boot.h>
#include <asm/pgalloc.h>
#include <asm/sections.h>
#include "backing.h"
#include "grow.h"

pgd_t swapper_pg_dir[PTRS_PER_PGD] __aligned(PAGE_SIZE);
unsigned long empty_zero_page[PAGE_SIZE / sizeof(unsigned long)] __aligned(PAGE_SIZE);

static const pgprot_t protection_map[16] = {
	[VM_NONE] = PAGE_NONE,
	[VM_READ] = PAGE_READONLY,
	[VM_WRITE] = PAGE_READONLY,
	[VM_WRITE | VM_READ] = PAGE_READONLY,
	[VM_EXEC] = PAGE_READEXEC,
	[VM_EXEC | VM_READ] = PAGE_READEXEC,
	[VM_EXEC | VM_WRITE] = PAGE_READEXEC,
	[VM_EXEC | VM_WRITE | VM_READ] = PAGE_READEXEC,
	[VM_SHARED] = PAGE_NONE,
	[VM_SHARED | VM_READ] = PAGE_READONLY,
	[VM_SHARED | VM_WRITE] = PAGE_SHARED,
	[VM_SHARED | VM_WRITE | VM_READ] = PAGE_SHARED,
	[VM_SHARED | VM_EXEC] = PAGE_READEXEC,
	[VM_SHARED | VM_EXEC | VM_READ] = PAGE_READEXEC,
	[VM_SHARED | VM_EXEC | VM_WRITE] = PAGE_SHARED_X,
	[VM_SHARED | VM_EXEC | VM_WRITE | VM_READ] = PAGE_SHARED_X,
};
DECLARE_VM_GET_PAGE_PROT

/*
 * At the end of memory are arrays of all of its pages. The host has pages for what of them has
 * been used: that of what has been added (grow.c).
 */
static void __init *array_at_end(unsigned long *end, unsigned long size)
{
	*end -= PAGE_ALIGN(size);
	return __va(*end);
}

/* Image and initrd are at its beginning. Returns where they end. */
static unsigned long __init reserve_taken(void)
{
	unsigned long end = __pa(_end);

	memblock_reserve(0, end);
	if (kbox_boot->initrd_size) {
		memblock_reserve(kbox_boot->initrd_phys, kbox_boot->initrd_size);
		initrd_start = (unsigned long)__va(kbox_boot->initrd_phys);
		initrd_end = initrd_start + kbox_boot->initrd_size;
		end = max(end, __pa(initrd_end));
	}
	return end;
}

#ifdef CONFIG_NUMA
/*
 * The one node. With CONFIG_NUMA the kernel leaves its flat array of struct pages to the
 * architecture.
 */
static pg_data_t node;
struct page *mem_map;
unsigned long max_mapnr;

static void __init node_init(struct page *pages)
{
	node_data[0] = &node;
	mem_map = pages;
	/*
	 * With no more than one node the kernel does not keep these itself, but memory policies ask
	 * for them.
	 */
	node_set(0, node_states[N_NORMAL_MEMORY]);
	node_set(0, node_states[N_MEMORY]);
	node_set(0, node_states[N_CPU]);
	memblock_set_node(0, PHYS_ADDR_MAX, &memblock.memory, 0);
}
#else
static void __init node_init(struct page *pages) { }
#endif

void __init paging_init(void)
{
	unsigned long end = kbox_boot->mem_size, pages = ALIGN(PHYS_PFN(end), MAX_ORDER_NR_PAGES);
	unsigned long max_pfn_nr[MAX_NR_ZONES] = { };
	struct page *all = array_at_end(&end, pages * sizeof(struct page));
	unsigned long block_bits = pages / pageblock_nr_pages * NR_PAGEBLOCK_BITS;
	unsigned long *blocks = array_at_end(&end, BITS_TO_LONGS(block_bits) * sizeof(long));

	backing_init(array_at_end(&end, backing_size(pages)));
	max_low_pfn = max_pfn = PHYS_PFN(end);
	min_low_pfn = 0;
	high_memory = __va(end);
	max_pfn_nr[ZONE_NORMAL] = grow_boot_pages(reserve_taken());
	memblock_add(0, PFN_PHYS(max_pfn_nr[ZONE_NORMAL]));
	node_init(all);
	free_area_init(max_pfn_nr);
	grow_move_arrays(all, blocks);
}

void __init mem_init(void)
{
	memblock_free_all();
	grow_init();
}

/* Init text stays: every host process maps it executable. */
void free_initmem(void)
{
}

pgd_t *pgd_alloc(struct mm_struct *mm)
{
	return (pgd_t *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}
