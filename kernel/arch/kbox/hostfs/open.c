// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's open files. A file has two at most, one to read and one to write, however often it is
 * open in the guest: offsets are the guest's, and descriptors are scarce. What has just been made
 * stays open for who made it; of such there are a few.
 */
#include <linux/slab.h>
#include "hostfs.h"

#define IDLE_MAX	32

/* The one that has been idle for longest comes first. */
static LIST_HEAD(idle);
static DEFINE_MUTEX(idle_lock);
static unsigned int idle_count;

static void close_one(struct hostfs_open *o)
{
	lockdep_assert_held(&idle_lock);
	if (!list_empty(&o->idle)) {
		list_del_init(&o->idle);
		idle_count--;
	}
	host_close(o->fd);
	o->fd = -1;
}

void hostfs_close_all(struct inode *inode)
{
	struct hostfs_open *o = hostfs_i(inode)->open;

	mutex_lock(&idle_lock);
	for (int i = 0; i < 2; i++)
		if (o[i].fd >= 0)
			close_one(&o[i]);
	mutex_unlock(&idle_lock);
}

void hostfs_keep_fd(struct inode *inode, int fd)
{
	struct hostfs_open *o = &hostfs_i(inode)->open[HOSTFS_WRITE];

	mutex_lock(&idle_lock);
	if (o->fd >= 0) {
		host_close(fd);
	} else {
		if (idle_count == IDLE_MAX)
			close_one(list_first_entry(&idle, struct hostfs_open, idle));
		o->fd = fd;
		list_add_tail(&o->idle, &idle);
		idle_count++;
	}
	mutex_unlock(&idle_lock);
}

/* All that have nobody who uses them go: the host has no descriptor left. True: there were such. */
static bool close_idle(void)
{
	bool any = false;

	mutex_lock(&idle_lock);
	while (!list_empty(&idle)) {
		close_one(list_first_entry(&idle, struct hostfs_open, idle));
		any = true;
	}
	mutex_unlock(&idle_lock);
	return any;
}

/* O_NONBLOCK: a FIFO that has taken the file's place is not waited for. */
static int try_open(struct dentry *dentry, unsigned int flags)
{
	int fd;

	do
		fd = hostfs_open_path(dentry, flags | O_NONBLOCK, 0);
	while ((fd == -EMFILE || fd == -ENFILE) && close_idle());
	return fd;
}

/* What is opened to write is wanted for reading, too: a mapping needs that, and another file of the guest. */
static int open_for(struct dentry *dentry, enum hostfs_access access)
{
	int fd;

	if (access == HOSTFS_READ)
		return try_open(dentry, O_RDONLY);
	fd = try_open(dentry, O_RDWR);
	return fd == -EACCES ? try_open(dentry, O_WRONLY) : fd;
}

/* Is it that file, and no other that has its name now? */
static int check(struct inode *inode, int fd)
{
	struct hostfs_stat st;
	int ret = hostfs_stat_fd(inode->i_sb, fd, &st);

	if (ret)
		return ret;
	if (!hostfs_is(hostfs_i(inode), &st))
		return -EOPENSTALE;
	hostfs_refresh(inode, &st);
	return 0;
}

/* With "opening" held. */
static int open_again(struct dentry *dentry, enum hostfs_access access)
{
	struct inode *inode = d_inode(dentry);
	int fd = open_for(dentry, access), ret;

	if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR)	/* where the name was there is none, or a link */
		return -EOPENSTALE;
	if (fd < 0)
		return fd;
	ret = check(inode, fd);
	if (ret)
		host_close(fd);
	return ret ?: fd;
}

int hostfs_get_fd(struct dentry *dentry, enum hostfs_access access)
{
	struct hostfs_inode *hi = hostfs_i(d_inode(dentry));
	struct hostfs_open *o = &hi->open[access];
	int fd;

	mutex_lock(&hi->opening);
	mutex_lock(&idle_lock);
	if (!list_empty(&o->idle)) {
		list_del_init(&o->idle);
		idle_count--;
	}
	mutex_unlock(&idle_lock);
	fd = o->fd >= 0 ? o->fd : open_again(dentry, access);
	if (fd >= 0) {
		o->fd = fd;
		o->users++;
	}
	mutex_unlock(&hi->opening);
	return fd;
}

void hostfs_put_fd(struct inode *inode, enum hostfs_access access)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_open *o = &hi->open[access];

	mutex_lock(&hi->opening);
	if (!--o->users) {
		host_close(o->fd);
		o->fd = -1;
	}
	mutex_unlock(&hi->opening);
}

int hostfs_any_fd(const struct inode *inode)
{
	const struct hostfs_open *o = hostfs_i(inode)->open;

	return o[HOSTFS_READ].fd >= 0 ? o[HOSTFS_READ].fd : o[HOSTFS_WRITE].fd;
}

int hostfs_open(struct inode *inode, struct file *file)
{
	int fd = hostfs_get_fd(file_dentry(file), hostfs_access_of(file));

	if (fd < 0)
		return fd;
	file->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

int hostfs_release(struct inode *inode, struct file *file)
{
	hostfs_put_fd(inode, hostfs_access_of(file));
	return 0;
}
