// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages of a file that are read from: what comes with the one that a fault is for. A program's text
 * and its read-only data come whole, in as few mappings as can be: they are the same for all who
 * run it, so their pages are put side by side in memory once.
 */
#include <linux/hash.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/userfaultfd_k.h>
#include <asm/hostpage.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "tlb.h"

/* Of a segment what has one page table. */
struct part {
	struct vm_area_struct *vma;
	unsigned long start, end;
};

static unsigned int pages_of(const struct part *p)
{
	return (p->end - p->start) >> PAGE_SHIFT;
}

/*
 * A program's text or data, not too large to be taken as a whole. What the host has as a file of its
 * own lies side by side there.
 */
static bool is_segment(struct vm_area_struct *vma)
{
	return vma->vm_file && vma->vm_ops && vma->vm_ops->find_special_page != kbox_no_page &&
	       vma_pages(vma) <= SEGMENT_MAX && !userfaultfd_armed(vma) &&
	       !(vma->vm_flags & (VM_SHARED | VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB | VM_RAND_READ));
}

static struct part part_of(struct vm_area_struct *vma, unsigned long addr, unsigned long size)
{
	unsigned long start = addr & -size;

	return (struct part){ vma, max(start, vma->vm_start), min(start + size, vma->vm_end) };
}

/*
 * Neighbours that are in memory, as do_fault_around() brings them in; but more of them, since to
 * map many costs the host little more than to map one.
 */
static void fill(const struct part *p, unsigned long addr)
{
	struct vm_area_struct *vma = p->vma;
	struct vm_fault vmf = {
		.vma = vma, .address = addr & PAGE_MASK, .real_address = addr, .pgoff = linear_page_index(vma, addr),
		.gfp_mask = mapping_gfp_mask(vma->vm_file->f_mapping), .pmd = kbox_walk_pmd(vma->vm_mm, addr),
	};

	if (!vmf.pmd)
		return;
	rcu_read_lock();
	vma->vm_ops->map_pages(&vmf, linear_page_index(vma, p->start), linear_page_index(vma, p->end - 1));
	rcu_read_unlock();
}

static bool is_files(pte_t pte)
{
	return pte_present(pte) && !pte_special(pte) && !PageAnon(pte_page(pte));
}

/* How many mappings the file's pages are. */
static unsigned int pieces_of(const struct part *p)
{
	const pte_t *ptes = kbox_walk(p->vma->vm_mm, p->start);
	unsigned int n = 0, i;

	for (i = 0; ptes && i < pages_of(p); i++)
		n += is_files(ptes[i]) && (!i || !is_files(ptes[i - 1]) || pte_pfn(ptes[i]) != pte_pfn(ptes[i - 1]) + 1);
	return n;
}

/*
 * All of it is to be in memory, or on its way. No page waits for a fault of its own to have more
 * read ahead then.
 */
static void read_all(const struct part *p)
{
	struct file *file = p->vma->vm_file;
	pgoff_t size = DIV_ROUND_UP(i_size_read(file_inode(file)), PAGE_SIZE);
	pgoff_t first = linear_page_index(p->vma, p->start), end = min(first + pages_of(p), size), i;
	DEFINE_READAHEAD(ractl, file, &file->f_ra, file->f_mapping, first);

	if (first < end)
		page_cache_ra_unbounded(&ractl, end - first, 0);
	for (i = first; i < end; i++) {
		struct folio *folio = filemap_get_folio(file->f_mapping, i);

		if (IS_ERR(folio))
			continue;
		folio_clear_readahead(folio);
		folio_put(folio);
	}
}

/* What is known of a file's segment. Those that have the same place take turns. */
struct note {
	const void *file;		/* its mapping, only compared */
	unsigned long first;		/* page of the file, and which page table's, for one of several */
	const void *reader, *writer;	/* the last mm that has come to it, and that has written to it */
	unsigned int readers;		/* since its pages were put together */
	unsigned int times;		/* that has been done */
	DECLARE_BITMAP(written, PTRS_PER_PTE);	/* by those that have come */
};

static struct note *note_of_part(const struct vm_area_struct *vma, unsigned int number)
{
	static struct note notes[1 << SEGMENT_NOTES];
	const void *file = vma->vm_file->f_mapping;
	unsigned long first = vma->vm_pgoff << 4 | number;
	struct note *n = &notes[hash_long((unsigned long)file + first, SEGMENT_NOTES)];

	if (n->file != file || n->first != first)
		*n = (struct note){ .file = file, .first = first };
	return n;
}

/*
 * Have enough processes come to it since its pages were put together last? Each time it takes twice
 * as many.
 */
static bool is_time(const struct part *p)
{
	struct note *n = note_of_part(p->vma, (p->start >> PMD_SHIFT) - (p->vma->vm_start >> PMD_SHIFT));

	n->readers += n->reader != p->vma->vm_mm;
	n->reader = p->vma->vm_mm;
	if (n->readers < SEGMENT_AFTER << n->times)
		return false;
	n->readers = 0;
	n->times = min(n->times + 1, 10U);
	return true;
}

void segment_fault(struct vm_area_struct *vma, unsigned long addr)
{
	bool whole = is_segment(vma);
	struct part p = part_of(vma, addr, whole ? PMD_SIZE : WINDOW_SIZE);

	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	fill(&p, addr);
	if (!whole || pieces_of(&p) <= SEGMENT_PIECES || !is_free(FOR_PREFAULT) || !is_time(&p))
		return;
	read_all(&p);
	fill(&p, addr);
	/* Text that is patched has copies, which are put together by themselves (rewrite/gather.c). */
	if (!(vma->vm_flags & VM_EXEC && kbox_text_has_copies(vma->vm_mm, addr)))
		kbox_gather(vma, p.start, pages_of(&p), GATHER_FILE);
}

/* The pages of the part that others have written to, and this process has not yet. */
static unsigned int expected(const struct part *p, const struct note *n, unsigned long *wanted)
{
	unsigned int skip = (p->start - p->vma->vm_start) >> PAGE_SHIFT, i, count = 0;
	const pte_t *ptes = kbox_walk(p->vma->vm_mm, p->start);

	for (i = 0; i < pages_of(p); i++)
		if (test_bit(skip + i, n->written) && (!ptes || pte_none(ptes[i]) || is_files(ptes[i]))) {
			__set_bit(i, wanted);
			count++;
		}
	return count;
}

void segment_written(struct vm_area_struct *vma, unsigned long *first, unsigned int *pages, unsigned long *wanted)
{
	struct part p = part_of(vma, *first, PMD_SIZE);
	unsigned int begin = (*first - vma->vm_start) >> PAGE_SHIFT;
	DECLARE_BITMAP(more, PTRS_PER_PTE) = { };
	struct note *n;

	if (vma_pages(vma) > PTRS_PER_PTE || !is_segment(vma))
		return;
	n = note_of_part(vma, 0);
	if (n->writer != vma->vm_mm) {
		n->writer = vma->vm_mm;
		if (expected(&p, n, more) > *pages) {
			bitmap_set(more, (*first - p.start) >> PAGE_SHIFT, *pages);
			bitmap_copy(wanted, more, pages_of(&p));
			*first = p.start;
			*pages = pages_of(&p);
			return;
		}
	}
	bitmap_set(n->written, begin, *pages);
	if (bitmap_weight(n->written, PTRS_PER_PTE) > SEGMENT_WRITTEN)
		bitmap_zero(n->written, PTRS_PER_PTE);
}
