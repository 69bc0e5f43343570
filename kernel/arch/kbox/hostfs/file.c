// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and writing. The host reads to the caller's own memory and writes from there: nothing is
 * kept here. Its mappings of that memory are a cache (docs/memory.md), so where one is missing it
 * says EFAULT, and the call is made again when the pages are there.
 */
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <asm/fault.h>
#include "../drivers/hostio.h"
#include "hostfs.h"

/* Nobody else gets the virtual CPU for so long. */
#define AT_ONCE	(1 << 20)
#define BOUNCE	(64 << 10)

struct io {
	int fd;
	bool write;
	int flags;	/* RWF_*, of a write */
	bool *no_nowait;
};

/* EAGAIN: it is to be read, and is not in the host's memory. */
static ssize_t move(const struct io *io, void *buf, size_t n, loff_t pos)
{
	if (io->write)
		return host_pwritev2(io->fd, buf, n, pos, io->flags);
	return hostio_preadv_now(io->fd, &(struct host_iovec) { buf, n }, 1, pos, io->no_nowait);
}

static ssize_t read_later(const struct io *io, void *buf, size_t n, loff_t pos)
{
	return hostio_preadv(io->fd, &(struct host_iovec) { buf, n }, 1, pos);
}

/*
 * Where memory of the running task's begins, and how much of it follows. NULL: it is something
 * else.
 */
static void *user_part(const struct iov_iter *iter, size_t *n)
{
	if (!user_backed_iter(iter) || current->flags & PF_KTHREAD)
		return NULL;
	*n = min(iter_iov_len(iter), iov_iter_count(iter));
	return (__force void *)iter_iov_addr(iter);
}

/* True: there is memory of the first bytes at least, which the host has mapped. */
static bool fault_in(const struct io *io, const struct iov_iter *iter, size_t n)
{
	n = min(n, BOUNCE);
	if (!io->write && fault_in_iov_iter_writeable(iter, n) == n)
		return false;
	return fault_in_iov_iter_readable(iter, n) < n;
}

/*
 * The host may permit less than the page tables do, which a fault of a program's would mend: there
 * is none here.
 */
static void map_in(const struct io *io, unsigned long at, size_t n)
{
	for (unsigned long addr = at & PAGE_MASK; addr < at + min(n, BOUNCE); addr += PAGE_SIZE)
		kbox_tlb_fill(current->mm, addr, !io->write, false);
}

static ssize_t move_directly(const struct io *io, struct iov_iter *iter, loff_t pos, void *at, size_t n)
{
	ssize_t ret;

	for (int tries = 0;; tries++) {
		ret = move(io, at, min(n, AT_ONCE), pos);
		if (ret != -EFAULT || tries == 8 || !fault_in(io, iter, n))
			return ret;
		if (tries)
			map_in(io, (unsigned long)at, n);
		n = min(n, BOUNCE >> tries / 2);
	}
}

/* Not of vmalloc space, where a worker of hostio.c cannot write. *n may become less. */
static void *buffer(size_t *n)
{
	void *buf = kmalloc(*n, GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN);

	if (buf)
		return buf;
	*n = min(*n, PAGE_SIZE);
	return kmalloc(*n, GFP_KERNEL);
}

/*
 * By way of a buffer. What has been written and could not be taken from there again is not there.
 */
static ssize_t move_by_buffer(const struct io *io, struct iov_iter *iter, loff_t pos)
{
	size_t n = min(iov_iter_count(iter), BOUNCE);
	void *buf = buffer(&n);
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	if (io->write) {
		ret = copy_from_iter_full(buf, n, iter) ? move(io, buf, n, pos) : -EFAULT;
		if (ret != -EFAULT)
			iov_iter_revert(iter, n - max(ret, 0));
	} else {
		ret = move(io, buf, n, pos);
		if (ret == -EAGAIN)
			ret = read_later(io, buf, n, pos);
		if (ret > 0)
			ret = copy_to_iter(buf, ret, iter) ?: -EFAULT;
	}
	kfree(buf);
	return ret;
}

static ssize_t move_some(const struct io *io, struct iov_iter *iter, loff_t pos)
{
	size_t n;
	void *at = user_part(iter, &n);
	ssize_t ret;

	if (!at || !n)
		return move_by_buffer(io, iter, pos);
	ret = move_directly(io, iter, pos, at, n);
	if (ret == -EAGAIN)
		return move_by_buffer(io, iter, pos);
	if (ret > 0)
		iov_iter_advance(iter, ret);
	return ret;
}

/*
 * Bytes, or an error if there are none. A read that has got less than it asked for goes on: the
 * next one says why.
 */
static ssize_t move_all(const struct io *io, struct iov_iter *iter, loff_t pos)
{
	ssize_t ret = 0, done = 0;

	while (iov_iter_count(iter)) {
		ret = move_some(io, iter, pos + done);
		if (ret <= 0)
			break;
		done += ret;
		if (iov_iter_count(iter))
			cond_resched();
		if (fatal_signal_pending(current))
			break;
	}
	return done ?: ret;
}

static ssize_t read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct io io = {
		.fd = hostfs_fd(iocb->ki_filp), .no_nowait = &hostfs_i(file_inode(iocb->ki_filp))->no_nowait,
	};
	ssize_t ret = move_all(&io, to, iocb->ki_pos);

	if (ret > 0)
		iocb->ki_pos += ret;
	return ret;
}

static int write_flags(const struct kiocb *iocb)
{
	return (iocb->ki_flags & IOCB_APPEND ? (__force int)RWF_APPEND : 0) |
	       (iocb->ki_flags & IOCB_DSYNC ? (__force int)RWF_DSYNC : 0) |
	       (iocb->ki_flags & IOCB_SYNC ? (__force int)RWF_SYNC : 0);
}

/* What others have written to it counts, too: where is its end? */
static void update_size(struct inode *inode, int fd)
{
	struct hostfs_stat st;

	if (!hostfs_stat_fd(inode->i_sb, fd, &st))
		i_size_write(inode, st.k.size);
}

static void written(struct kiocb *iocb, ssize_t n)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	loff_t pos = iocb->ki_pos, end;

	if (iocb->ki_flags & IOCB_APPEND) {
		update_size(inode, hostfs_fd(iocb->ki_filp));
		end = i_size_read(inode);
		pos = end - n;
	} else {
		end = pos + n;
		if (end > i_size_read(inode))
			i_size_write(inode, end);
	}
	iocb->ki_pos = end;
	hostfs_changed(inode);
	hostfs_drop_pages(inode, pos, end - 1);
}

static ssize_t write_locked(struct kiocb *iocb, struct iov_iter *from)
{
	struct io io = { .fd = hostfs_fd(iocb->ki_filp), .write = true, .flags = write_flags(iocb) };
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t ret;

	ret = generic_write_checks(iocb, from);
	if (ret <= 0)
		return ret;
	if (unlikely(inode->i_mode & (S_ISUID | S_ISGID))) {
		ret = file_remove_privs(iocb->ki_filp);
		if (ret)
			return ret;
	}
	ret = move_all(&io, from, iocb->ki_pos);
	if (ret > 0)
		written(iocb, ret);
	return ret;
}

static ssize_t write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t ret;

	inode_lock(inode);
	ret = write_locked(iocb, from);
	inode_unlock(inode);
	return ret;
}

static loff_t llseek(struct file *file, loff_t off, int whence)
{
	struct inode *inode = file_inode(file);

	switch (whence) {
	case SEEK_END:
		update_size(inode, hostfs_fd(file));
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		off = host_lseek(hostfs_fd(file), off, whence);
		return off < 0 ? off : vfs_setpos(file, off, inode->i_sb->s_maxbytes);
	}
	return generic_file_llseek_size(file, off, whence, inode->i_sb->s_maxbytes, i_size_read(inode));
}

static int fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	return hostio_fsync(hostfs_fd(file), datasync);
}

static long fallocate(struct file *file, int mode, loff_t off, loff_t len)
{
	struct inode *inode = file_inode(file);
	long ret;

	inode_lock(inode);
	ret = file_remove_privs(file) ?: host_fallocate(hostfs_fd(file), mode, off, len);
	hostfs_changed(inode);
	update_size(inode, hostfs_fd(file));
	hostfs_drop_pages(inode, off & PAGE_MASK, LLONG_MAX);
	inode_unlock(inode);
	return ret;
}

static ssize_t copy_on_host(struct file *in, loff_t from, struct file *out, loff_t to, size_t n)
{
	struct inode *inode = file_inode(out);
	ssize_t ret;

	inode_lock(inode);
	ret = file_remove_privs(out) ?: host_copy_file_range(hostfs_fd(in), from, hostfs_fd(out), to, n);
	if (ret > 0) {
		if (to + ret > i_size_read(inode))
			i_size_write(inode, to + ret);
		hostfs_changed(inode);
		hostfs_drop_pages(inode, to, to + ret - 1);
	}
	inode_unlock(inode);
	return ret;
}

static ssize_t copy_file_range(struct file *in, loff_t from, struct file *out, loff_t to, size_t n, unsigned int flags)
{
	ssize_t ret = in->f_op == out->f_op ? copy_on_host(in, from, out, to, min(n, MAX_RW_COUNT)) : -EXDEV;

	return ret == -EXDEV || ret == -EOPNOTSUPP ? splice_copy_file_range(in, from, out, to, n) : ret;
}

/* They share blocks, where the host's file system lets them. */
static loff_t remap(struct file *in, loff_t from, struct file *out, loff_t to, loff_t n, unsigned int flags)
{
	struct file_clone_range range = {
		.src_fd = hostfs_fd(in), .src_offset = from, .src_length = n, .dest_offset = to,
	};
	struct inode *inode = file_inode(out);
	int ret;

	if (flags & ~REMAP_FILE_ADVISORY)
		return -EOPNOTSUPP;
	inode_lock(inode);
	ret = file_remove_privs(out) ?: host_ioctl(hostfs_fd(out), FICLONERANGE, (unsigned long)&range);
	hostfs_changed(inode);
	update_size(inode, hostfs_fd(out));
	hostfs_drop_pages(inode, to & PAGE_MASK, LLONG_MAX);
	inode_unlock(inode);
	return ret ?: n;
}

const struct file_operations hostfs_file_fops = {
	.open = hostfs_open, .release = hostfs_release,
	.read_iter = read_iter, .write_iter = write_iter, .llseek = llseek,
	.lock = hostfs_lock, .flock = hostfs_flock,
	.mmap = hostfs_mmap, .fsync = fsync, .fallocate = fallocate, .copy_file_range = copy_file_range,
	.remap_file_range = remap,
	.splice_read = copy_splice_read, .splice_write = iter_file_splice_write,
};
