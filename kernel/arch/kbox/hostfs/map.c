// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files in memory. A shared mapping is the host's own. A private one, and so programs, are pages of
 * the page cache, which are read from the host and never written back. They go when the file turns
 * out to have changed.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include "../drivers/hostio.h"
#include "../drivers/hostmap.h"
#include "hostfs.h"

/* What it reads with: the mapping's file is open; or whoever else has it. */
static int fd_to_read(struct inode *inode, struct file *file)
{
	int fd = file && file_inode(file) == inode && file->f_mode & FMODE_READ ? hostfs_fd(file) : -1;

	return fd >= 0 ? fd : hostfs_any_fd(inode);
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
	loff_t pos;

	do {
		pos = readahead_pos(rac);
		for (n = 0; n < BATCH && (folios[n] = readahead_folio(rac)); n++)
			iov[n] = (struct host_iovec) { folio_address(folios[n]), PAGE_SIZE };
		if (n)
			end_batch(folios, n, read(inode, fd, iov, n, pos, n * PAGE_SIZE));
	} while (n == BATCH);
}

const struct address_space_operations hostfs_aops = { .read_folio = read_folio, .readahead = readahead };

void hostfs_drop_pages(struct inode *inode, loff_t start, loff_t end)
{
	if (inode->i_mapping->nrpages)
		invalidate_inode_pages2_range(inode->i_mapping, start >> PAGE_SHIFT, end >> PAGE_SHIFT);
}

/*
 * Times of the file do not tell of each write by a shared mapping. So no page that was read while
 * there was such a one is there for a mapping that is made later.
 */
int hostfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(file);
	struct hostfs_inode *hi = hostfs_i(inode);
	int ret;

	if (vma->vm_flags & VM_MAYSHARE) {
		ret = hostmap_shared(vma, hostfs_fd(file));
		hi->mapped_to_write |= !ret && vma->vm_flags & VM_MAYWRITE;
		return ret;
	}
	if (hi->mapped_to_write) {
		hostfs_drop_pages(inode, 0, LLONG_MAX);
		hi->mapped_to_write = mapping_writably_mapped(inode->i_mapping);
	}
	return generic_file_mmap(file, vma);
}
