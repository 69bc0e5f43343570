// SPDX-License-Identifier: GPL-2.0-only
/* Guest physical memory: the memfd, all of it one range. */
#include <linux/mm.h>
#include <linux/memblock.h>
#include <linux/initrd.h>
#include <linux/mman.h>
#include <asm/kbox.h>
#include <asm/sections.h>
#include <asm/pgalloc.h>
#include <asm/unistd.h>
#include "backing.h"

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
 * The struct pages of all memory are written at boot: a page each 256 KiB. The host
 * gives them in one call (Linux 5.14) faster than by faults. memblock allocates from the
 * top, below the initrd; were it elsewhere, nothing but time would be lost.
 */
static void __init populate_memmap(unsigned long top)
{
	unsigned long size = PAGE_ALIGN(max_pfn * sizeof(struct page));

	HCALL(__NR_madvise, __va((top & PAGE_MASK) - size), size, MADV_POPULATE_WRITE, 0, 0, 0);
}

void __init paging_init(void)
{
	unsigned long max_pfn_nr[MAX_NR_ZONES] = { };

	memblock_add(0, kbox_boot->mem_size);
	memblock_reserve(0, KBOX_IMAGE_PHYS);
	memblock_reserve(KBOX_IMAGE_PHYS, __pa(_end) - KBOX_IMAGE_PHYS);
	if (kbox_boot->initrd_size) {
		memblock_reserve(kbox_boot->initrd_phys, kbox_boot->initrd_size);
		initrd_start = (unsigned long)__va(kbox_boot->initrd_phys);
		initrd_end = initrd_start + kbox_boot->initrd_size;
	}
	max_low_pfn = max_pfn = kbox_boot->mem_size >> PAGE_SHIFT;
	min_low_pfn = 0;
	high_memory = __va(kbox_boot->mem_size);
	max_pfn_nr[ZONE_NORMAL] = max_low_pfn;
	populate_memmap(kbox_boot->initrd_size ? kbox_boot->initrd_phys : kbox_boot->mem_size);
	free_area_init(max_pfn_nr);
	backing_init();
}

void __init mem_init(void)
{
	set_max_mapnr(max_low_pfn);
	memblock_free_all();
}

/* Init text stays: every host process maps it executable. */
void free_initmem(void)
{
}

pgd_t *pgd_alloc(struct mm_struct *mm)
{
	return (pgd_t *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
}
