// SPDX-License-Identifier: GPL-2.0-only
/* Small things that every part uses. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include "box.h"

static char *left_in;
static size_t left_size;
static int said_to = 2;

void die_to(int fd)
{
	said_to = fd;
}

void die_into(char *reason, size_t size)
{
	left_in = reason;
	left_size = size;
}

void die(const char *fmt, ...)
{
	va_list ap;

	if (left_in) {
		va_start(ap, fmt);
		vsnprintf(left_in, left_size, fmt, ap);
		va_end(ap);
		_exit(EXIT_FAIL);
	}
	tty_restore();
	dprintf(said_to, "kbox: ");
	va_start(ap, fmt);
	vdprintf(said_to, fmt, ap);
	va_end(ap);
	dprintf(said_to, "\n");
	exit(EXIT_FAIL);
}

void printable(char *to, const char *from, size_t size)
{
	size_t n = 0;
	char c;

	for (; n < size && (c = __atomic_load_n(&from[n], __ATOMIC_RELAXED)); n++)
		to[n] = c >= ' ' && c <= '~' ? c : '?';
	to[n] = 0;
}

bool has_word(const char *list, const char *word, const char *between)
{
	size_t n = strlen(word);

	for (; *list; list += !!*list) {
		size_t len = strcspn(list, between);

		if (len == n && !memcmp(list, word, n))
			return true;
		list += len;
	}
	return false;
}

const char *reason(int err)
{
	switch (err) {
	case EMFILE:
		return "too many open files; see ulimit -n";
	case EFBIG:
		return "larger than a file may be; see ulimit -f";
	case EAGAIN:
		return "the host gives this user no more processes; see ulimit -u, and pids.max of the control group";
	case ENOMEM:
		return "no more memory; see ulimit -v and ulimit -d";
	}
	return strerror(err);
}

time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

void read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
}

bool self_path(char exe[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", exe, PATH_MAX - 1);

	if (n > 0) {
		exe[n] = 0;
		return true;
	}
	return realpath((char *)getauxval(AT_EXECFN), exe);
}

const char *companion(const char *name, const char *var, char *buf, size_t size)
{
	const char *set = getenv(var);
	char exe[PATH_MAX], *slash;

	if (set && *set)
		return set;
	if (!self_path(exe))
		die("cannot find out where kbox is: mount /proc, or set %s to the path of %s", var, name);
	slash = strrchr(exe, '/');
	snprintf(buf, size, "%.*s/%s", (int)(slash - exe), exe, name);
	if (access(buf, R_OK))
		snprintf(buf, size, "%.*s/../lib/kbox/%s", (int)(slash - exe), exe, name);
	return buf;
}
