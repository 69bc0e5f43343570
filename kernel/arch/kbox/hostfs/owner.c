// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owners, modes and devices that the host's user cannot give to a file are an attribute of it, in
 * volumes of KBOX_VOLUME_OWNERS. On the host such a file is the user's, who can read and write it.
 * The host has attributes for files and directories alone. So FIFOs, sockets and devices are empty
 * files there, and a symbolic link has the host's owner. In volumes of KBOX_VOLUME_DEVICES only
 * devices are kept so.
 */
#include "hostfs.h"

#define NAME	"user." HOSTFS_OWN_ATTRIBUTE
#define TEXT	"%u %u %o %u"	/* uid, gid, mode, device as new_encode_dev() has it */

static bool has_one(const struct super_block *sb, umode_t type)
{
	return hostfs_sb(sb)->owners && (S_ISREG(type) || S_ISDIR(type));
}

static bool may_have_one(const struct super_block *sb, const struct hostfs_stat *st)
{
	return has_one(sb, st->type) || (hostfs_sb(sb)->devices && S_ISREG(st->type) && !st->k.size);
}

umode_t hostfs_host_mode(const struct super_block *sb, umode_t mode)
{
	if (!hostfs_sb(sb)->owners)
		return mode & S_IALLUGO;
	return (mode & 0777) | (S_ISDIR(mode) ? 0700 : 0600);
}

static void read_fd(int fd, struct hostfs_owner *o)
{
	unsigned int mode, rdev;
	char text[64];
	ssize_t n = host_fgetxattr(fd, NAME, text, sizeof(text) - 1);

	o->is = false;
	if (n <= 0)
		return;
	text[n] = 0;
	if (sscanf(text, TEXT, &o->uid, &o->gid, &mode, &rdev) != 4)
		return;
	o->is = true;
	o->mode = mode;
	o->rdev = new_decode_dev(rdev);
}

static int write_fd(int fd, const struct hostfs_owner *o)
{
	char text[64];
	int n = snprintf(text, sizeof(text), TEXT, o->uid, o->gid, o->mode, new_encode_dev(o->rdev));

	return host_fsetxattr(fd, NAME, text, n, 0);
}

static int is_this(struct inode *inode, void *st)
{
	return hostfs_is_file(hostfs_i(inode), st);
}

/* A change of it changes the file's ctime. */
static bool is_known(const struct super_block *sb, struct hostfs_stat *st)
{
	struct inode *inode = ilookup5((struct super_block *)sb, st->k.ino, is_this, st);
	bool known = inode && timespec64_equal(&hostfs_i(inode)->owner_ctime, &st->k.ctime);

	if (known)
		st->owner = hostfs_i(inode)->owner;
	iput(inode);
	return known;
}

static int ask(struct dentry *dentry, int fd, struct hostfs_owner *o)
{
	int opened = fd < 0 && dentry ? hostfs_open_path(dentry, O_RDONLY | O_NONBLOCK, 0) : -1;

	if (opened >= 0)
		fd = opened;
	if (fd >= 0)
		read_fd(fd, o);
	if (opened >= 0)
		host_close(opened);
	return opened == -EMFILE || opened == -ENFILE ? opened : 0;
}

int hostfs_find_owner(const struct super_block *sb, struct dentry *dentry, int fd, struct hostfs_stat *st)
{
	int ret;

	if (!may_have_one(sb, st))
		return 0;
	if (!is_known(sb, st)) {
		ret = ask(dentry, fd, &st->owner);
		if (ret)
			return ret;
	}
	if (!st->owner.is)
		return 0;
	if (!hostfs_sb(sb)->owners) {
		if (S_ISCHR(st->owner.mode) || S_ISBLK(st->owner.mode))
			st->k.mode = (st->owner.mode & S_IFMT) | (st->k.mode & S_IALLUGO);
		st->k.rdev = st->owner.rdev;
		return 0;
	}
	st->k.uid = make_kuid(&init_user_ns, st->owner.uid);
	st->k.gid = make_kgid(&init_user_ns, st->owner.gid);
	st->k.mode = st->owner.mode;
	st->k.rdev = st->owner.rdev;
	return 0;
}

static struct hostfs_owner of_inode(const struct inode *inode)
{
	return (struct hostfs_owner) {
		.is = true,
		.uid = from_kuid(&init_user_ns, inode->i_uid), .gid = from_kgid(&init_user_ns, inode->i_gid),
		.mode = inode->i_mode, .rdev = inode->i_rdev,
	};
}

int hostfs_set_owner(struct dentry *dentry, const struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	struct hostfs_owner o = of_inode(inode);
	bool opened;
	int fd, ret;

	if (!has_one(inode->i_sb, hostfs_i(inode)->type))
		return 0;
	if (attr->ia_valid & ATTR_UID)
		o.uid = from_kuid(&init_user_ns, attr->ia_uid);
	if (attr->ia_valid & ATTR_GID)
		o.gid = from_kgid(&init_user_ns, attr->ia_gid);
	if (attr->ia_valid & ATTR_MODE)
		o.mode = (o.mode & S_IFMT) | (attr->ia_mode & S_IALLUGO);
	fd = hostfs_borrow_fd(dentry, &opened);
	ret = fd < 0 ? fd : write_fd(fd, &o);
	hostfs_return_fd(fd, opened);
	return ret == -EOPNOTSUPP ? -EPERM : ret;
}

int hostfs_make_special(struct dentry *dentry, umode_t mode, dev_t dev)
{
	struct hostfs_owner o = {
		.uid = from_kuid(&init_user_ns, current_fsuid()), .gid = from_kgid(&init_user_ns, current_fsgid()),
		.mode = mode, .rdev = dev,
	};
	int fd = hostfs_open_path(dentry, O_RDWR | O_NONBLOCK, 0), ret;

	if (fd < 0)
		return fd;
	ret = write_fd(fd, &o);
	host_close(fd);
	return ret == -EOPNOTSUPP ? -EPERM : ret;
}
