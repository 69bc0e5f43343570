/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of a file system share (volume*.c): small files, and what is in them. */
#ifndef VOLUME_H
#define VOLUME_H

#include "tap.h"
#include <dirent.h>

#define PAGE 4096L

static inline int create(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static inline void contains(const char *name, const char *text)
{
	char buf[1000];

	CHECK(access(name, F_OK) == 0);
	slurp(name, buf, sizeof(buf));
	IS(buf, text);
}

static inline struct stat stat_of(const char *name)
{
	struct stat st;

	EQ(lstat(name, &st), 0);
	return st;
}

static inline struct stat stat_fd(int fd)
{
	struct stat st;

	EQ(fstat(fd, &st), 0);
	return st;
}

static inline int entries(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

static inline long renameat2_(const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

enum { NOREPLACE = 1, EXCHANGE = 2 };

static inline char *map(int fd, size_t n, int flags)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

#endif
