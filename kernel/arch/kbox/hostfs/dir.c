// SPDX-License-Identifier: GPL-2.0-only
/* Names: what is looked up, made, moved and removed in directories. */
#include <linux/namei.h>
#include "hostfs.h"

static bool is_elsewhere(struct inode *inode, const struct dentry *dentry)
{
	struct dentry *alias = d_find_any_alias(inode);
	bool is = alias && (alias->d_parent != dentry->d_parent ||
			    !d_same_name(alias, dentry->d_parent, &dentry->d_name));

	dput(alias);
	return is;
}

/*
 * A directory has one dentry. What the host has moved gets another inode, so that no dentry moves
 * that this call has come by, or that somebody is in: paths stay as they were walked.
 */
static struct inode *directory_at(struct super_block *sb, const struct dentry *dentry, const struct hostfs_stat *st)
{
	struct inode *inode = hostfs_iget(sb, st);

	if (IS_ERR(inode) || !S_ISDIR(inode->i_mode) || !is_elsewhere(inode, dentry))
		return inode;
	remove_inode_hash(inode);
	iput(inode);
	return hostfs_iget(sb, st);
}

/*
 * A file is to be made and opened, and the host says EEXIST if its name is there. Where the guest's
 * kernel would refuse it first the host is asked, since EEXIST comes before EROFS and EACCES.
 */
static bool goes_unasked(struct inode *dir, unsigned int flags)
{
	const unsigned int make = LOOKUP_OPEN | LOOKUP_CREATE | LOOKUP_EXCL;

	return (flags & make) == make && !sb_rdonly(dir->i_sb) &&
	       !inode_permission(&nop_mnt_idmap, dir, MAY_WRITE | MAY_EXEC);
}

static struct dentry *lookup(struct inode *dir, struct dentry *dentry, unsigned int flags)
{
	struct hostfs_stat st;
	int ret;

	if (dentry->d_name.len > NAME_MAX)
		return ERR_PTR(-ENAMETOOLONG);
	if (goes_unasked(dir, flags))
		return NULL;
	ret = hostfs_stat(dentry, &st);
	if (ret == -ENOENT)
		return d_splice_alias(NULL, dentry);
	return ret ? ERR_PTR(ret) : d_splice_alias(directory_at(dir->i_sb, dentry, &st), dentry);
}

/* There is a new file of this name: it becomes the dentry's. */
static int instantiate(struct inode *dir, struct dentry *dentry, const struct hostfs_stat *st)
{
	struct inode *inode = hostfs_iget(dir->i_sb, st);

	hostfs_changed(dir);
	/* The host has removed a directory, of which this one has the number. */
	if (!IS_ERR(inode) && S_ISDIR(inode->i_mode) && !hlist_empty(&inode->i_dentry)) {
		hostfs_removed(inode);
		iput(inode);
		inode = hostfs_iget(dir->i_sb, st);
	}
	if (IS_ERR(inode)) {
		d_drop(dentry);
		return PTR_ERR(inode);
	}
	if (d_unhashed(dentry))
		d_add(dentry, inode);
	else
		d_instantiate(dentry, inode);
	return 0;
}

/* The same of what a call has made with this mode; it returned that. */
static int made(struct inode *dir, struct dentry *dentry, umode_t mode, int ret)
{
	struct hostfs_stat st;

	if (!ret)
		ret = hostfs_stat(dentry, &st);
	if (!ret)
		ret = instantiate(dir, dentry, &st);
	if (!ret)
		hostfs_own(dir, dentry, mode);
	return ret;
}

static umode_t host_mode(const struct inode *dir, umode_t mode)
{
	return hostfs_host_mode(dir->i_sb, mode);
}

/*
 * It is open, as in most cases it is to be. The host may have made one meanwhile: who does not mind
 * looks again.
 */
static int create(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode, bool excl)
{
	int fd = hostfs_open_path(dentry, O_RDWR | O_CREAT | O_EXCL, host_mode(dir, mode)), ret;
	struct hostfs_stat st;

	if (fd < 0)
		return fd == -EEXIST && !excl ? -ESTALE : fd;
	ret = hostfs_stat_fd(dir->i_sb, fd, &st) ?: instantiate(dir, dentry, &st);
	if (ret) {
		host_close(fd);
		return ret;
	}
	hostfs_keep_fd(d_inode(dentry), fd);
	hostfs_own(dir, dentry, mode | S_IFREG);
	return 0;
}

static int open_new(struct inode *dir, struct file *file, int fd, umode_t mode)
{
	struct dentry *dentry = file_dentry(file);
	struct hostfs_stat st;
	struct inode *inode;
	int ret = hostfs_stat_fd(dir->i_sb, fd, &st);

	inode = ret ? ERR_PTR(ret) : hostfs_iget(dir->i_sb, &st);
	if (IS_ERR(inode)) {
		host_close(fd);
		return PTR_ERR(inode);
	}
	remove_inode_hash(inode);
	hostfs_keep_fd(inode, fd);
	set_nlink(inode, 1);	/* of which d_tmpfile() takes it one */
	d_tmpfile(file, inode);
	hostfs_own(dir, dentry, mode);
	return finish_open_simple(file, 0);
}

/* A file gets no name by its descriptor, so it is only for who wants none (O_EXCL). */
static int tmpfile(struct mnt_idmap *idmap, struct inode *dir, struct file *file, umode_t mode)
{
	int fd;

	if (!(file->f_flags & O_EXCL))
		return -EOPNOTSUPP;
	fd = hostfs_open_path(file_dentry(file)->d_parent, O_TMPFILE | O_EXCL | O_RDWR, host_mode(dir, mode));
	return fd < 0 ? fd : open_new(dir, file, fd, mode);
}

static int remove_name(struct dentry *dentry, bool is_dir)
{
	char *path = hostfs_path(dentry, HOSTFS_NAME);
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = host_unlinkat(hostfs_root(dentry), path, is_dir);
	hostfs_path_end();
	return ret;
}

static int mkdir(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode)
{
	char *path = hostfs_path(dentry, HOSTFS_NAME);
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = host_mkdirat(hostfs_root(dentry), path, host_mode(dir, mode | S_IFDIR));
	hostfs_path_end();
	return made(dir, dentry, mode | S_IFDIR, ret);
}

/*
 * A FIFO or a socket is one on the host, too, though nobody there meets the guest in it. The host
 * makes no device: it is an empty file, with an attribute. Where owners are attributes the others
 * are so as well, since the host has these for files alone. A whiteout of overlayfs the host makes
 * for everybody; only a steady volume is an upper layer.
 */
static int mknod(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev)
{
	bool is_whiteout = S_ISCHR(mode) && dev == WHITEOUT_DEV && hostfs_sb(dir->i_sb)->steady;
	bool is_device = (S_ISCHR(mode) || S_ISBLK(mode)) && !is_whiteout;
	bool as_file = is_device || (hostfs_sb(dir->i_sb)->owners && !is_whiteout);
	umode_t on_host = (as_file ? S_IFREG : mode & S_IFMT) | host_mode(dir, mode);
	char *path;
	int ret;

	if (is_device && !hostfs_sb(dir->i_sb)->devices)
		return -EPERM;
	path = hostfs_path(dentry, HOSTFS_NAME);
	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = host_mknodat(hostfs_root(dentry), path, on_host, 0);
	hostfs_path_end();
	if (!ret && as_file) {
		ret = hostfs_make_special(dentry, mode, dev);
		if (ret)
			remove_name(dentry, false);
	}
	return made(dir, dentry, mode, ret);
}

static int symlink(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, const char *target)
{
	char *path = hostfs_path(dentry, HOSTFS_NAME);
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = host_symlinkat(target, hostfs_root(dentry), path);
	hostfs_path_end();
	return made(dir, dentry, S_IFLNK | 0777, ret);
}

/* It had one name more. */
static void lost_name(struct inode *inode)
{
	hostfs_changed(inode);
	if (S_ISDIR(inode->i_mode) || inode->i_nlink <= 1)
		hostfs_removed(inode);
	else
		drop_nlink(inode);
}

static int remove(struct inode *dir, struct dentry *dentry, bool is_dir)
{
	int ret = remove_name(dentry, is_dir);

	if (ret)
		return ret;
	hostfs_changed(dir);
	lost_name(d_inode(dentry));
	return 0;
}

static int unlink(struct inode *dir, struct dentry *dentry)
{
	return remove(dir, dentry, false);
}

static int rmdir(struct inode *dir, struct dentry *dentry)
{
	return remove(dir, dentry, true);
}

/* Call it with both paths. */
static int with_two(struct dentry *a, struct dentry *b, unsigned int flags,
		    int (*call)(int, const char *, const char *, unsigned int))
{
	char *from = hostfs_path(a, HOSTFS_NAME), *to;
	int ret;

	if (IS_ERR(from))
		return PTR_ERR(from);
	to = hostfs_path(b, HOSTFS_OTHER);
	ret = PTR_ERR_OR_ZERO(to);
	if (!ret) {
		ret = call(hostfs_root(a), from, to, flags);
		hostfs_path_end();
	}
	hostfs_path_end();
	return ret;
}

static int do_link(int root, const char *from, const char *to, unsigned int flags)
{
	return host_linkat(root, from, root, to);
}

static int do_rename(int root, const char *from, const char *to, unsigned int flags)
{
	return host_renameat2(root, from, root, to, flags);
}

/* Another file may have the old name now, so the host is asked who has the new one. */
static int link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	int ret = with_two(old, dentry, 0, do_link);
	struct hostfs_stat st;

	if (!ret)
		ret = hostfs_stat(dentry, &st);
	return ret ?: instantiate(dir, dentry, &st);
}

static int rename(struct mnt_idmap *idmap, struct inode *dir, struct dentry *dentry, struct inode *new_dir,
		  struct dentry *new, unsigned int flags)
{
	struct inode *over = d_inode(new);
	int ret;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_WHITEOUT && !hostfs_sb(dir->i_sb)->steady)
		return -EINVAL;
	ret = with_two(dentry, new, flags, do_rename);
	if (ret)
		return ret;
	hostfs_changed(dir);
	hostfs_changed(new_dir);
	hostfs_changed(d_inode(dentry));
	if (over && !(flags & RENAME_EXCHANGE) && over != d_inode(dentry))
		lost_name(over);
	else if (over)
		hostfs_changed(over);
	return 0;
}

const struct inode_operations hostfs_dir_iops = {
	.lookup = lookup, .create = create, .mkdir = mkdir, .mknod = mknod, .symlink = symlink, .link = link,
	.unlink = unlink, .rmdir = rmdir, .rename = rename, .tmpfile = tmpfile,
	.getattr = hostfs_getattr, .setattr = hostfs_setattr, .listxattr = hostfs_listxattr,
};
