// SPDX-License-Identifier: GPL-2.0-only
/*
 * A mount namespace for the box's processes, whose root has the volumes and nothing else: calls
 * that take a path find nothing but them, whoever makes these calls. Not every host lets a user
 * have one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "idmap.h"

/* linux/mount.h and sys/mount.h do not go together. */
int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data);
int umount2(const char *target, int flags);
#define MNT_DETACH	2

static bool both_namespaces(void)
{
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS);
}

/* What the host mounts later below a volume stays away: it would come without the restrictions. */
bool new_namespace(const struct volumes *v)
{
	if (is_hidden(KBOX_HIDE_NAMESPACES)) {
		errno = ENOSYS;
		return false;
	}
	if (unshare(CLONE_NEWNS) && !enter_user_namespace(v, both_namespaces))
		return false;
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* An empty root; the old one is in /old. Any directory is a place to begin. */
static bool make_root(void)
{
	static const char *const dirs[] = { "/tmp", "/usr", "/etc", "/" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (!mount("kbox", dirs[i], "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=1m"))
			return !chdir(dirs[i]) && !mkdir("old", 0700) && !syscall(SYS_pivot_root, ".", "old") && !chdir("/");
	return false;
}

static bool make_directories(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return false;
		*slash = '/';
	}
	return !mkdir(path, 0755) || errno == EEXIST;
}

static bool make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && !close(fd);
}

/* Of all that is mounted below it, too. What the host has forbidden there stays so. */
static bool restrict_mount(int tree, bool read_only)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };

	if (read_only)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	return !syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

static bool bind_part(const struct volumes *v, const struct part *p, int fd)
{
	int tree = syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	char path[PATH_MAX + 16], *end;
	bool ok;

	snprintf(path, sizeof(path), "/%d%s", p->volume, p->at);
	end = strrchr(path, '/');
	if (p->is_file)
		*end = 0;
	ok = tree >= 0 && restrict_mount(tree, v->volume[p->volume].flags & KBOX_VOLUME_READ_ONLY) &&
	     make_directories(path);
	*end = '/';
	ok = ok && (!p->is_file || make_file(path)) &&
	     !syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
	if (tree >= 0)
		close(tree);
	return ok;
}

static bool leave_old_root(void)
{
	return !chdir("/") && !umount2("/old", MNT_DETACH) && !rmdir("/old") &&
	       !mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL);
}

/* Where it is mounted for a moment; what is opened then stays of that mount. */
static bool mount_null(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int tree = syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	bool ok = tree >= 0 && !syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) &&
		  !syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);

	if (tree >= 0)
		close(tree);
	return ok;
}

/* The same file, opened in the same way. */
static bool open_null_again(const char *path, int fd)
{
	int how = fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK);
	int new = open(path, how | O_CLOEXEC);
	bool ok = new >= 0 && dup3(new, fd, O_CLOEXEC) >= 0;

	if (new >= 0)
		close(new);
	return ok;
}

bool keep_null_as_it_is(int fds)
{
	static const char path[] = "/dev/null";
	struct stat null, st;
	bool ok = !stat(path, &null) && mount_null(path);

	for (int fd = 0; ok && fd < fds; fd++)
		if (!fstat(fd, &st) && st.st_dev == null.st_dev && st.st_ino == null.st_ino)
			ok = open_null_again(path, fd);
	return ok && !umount2(path, MNT_DETACH);
}

bool move_into_volumes(const struct volumes *v, int fd[], const char **what)
{
	char path[16];

	*what = "a root directory for the volumes";
	if (!make_root())
		return false;
	for (int i = 0; i < v->parts; i++) {
		*what = v->volume[v->part[i].volume].arg;
		if (!bind_part(v, &v->part[i], fd[i]))
			return false;
		close(fd[i]);
	}
	*what = "the volumes' root directory";
	if (!leave_old_root())
		return false;
	for (int i = 0; i < v->n; i++) {
		*what = v->volume[i].arg;
		snprintf(path, sizeof(path), "/%d", i);
		fd[i] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd[i] < 0)
			return false;
	}
	return true;
}

/* All that a box's process does to have its volumes, with a directory that everybody has. */
bool namespaces_work(void)
{
	struct volumes v = { .n = 1, .parts = 1, .part = { { "/", "", 0, false } } };
	const char *what;
	int fd;

	if (!new_namespace(&v) || !keep_null_as_it_is(3))
		return false;
	v.volume[0].flags = KBOX_VOLUME_READ_ONLY;
	fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && move_into_volumes(&v, &fd, &what);
}

#define BIT(cap)	(1U << (cap))
#define FILE_CAPABILITIES \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID))

void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	uint32_t keep = geteuid() ? 0 : FILE_CAPABILITIES;

	if (syscall(SYS_capget, &header, caps))
		die("capget: %s", strerror(errno));
	caps[0].effective &= keep;
	caps[0].permitted &= keep;
	caps[1].effective = caps[1].permitted = 0;
	caps[0].inheritable = caps[1].inheritable = 0;
	if (syscall(SYS_capset, &header, caps))
		die("capset: %s", strerror(errno));
}
