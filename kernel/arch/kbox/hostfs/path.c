// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the host is told of a file: by its path from the volume's root. So a name that the host has
 * given to another file leads there at the next call, and directories take no descriptors.
 */
#include <linux/percpu.h>
#include <linux/stat.h>
#include "hostfs.h"

static DEFINE_PER_CPU(char[2][PATH_MAX], buffers);

int hostfs_root(const struct dentry *dentry)
{
	return hostfs_sb(dentry->d_sb)->root;
}

char *hostfs_path(struct dentry *dentry, enum hostfs_buffer which)
{
	char *path = dentry_path_raw(dentry, get_cpu_var(buffers)[which], PATH_MAX);

	if (IS_ERR(path)) {
		hostfs_path_end();
		return path;
	}
	return path[1] ? path + 1 : ".";
}

void hostfs_path_end(void)
{
	put_cpu_var(buffers);
}

static struct timespec64 time_of(const struct statx_timestamp *t)
{
	return (struct timespec64) { t->tv_sec, t->tv_nsec };
}

static kuid_t uid_of(const struct super_block *sb, u32 uid)
{
	return make_kuid(&init_user_ns, hostfs_to_guest(&hostfs_sb(sb)->uids, uid));
}

static kgid_t gid_of(const struct super_block *sb, u32 gid)
{
	return make_kgid(&init_user_ns, hostfs_to_guest(&hostfs_sb(sb)->gids, gid));
}

static void from_statx(const struct super_block *sb, const struct statx *s, struct hostfs_stat *st)
{
	*st = (struct hostfs_stat) {
		.dev = MKDEV(s->stx_dev_major, s->stx_dev_minor),
		.mnt = s->stx_mask & STATX_MNT_ID ? s->stx_mnt_id : 0,
		.type = s->stx_mode & S_IFMT,
		.k = {
			.result_mask = STATX_BASIC_STATS | (s->stx_mask & STATX_BTIME),
			.mode = s->stx_mode, .nlink = s->stx_nlink, .ino = s->stx_ino,
			.uid = uid_of(sb, s->stx_uid), .gid = gid_of(sb, s->stx_gid),
			.rdev = MKDEV(s->stx_rdev_major, s->stx_rdev_minor),
			.size = s->stx_size, .blocks = s->stx_blocks, .blksize = s->stx_blksize,
			.atime = time_of(&s->stx_atime), .mtime = time_of(&s->stx_mtime),
			.ctime = time_of(&s->stx_ctime), .btime = time_of(&s->stx_btime),
		},
	};
}

static int stat_fd(const struct super_block *sb, int fd, struct hostfs_stat *st)
{
	struct stat s;
	int ret = host_fstat(fd, &s);

	if (ret)
		return ret;
	*st = (struct hostfs_stat) {
		.dev = new_decode_dev(s.st_dev),
		.type = s.st_mode & S_IFMT,
		.k = {
			.result_mask = STATX_BASIC_STATS,
			.mode = s.st_mode, .nlink = s.st_nlink, .ino = s.st_ino,
			.uid = uid_of(sb, s.st_uid), .gid = gid_of(sb, s.st_gid),
			.rdev = new_decode_dev(s.st_rdev),
			.size = s.st_size, .blocks = s.st_blocks, .blksize = s.st_blksize,
			.atime = { s.st_atime, s.st_atime_nsec }, .mtime = { s.st_mtime, s.st_mtime_nsec },
			.ctime = { s.st_ctime, s.st_ctime_nsec },
		},
	};
	return 0;
}

int hostfs_stat_fd(const struct super_block *sb, int fd, struct hostfs_stat *st)
{
	return stat_fd(sb, fd, st) ?: hostfs_find_owner(sb, NULL, fd, st);
}

/* Where the fence lets only openat2(2) have a path. */
static int stat_by_open(struct dentry *dentry, struct hostfs_stat *st)
{
	int fd = hostfs_open_path(dentry, O_PATH, 0), ret;

	if (fd < 0)
		return fd;
	ret = stat_fd(dentry->d_sb, fd, st);
	host_close(fd);
	return ret;
}

static int stat_by_path(struct dentry *dentry, struct hostfs_stat *st)
{
	char *path = hostfs_path(dentry, HOSTFS_NAME);
	struct statx s;
	int ret;

	if (IS_ERR(path))
		return PTR_ERR(path);
	ret = host_statx(hostfs_root(dentry), path, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &s);
	hostfs_path_end();
	if (!ret)
		from_statx(dentry->d_sb, &s, st);
	return ret;
}

int hostfs_stat(struct dentry *dentry, struct hostfs_stat *st)
{
	int ret = kbox_boot->volume_paths ? stat_by_path(dentry, st) : stat_by_open(dentry, st);

	return ret ?: hostfs_find_owner(dentry->d_sb, dentry, -1, st);
}
