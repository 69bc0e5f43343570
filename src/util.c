// SPDX-License-Identifier: GPL-2.0-only
/* Small things that every part uses. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "box.h"

void die(const char *fmt, ...)
{
	va_list ap;

	tty_restore();
	fputs("kbox: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAIL);
}

const char *companion(const char *name, const char *var, char *buf, size_t size)
{
	const char *set = getenv(var);
	char exe[PATH_MAX], *slash;
	ssize_t n;

	if (set && *set)
		return set;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		die("cannot read /proc/self/exe: set %s to the path of %s", var, name);
	exe[n] = 0;
	slash = strrchr(exe, '/');
	snprintf(buf, size, "%.*s/%s", (int)(slash - exe), exe, name);
	if (access(buf, R_OK))
		snprintf(buf, size, "%.*s/../lib/kbox/%s", (int)(slash - exe), exe, name);
	return buf;
}
