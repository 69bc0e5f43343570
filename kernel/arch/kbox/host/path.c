// SPDX-License-Identifier: GPL-2.0-only
/* The host's calls that take a path, from the descriptor of a directory on. */
#include <linux/fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include "call.h"

int host_open(int dir, const char *path, unsigned int flags, unsigned int mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW | (flags & O_PATH ? 0 : O_LARGEFILE | O_NOCTTY),
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	return HCALL4(__NR_openat2, dir, path, &how, sizeof(how));
}

int host_statx(int dir, const char *path, unsigned int mask, struct statx *stx)
{
	return HCALL5(__NR_statx, dir, path, AT_SYMLINK_NOFOLLOW, mask, stx);
}

ssize_t host_readlinkat(int dir, const char *path, char *buf, size_t n)
{
	return HCALL4(__NR_readlinkat, dir, path, buf, n);
}

int host_mkdirat(int dir, const char *path, unsigned int mode)
{
	return HCALL3(__NR_mkdirat, dir, path, mode);
}

int host_mknodat(int dir, const char *path, unsigned int mode, u32 dev)
{
	return HCALL4(__NR_mknodat, dir, path, mode, dev);
}

int host_symlinkat(const char *target, int dir, const char *path)
{
	return HCALL3(__NR_symlinkat, target, dir, path);
}

int host_linkat(int from_dir, const char *from, int to_dir, const char *to)
{
	return HCALL5(__NR_linkat, from_dir, from, to_dir, to, 0);
}

int host_unlinkat(int dir, const char *path, bool is_dir)
{
	return HCALL3(__NR_unlinkat, dir, path, is_dir ? AT_REMOVEDIR : 0);
}

int host_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return HCALL5(__NR_renameat2, from_dir, from, to_dir, to, flags);
}

/*
 * The host's kernel has no flag for this one: a link that has taken the file's place is followed.
 */
int host_fchmodat(int dir, const char *path, unsigned int mode)
{
	return HCALL3(__NR_fchmodat, dir, path, mode);
}

int host_fchownat(int dir, const char *path, u32 uid, u32 gid)
{
	return HCALL5(__NR_fchownat, dir, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int host_utimensat(int dir, const char *path, const struct host_timespec times[2])
{
	return HCALL4(__NR_utimensat, dir, path, times, AT_SYMLINK_NOFOLLOW);
}
