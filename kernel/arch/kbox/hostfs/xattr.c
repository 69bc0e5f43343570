// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended attributes: those of the user, which a host lets be of files and directories. Others, as
 * of file capabilities, would mean the host's users.
 */
#include <linux/slab.h>
#include <linux/xattr.h>
#include "hostfs.h"

static bool may_have(const struct inode *inode)
{
	return S_ISREG(inode->i_mode) || S_ISDIR(inode->i_mode);
}

static bool is_own(const char *name)
{
	return !strcmp(name, HOSTFS_OWN_ATTRIBUTE);
}

static int get(const struct xattr_handler *handler, struct dentry *dentry, struct inode *inode, const char *name,
	       void *value, size_t size)
{
	bool opened;
	int fd, ret;

	if (!may_have(inode) || is_own(name))
		return -ENODATA;
	fd = hostfs_borrow_fd(dentry, &opened);
	if (fd < 0)
		return fd;
	ret = host_fgetxattr(fd, xattr_full_name(handler, name), value, size);
	hostfs_return_fd(fd, opened);
	return ret;
}

static int set(const struct xattr_handler *handler, struct mnt_idmap *idmap, struct dentry *dentry, struct inode *inode,
	       const char *name, const void *value, size_t size, int flags)
{
	bool opened;
	int fd, ret;

	if (!may_have(inode) || is_own(name))
		return -EPERM;
	fd = hostfs_borrow_fd(dentry, &opened);
	if (fd < 0)
		return fd;
	name = xattr_full_name(handler, name);
	ret = value ? host_fsetxattr(fd, name, value, size, flags) : host_fremovexattr(fd, name);
	hostfs_return_fd(fd, opened);
	hostfs_changed(inode);
	return ret;
}

static const struct xattr_handler user = { .prefix = XATTR_USER_PREFIX, .get = get, .set = set };
const struct xattr_handler *const hostfs_xattr_handlers[] = { &user, NULL };

/* Only those that can be asked for. */
static ssize_t only_user(char *names, ssize_t n)
{
	char *from = names, *to = names;

	while (from < names + n) {
		size_t len = strlen(from) + 1;

		if (!strncmp(from, XATTR_USER_PREFIX, XATTR_USER_PREFIX_LEN) && !is_own(from + XATTR_USER_PREFIX_LEN)) {
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	return to - names;
}

ssize_t hostfs_listxattr(struct dentry *dentry, char *names, size_t size)
{
	bool opened;
	ssize_t n;
	char *all;
	int fd;

	if (!may_have(d_inode(dentry)))
		return 0;
	all = kvmalloc(XATTR_LIST_MAX, GFP_KERNEL);
	if (!all)
		return -ENOMEM;
	fd = hostfs_borrow_fd(dentry, &opened);
	n = fd < 0 ? fd : host_flistxattr(fd, all, XATTR_LIST_MAX);
	hostfs_return_fd(fd, opened);
	if (n > 0)
		n = only_user(all, n);
	if (n > 0 && size) {
		if (n > size)
			n = -ERANGE;
		else
			memcpy(names, all, n);
	}
	kvfree(all);
	return n;
}
