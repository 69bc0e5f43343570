// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files in memory. A shared mapping is the host's own. So is a private one, as a program's, where
 * nobody has written. Whoever needs pages of memory there has them read to the page cache
 * (mm/hostpage.c), from which they are never written back. They go when the file turns out to have
 * changed.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/pagemap.h>
#include <asm/hostpage.h>
#include "../drivers/hostio.h"
#include "../drivers/hostmap.h"
#include "hostfs.h"

/* What it reads with: the mapping's file is open; or whoever else has it. */
static int fd_to_read(struct inode *inode, struct file *file)
{
	int fd = file && file_inode(file) == inode && file->f_mode & FMODE_READ ? hostfs_fd(file) : -1;

	return fd >= 0 ? fd : hostfs_fd_to_read(inode);
}

/* At once, if the host has all of it in its memory. size: of the buffers. */
static ssize_t read(struct inode *inode, int fd, const struct host_iovec *iov, int n, loff_t pos, ssize_t size)
{
	ssize_t ret = hostio_preadv_now(fd, iov, n, pos, &hostfs_i(inode)->no_nowait);

	if (ret >= min(size, i_size_read(inode) - pos) || (ret < 0 && ret != -EAGAIN))
		return ret;
	return hostio_preadv(fd, iov, n, pos);
}

/* Beyond the end it is zeros. */
static int read_page(struct inode *inode, int fd, void *to, loff_t pos)
{
	ssize_t n = read(inode, fd, &(struct host_iovec) { to, PAGE_SIZE }, 1, pos, PAGE_SIZE);

	if (n < 0)
		return n;
	memset(to + n, 0, PAGE_SIZE - n);
	return 0;
}

static int read_folio(struct file *file, struct folio *folio)
{
	struct inode *inode = folio->mapping->host;
	int ret = read_page(inode, fd_to_read(inode, file), folio_address(folio), folio_pos(folio));

	if (!ret)
		flush_dcache_folio(folio);
	folio_end_read(folio, !ret);
	return ret;
}

/* As many pages as come in one call. */
#define BATCH	32

static void end_batch(struct folio **folios, unsigned int n, ssize_t got)
{
	for (unsigned int i = 0; i < n; i++, got -= PAGE_SIZE) {
		if (got < (ssize_t)PAGE_SIZE) {
			size_t has = max(got, 0);

			memset(folio_address(folios[i]) + has, 0, PAGE_SIZE - has);
		}
		flush_dcache_folio(folios[i]);
		folio_end_read(folios[i], got > 0);
	}
}

static void readahead(struct readahead_control *rac)
{
	struct inode *inode = rac->mapping->host;
	int fd = fd_to_read(inode, rac->file);
	struct host_iovec iov[BATCH];
	struct folio *folios[BATCH];
	unsigned int n;

	/* readahead_pos() is where the last folio was, once one has been taken. */
	do {
		for (n = 0; n < BATCH && (folios[n] = readahead_folio(rac)); n++)
			iov[n] = (struct host_iovec) { folio_address(folios[n]), PAGE_SIZE };
		if (n)
			end_batch(folios, n, read(inode, fd, iov, n, folio_pos(folios[0]), n * PAGE_SIZE));
	} while (n == BATCH);
}

const struct address_space_operations hostfs_aops = { .read_folio = read_folio, .readahead = readahead };

void hostfs_drop_pages(struct inode *inode, loff_t start, loff_t end)
{
	if (inode->i_mapping->nrpages)
		invalidate_inode_pages2_range(inode->i_mapping, start >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

/* The process's own copy of a page. */
static vm_fault_t copy(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;
	struct host_iovec iov = { page_address(vmf->cow_page), PAGE_SIZE };
	ssize_t n = read(file_inode(file), hostfs_fd(file), &iov, 1, (loff_t)vmf->pgoff << PAGE_SHIFT, PAGE_SIZE);
	vm_fault_t ret;

	if (n <= 0)
		return n ? vmf_error(n) : VM_FAULT_SIGBUS;
	memset(iov.base + n, 0, PAGE_SIZE - n);
	__folio_mark_uptodate(page_folio(vmf->cow_page));
	ret = finish_fault(vmf);
	return ret ?: VM_FAULT_DONE_COW;
}

static vm_fault_t private_fault(struct vm_fault *vmf)
{
	struct file *file = vmf->vma->vm_file;

	if (hostmap_is_cached(vmf->vma, vmf->pgoff))
		return filemap_fault(vmf);
	return vmf->cow_page ? copy(vmf) : hostmap_private_fault(vmf, hostfs_fd(file));
}

static const struct vm_operations_struct private_ops = {
	.fault = private_fault, .map_pages = filemap_map_pages, .find_special_page = kbox_no_page,
};

/* A host may let nothing be executed there, and a program may want that of any mapping later. */
static bool is_mapped_by_host(struct hostfs_inode *hi, struct vm_area_struct *vma, int fd)
{
	int ret;

	if (!hostmap_fits(vma, fd))
		return false;
	if (hi->execution == UNTRIED) {
		ret = hostmap_try(vma, fd, PROT_READ | PROT_EXEC);
		if (!ret)
			hi->execution = MAPPED_BY_HOST;
		else if (ret == -EPERM || ret == -EACCES)
			hi->execution = NOT_MAPPED;
	}
	return hi->execution == MAPPED_BY_HOST;
}

/* Pages that were read before do not show what a mapping writes. */
static int map_shared(struct hostfs_inode *hi, struct file *file, struct vm_area_struct *vma)
{
	int ret = hostmap_shared(vma, hostfs_fd(file));

	if (!ret && vma->vm_flags & VM_MAYWRITE) {
		hi->mapped_to_write = true;
		hostfs_drop_pages(&hi->vfs, 0, LLONG_MAX);
	}
	return ret;
}

/* Times of the file do not tell of each write by a shared mapping either. */
static int map_private(struct hostfs_inode *hi, struct file *file, struct vm_area_struct *vma)
{
	if (hi->mapped_to_write) {
		hostfs_drop_pages(&hi->vfs, 0, LLONG_MAX);
		hi->mapped_to_write = mapping_writably_mapped(hi->vfs.i_mapping);
	}
	if (!is_mapped_by_host(hi, vma, hostfs_fd(file)))
		return generic_file_mmap(file, vma);
	vma->vm_ops = &private_ops;
	return 0;
}

int hostfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct hostfs_inode *hi = hostfs_i(file_inode(file));

	return vma->vm_flags & VM_MAYSHARE ? map_shared(hi, file, vma) : map_private(hi, file, vma);
}
