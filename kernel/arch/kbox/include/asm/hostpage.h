/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTPAGE_H
#define _ASM_HOSTPAGE_H
/*
 * Pages of the host's files in private mappings: page table entries that name a descriptor and a
 * page in it (KBOX_HOST_PFN), with _PAGE_SPECIAL. The mapping's file is open with that descriptor.
 * docs/memory.md. Whoever needs a page of memory there has it read to the page cache.
 */
#include <linux/types.h>
#include <asm/page.h>

struct vm_area_struct;

/*
 * The entries of the range, which is the vma's, that are such become none, and their pages are in
 * the page cache: the next fault maps these. True: there were some, and all could be read. With the
 * mm locked; may sleep.
 */
bool kbox_want_pages(struct vm_area_struct *vma, unsigned long start, unsigned long end);
/*
 * For vm_operations_struct.find_special_page: there is none. A mapping that has it is one of these.
 * VM_MIXEDMAP would say so too, but such a mapping cannot grow.
 */
struct page *kbox_no_page(struct vm_area_struct *vma, unsigned long addr);
/* Read from such an entry's page: n bytes from offset on, in the page. Bytes, or an error. */
ssize_t kbox_read_host_page(pte_t pte, void *to, unsigned int offset, unsigned int n);
#endif
