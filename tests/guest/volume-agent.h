/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent: each line is a system call's name and its arguments: a number, b and a text's bytes in
 * hexadecimal, o and the size of a buffer, or x and the bytes of one. The answer is what it gave,
 * and these buffers. "peek ADDRESS N" and "poke ADDRESS BYTES" are for maps: the signal that comes
 * of it, if one does.
 */
#ifndef VOLUME_AGENT_H
#define VOLUME_AGENT_H

#include "volume-copy.h"

#define CALL(name) { #name, SYS_##name }
static const struct { const char *name; long nr; } calls[] = {
	CALL(openat), CALL(close), CALL(read), CALL(write), CALL(pread64), CALL(pwrite64),
	CALL(lseek), CALL(ftruncate), CALL(truncate), CALL(fallocate), CALL(fsync), CALL(fdatasync),
	CALL(copy_file_range), CALL(statx), CALL(faccessat), CALL(mkdirat), CALL(mknodat),
	CALL(unlinkat), CALL(renameat2), CALL(linkat), CALL(symlinkat), CALL(readlinkat),
	CALL(fchmodat), CALL(fchmod), CALL(fchownat), CALL(utimensat), CALL(setxattr),
	CALL(getxattr), CALL(removexattr), CALL(getdents64), CALL(chdir), CALL(getcwd), CALL(flock), CALL(fcntl), CALL(ioctl),
	CALL(statfs), CALL(mmap), CALL(munmap), CALL(msync), CALL(umask), CALL(getuid),
	CALL(socket), CALL(connect), CALL(name_to_handle_at), CALL(open_by_handle_at),
};

static char memory[4 << 20];

static unsigned char nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t unhex(char *to, const char *from)
{
	size_t n = 0;

	for (; from[0] && from[1]; from += 2)
		to[n++] = nibble(from[0]) << 4 | nibble(from[1]);
	to[n] = 0;
	return n;
}

static void say_bytes(const char *p, size_t n)
{
	putchar(' ');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i] & 255);
	if (!n)
		putchar('-');
}

static void make_call(const char *name, char *rest)
{
	struct { char *at; size_t n; } out[6];
	long a[6] = { 0 }, ret = -ENOSYS;
	char *free = memory;
	int n = 0, outs = 0;

	for (char *word; n < 6 && (word = strtok_r(NULL, " ", &rest)); n++) {
		a[n] = strchr("box", *word) ? (long)free : strtol(word, NULL, 0);
		if (*word == 'x') {
			out[outs].at = free;
			out[outs++].n = unhex(free, word + 1);
		}
		if (*word == 'b' || *word == 'x') {
			free += unhex(free, word + 1) + 1;
		} else if (*word == 'o') {
			out[outs].at = free;
			out[outs].n = strtol(word + 1, NULL, 0);
			memset(free, 0, out[outs].n);
			free += out[outs++].n;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i].name, name))
			ret = (ret = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5])) < 0 ? -errno : ret;
	printf("%ld", ret);
	for (int i = 0; i < outs; i++)
		say_bytes(out[i].at, out[i].n);
}

static void look(char *at, const char *what, int write)
{
	size_t n = write ? unhex(memory, what) : strtoul(what, NULL, 0);
	int sig = signal_of_copy(write ? at : memory, write ? memory : at, n);

	printf("%d", sig);
	say_bytes(memory, sig ? 0 : n);
}

static int agent(void)
{
	static char line[2 * sizeof(memory) + 1000];
	char *rest, *name;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		name = strtok_r(line, " ", &rest);
		if (name && (!strcmp(name, "peek") || !strcmp(name, "poke"))) {
			char *at = (char *)strtol(strtok_r(NULL, " ", &rest), NULL, 0);

			look(at, strtok_r(NULL, " ", &rest), name[1] == 'o');
		} else if (name) {
			make_call(name, rest);
		}
		putchar('\n');
		fflush(stdout);
	}
	return 0;
}

#endif
