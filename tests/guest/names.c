// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names and paths of all lengths, at all places of a page: the kernel reads them a word at a time,
 * past their end and past the end of a page.
 */
#include "tap.h"
#include <limits.h>
#include <sys/stat.h>

enum { PAGE = 4096 };

/* A name of so many letters, which differs from others of the same length in its last one. */
static void name_of(char *name, int length, char last)
{
	memset(name, 'n', length);
	name[length - 1] = last;
	name[length] = 0;
}

static void lengths(void)
{
	char name[NAME_MAX + 2];
	struct stat st;

	for (int n = 1; n <= NAME_MAX; n++) {
		int fd;

		name_of(name, n, 'a');
		fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0600);
		CHECK(fd >= 0);
		EQ(ftruncate(fd, n), 0);
		close(fd);
		name_of(name, n, 'b');
		FAILS(stat(name, &st), ENOENT);
	}
	for (int n = 1; n <= NAME_MAX; n++) {
		name_of(name, n, 'a');
		EQ(stat(name, &st), 0);
		EQ(st.st_size, n);
		EQ(unlink(name), 0);
	}
	name_of(name, NAME_MAX + 1, 'a');
	FAILS(stat(name, &st), ENAMETOOLONG);
}

/* Ways to one file that are as long as can be, and have their components wherever a page can. */
static void long_paths(void)
{
	char path[PATH_MAX + 2];
	struct stat file, st;
	int fd = open("name", O_CREAT | O_WRONLY, 0600);

	CHECK(fd >= 0);
	EQ(fstat(fd, &file), 0);
	EQ(mkdir("directory", 0700), 0);
	for (int length = PATH_MAX - 300; length < PATH_MAX; length++) {
		int n = 0;

		while (n + 13 + 5 < length)
			n += sprintf(path + n, "directory/../");
		while (n + 5 < length)
			n += sprintf(path + n, n + 6 < length ? "./" : "/");
		strcpy(path + n, "name");
		EQ(stat(path, &st), 0);
		EQ(st.st_ino, file.st_ino);
		path[n + 3] = 'f';
		FAILS(stat(path, &st), ENOENT);
	}
	memset(path, '/', PATH_MAX);
	path[PATH_MAX] = 0;
	FAILS(stat(path, &st), ENAMETOOLONG);
	close(fd);
}

/* The program's own page ends behind the name, and none is behind it. */
static void at_the_end(void)
{
	char *two = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;

	CHECK(two != MAP_FAILED);
	EQ(munmap(two + PAGE, PAGE), 0);
	for (int n = 1; n < 40; n++) {
		char *name = two + PAGE - n - 1;
		int fd;

		name_of(name, n, 'z');
		fd = open(name, O_CREAT | O_WRONLY, 0600);
		CHECK(fd >= 0);
		close(fd);
		EQ(stat(name, &st), 0);
		name[n] = 'x';	/* without an end */
		FAILS(stat(name, &st), EFAULT);
	}
}

static const struct test tests[] = { T(lengths), T(long_paths), T(at_the_end) };
MAIN(tests)
