// SPDX-License-Identifier: GPL-2.0-only
/*
 * --diff: what has been written to the root's overlays, as a tar archive: a layer of an OCI image,
 * in which .wh.NAME says that NAME is gone, and .wh..wh..opq that what was in a directory is.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "init.h"

#define BLOCK	512
#define WHITEOUT ".wh."
#define OPAQUE	".wh..wh..opq"
#define OURS	"trusted.overlay."	/* attributes of overlayfs' own */
#define OPAQUE_ATTRIBUTE OURS "opaque"

/* POSIX.1-2001, pax: ustar. */
struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], end[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a block is one");

struct name {
	char *path;
	struct stat st;
};

struct names {
	struct name *list;
	size_t n;
};

static struct {
	int out, memory;
	char buf[1 << 16];
	size_t n;
	struct names before;	/* what there was when the command began: none of its changes */
	struct names linked;	/* files of several names, by their first one */
} diff;

static void __attribute__((noreturn)) cannot(const char *path)
{
	dprintf(2, "kbox: --diff: %s: %s\n", path, strerror(errno));
	goodbye(125 << 8);
	_exit(125);
}

static void flush(void)
{
	for (size_t done = 0; done < diff.n;) {
		ssize_t n = write(diff.out, diff.buf + done, diff.n - done);

		if (n < 0 && errno != EINTR)
			cannot("the archive");
		done += n < 0 ? 0 : n;
	}
	diff.n = 0;
}

static void put(const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		size_t part = sizeof(diff.buf) - diff.n < n ? sizeof(diff.buf) - diff.n : n;

		memcpy(diff.buf + diff.n, p, part);
		diff.n += part;
		p += part;
		n -= part;
		if (diff.n == sizeof(diff.buf))
			flush();
	}
}

static void pad(uint64_t n)
{
	static const char zeroes[BLOCK];

	put(zeroes, -n % BLOCK);
}

static void add(struct names *l, const char *path, const struct stat *st)
{
	/* Grows in steps of powers of two. */
	if (!(l->n & (l->n - 1)))
		l->list = realloc(l->list, (l->n ? 2 * l->n : 1) * sizeof(*l->list));
	if (!l->list)
		cannot(path);
	l->list[l->n++] = (struct name) { strdup(path), *st };
}

/* Nothing of it has changed, as far as a directory says that itself. */
static int was_before(const char *path, const struct stat *st)
{
	for (size_t i = 0; i < diff.before.n; i++) {
		const struct name *b = &diff.before.list[i];

		if (!strcmp(b->path, path))
			return b->st.st_mode == st->st_mode && b->st.st_uid == st->st_uid && b->st.st_gid == st->st_gid &&
			       (S_ISDIR(st->st_mode) || b->st.st_size == st->st_size);
	}
	return 0;
}

static const char *first_name(const struct stat *st)
{
	for (size_t i = 0; i < diff.linked.n; i++)
		if (diff.linked.list[i].st.st_ino == st->st_ino)
			return diff.linked.list[i].path;
	return NULL;
}

/* --- records of pax: what does not fit into a header --- */

static struct {
	char *text;
	size_t n;
} pax;

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void add_record(const char *key, const void *value, size_t size)
{
	size_t rest = strlen(key) + size + 3, length = rest + 1;
	char digits[24];

	while (length != rest + snprintf(digits, sizeof(digits), "%zu", length))
		length = rest + strlen(digits);
	pax.text = realloc(pax.text, pax.n + length + 1);
	if (!pax.text)
		cannot(key);
	pax.n += sprintf(pax.text + pax.n, "%s %s=", digits, key);
	memcpy(pax.text + pax.n, value, size);
	pax.n += size;
	pax.text[pax.n++] = '\n';
}

static void add_text(const char *key, const char *text, size_t room)
{
	if (strlen(text) > room)
		add_record(key, text, strlen(text));
}

static void add_number(const char *key, uint64_t n, uint64_t most)
{
	char text[24];

	if (n > most)
		add_record(key, text, snprintf(text, sizeof(text), "%llu", (unsigned long long)n));
}

/* A symlink has none that a program could have given it. */
static void add_attributes(const char *path)
{
	char names[1 << 12], value[1 << 16], key[sizeof(names) + 16];
	ssize_t n = llistxattr(path, names, sizeof(names)), size;

	for (char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		if (!strncmp(name, OURS, strlen(OURS)))
			continue;
		size = lgetxattr(path, name, value, sizeof(value));
		snprintf(key, sizeof(key), "SCHILY.xattr.%s", name);
		if (size >= 0)
			add_record(key, value, size);
	}
}

/* --- entries --- */

static void octal(char *field, size_t size, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)n & ((1ULL << 3 * (size - 1)) - 1));
	memcpy(field, text, size - 1);
}

static void put_header(struct header *h)
{
	const unsigned char *p = (const void *)h;
	unsigned int sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->sum, ' ', sizeof(h->sum));
	for (size_t i = 0; i < sizeof(*h); i++)
		sum += p[i];
	snprintf(h->sum, sizeof(h->sum), "%06o", sum);
	put(h, sizeof(*h));
}

static void put_records(void)
{
	struct header h = { .name = "pax", .type = 'x' };

	if (!pax.n)
		return;
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.size, sizeof(h.size), pax.n);
	put_header(&h);
	put(pax.text, pax.n);
	pad(pax.n);
	pax.n = 0;
}

static void put_entry(const char *name, char type, const struct stat *st, uint64_t size, const char *link)
{
	struct header h = { .type = type };

	add_text("path", name, sizeof(h.name));
	add_text("linkpath", link, sizeof(h.link));
	add_number("size", size, 077777777777);
	add_number("uid", st->st_uid, 07777777);
	add_number("gid", st->st_gid, 07777777);
	put_records();
	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	memcpy(h.link, link, strnlen(link, sizeof(h.link)));
	octal(h.mode, sizeof(h.mode), st->st_mode & 07777);
	octal(h.uid, sizeof(h.uid), st->st_uid);
	octal(h.gid, sizeof(h.gid), st->st_gid);
	octal(h.size, sizeof(h.size), size);
	octal(h.mtime, sizeof(h.mtime), st->st_mtime < 0 ? 0 : st->st_mtime);
	if (type == '3' || type == '4') {
		octal(h.major, sizeof(h.major), major(st->st_rdev));
		octal(h.minor, sizeof(h.minor), minor(st->st_rdev));
	}
	put_header(&h);
}

/* Nobody else is left that could change its size. */
static void put_file(const char *path, const char *name, const struct stat *st)
{
	static char buf[1 << 16];
	const char *first = st->st_nlink > 1 ? first_name(st) : NULL;
	uint64_t left = st->st_size;
	int fd;

	if (first) {
		put_entry(name, '1', st, 0, first);
		return;
	}
	if (st->st_nlink > 1)
		add(&diff.linked, name, st);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		cannot(name);
	add_attributes(path);
	put_entry(name, '0', st, left, "");
	while (left) {
		ssize_t n = read(fd, buf, left < sizeof(buf) ? left : sizeof(buf));

		if (n <= 0)
			cannot(name);
		put(buf, n);
		left -= n;
	}
	pad(st->st_size);
	close(fd);
}

static void put_symlink(const char *path, const char *name, const struct stat *st)
{
	char link[PATH_MAX] = "";

	if (readlink(path, link, sizeof(link) - 1) < 0)
		cannot(name);
	put_entry(name, '2', st, 0, link);
}

/* Instead of the last part of its name, another one. */
static void put_mark(const char *name, const char *before, const char *last, const struct stat *st)
{
	const char *slash = strrchr(name, '/');
	int dir = slash ? slash - name + 1 : 0;
	char mark[PATH_MAX + 16];
	struct stat plain = { .st_mode = S_IFREG | 0644, .st_mtime = st->st_mtime };

	snprintf(mark, sizeof(mark), "%.*s%s%s", dir, name, before, last ?: name + dir);
	put_entry(mark, '0', &plain, 0, "");
}

/* A new directory is opaque, too, where there was none: then it hides nothing. */
static int hides(const char *path)
{
	int layer = strcspn(path, "/");
	char lower[PATH_MAX + 16], yes = 0;
	struct stat st;

	snprintf(lower, sizeof(lower), "%.*s.lower%s", layer, path, path + layer);
	return lgetxattr(path, OPAQUE_ATTRIBUTE, &yes, 1) == 1 && yes == 'y' && !stat(lower, &st) && S_ISDIR(st.st_mode);
}

static void put_directory(const char *path, const char *name, const struct stat *st)
{
	char slashed[PATH_MAX + 1];

	snprintf(slashed, sizeof(slashed), "%s/", name);
	add_attributes(path);
	put_entry(slashed, '5', st, 0, "");
	if (hides(path))
		put_mark(slashed, "", OPAQUE, st);
}

static void put_name(const char *path, const char *name, const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		put_file(path, name, st);
		break;
	case S_IFDIR:
		put_directory(path, name, st);
		break;
	case S_IFLNK:
		put_symlink(path, name, st);
		break;
	case S_IFCHR:
		if (!st->st_rdev) {
			put_mark(name, WHITEOUT, NULL, st);
			break;
		}
		put_entry(name, '3', st, 0, "");
		break;
	case S_IFBLK:
		put_entry(name, '4', st, 0, "");
		break;
	case S_IFIFO:
		put_entry(name, '6', st, 0, "");
		break;
	}
}

/* --- what there is --- */

/* Where the walk is: from the layers' memory on, and in the archive. */
static struct {
	char path[PATH_MAX], name[PATH_MAX];
} at;

static void remember(const struct stat *st)
{
	add(&diff.before, at.name, st);
}

static void put_changed(const struct stat *st)
{
	if (!was_before(at.name, st))
		put_name(at.path, at.name, st);
}

static void walk(void (*visit)(const struct stat *st));

/* One name of the directory in which the walk is. */
static void go_to(const char *base, void (*visit)(const struct stat *st))
{
	size_t path = strlen(at.path), name = strlen(at.name), len = strlen(base);
	struct stat st;

	errno = ENAMETOOLONG;
	if (path + len + 2 > PATH_MAX || name + len + 2 > PATH_MAX)
		cannot(at.name);
	sprintf(at.path + path, "/%s", base);
	sprintf(at.name + name, "%s%s", name ? "/" : "", base);
	if (lstat(at.path, &st))
		cannot(at.name);
	visit(&st);
	if (S_ISDIR(st.st_mode))
		walk(visit);
	at.path[path] = at.name[name] = 0;
}

/* All that is below, in order, so that the same changes are the same archive. */
static void walk(void (*visit)(const struct stat *st))
{
	struct dirent **list;
	int n = scandir(at.path, &list, NULL, alphasort);

	if (n < 0)
		cannot(at.name);
	for (int i = 0; i < n; i++) {
		if (strcmp(list[i]->d_name, ".") && strcmp(list[i]->d_name, ".."))
			go_to(list[i]->d_name, visit);
		free(list[i]);
	}
	free(list);
}

static void walk_from(const char *path, const char *name, void (*visit)(const struct stat *st))
{
	strcpy(at.path, path);
	strcpy(at.name, name);
	walk(visit);
}

/* The upper layers. Their memory is not below the root, but a directory that is open is there. */
static void walk_layers(void (*visit)(const struct stat *st))
{
	char upper[24];

	if (fchdir(diff.memory))
		cannot("the memory of the layers");
	if (strcmp(config.volumes[0].target, "/"))
		walk_from("root", "", visit);
	for (size_t i = 0; i < config.layers; i++) {
		snprintf(upper, sizeof(upper), "%zu", i);
		walk_from(upper, config.volumes[i].target + 1, visit);
	}
	if (chdir("/"))
		cannot("/");
}

void diff_prepare(int out)
{
	diff.out = out;
}

void diff_layers(const char *dir)
{
	diff.memory = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (diff.memory < 0)
		cannot(dir);
}

void diff_begin(void)
{
	if (config.diff >= 0)
		walk_layers(remember);
}

void diff_end(void)
{
	static const char end[2 * BLOCK];

	if (config.diff < 0)
		return;
	walk_layers(put_changed);
	put(end, sizeof(end));
	flush();
	if (close(diff.out))
		cannot("the archive");
}
