// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tar archive as POSIX.1-2001 has it (pax): what does not fit into an entry's header is in a list
 * of records before it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
#include "init.h"
#include "init_tar.h"

#define BLOCK	512

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], end[12];
};

_Static_assert(sizeof(struct header) == BLOCK, "a block is one");

static struct {
	int fd;
	bool seeks;		/* a regular file: holes can stay holes */
	char buf[1 << 16];
	size_t n;
	unsigned int flushed;	/* buffers */
} out;

/*
 * What has been written of it is taken back, if it can be, and so tells the launcher that it is no
 * archive.
 */
void tar_fail(const char *what)
{
	dprintf(2, "kbox: --diff: %s: %s\n", what, strerror(errno));
	if (ftruncate(out.fd, 0))
		errno = 0;
	goodbye(125 << 8);
	_exit(125);
}

/*
 * Who waits for the end of the box goes by the tasks that end (supervisor.c). A large archive takes
 * its time, so that one ends now and then.
 */
static void show_progress(void)
{
	pid_t pid = ++out.flushed % 256 ? -1 : fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void flush(void)
{
	for (size_t done = 0; done < out.n;) {
		ssize_t n = write(out.fd, out.buf + done, out.n - done);

		if (n < 0 && errno != EINTR)
			tar_fail("the archive");
		done += n < 0 ? 0 : n;
	}
	out.n = 0;
	show_progress();
}

void tar_data(const void *data, size_t n)
{
	const char *p = data;

	while (n) {
		size_t room = sizeof(out.buf) - out.n, part = n < room ? n : room;

		memcpy(out.buf + out.n, p, part);
		out.n += part;
		p += part;
		n -= part;
		if (out.n == sizeof(out.buf))
			flush();
	}
}

void tar_hole(uint64_t n)
{
	static const char zeroes[1 << 12];

	if (out.seeks && n > sizeof(out.buf)) {
		flush();
		if (lseek(out.fd, n, SEEK_CUR) < 0)
			tar_fail("the archive");
		return;
	}
	for (uint64_t part; n; n -= part) {
		part = n < sizeof(zeroes) ? n : sizeof(zeroes);
		tar_data(zeroes, part);
	}
}

void tar_pad(uint64_t size)
{
	tar_hole(-size % BLOCK);
}

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
		tar_fail(key);
	pax.n += sprintf(pax.text + pax.n, "%s %s=", digits, key);
	memcpy(pax.text + pax.n, value, size);
	pax.n += size;
	pax.text[pax.n++] = '\n';
}

void tar_attribute(const char *name, const void *value, size_t size)
{
	char key[512];

	/* There is no way to write such a name. */
	if (!strchr(name, '=') && snprintf(key, sizeof(key), "SCHILY.xattr.%s", name) < (int)sizeof(key))
		add_record(key, value, size);
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

#define SECONDS_MAX	077777777777

/* The nanoseconds of a time before 1970 count forwards, digits behind a point do not. */
static void add_time(const struct timespec *t)
{
	bool before = t->tv_sec < 0 && t->tv_nsec;
	long long seconds = t->tv_sec + before;
	char text[48];

	if (!t->tv_nsec && seconds >= 0 && seconds <= SECONDS_MAX)
		return;
	add_record("mtime", text, snprintf(text, sizeof(text), "%s%lld.%09ld", before && !seconds ? "-" : "", seconds,
					   before ? 1000000000 - t->tv_nsec : t->tv_nsec));
}

/* A number that has no room is in a record. */
static void octal(char *field, size_t size, uint64_t n)
{
	char text[24];

	if (n >> 3 * (size - 1))
		n = 0;
	snprintf(text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)n);
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
	tar_data(h, sizeof(*h));
}

static void put_records(void)
{
	struct header h = { .name = "pax", .type = 'x' };

	if (!pax.n)
		return;
	octal(h.mode, sizeof(h.mode), 0644);
	octal(h.size, sizeof(h.size), pax.n);
	put_header(&h);
	tar_data(pax.text, pax.n);
	tar_pad(pax.n);
	pax.n = 0;
}

void tar_entry(const char *name, char type, const struct stat *st, uint64_t size, const char *link)
{
	struct header h = { .type = type };

	add_text("path", name, sizeof(h.name));
	add_text("linkpath", link, sizeof(h.link));
	add_number("size", size, 077777777777);
	add_number("uid", st->st_uid, 07777777);
	add_number("gid", st->st_gid, 07777777);
	add_time(&st->st_mtim);
	put_records();
	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	memcpy(h.link, link, strnlen(link, sizeof(h.link)));
	octal(h.mode, sizeof(h.mode), st->st_mode & 07777);
	octal(h.uid, sizeof(h.uid), st->st_uid);
	octal(h.gid, sizeof(h.gid), st->st_gid);
	octal(h.size, sizeof(h.size), size);
	octal(h.mtime, sizeof(h.mtime), st->st_mtime < 0 ? 0 : st->st_mtime);
	if (type == TAR_CHAR || type == TAR_BLOCK) {
		octal(h.major, sizeof(h.major), major(st->st_rdev));
		octal(h.minor, sizeof(h.minor), minor(st->st_rdev));
	}
	put_header(&h);
}

void tar_begin(int fd)
{
	struct stat st;

	out.fd = fd;
	out.seeks = !fstat(fd, &st) && S_ISREG(st.st_mode);
}

void tar_end(void)
{
	static const char end[2 * BLOCK];

	tar_data(end, sizeof(end));
	flush();
	if (close(out.fd))
		tar_fail("the archive");
}
