// SPDX-License-Identifier: GPL-2.0-only
/*
 * Locks of fcntl(2) and flock(2) that the host's processes and other boxes respect. Who in the box
 * has which lock is the guest's kernel's to know. The host is told what the box has as a whole: one
 * of the file's descriptors there holds that, by locks that belong to a descriptor. So a request
 * has to get along with the box's own locks first, and then with the host's.
 *
 * A lock keeps others from a file, so a volume that is not written has none on the host. A steady
 * one needs none.
 */
#include <linux/filelock.h>
#include "hostfs.h"

static bool are_on_host(const struct inode *inode)
{
	const struct hostfs_sb *sb = hostfs_sb(inode->i_sb);

	return !sb->read_only && !sb->steady;
}

static enum hostfs_locks kind_of(const struct file_lock *fl)
{
	return fl->c.flc_flags & FL_FLOCK ? HOSTFS_FLOCK : HOSTFS_POSIX;
}

/* Has anybody in the box a lock of the file? */
static bool has_any(const struct inode *inode, enum hostfs_locks kind)
{
	const struct file_lock_context *ctx = locks_inode_context(inode);

	return ctx && !list_empty(kind == HOSTFS_FLOCK ? &ctx->flc_flock : &ctx->flc_posix);
}

/* In the guest's kernel: FL_SLEEP to wait there, FL_ACCESS to see only whether it could be had. */
static int in_box(struct file *file, struct file_lock *fl, unsigned int flags)
{
	unsigned int were = fl->c.flc_flags;
	int ret;

	fl->c.flc_flags = (were & ~FL_SLEEP) | flags;
	ret = locks_lock_file_wait(file, fl);
	fl->c.flc_flags = were;
	return ret;
}

static struct flock for_host(int type, loff_t start, loff_t end)
{
	return (struct flock) {
		.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = end == OFFSET_MAX ? 0 : end - start + 1,
	};
}

static int set_range(int fd, int type, loff_t start, loff_t end)
{
	struct flock l = for_host(type, start, end);

	return host_lock(fd, F_OFD_SETLK, &l);
}

/*
 * The first bytes from *start to "last" of which nobody in the box has a lock. A lock of all that
 * follows ends where no other can begin.
 */
static bool find_free(const struct file_lock_context *ctx, loff_t *start, loff_t last, loff_t *end)
{
	const struct file_lock *fl;
	loff_t from;

	do {
		from = *start;
		for_each_file_lock(fl, &ctx->flc_posix) {
			if (fl->fl_start > *start || fl->fl_end < *start)
				continue;
			if (fl->fl_end >= last)
				return false;
			*start = fl->fl_end + 1;
		}
	} while (*start != from);
	*end = last;
	for_each_file_lock(fl, &ctx->flc_posix)
		if (fl->fl_start > *start && fl->fl_start <= *end)
			*end = fl->fl_start - 1;
	return true;
}

static void free_ranges(const struct inode *inode, int fd, loff_t start, loff_t last)
{
	struct file_lock_context *ctx = locks_inode_context(inode);
	loff_t end;

	spin_lock(&ctx->flc_lock);
	while (find_free(ctx, &start, last, &end)) {
		set_range(fd, F_UNLCK, start, end);
		if (end == last)
			break;
		start = end + 1;
	}
	spin_unlock(&ctx->flc_lock);
}

/* The host forgets what nobody in the box has any more. */
static void give_back(struct inode *inode, const struct file_lock *fl)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	enum hostfs_locks kind = kind_of(fl);
	bool any = has_any(inode, kind);
	int holder = hi->holder[kind];

	if (holder < 0)
		return;
	if (kind == HOSTFS_POSIX)
		free_ranges(inode, hi->open[holder].fd, fl->fl_start, fl->fl_end);
	else if (!any)
		host_flock(hi->open[holder].fd, LOCK_UN);
	if (!any) {
		hi->holder[kind] = -1;
		hostfs_put(inode, holder);
	}
}

/*
 * Only a descriptor to write can have a lock to write. What the other one has until then are locks
 * to read, which both may have, so nobody comes in between.
 */
static int move_to_writer(struct inode *inode)
{
	struct hostfs_inode *hi = hostfs_i(inode);
	struct file_lock_context *ctx = locks_inode_context(inode);
	int fd = hi->open[HOSTFS_WRITE].fd, ret = 0;
	const struct file_lock *fl;

	spin_lock(&ctx->flc_lock);
	for_each_file_lock(fl, &ctx->flc_posix)
		ret = ret ?: set_range(fd, F_RDLCK, fl->fl_start, fl->fl_end);
	spin_unlock(&ctx->flc_lock);
	set_range(ret ? fd : hi->open[HOSTFS_READ].fd, F_UNLCK, 0, OFFSET_MAX);
	if (ret)
		return ret;
	hostfs_hold(inode, HOSTFS_WRITE);
	hi->holder[HOSTFS_POSIX] = HOSTFS_WRITE;
	hostfs_put(inode, HOSTFS_READ);
	return 0;
}

/* The descriptor for the box's locks of this kind: the asking file's, if there are no others. */
static int find_holder(struct file *file, const struct file_lock *fl)
{
	struct inode *inode = file_inode(file);
	int *holder = &hostfs_i(inode)->holder[kind_of(fl)], ret = 0;

	if (*holder < 0) {
		*holder = (long)file->private_data;
		hostfs_hold(inode, *holder);
	} else if (kind_of(fl) == HOSTFS_POSIX && fl->c.flc_type == F_WRLCK && *holder == HOSTFS_READ) {
		ret = move_to_writer(inode);
	}
	return ret ?: hostfs_i(inode)->open[*holder].fd;
}

static int operation(const struct file_lock *fl)
{
	if (fl->c.flc_type == F_UNLCK)
		return LOCK_UN;
	return (fl->c.flc_type == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB;
}

static int on_host(struct file *file, const struct file_lock *fl)
{
	int fd = find_holder(file, fl);

	if (fd < 0)
		return fd;
	if (kind_of(fl) == HOSTFS_POSIX)
		return set_range(fd, fl->c.flc_type, fl->fl_start, fl->fl_end);
	return host_flock(fd, operation(fl));
}

/* Who cannot make a lock of flock(2) another one has lost the one that he had, as on the host. */
static void lose(struct file *file, struct file_lock *fl)
{
	unsigned char type = fl->c.flc_type;

	fl->c.flc_type = F_UNLCK;
	in_box(file, fl, 0);
	fl->c.flc_type = type;
}

/*
 * With "locking" held. EAGAIN: somebody has one that does not go with it; in_the_box: in the box.
 */
static int try(struct file *file, struct file_lock *fl, bool *in_the_box)
{
	int ret = in_box(file, fl, FL_ACCESS);

	*in_the_box = ret;
	if (ret)
		return ret;
	ret = on_host(file, fl) ?: in_box(file, fl, 0);
	if (!ret)
		return 0;
	if (kind_of(fl) == HOSTFS_FLOCK)
		lose(file, fl);
	give_back(file_inode(file), fl);
	return ret == -EACCES ? -EAGAIN : ret;
}

static int lock(struct file *file, struct file_lock *fl)
{
	struct hostfs_inode *hi = hostfs_i(file_inode(file));
	bool in_the_box;
	int ret;

	do {
		mutex_lock(&hi->locking);
		ret = try(file, fl, &in_the_box);
		mutex_unlock(&hi->locking);
		if (ret != -EAGAIN || !(fl->c.flc_flags & FL_SLEEP))
			return ret;
		ret = in_the_box ? in_box(file, fl, FL_SLEEP | FL_ACCESS) : hostfs_wait();
	} while (!ret);
	return ret;
}

static int unlock(struct file *file, struct file_lock *fl)
{
	struct hostfs_inode *hi = hostfs_i(file_inode(file));
	int ret;

	mutex_lock(&hi->locking);
	ret = in_box(file, fl, 0);
	give_back(file_inode(file), fl);
	mutex_unlock(&hi->locking);
	return ret;
}

/* The guest is not told whose lock it is: the host's numbers of processes say nothing to it. */
static int ask_host(struct file *file, struct file_lock *fl, int type)
{
	struct hostfs_inode *hi = hostfs_i(file_inode(file));
	struct flock l = for_host(type, fl->fl_start, fl->fl_end);
	int holder, ret;

	mutex_lock(&hi->locking);
	holder = hi->holder[HOSTFS_POSIX];
	ret = host_lock(holder < 0 ? hostfs_fd(file) : hi->open[holder].fd, F_OFD_GETLK, &l);
	mutex_unlock(&hi->locking);
	if (ret || l.l_type == F_UNLCK)
		return ret;
	fl->c.flc_type = l.l_type;
	fl->c.flc_pid = -1;
	fl->fl_start = l.l_start;
	fl->fl_end = l.l_len ? l.l_start + l.l_len - 1 : OFFSET_MAX;
	return 0;
}

/* Which lock does not go with this one? */
static int test(struct file *file, struct file_lock *fl)
{
	int type = fl->c.flc_type;

	posix_test_lock(file, fl);
	if (fl->c.flc_type != F_UNLCK || type == F_UNLCK || !are_on_host(file_inode(file)))
		return 0;
	return ask_host(file, fl, type);
}

int hostfs_flock(struct file *file, int cmd, struct file_lock *fl)
{
	if (!are_on_host(file_inode(file)))
		return locks_lock_file_wait(file, fl);
	return lock_is_unlock(fl) ? unlock(file, fl) : lock(file, fl);
}

int hostfs_flock_fd(struct file *file, int fd, struct file_lock *fl)
{
	int ret;

	if (!are_on_host(file_inode(file)))
		return locks_lock_file_wait(file, fl);
	while ((ret = host_flock(fd, operation(fl))) == -EAGAIN && fl->c.flc_flags & FL_SLEEP) {
		ret = hostfs_wait();
		if (ret)
			break;
	}
	return ret;
}

int hostfs_lock(struct file *file, int cmd, struct file_lock *fl)
{
	return IS_GETLK(cmd) ? test(file, fl) : hostfs_flock(file, cmd, fl);
}
