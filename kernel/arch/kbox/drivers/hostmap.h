/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTMAP_H
#define KBOX_HOSTMAP_H

#include <linux/mm_types.h>
#include <linux/types.h>

struct vm_fault;

/*
 * For mmap: the mapping is the host's own, of its file with this descriptor, which stays open as
 * long as the mapping's file does. 0, or why there can be none.
 */
int hostmap_shared(struct vm_area_struct *vma, int fd);
/*
 * For a fault that reads, in a private mapping: the page of vmf and what is around it is the
 * host's, with this descriptor, but for pages of the page cache.
 */
vm_fault_t hostmap_private_fault(struct vm_fault *vmf, int fd);
/* Has the page cache this page of the file? */
bool hostmap_is_cached(const struct vm_area_struct *vma, pgoff_t off);
/* Can page table entries name all pages of the mapping, and may the box map files? */
bool hostmap_fits(struct vm_area_struct *vma, int fd);
/* Does the host let the file be mapped so, PROT_*, where the mapping is to be? 0, or why not. */
int hostmap_try(struct vm_area_struct *vma, int fd, int prot);
/* Is it such a mapping? */
bool hostmap_is(const struct vm_area_struct *vma);
#endif
