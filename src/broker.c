// SPDX-License-Identifier: GPL-2.0-only
/*
 * The third fence of volumes, for hosts that have neither user namespaces nor Landlock. A call that
 * names a file is not made by the box: its filter has the supervisor told, which makes the call on
 * descriptors of its own and hands over what it has opened. Reads, writes and mappings are the
 * box's own calls then.
 *
 * What is asked for is in guest memory, which is read and written by its file: so nothing depends
 * on which process asks, or on whether it still lives, and another process's addresses are nobody's
 * business. Each argument is copied once, and only the copy is looked at.
 *
 * A name of the guest's leads to a file in one way alone, beneath(): the host walks from the volume
 * on, and neither a symbolic link nor ".." takes it elsewhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "broker.h"
#include "fence.h"
#include "filter.h"

/*
 * What the guest's kernel opens files with. The rest (O_TRUNC, O_PATH and others) it has no use
 * for.
 */
#define OPEN_FLAGS \
	(O_ACCMODE | O_CREAT | O_TMPFILE | O_EXCL | O_NONBLOCK | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | ARCH_LARGEFILE)
#define RESOLVE_KNOWN \
	(RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT)

static struct {
	const struct volumes *volumes;
	struct filter_box box;		/* what of its filter is said of volumes */
	int dir[KBOX_MAX_VOLUMES];
	int mem_fd;
	uint64_t mem_size;
	int fds;			/* our /proc/self/fd */
} broker = { .fds = -1 };

/* Answers of a call are 0 or more, an error below, or this. */
#define ANSWERED INT64_MIN

static int64_t error_of(long ret)
{
	return ret < 0 ? -errno : ret;
}

/* Guest memory: how much of it there is from an address of the guest's kernel on. */
static uint64_t room_at(uint64_t address)
{
	uint64_t phys = address - KBOX_PAGE_OFFSET;	/* wraps if below */

	return phys < broker.mem_size ? broker.mem_size - phys : 0;
}

static int64_t take(void *to, uint64_t from, size_t n)
{
	if (n > room_at(from) || pread(broker.mem_fd, to, n, from - KBOX_PAGE_OFFSET) != (ssize_t)n)
		return -EFAULT;
	return 0;
}

static int64_t give(uint64_t to, const void *from, size_t n)
{
	if (n > room_at(to) || pwrite(broker.mem_fd, from, n, to - KBOX_PAGE_OFFSET) != (ssize_t)n)
		return -EFAULT;
	return 0;
}

static int64_t take_text(char text[PATH_MAX], uint64_t from)
{
	size_t n = room_at(from) < PATH_MAX ? room_at(from) : PATH_MAX;

	if (!n || take(text, from, n))
		return -EFAULT;
	if (!memchr(text, 0, n))
		return n == PATH_MAX ? -ENAMETOOLONG : -EFAULT;
	return 0;
}

/* A path in a volume. */
struct name {
	const struct volume *volume;
	int dir;
	bool read_only;
	char path[PATH_MAX];
};

/* Its arguments are of a form that has passed: the number is a volume's. */
static int64_t take_name(struct name *name, uint64_t fd, uint64_t path)
{
	int i = (int)fd - broker.box.volumes;

	name->volume = &broker.volumes->volume[i];
	name->dir = broker.dir[i];
	name->read_only = i < broker.volumes->written;
	return take_text(name->path, path);
}

/* Of a volume that is one file, nothing else is there. */
static bool is_shown(const struct name *name)
{
	return !*name->volume->file || !strcmp(name->path, name->volume->file);
}

static int64_t beneath(int dir, const char *path, int flags, mode_t mode)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC, .mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return error_of(syscall(SYS_openat2, dir, path, &how, sizeof(how)));
}

/* The file itself, be it a symbolic link. It is not opened by that. */
static int64_t find(const struct name *name)
{
	return is_shown(name) ? beneath(name->dir, name->path, O_PATH | O_NOFOLLOW, 0) : -EACCES;
}

/* What is found in a proc file system is of who looks: here the supervisor's memory and files. */
static bool is_of_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC;
}

static int64_t mode_of(int fd)
{
	struct statx s;

	return error_of(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, STATX_TYPE, &s)) ?: s.stx_mode;
}

/*
 * A directory, and the last name of a path, which is looked for in it. The call on these two
 * follows no symbolic link of that name. A ".." would be one way out.
 */
static int64_t find_parent(struct name *name, const char **last)
{
	char *slash = strrchr(name->path, '/');

	if (*name->volume->file)
		return -EACCES;
	*last = slash ? slash + 1 : name->path;
	if (!**last)
		return -ENOENT;
	if (!strcmp(*last, ".."))
		return -EXDEV;
	if (slash)
		*slash = 0;
	return beneath(name->dir, slash ? name->path : ".", O_PATH | O_DIRECTORY, 0);
}

/*
 * As it is in /proc/self/fd: the one way to open a file that is known to be of a kind to be opened.
 */
struct number {
	char text[16];
};

static struct number number_of(int fd)
{
	struct number n;

	snprintf(n.text, sizeof(n.text), "%d", fd);
	return n;
}

/*
 * A device, a FIFO and a socket are the guest's own: the host's are not opened, but for FIFOs with
 * --host-special, for the other end of which nobody waits here.
 */
static int64_t open_again(int fd, int flags, bool special)
{
	int64_t mode = mode_of(fd);

	if (mode < 0)
		return mode;
	if (S_ISLNK(mode))
		return -ELOOP;
	if (special && S_ISFIFO(mode))
		flags |= O_NONBLOCK;
	else if (!S_ISREG(mode) && !S_ISDIR(mode))
		return -ENXIO;
	if (is_of_proc(fd))
		return -EACCES;
	return error_of(syscall(SYS_openat, broker.fds, number_of(fd).text, (flags & ~O_NOFOLLOW) | O_CLOEXEC));
}

/* What is made so is a new file, or there is none. */
static int64_t create(const struct name *name, int flags, mode_t mode)
{
	return *name->volume->file ? -EACCES : beneath(name->dir, name->path, flags, mode);
}

static bool makes_one(const struct open_how *how)
{
	return how->flags & O_CREAT || (how->flags & O_TMPFILE) == O_TMPFILE;
}

static bool is_good(const struct open_how *how)
{
	bool new = makes_one(how);

	if (how->flags & ~(uint64_t)OPEN_FLAGS || how->resolve & ~(uint64_t)RESOLVE_KNOWN)
		return false;
	if (new ? how->mode & ~07777ULL : how->mode)
		return false;
	return (how->flags & O_ACCMODE) != O_ACCMODE && new == !!(how->flags & O_EXCL);
}

static int64_t open_file(const struct name *name, const struct open_how *how)
{
	int64_t found, fd;

	if (name->read_only && (how->flags & O_ACCMODE || makes_one(how)))
		return -EROFS;
	if (makes_one(how))
		return create(name, how->flags, how->mode);
	found = find(name);
	if (found < 0)
		return found;
	fd = open_again(found, how->flags, name->volume->flags & KBOX_VOLUME_SPECIAL);
	close(found);
	return fd;
}

/* The answer with it. The box has one table of descriptors, in which nobody replaces a volume's. */
static int64_t hand_over(int listener, uint64_t id, int fd)
{
	struct seccomp_notif_addfd addfd = {
		.id = id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = fd, .newfd_flags = O_CLOEXEC,
	};
	int64_t ret = error_of(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd));

	close(fd);
	return ret < 0 ? ret : ANSWERED;
}

static int64_t do_openat2(int listener, uint64_t id, const __u64 *a)
{
	struct open_how how;
	struct name name;
	int64_t fd = take_name(&name, a[0], a[1]) ?: take(&how, a[2], sizeof(how));

	if (fd < 0)
		return fd;
	if (!is_good(&how))
		return -EINVAL;
	fd = open_file(&name, &how);
	return fd < 0 ? fd : hand_over(listener, id, fd);
}

/* Also of the directory that a volume of one file is in, as the guest mounts that. */
static int64_t find_to_ask(const struct name *name)
{
	return strcmp(name->path, ".") ? find(name) : beneath(name->dir, ".", O_PATH, 0);
}

static int64_t do_statx(const __u64 *a)
{
	struct name name;
	struct statx s;
	int64_t ret = take_name(&name, a[0], a[1]), fd;

	if (ret)
		return ret;
	fd = find_to_ask(&name);
	if (fd < 0)
		return fd;
	ret = error_of(syscall(SYS_statx, (int)fd, "", (int)a[2] | AT_EMPTY_PATH, (unsigned int)a[3], &s));
	close(fd);
	return ret ?: give(a[4], &s, sizeof(s));
}

static int64_t do_readlinkat(const __u64 *a)
{
	char text[PATH_MAX];
	struct name name;
	int64_t n = take_name(&name, a[0], a[1]), fd;
	int size = a[3];

	if (!n && size <= 0)
		n = -EINVAL;
	if (n)
		return n;
	fd = find(&name);
	if (fd < 0)
		return fd;
	n = error_of(syscall(SYS_readlinkat, (int)fd, "", text, size < PATH_MAX ? size : PATH_MAX));
	if (n == -ENOENT)
		n = -EINVAL;	/* without a name what is no link is not found */
	if (is_of_proc(fd))
		n = -EACCES;
	close(fd);
	return n < 0 ? n : give(a[2], text, n) ?: n;
}

static int64_t do_one_name(const __u64 *a, int nr)
{
	const char *last;
	struct name name;
	int64_t ret = take_name(&name, a[0], a[1]) ?: find_parent(&name, &last);
	int dir = ret;

	if (ret < 0)
		return ret;
	switch (nr) {
	case SYS_mkdirat:
		ret = syscall(SYS_mkdirat, dir, last, (mode_t)a[2]);
		break;
	case SYS_mknodat:
		ret = syscall(SYS_mknodat, dir, last, (mode_t)a[2], (unsigned int)a[3]);
		break;
	default:
		ret = syscall(SYS_unlinkat, dir, last, (int)a[2]);
	}
	ret = error_of(ret);
	close(dir);
	return ret;
}

static int64_t do_symlinkat(const __u64 *a)
{
	char target[PATH_MAX];
	const char *last;
	struct name name;
	int64_t ret = take_text(target, a[0]) ?: take_name(&name, a[1], a[2]) ?: find_parent(&name, &last);
	int dir = ret;

	if (ret < 0)
		return ret;
	ret = error_of(syscall(SYS_symlinkat, target, dir, last));
	close(dir);
	return ret;
}

/* linkat(2), which follows no symbolic link without a flag, or renameat2(2). */
static int64_t do_two_names(const __u64 *a, int nr)
{
	const char *last[2];
	struct name name[2];
	int64_t ret = take_name(&name[0], a[0], a[1]) ?: take_name(&name[1], a[2], a[3]);
	int dir[2];

	if (!ret)
		ret = find_parent(&name[0], &last[0]);
	dir[0] = ret;
	if (ret < 0)
		return ret;
	ret = find_parent(&name[1], &last[1]);
	dir[1] = ret;
	if (ret >= 0) {
		ret = error_of(syscall(nr, dir[0], last[0], dir[1], last[1], (unsigned int)a[4]));
		close(dir[1]);
	}
	close(dir[0]);
	return ret;
}

/* A symbolic link has no mode of its own, and none is followed. */
static int64_t change_mode(int fd, mode_t mode)
{
	int64_t is = mode_of(fd);

	if (is < 0)
		return is;
	if (S_ISLNK(is))
		return -EOPNOTSUPP;
	return error_of(syscall(SYS_fchmodat, broker.fds, number_of(fd).text, mode));
}

static int64_t change_times(int fd, uint64_t times)
{
	struct timespec t[2];

	if (times && take(t, times, sizeof(t)))
		return -EFAULT;
	return error_of(syscall(SYS_utimensat, fd, "", times ? t : NULL, AT_EMPTY_PATH));
}

static int64_t do_change(const __u64 *a, int nr)
{
	struct name name;
	int64_t ret = take_name(&name, a[0], a[1]) ?: find(&name);
	int fd = ret;

	if (ret < 0)
		return ret;
	switch (nr) {
	case SYS_fchmodat:
		ret = change_mode(fd, a[2]);
		break;
	case SYS_fchownat:
		ret = error_of(syscall(SYS_fchownat, fd, "", (uid_t)a[2], (gid_t)a[3], AT_EMPTY_PATH));
		break;
	default:
		ret = change_times(fd, a[2]);
	}
	close(fd);
	return ret;
}

static int64_t do_call(int listener, const struct seccomp_notif *n)
{
	const __u64 *a = n->data.args;

	switch (n->data.nr) {
	case SYS_openat2:
		return do_openat2(listener, n->id, a);
	case SYS_statx:
		return do_statx(a);
	case SYS_readlinkat:
		return do_readlinkat(a);
	case SYS_mkdirat:
	case SYS_mknodat:
	case SYS_unlinkat:
		return do_one_name(a, n->data.nr);
	case SYS_symlinkat:
		return do_symlinkat(a);
	case SYS_linkat:
	case SYS_renameat2:
		return do_two_names(a, n->data.nr);
	case SYS_fchmodat:
	case SYS_fchownat:
	case SYS_utimensat:
		return do_change(a, n->data.nr);
	}
	return -ENOSYS;
}

bool broker_takes(const struct seccomp_data *d)
{
	return broker.volumes && is_path_call(&broker.box, d);
}

/*
 * The guest's kernel has walked the directories of a path. Where one is a symbolic link now it is
 * to walk once more, which ESTALE tells it. Of openat2(2) it takes ELOOP for that itself.
 */
bool broker_answer(int listener, const struct seccomp_notif *n, struct seccomp_notif_resp *r)
{
	int64_t ret = do_call(listener, n);

	if (ret == ANSWERED)
		return false;
	if (ret == -ELOOP && n->data.nr != SYS_openat2)
		ret = -ESTALE;
	r->error = ret < 0 ? ret : 0;
	r->val = ret < 0 ? 0 : ret;
	return true;
}

static int own_fds(void)
{
	return open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* Files are opened again by the directory of descriptors, so it is tried. */
bool broker_works(void)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (is_hidden(KBOX_HIDE_BROKER) || fd < 0)
		return false;
	broker.fds = own_fds();
	return broker.fds >= 0 && open_again(fd, O_RDONLY, false) >= 0 && handing_over_works();
}

void broker_start(const struct box *b, const struct passed *p)
{
	const struct volumes *v = &b->volumes;

	if (!has_broker(v))
		return;
	if (p->n != v->n)
		die("the volumes' descriptors: %s", reason(EMFILE));
	broker.fds = own_fds();
	if (broker.fds < 0)
		die("/proc/self/fd: %s", reason(errno));
	for (int i = 0; i < v->n; i++)
		broker.dir[i] = p->volume[i];
	broker.box = (struct filter_box) {
		.given = given_volumes(v),
		.volumes = p->first, .written = p->first + v->written, .volumes_end = p->first + v->n,
	};
	broker.mem_fd = b->mem_fd;
	broker.mem_size = b->opt.mem;
	broker.volumes = v;
	umask(0);	/* modes are the guest's */
}

int broker_fds(void)
{
	return broker.fds;
}
