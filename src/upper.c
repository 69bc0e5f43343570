// SPDX-License-Identifier: GPL-2.0-only
/*
 * --upper: the directory that has what a box writes to its root. It is the guest's overlayfs that
 * keeps it there, in upper/, which no other box may do at the same time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "box.h"

#define PROBE	".probe"
#define MOVED	".probe-moved"

/*
 * Whether a whiteout may be made there, and left by a rename; overlayfs would not say what it
 * lacks.
 */
static bool has_whiteouts(int dir)
{
	bool has = !mknodat(dir, PROBE, S_IFCHR, makedev(0, 0)) && !renameat2(dir, PROBE, dir, MOVED, RENAME_WHITEOUT);
	int err = errno;

	unlinkat(dir, PROBE, 0);
	unlinkat(dir, MOVED, 0);
	errno = err;
	return has;
}

static bool has_attributes(int dir)
{
	return !fsetxattr(dir, "user.kbox.upper", "", 0, 0);
}

/* It stays open, and so locked, as long as the supervisor lives. */
char *open_upper(const char *path)
{
	char *real;
	int fd;

	if (mkdir(path, 0755) && errno != EEXIST)
		die("--upper %s: %s", path, reason(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	real = fd < 0 ? NULL : realpath(path, NULL);
	if (!real)
		die("--upper %s: %s", path, reason(errno));
	if (flock(fd, LOCK_EX | LOCK_NB))
		die("--upper %s: %s", path, errno == EWOULDBLOCK ? "another box has it" : reason(errno));
	if (!has_whiteouts(fd))
		die("--upper %s: no whiteout can be made there: %s", path, reason(errno));
	if (!has_attributes(fd))
		die("--upper %s: no attribute (user.*) can be set there: %s", path, reason(errno));
	return real;
}
