// SPDX-License-Identifier: GPL-2.0-only
/* Reading directories. Positions are the host's own. */
#include <linux/types.h>
#include <linux/dirent.h>
#include <linux/slab.h>
#include "../drivers/hostio.h"
#include "hostfs.h"

#define ROOM	(32 << 10)

/*
 * An open directory: entries that the host has told, of which those from "at" on are not passed on.
 */
struct listing {
	int fd;
	int at, end;
	loff_t pos;	/* of the entry at "at" */
	u8 entries[];
};

/* The first one is what the directory is known by, too: it may lose its name. */
static void begin(struct file *file, struct listing *l)
{
	struct hostfs_open *o = &hostfs_i(file_inode(file))->open[HOSTFS_READ];

	if (o->fd < 0)
		o->fd = l->fd;
	file->private_data = l;
}

static int open(struct inode *inode, struct file *file)
{
	struct listing *l = kvmalloc(sizeof(*l) + ROOM, GFP_KERNEL);
	struct hostfs_stat st;
	int ret;

	if (!l)
		return -ENOMEM;
	*l = (struct listing) { .fd = hostfs_open_path(file_dentry(file), O_RDONLY | O_DIRECTORY, 0) };
	ret = min(l->fd, 0);
	if (!ret) {
		ret = hostfs_stat_fd(inode->i_sb, l->fd, &st);
		if (!ret && !hostfs_is(hostfs_i(inode), &st))
			ret = -EOPENSTALE;
		if (!ret)
			hostfs_refresh(inode, &st);
		else
			host_close(l->fd);
	}
	if (ret)
		kvfree(l);
	else
		begin(file, l);
	return ret == -ENOENT || ret == -ENOTDIR || ret == -ESTALE ? -EOPENSTALE : ret;
}

static int release(struct inode *inode, struct file *file)
{
	struct hostfs_open *o = &hostfs_i(inode)->open[HOSTFS_READ];
	struct listing *l = file->private_data;

	if (o->fd == l->fd)
		o->fd = -1;
	host_close(l->fd);
	kvfree(l);
	return 0;
}

/* More entries, 0 at the end. */
static int fill(struct listing *l)
{
	ssize_t n = host_getdents(l->fd, l->entries, ROOM);

	l->at = 0;
	l->end = max(n, 0);
	return n;
}

static int go_to(struct listing *l, loff_t pos)
{
	loff_t ret = host_lseek(l->fd, pos, SEEK_SET);

	l->at = l->end = 0;
	l->pos = pos;
	return ret < 0 ? ret : 0;
}

/* False: the reader has no room for it. */
static bool emit(struct inode *dir, const struct linux_dirent64 *e, struct dir_context *ctx)
{
	u64 ino = hostfs_guest_ino(dir->i_sb, hostfs_i(dir)->dev, e->d_ino);
	/* What is a file to the host may be a device. */
	int type = hostfs_sb(dir->i_sb)->devices && e->d_type == DT_REG ? DT_UNKNOWN : e->d_type;

	return dir_emit(ctx, e->d_name, strnlen(e->d_name, NAME_MAX), ino, type);
}

static int iterate(struct file *file, struct dir_context *ctx)
{
	struct listing *l = file->private_data;
	const struct linux_dirent64 *e;
	int n = ctx->pos != l->pos ? go_to(l, ctx->pos) : 0;

	if (n)
		return n;
	for (;;) {
		if (l->at == l->end) {
			n = fill(l);
			if (n <= 0)
				return n;
		}
		e = (void *)l->entries + l->at;
		if (!emit(file_inode(file), e, ctx))
			return 0;
		l->at += e->d_reclen;
		ctx->pos = l->pos = e->d_off;
	}
}

static int fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	const struct listing *l = file->private_data;

	return hostio_fsync(l->fd, datasync);
}

static int flock(struct file *file, int cmd, struct file_lock *fl)
{
	const struct listing *l = file->private_data;

	return hostfs_flock_fd(file, l->fd, fl);
}

/* What has come since is seen by who goes back to the beginning. */
static loff_t llseek(struct file *file, loff_t off, int whence)
{
	struct listing *l = file->private_data;
	loff_t pos = generic_file_llseek_size(file, off, whence, MAX_LFS_FILESIZE, 0);

	if (!pos)
		go_to(l, 0);
	return pos;
}

const struct file_operations hostfs_dir_fops = {
	.open = open, .release = release, .iterate_shared = iterate, .llseek = llseek,
	.read = generic_read_dir, .fsync = fsync, .flock = flock,
};
