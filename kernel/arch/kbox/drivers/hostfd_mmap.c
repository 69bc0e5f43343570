// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the host in a guest's memory. A shared mapping is the host's own (hostmap.c). A
 * private one has pages of the guest, read from the file when they are touched.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include "hostfd.h"
#include "hostmap.h"

static vm_fault_t private_fault(struct vm_fault *vmf)
{
	struct page *page = alloc_page(GFP_HIGHUSER_MOVABLE | __GFP_ZERO);
	long n;

	if (!page)
		return VM_FAULT_OOM;
	n = host_pread(host_number(vmf->vma->vm_file->private_data), page_address(page), PAGE_SIZE,
		       (loff_t)vmf->pgoff << PAGE_SHIFT);
	if (n <= 0) {
		__free_page(page);
		return VM_FAULT_SIGBUS;
	}
	lock_page(page);
	vmf->page = page;
	return VM_FAULT_LOCKED;
}

static const struct vm_operations_struct private_ops = { .fault = private_fault };

int hostfd_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct hostfd *h = file->private_data;

	if (!h->seekable)
		return -ENODEV;
	if (!(vma->vm_flags & VM_MAYSHARE)) {	/* VM_SHARED is off where the file cannot be written to */
		vma->vm_ops = &private_ops;
		return 0;
	}
	/* Each mapping of a device is other memory. */
	if (!S_ISREG(file_inode(file)->i_mode))
		return -ENODEV;
	return hostmap_shared(vma, host_number(h));
}
