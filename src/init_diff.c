// SPDX-License-Identifier: GPL-2.0-only
/*
 * --diff: what has been written to the root, that is the upper tree of its overlays (init_root.c),
 * as a layer of an OCI image: a tar archive in which .wh.NAME says that NAME is gone, and
 * .wh..wh..opq that what was in a directory is.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "init.h"
#include "init_tar.h"

#define WHITEOUT ".wh."
#define OPAQUE	".wh..wh..opq"

/* A file of several names. */
struct linked {
	dev_t dev;
	ino_t ino;
	char *name;	/* the first one in the archive */
};

static struct {
	int out, memory, upper;
	void *linked;		/* a tree of these */
	/* Where the walk is: the name in the archive. */
	char *name;
	size_t len, room;
} diff;

static void *have(void *p)
{
	if (!p)
		tar_fail("memory");
	return p;
}

/* One name more in the path. go_back() takes it away again, down to this length. */
static size_t go_to(const char *base)
{
	size_t len = diff.len, n = strlen(base);

	if (diff.room < len + n + 2)
		diff.name = have(realloc(diff.name, diff.room = 2 * (len + n + 2)));
	diff.len += sprintf(diff.name + len, "%s%s", len ? "/" : "", base);
	return len;
}

static void go_back(size_t len)
{
	diff.name[diff.len = len] = 0;
}

static int by_number(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->dev == y->dev ? 0 : x->dev < y->dev ? -1 : 1;
}

/* The name that the archive has of it already, or NULL: then it is this one. */
static const char *first_name(const struct stat *st)
{
	struct linked key = { .dev = st->st_dev, .ino = st->st_ino }, **found, *new;

	if (st->st_nlink < 2)
		return NULL;
	found = tfind(&key, &diff.linked, by_number);
	if (found)
		return (*found)->name;
	new = have(malloc(sizeof(*new)));
	*new = key;
	new->name = have(strdup(diff.name));
	have(tsearch(new, &diff.linked, by_number));
	return NULL;
}

/* Those that a program can have meant, and not overlayfs' own. */
static int is_passed_on(const char *name)
{
	return !strcmp(name, "security.capability") ||
	       (!strncmp(name, "user.", 5) && strncmp(name, "user.overlay.", 13));
}

static void put_attributes(int fd)
{
	static char names[1 << 16], value[1 << 16];	/* there are no longer ones */
	ssize_t n = flistxattr(fd, names, sizeof(names)), size;

	for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (!is_passed_on(name))
			continue;
		size = fgetxattr(fd, name, value, sizeof(value));
		if (size < 0)
			tar_fail(diff.name);
		tar_attribute(name, value, size);
	}
}

/* Up to that position. */
static void put_data(int fd, off_t from, off_t to)
{
	static char buf[1 << 16];

	while (from < to) {
		ssize_t n = pread(fd, buf, to - from < (off_t)sizeof(buf) ? to - from : (off_t)sizeof(buf), from);

		if (n <= 0)
			tar_fail(diff.name);
		tar_data(buf, n);
		from += n;
	}
}

/* Nobody else is left that could change it. */
static void put_content(int fd, off_t size)
{
	for (off_t at = 0, data, hole; at < size; at = hole) {
		data = lseek(fd, at, SEEK_DATA);
		if (data < 0)
			data = errno == ENXIO ? size : at;
		hole = data < size ? lseek(fd, data, SEEK_HOLE) : size;
		if (hole <= data || hole > size)
			hole = size;
		tar_hole(data - at);
		put_data(fd, data, hole);
	}
	tar_pad(size);
}

static void put_file(int dir, const char *base, const struct stat *st)
{
	int fd = openat(dir, base, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		tar_fail(diff.name);
	put_attributes(fd);
	tar_entry(diff.name, TAR_FILE, st, st->st_size, "");
	put_content(fd, st->st_size);
	close(fd);
}

static void put_symlink(int dir, const char *base, const struct stat *st)
{
	char link[PATH_MAX] = "";

	if (readlinkat(dir, base, link, sizeof(link) - 1) < 0)
		tar_fail(diff.name);
	tar_entry(diff.name, TAR_SYMLINK, st, 0, link);
}

/* An empty file, that says something of the directory in which the walk is, or of a name in it. */
static void put_mark(const char *a, const char *b)
{
	struct stat plain = { .st_mode = S_IFREG | 0644 };
	char mark[NAME_MAX + 8];
	size_t len;

	snprintf(mark, sizeof(mark), "%s%s", a, b);
	len = go_to(mark);
	tar_entry(diff.name, TAR_FILE, &plain, 0, "");
	go_back(len);
}

/* Of a layer below, by the name of the walk: what is there. */
static int stat_below(size_t i, struct stat *st)
{
	const char *target = config.volumes[i].target + 1;
	size_t n = strlen(target);
	char path[PATH_MAX];

	if (strncmp(diff.name, target, n) || (n && diff.name[n] && diff.name[n] != '/'))
		return -1;
	if (snprintf(path, sizeof(path), "%zu.lower/%s", i, diff.name + n) >= (int)sizeof(path))
		return -1;
	return fstatat(diff.memory, path, st, AT_SYMLINK_NOFOLLOW);
}

static int stat_base(struct stat *st)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "base/%s", diff.name) >= (int)sizeof(path))
		return -1;
	return fstatat(diff.memory, path, st, AT_SYMLINK_NOFOLLOW);
}

static int hides_directory(void)
{
	struct stat st;

	for (size_t i = 0; i < config.layers; i++)
		if (!stat_below(i, &st) && S_ISDIR(st.st_mode))
			return 1;
	return !stat_base(&st) && S_ISDIR(st.st_mode);
}

/* A new directory is opaque, too, where there was none: then it hides nothing. */
static int is_opaque(int fd)
{
	char yes = 0;

	return (fgetxattr(fd, "trusted.overlay.opaque", &yes, 1) == 1 ||
		fgetxattr(fd, "user.overlay.opaque", &yes, 1) == 1) && yes == 'y' && hides_directory();
}

/* To the target of a layer, as the root itself is. */
static int is_on_way(void)
{
	for (size_t i = 0; i < config.layers; i++) {
		const char *target = config.volumes[i].target + 1;

		if (!strncmp(target, diff.name, diff.len) && (!diff.len || strchr("/", target[diff.len])))
			return 1;
	}
	return 0;
}

/*
 * The upper tree has the directories in which layers are, whether or not anything happens to them.
 */
static int is_as_before(const struct stat *st)
{
	struct stat was;

	return is_on_way() && !stat_base(&was) && was.st_mode == st->st_mode && was.st_uid == st->st_uid &&
	       was.st_gid == st->st_gid;
}

static void walk(int fd);

static void put_directory(int fd, const struct stat *st)
{
	char *name = have(malloc(diff.len + 3));

	if (!is_as_before(st)) {
		put_attributes(fd);
		sprintf(name, "%s/", diff.len ? diff.name : ".");
		tar_entry(name, TAR_DIRECTORY, st, 0, "");
	}
	free(name);
	if (is_opaque(fd))
		put_mark(OPAQUE, "");
	walk(fd);
}

static void enter_directory(int dir, const char *base, const struct stat *st)
{
	int fd = openat(dir, base, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		tar_fail(diff.name);
	put_directory(fd, st);
	close(fd);
}

/* A socket is nothing without its process. */
static void put_name(int dir, const char *base, const struct stat *st)
{
	const char *first = S_ISDIR(st->st_mode) || S_ISSOCK(st->st_mode) ? NULL : first_name(st);

	if (first) {
		tar_entry(diff.name, TAR_LINK, st, 0, first);
		return;
	}
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		put_file(dir, base, st);
		break;
	case S_IFDIR:
		enter_directory(dir, base, st);
		break;
	case S_IFLNK:
		put_symlink(dir, base, st);
		break;
	case S_IFCHR:
		tar_entry(diff.name, TAR_CHAR, st, 0, "");
		break;
	case S_IFBLK:
		tar_entry(diff.name, TAR_BLOCK, st, 0, "");
		break;
	case S_IFIFO:
		tar_entry(diff.name, TAR_FIFO, st, 0, "");
		break;
	}
}

/* Overlayfs says with a device of number 0 that a name is gone; such devices share an inode. */
static void visit(int dir, const char *base)
{
	struct stat st;
	size_t len;

	if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW))
		tar_fail(base);
	if (S_ISCHR(st.st_mode) && !st.st_rdev) {
		put_mark(WHITEOUT, base);
		return;
	}
	/* A layer has no way to say that a file has such a name. */
	if (!strncmp(base, WHITEOUT, strlen(WHITEOUT)))
		return;
	len = go_to(base);
	put_name(dir, base, &st);
	go_back(len);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In order, so that the same changes are the same archive. */
static char **names_of(int fd, size_t *n)
{
	DIR *dir = have(fdopendir(dup(fd)));
	char **list = NULL;
	struct dirent *e;

	*n = 0;
	while ((errno = 0, e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!(*n & (*n - 1)))	/* it grows by powers of two */
			list = have(realloc(list, (*n ? 2 * *n : 1) * sizeof(*list)));
		list[(*n)++] = have(strdup(e->d_name));
	}
	if (errno)
		tar_fail(diff.name);
	closedir(dir);
	if (*n)
		qsort(list, *n, sizeof(*list), by_name);
	return list;
}

static void walk(int fd)
{
	size_t n;
	char **list = names_of(fd, &n);

	for (size_t i = 0; i < n; i++) {
		visit(fd, list[i]);
		free(list[i]);
	}
	free(list);
}

void diff_prepare(int out)
{
	diff.out = out;
	diff.name = have(calloc(1, diff.room = 256));
	tar_begin(out);
}

/* They are not below the new root, but a directory that is open is there. */
void diff_trees(const char *memory, const char *upper)
{
	diff.memory = open(memory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	diff.upper = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (diff.memory < 0 || diff.upper < 0)
		tar_fail(upper);
}

void diff_write(void)
{
	/* One for each directory of a path, which may have thousands. */
	struct rlimit files = { 1 << 20, 1 << 20 };
	struct stat st;

	if (config.diff < 0)
		return;
	setrlimit(RLIMIT_NOFILE, &files);
	if (fstat(diff.upper, &st))
		tar_fail("/");
	put_directory(diff.upper, &st);
	tar_end();
}
