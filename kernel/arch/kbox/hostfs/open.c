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
		o->reads = true;
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

int hostfs_open_path(struct dentry *dentry, unsigned int flags, unsigned int mode)
{
	char *path;
	int fd;

	do {
		path = hostfs_path(dentry, HOSTFS_NAME);
		if (IS_ERR(path))
			return PTR_ERR(path);
		fd = host_open(hostfs_root(dentry), path, flags, mode);
		hostfs_path_end();
	} while ((fd == -EMFILE || fd == -ENFILE) && close_idle());
	/* It was walked, so there was no link: what is known of the names is old. */
	return fd == -ELOOP ? -ESTALE : fd;
}

/* O_NONBLOCK: a FIFO that has taken the file's place is not waited for. */
static int try_open(struct dentry *dentry, unsigned int flags)
{
	return hostfs_open_path(dentry, flags | O_NONBLOCK, 0);
}

/*
 * What is opened to write is wanted for reading, too: a mapping needs that, and who opens a file
 * again that has no name any more.
 */
static int open_for(struct dentry *dentry, enum hostfs_access access, bool *reads)
{
	int fd;

	*reads = true;
	if (access == HOSTFS_READ)
		return try_open(dentry, O_RDONLY);
	fd = try_open(dentry, O_RDWR);
	if (fd != -EACCES)
		return fd;
	*reads = false;
	return try_open(dentry, O_WRONLY);
}

/* The walk begins anew. In a steady volume it would find the same, and overlayfs does not walk. */
static int stale(const struct super_block *sb)
{
	return hostfs_sb(sb)->steady ? -ESTALE : -EOPENSTALE;
}

/* Is it that file, and no other that has its name now? */
int hostfs_check(struct inode *inode, int fd)
{
	struct hostfs_stat st;
	int ret = hostfs_stat_fd(inode->i_sb, fd, &st);

	if (ret)
		return ret;
	if (!hostfs_is(hostfs_i(inode), &st))
		return stale(inode->i_sb);
	hostfs_refresh(inode, &st);
	return 0;
}

/* With "opening" held. */
static int open_again(struct dentry *dentry, enum hostfs_access access)
{
	struct inode *inode = d_inode(dentry);
	struct hostfs_open *o = &hostfs_i(inode)->open[access];
	int fd = open_for(dentry, access, &o->reads), ret;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ESTALE)
		return stale(inode->i_sb);
	if (fd < 0)
		return fd;
	ret = hostfs_check(inode, fd);
	if (ret)
		host_close(fd);
	else
		o->fd = fd;
	return ret;
}

/* Which one serves. What is open already is nobody's idle one any more. */
static int choose(struct hostfs_inode *hi, enum hostfs_access access)
{
	struct hostfs_open *o = &hi->open[access];

	mutex_lock(&idle_lock);
	if (o->fd < 0 && hi->open[HOSTFS_WRITE].fd >= 0 && hi->open[HOSTFS_WRITE].reads)
		o = &hi->open[HOSTFS_WRITE];
	if (!list_empty(&o->idle)) {
		list_del_init(&o->idle);
		idle_count--;
	}
	mutex_unlock(&idle_lock);
	return o - hi->open;
}

int hostfs_get(struct dentry *dentry, enum hostfs_access access)
{
	struct hostfs_inode *hi = hostfs_i(d_inode(dentry));
	int which, ret = 0;

	mutex_lock(&hi->opening);
	which = choose(hi, access);
	if (hi->open[which].fd < 0)
		ret = open_again(dentry, which);
	if (!ret)
		hi->open[which].users++;
	mutex_unlock(&hi->opening);
	return ret ?: which;
}

void hostfs_put(struct inode *inode, int which)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct hostfs_open *o = &hi->open[which];

	mutex_lock(&hi->opening);
	if (!--o->users) {
		host_close(o->fd);
		o->fd = -1;
	}
	mutex_unlock(&hi->opening);
}

void hostfs_hold(struct inode *inode, int which)
{
	struct hostfs_inode *hi = hostfs_i(inode);

	mutex_lock(&hi->opening);
	hi->open[which].users++;
	mutex_unlock(&hi->opening);
}

int hostfs_any_fd(const struct inode *inode)
{
	const struct hostfs_open *o = hostfs_i(inode)->open;

	return o[HOSTFS_READ].fd >= 0 ? o[HOSTFS_READ].fd : o[HOSTFS_WRITE].fd;
}

int hostfs_borrow_fd(struct dentry *dentry, bool *opened)
{
	int fd = hostfs_any_fd(d_inode(dentry));

	*opened = fd < 0;
	return fd >= 0 ? fd : hostfs_open_path(dentry, O_RDONLY | O_NONBLOCK, 0);
}

void hostfs_return_fd(int fd, bool opened)
{
	if (opened && fd >= 0)
		host_close(fd);
}

int hostfs_fd_to_read(const struct inode *inode)
{
	const struct hostfs_open *o = hostfs_i(inode)->open;

	if (o[HOSTFS_READ].fd >= 0)
		return o[HOSTFS_READ].fd;
	return o[HOSTFS_WRITE].reads ? o[HOSTFS_WRITE].fd : -1;
}

int hostfs_open(struct inode *inode, struct file *file)
{
	int which = hostfs_get(file_dentry(file), file->f_mode & FMODE_WRITE ? HOSTFS_WRITE : HOSTFS_READ);

	if (which < 0)
		return which;
	if (file->f_mode & FMODE_READ && !hostfs_i(inode)->open[which].reads) {
		hostfs_put(inode, which);
		return -EACCES;
	}
	file->private_data = (void *)(long)which;
	file->f_mode |= FMODE_CAN_ODIRECT;
	return 0;
}

int hostfs_release(struct inode *inode, struct file *file)
{
	hostfs_put(inode, (long)file->private_data);
	return 0;
}
