// SPDX-License-Identifier: GPL-2.0-only
/* Inodes: which file of the host one is, and what is known of it. */
#include <linux/hash.h>
#include <linux/namei.h>
#include <linux/pagemap.h>
#include "hostfs.h"

/* The system call that this is. What has been asked in it need not be asked again. */
static u64 this_call(void)
{
	const struct kbox_counter *count = kbox_shared->count;

	return count[KBOX_CALLS_REWRITE].n + count[KBOX_CALLS_TRAP].n + 1;
}

static bool is_known(const struct inode *inode)
{
	const struct hostfs_inode *hi = hostfs_i(inode);

	if (hostfs_sb(inode->i_sb)->steady && !hi->mapped_to_write)
		return hi->asked;
	return hi->asked == this_call();
}

static bool same_or_untold(u64 a, u64 b)
{
	return a == b || !a || !b;
}

/* A number that has been free may be another file's now, which was made at another time. */
static bool born_together(const struct timespec64 *a, const struct timespec64 *b)
{
	return timespec64_equal(a, b) || !a->tv_sec || !b->tv_sec;
}

bool hostfs_is_file(const struct hostfs_inode *hi, const struct hostfs_stat *st)
{
	return hi->ino == st->k.ino && hi->dev == st->dev && hi->type == st->type && same_or_untold(hi->mnt, st->mnt) &&
	       born_together(&hi->btime, &st->k.btime);
}

bool hostfs_is(const struct hostfs_inode *hi, const struct hostfs_stat *st)
{
	return hostfs_is_file(hi, st) && !((hi->vfs.i_mode ^ st->k.mode) & S_IFMT);
}

/*
 * The number that the guest sees is the host's, for files of two of its file systems: that of the
 * root, which may be one of mount points alone, and the first other one. The rest have none of
 * their own in the volume.
 */
u64 hostfs_guest_ino(const struct super_block *s, u64 dev, u64 ino)
{
	struct hostfs_sb *sb = hostfs_sb(s);

	if (dev != sb->dev && !sb->other_dev)
		sb->other_dev = dev;
	return dev == sb->dev || dev == sb->other_dev ? ino : hash_64(dev, 64) ^ ino;
}

/* Times tell of the first write by a mapping alone. */
static bool pages_are_old(const struct hostfs_inode *hi)
{
	const struct inode *inode = &hi->vfs;
	struct timespec64 mtime = inode_get_mtime(inode), ctime = inode_get_ctime(inode);

	return !timespec64_equal(&hi->cached_mtime, &mtime) || !timespec64_equal(&hi->cached_ctime, &ctime) ||
	       hi->cached_size != i_size_read(inode);
}

static void set_attributes(struct inode *inode, const struct hostfs_stat *st)
{
	inode->i_mode = st->k.mode;
	inode->i_uid = st->k.uid;
	inode->i_gid = st->k.gid;
	set_nlink(inode, st->k.nlink);
	inode_set_atime_to_ts(inode, st->k.atime);
	inode_set_mtime_to_ts(inode, st->k.mtime);
	inode_set_ctime_to_ts(inode, st->k.ctime);
	i_size_write(inode, st->k.size);
	inode->i_blocks = st->k.blocks;
	hostfs_i(inode)->owner = st->owner;
	hostfs_i(inode)->owner_ctime = st->k.ctime;
	hostfs_i(inode)->asked = this_call();
}

void hostfs_refresh(struct inode *inode, const struct hostfs_stat *st)
{
	struct hostfs_inode *hi = hostfs_i(inode);

	set_attributes(inode, st);
	/* fstat(2), which may have been first, does not tell these. */
	hi->mnt = hi->mnt ?: st->mnt;
	if (!hi->btime.tv_sec)
		hi->btime = st->k.btime;
	if (!S_ISREG(inode->i_mode) || !pages_are_old(hi))
		return;
	hi->cached_mtime = st->k.mtime;
	hi->cached_ctime = st->k.ctime;
	hi->cached_size = st->k.size;
	if (inode->i_mapping->nrpages)
		invalidate_inode_pages2(inode->i_mapping);
}

static int is_this(struct inode *inode, void *st)
{
	return hostfs_is(hostfs_i(inode), st);
}

static int set_this(struct inode *inode, void *data)
{
	const struct hostfs_stat *st = data;
	struct hostfs_inode *hi = hostfs_i(inode);

	hi->dev = st->dev;
	hi->ino = st->k.ino;
	hi->mnt = st->mnt;
	hi->type = st->type;
	hi->btime = st->k.btime;
	inode->i_mode = st->k.mode;
	return 0;
}

static void set_up(struct inode *inode, const struct hostfs_stat *st)
{
	inode->i_ino = hostfs_guest_ino(inode->i_sb, st->dev, st->k.ino);
	inode->i_flags |= S_NOATIME | S_NOCMTIME;	/* times are the host's */
	inode->i_blkbits = 12;
	switch (st->k.mode & S_IFMT) {
	case S_IFREG:
		inode->i_op = &hostfs_file_iops;
		inode->i_fop = &hostfs_file_fops;
		inode->i_mapping->a_ops = &hostfs_aops;
		break;
	case S_IFDIR:
		inode->i_op = &hostfs_dir_iops;
		inode->i_fop = &hostfs_dir_fops;
		break;
	case S_IFLNK:
		inode->i_op = &hostfs_link_iops;
		break;
	default:	/* a FIFO, a socket or a device is the guest's, of that number, but for fifo.c */
		inode->i_op = &hostfs_special_iops;
		init_special_inode(inode, st->k.mode, st->k.rdev);
		if (S_ISFIFO(st->type) && hostfs_sb(inode->i_sb)->special)
			inode->i_fop = &hostfs_fifo_fops;
	}
}

struct inode *hostfs_iget(struct super_block *sb, const struct hostfs_stat *st)
{
	struct inode *inode = iget5_locked(sb, st->k.ino, is_this, set_this, (void *)st);

	if (!inode)
		return ERR_PTR(-ENOMEM);
	if (inode->i_state & I_NEW) {
		set_up(inode, st);
		hostfs_refresh(inode, st);
		unlock_new_inode(inode);
	} else {
		hostfs_refresh(inode, st);
	}
	return inode;
}

/*
 * Whether the name leads where it did. The host is asked at the end of a walk, by the whole path,
 * so the directories on the way need not be; a link on the way is, since the walk goes on
 * elsewhere. Who opens a file that is not open yet sees what he gets (open.c).
 */
static bool goes_unasked(const struct inode *inode, unsigned int flags)
{
	if (!inode || flags & LOOKUP_REVAL || S_ISLNK(inode->i_mode))
		return false;
	if (flags & LOOKUP_PARENT)
		return S_ISDIR(inode->i_mode);
	return (flags & (LOOKUP_OPEN | LOOKUP_CREATE | LOOKUP_DIRECTORY)) == LOOKUP_OPEN && S_ISREG(inode->i_mode) &&
	       hostfs_any_fd(inode) < 0;
}

static int revalidate(struct dentry *dentry, unsigned int flags)
{
	struct inode *inode = d_inode_rcu(dentry);
	struct hostfs_stat st;
	int ret;

	if (goes_unasked(inode, flags))
		return 1;
	/* It may have to be opened, which may sleep. */
	if (flags & LOOKUP_RCU && (hostfs_sb(dentry->d_sb)->devices || !kbox_boot->volume_paths))
		return -ECHILD;
	ret = hostfs_stat(dentry, &st);
	if (!inode)
		return ret == -ENOENT;
	/*
	 * What is mounted there is lost with the dentry, so an error that passes must not be an end
	 * of it.
	 */
	if (ret)
		return ret == -ENOENT || ret == -ENOTDIR || ret == -ELOOP ? 0 : ret;
	if (!hostfs_is(hostfs_i(inode), &st))
		return 0;
	if (flags & LOOKUP_RCU) {	/* no sleep: pages that have to go would */
		if (inode->i_mapping->nrpages)
			return -ECHILD;
		set_attributes(inode, &st);
		return 1;
	}
	hostfs_refresh(inode, &st);
	return 1;
}

const struct dentry_operations hostfs_dops = { .d_revalidate = revalidate };

/* Of an open file by its descriptor: it may have no name any more. */
static int ask(struct dentry *dentry, struct hostfs_stat *st)
{
	int fd = hostfs_any_fd(d_inode(dentry));

	return fd >= 0 ? hostfs_stat_fd(dentry->d_sb, fd, st) : hostfs_stat(dentry, st);
}

void hostfs_removed(struct inode *inode)
{
	clear_nlink(inode);
	remove_inode_hash(inode);
}

/* The last that is known of a file without a name or descriptor is that it has been removed. */
static void update(struct dentry *dentry)
{
	struct inode *inode = d_inode(dentry);
	struct hostfs_stat st;
	int ret;

	if (is_known(inode))
		return;
	ret = ask(dentry, &st);
	if (!ret && hostfs_is(hostfs_i(inode), &st))
		hostfs_refresh(inode, &st);
	else if (!ret || ret == -ENOENT || ret == -ENOTDIR)
		hostfs_removed(inode);
}

int hostfs_getattr(struct mnt_idmap *idmap, const struct path *path, struct kstat *stat, u32 mask, unsigned int flags)
{
	struct inode *inode = d_inode(path->dentry);

	if ((flags & AT_STATX_SYNC_TYPE) != AT_STATX_DONT_SYNC)
		update(path->dentry);
	generic_fillattr(idmap, mask, inode, stat);
	if (mask & STATX_BTIME && hostfs_i(inode)->btime.tv_sec) {
		stat->btime = hostfs_i(inode)->btime;
		stat->result_mask |= STATX_BTIME;
	}
	return 0;
}

static struct host_timespec time_for_host(const struct iattr *attr, unsigned int is, unsigned int set,
					  struct timespec64 t)
{
	if (!(attr->ia_valid & is))
		return (struct host_timespec) { 0, UTIME_OMIT };
	if (!(attr->ia_valid & set))
		return (struct host_timespec) { 0, UTIME_NOW };
	return (struct host_timespec) { t.tv_sec, t.tv_nsec };
}

struct change {
	unsigned int valid;	/* ATTR_MODE, ATTR_UID, ATTR_ATIME: which of these it is */
	unsigned int mode;
	u32 uid, gid;
	struct host_timespec times[2];
};

static int change_fd(int fd, const struct change *c)
{
	switch (c->valid) {
	case ATTR_MODE:
		return host_fchmod(fd, c->mode);
	case ATTR_UID:
		return host_fchown(fd, c->uid, c->gid);
	}
	return host_futimens(fd, c->times);
}

static int change_path(struct dentry *dentry, const struct change *c)
{
	char *path = hostfs_path(dentry, HOSTFS_NAME);
	int root = hostfs_root(dentry), ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	if (c->valid == ATTR_MODE)
		ret = host_fchmodat(root, path, c->mode);
	else if (c->valid == ATTR_UID)
		ret = host_fchownat(root, path, c->uid, c->gid);
	else
		ret = host_utimensat(root, path, c->times);
	hostfs_path_end();
	return ret;
}

/* Does the name lead to the file, of which the caller may have a descriptor? */
static bool has_name(struct dentry *dentry)
{
	struct hostfs_stat st;

	return is_known(d_inode(dentry)) || (!hostfs_stat(dentry, &st) && hostfs_is(hostfs_i(d_inode(dentry)), &st));
}

/*
 * By a descriptor, if there is one, or it has to be: the fence may let no path through for this. Or
 * it lets no descriptor through.
 */
static int change(struct dentry *dentry, const struct change *c)
{
	int fd = hostfs_any_fd(d_inode(dentry)), ret;

	if (fd >= 0 && !hostfs_sb(dentry->d_sb)->by_path)
		return change_fd(fd, c);
	if (!has_name(dentry))
		return -ESTALE;
	if (kbox_boot->volume_paths)
		return change_path(dentry, c);
	/* Of a link there is no way, and an error would stop whoever copies files. */
	if (S_ISLNK(d_inode(dentry)->i_mode))
		return 0;
	fd = hostfs_open_path(dentry, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd == -ENXIO ? -EOPNOTSUPP : fd;	/* a socket cannot be opened */
	ret = change_fd(fd, c);
	host_close(fd);
	return ret;
}

static int change_size(struct dentry *dentry, const struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int which = hostfs_get(dentry, HOSTFS_WRITE), ret;

	if (which < 0)
		return which == -EOPENSTALE ? -ESTALE : which;
	ret = host_ftruncate(hostfs_i(inode)->open[which].fd, attr->ia_size);
	hostfs_put(inode, which);
	if (!ret) {
		truncate_setsize(inode, attr->ia_size);
		hostfs_drop_pages(inode, attr->ia_size & PAGE_MASK, LLONG_MAX);
	}
	return ret;
}

static int change_owner(struct dentry *dentry, const struct iattr *attr)
{
	const struct hostfs_sb *sb = hostfs_sb(dentry->d_sb);
	struct inode *inode = d_inode(dentry);
	struct change c = { .valid = ATTR_UID, .uid = -1, .gid = -1 };
	int ret;

	if (attr->ia_valid & ATTR_UID && !uid_eq(attr->ia_uid, inode->i_uid))
		c.uid = hostfs_to_host(&sb->uids, from_kuid(&init_user_ns, attr->ia_uid));
	if (attr->ia_valid & ATTR_GID && !gid_eq(attr->ia_gid, inode->i_gid))
		c.gid = hostfs_to_host(&sb->gids, from_kgid(&init_user_ns, attr->ia_gid));
	ret = c.uid == -1U && c.gid == -1U ? 0 : change(dentry, &c);
	/* The host's user namespace does not have each number. */
	return ret == -EINVAL ? -EPERM : ret;
}

void hostfs_own(const struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode = d_inode(dentry);
	struct iattr attr = { .ia_uid = current_fsuid(), .ia_gid = current_fsgid(), .ia_mode = mode };

	if (dir->i_mode & S_ISGID) {
		attr.ia_gid = dir->i_gid;
		attr.ia_mode |= S_ISDIR(mode) ? S_ISGID : 0;
	}
	if (!uid_eq(attr.ia_uid, inode->i_uid))
		attr.ia_valid |= ATTR_UID;
	if (!gid_eq(attr.ia_gid, inode->i_gid))
		attr.ia_valid |= ATTR_GID;
	if (hostfs_sb(inode->i_sb)->owners && attr.ia_mode != inode->i_mode)
		attr.ia_valid |= ATTR_MODE;
	if (!attr.ia_valid || (hostfs_sb(inode->i_sb)->owners ? hostfs_set_owner : change_owner)(dentry, &attr))
		return;
	setattr_copy(&nop_mnt_idmap, inode, &attr);
	hostfs_changed(inode);
}

/* With another size the host changes them itself. */
static bool are_times_changed(const struct iattr *attr)
{
	if (attr->ia_valid & ATTR_SIZE)
		return attr->ia_valid & (ATTR_ATIME_SET | ATTR_MTIME_SET);
	return attr->ia_valid & (ATTR_ATIME | ATTR_MTIME);
}

static int change_all(struct dentry *dentry, const struct iattr *attr)
{
	int ret = 0;

	if (attr->ia_valid & ATTR_SIZE)
		ret = change_size(dentry, attr);
	if (!ret && hostfs_sb(dentry->d_sb)->owners && attr->ia_valid & (ATTR_UID | ATTR_GID | ATTR_MODE))
		ret = hostfs_set_owner(dentry, attr);
	else if (!ret && attr->ia_valid & (ATTR_UID | ATTR_GID))
		ret = change_owner(dentry, attr);
	if (!ret && attr->ia_valid & ATTR_MODE)
		ret = change(dentry, &(struct change) { .valid = ATTR_MODE,
							.mode = hostfs_host_mode(dentry->d_sb, attr->ia_mode) });
	if (!ret && are_times_changed(attr))
		ret = change(dentry, &(struct change) { .valid = ATTR_ATIME, .times = {
			time_for_host(attr, ATTR_ATIME, ATTR_ATIME_SET, attr->ia_atime),
			time_for_host(attr, ATTR_MTIME, ATTR_MTIME_SET, attr->ia_mtime) } });
	return ret;
}

int hostfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry, struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	int ret = setattr_prepare(idmap, dentry, attr);

	if (ret)
		return ret;
	ret = change_all(dentry, attr);
	if (!ret)
		setattr_copy(idmap, inode, attr);
	hostfs_changed(inode);
	return ret;
}

/* A link may lead elsewhere now; one that is none any more has the walk begin anew. */
static const char *get_link(struct dentry *dentry, struct inode *inode, struct delayed_call *done)
{
	char *path, *target;
	ssize_t n;

	if (!dentry)
		return ERR_PTR(-ECHILD);
	target = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!target)
		return ERR_PTR(-ENOMEM);
	path = hostfs_path(dentry, HOSTFS_NAME);
	n = PTR_ERR_OR_ZERO(path);
	if (!n) {
		n = host_readlinkat(hostfs_root(dentry), path, target, PATH_MAX - 1);
		hostfs_path_end();
	}
	if (n < 0) {
		kfree(target);
		return ERR_PTR(n == -EINVAL ? -ESTALE : n);
	}
	target[n] = 0;
	set_delayed_call(done, kfree_link, target);
	return target;
}

#define COMMON .getattr = hostfs_getattr, .setattr = hostfs_setattr, .listxattr = hostfs_listxattr

const struct inode_operations hostfs_file_iops = { COMMON };
const struct inode_operations hostfs_special_iops = { COMMON };
const struct inode_operations hostfs_link_iops = { .get_link = get_link, COMMON };
