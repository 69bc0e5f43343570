// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's files in a guest's memory: page table entries name no page of guest memory but the
 * descriptor and the page in its file (KBOX_HOST_PFN), and the host is asked for that when it is
 * mapped (mm/tlb.c). A shared mapping has no others. Of a private one they are what has not been
 * written to (mm/hostpage.c).
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <asm/boot.h>
#include <asm/fault.h>
#include <asm/host.h>
#include <asm/hostmm.h>
#include <asm/hostpage.h>
#include <asm/tlbflush.h>
#include "hostmap.h"

/* A fault makes the pages from one multiple of that to the next. */
#define AROUND	(KBOX_FILL_WINDOW * PAGE_SIZE)

/* The file that is mapped holds it open. */
static int mapped_fd(const struct vm_area_struct *vma)
{
	return (long)vma->vm_private_data;
}

/* Nobody asks whether it is dirty, and a page that is not takes a second fault to write to. */
static vm_fault_t map_page(struct vm_area_struct *vma, unsigned long addr, unsigned long pfn)
{
	pgprot_t prot = __pgprot(pgprot_val(vma->vm_page_prot) | _PAGE_DIRTY);
	spinlock_t *lock;
	pte_t *ptep = get_locked_pte(vma->vm_mm, addr, &lock);

	if (!ptep)
		return VM_FAULT_OOM;
	if (pte_none(*ptep))
		set_pte_at(vma->vm_mm, addr, ptep, pte_mkspecial(pfn_pte(pfn, prot)));
	pte_unmap_unlock(ptep, lock);
	return VM_FAULT_NOPAGE;
}

/* A value is the past of a page. */
bool hostmap_is_cached(const struct vm_area_struct *vma, pgoff_t off)
{
	void *entry = xa_load(&vma->vm_file->f_mapping->i_pages, off);

	return entry && !xa_is_value(entry);
}

static vm_fault_t map_around(struct vm_fault *vmf, unsigned long fd)
{
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PAGE_MASK, start = max(ALIGN_DOWN(addr, AROUND), vma->vm_start);
	unsigned long end = min(vma->vm_end, ALIGN_DOWN(addr, AROUND) + AROUND);
	bool shared = vma->vm_flags & VM_MAYSHARE;
	vm_fault_t ret = VM_FAULT_NOPAGE;
	pgoff_t off;

	if (vmf->pgoff >= KBOX_HOST_PFN_PAGES)	/* of a mapping that has grown */
		return VM_FAULT_SIGBUS;
	for (off = linear_page_index(vma, start); start < end && ret == VM_FAULT_NOPAGE; start += PAGE_SIZE, off++)
		if (off < KBOX_HOST_PFN_PAGES && (shared || !hostmap_is_cached(vma, off)))
			ret = map_page(vma, start, KBOX_HOST_PFN(fd, off));
	return ret;
}

static vm_fault_t shared_fault(struct vm_fault *vmf)
{
	return map_around(vmf, mapped_fd(vmf->vma));
}

vm_fault_t hostmap_private_fault(struct vm_fault *vmf, int fd)
{
	return map_around(vmf, fd);
}

/* For ptrace, and others who look at another process's memory. Bytes done, or none. */
static int shared_access(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write)
{
	int fd = mapped_fd(vma);
	loff_t pos = ((loff_t)vma->vm_pgoff << PAGE_SHIFT) + addr - vma->vm_start;
	struct stat st;

	if ((write & FOLL_WRITE && !(vma->vm_flags & VM_WRITE)) ||
	    host_fstat(fd, &st) || pos >= st.st_size)
		return 0;
	len = min3((u64)len, (u64)(vma->vm_end - addr), (u64)(st.st_size - pos));
	return write & FOLL_WRITE ? host_pwrite(fd, buf, len, pos) : host_pread(fd, buf, len, pos);
}

static const struct vm_operations_struct shared_ops = {
	.fault = shared_fault, .access = shared_access, .find_special_page = kbox_no_page,
};

int hostmap_try(struct vm_area_struct *vma, int fd, int prot)
{
	unsigned long last = vma->vm_pgoff + vma_pages(vma) - 1;
	int ret = host_mm_map(&vma->vm_mm->context.host, vma->vm_start, KBOX_HOST_PFN(fd, last), 1, prot);

	if (!ret)
		host_mm_unmap(&vma->vm_mm->context.host, vma->vm_start, vma->vm_start + PAGE_SIZE);
	return ret;
}

/* As the host has sealed a memfd or mounted a file system. */
static int limit_to_host(struct vm_area_struct *vma, int fd)
{
	int ret = hostmap_try(vma, fd, PROT_READ), write, exec;

	if (ret)
		return ret;
	write = vma->vm_flags & VM_MAYWRITE ? hostmap_try(vma, fd, PROT_READ | PROT_WRITE) : 0;
	exec = vma->vm_flags & VM_MAYEXEC ? hostmap_try(vma, fd, PROT_READ | PROT_EXEC) : 0;
	if (vma->vm_flags & VM_WRITE && write)
		return write;
	if (vma->vm_flags & VM_EXEC && exec)
		return exec;
	vm_flags_clear(vma, (write ? VM_MAYWRITE : 0) | (exec ? VM_MAYEXEC : 0));
	return 0;
}

bool hostmap_is(const struct vm_area_struct *vma)
{
	return vma->vm_ops == &shared_ops;
}

bool hostmap_fits(struct vm_area_struct *vma, int fd)
{
	return kbox_boot->maps && fd < KBOX_HOST_PFN_FDS && vma->vm_pgoff + vma_pages(vma) <= KBOX_HOST_PFN_PAGES;
}

int hostmap_shared(struct vm_area_struct *vma, int fd)
{
	int ret;

	if (!kbox_boot->maps)
		return -ENODEV;
	if (!hostmap_fits(vma, fd))
		return -EOVERFLOW;
	ret = limit_to_host(vma, fd);
	if (ret)
		return ret;
	vm_flags_set(vma, VM_DONTDUMP);
	vma->vm_private_data = (void *)(long)fd;
	vma->vm_ops = &shared_ops;
	return 0;
}
