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

/* Text or data that nobody has written to and nobody is to, not too large to be taken as a whole. */
static bool is_segment(struct vm_area_struct *vma)
{
	return vma->vm_file && !vma->anon_vma && vma_pages(vma) <= SEGMENT_MAX && !userfaultfd_armed(vma) &&
	       !(vma->vm_flags & (VM_WRITE | VM_SHARED | VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB | VM_RAND_READ));
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

/* How many mappings it is. */
static unsigned int pieces_of(const struct part *p)
{
	const pte_t *ptes = kbox_walk(p->vma->vm_mm, p->start);
	unsigned int n = 0, i;

	for (i = 0; ptes && i < pages_of(p); i++)
		n += pte_present(ptes[i]) &&
		     (!i || !pte_present(ptes[i - 1]) || pte_pfn(ptes[i]) != pte_pfn(ptes[i - 1]) + 1);
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

/*
 * Have enough processes come to the file since its pages were put together last? Each time it takes
 * twice as many. Files that have the same place here take turns, which costs time, no more.
 */
static bool is_time(const struct vm_area_struct *vma)
{
	static struct note { const void *file, *mm; unsigned long first; unsigned int users, times; } notes[1 << SEGMENT_NOTES];
	const void *file = vma->vm_file->f_mapping;
	struct note *n = &notes[hash_long((unsigned long)file + vma->vm_pgoff, SEGMENT_NOTES)];

	if (n->file != file || n->first != vma->vm_pgoff)
		*n = (struct note){ .file = file, .first = vma->vm_pgoff };
	n->users += n->mm != vma->vm_mm;
	n->mm = vma->vm_mm;
	if (n->users < SEGMENT_AFTER << n->times)
		return false;
	n->users = 0;
	n->times = min(n->times + 1, 10U);
	return true;
}

void segment_fault(struct vm_area_struct *vma, unsigned long addr)
{
	bool whole = is_segment(vma);
	struct part p = part_of(vma, addr, whole ? PMD_SIZE : WINDOW_SIZE);

	lockdep_assert_held(&vma->vm_mm->mmap_lock);
	fill(&p, addr);
	if (!whole || pieces_of(&p) <= SEGMENT_PIECES || !is_free(FOR_PREFAULT) || !is_time(vma))
		return;
	read_all(&p);
	fill(&p, addr);
	/* Text that is patched has copies, which are put together by themselves (rewrite/image.c). */
	if (!(vma->vm_flags & VM_EXEC && kbox_text_has_copies(vma->vm_mm, addr)))
		kbox_gather(vma, p.start, pages_of(&p), false);
}
