// SPDX-License-Identifier: GPL-2.0-only
/*
 * A snapshot in few bytes: its pages that are not zero go through zstd(1). Such a file is told by
 * zstd's own magic number.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "box.h"
#include "snapshot.h"

/* What zstd is given: pieces of the file, in order, each behind this. The last one has its size. */
struct piece {
	uint64_t at, n;			/* bytes; n of the last one is 0 */
};

struct zstd {
	pid_t pid;
	FILE *file;			/* what is not compressed: to write to, or to read from */
};

/* The other side of it is fd, which stays ours, too. */
static struct zstd start(const char *const argv[], int fd, bool reads)
{
	struct zstd z;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", reason(errno));
	z.pid = fork();
	if (z.pid < 0)
		die("fork: %s", reason(errno));
	if (!z.pid) {
		dup2(reads ? fd : ends[0], 0);
		dup2(reads ? ends[1] : fd, 1);
		execvp(argv[0], (char *const *)argv);
		_exit(EXIT_NOT_FOUND);
	}
	close(ends[!reads ? 0 : 1]);
	z.file = fdopen(ends[!reads ? 1 : 0], reads ? "r" : "w");
	if (!z.file)
		die("%s", reason(ENOMEM));
	return z;
}

static bool has_ended_well(struct zstd *z)
{
	bool ok = !fclose(z->file);	/* what is still to be written */
	int status;

	while (waitpid(z->pid, &status, 0) < 0)
		if (errno != EINTR)
			return false;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_NOT_FOUND)
		die("cannot run zstd, by which snapshots are compressed; install the package zstd");
	return ok && WIFEXITED(status) && !WEXITSTATUS(status);
}

static bool put(FILE *f, const void *data, size_t n)
{
	return fwrite(data, 1, n, f) == n;
}

static bool put_pieces(FILE *to, int from, const char *map, uint64_t size)
{
	struct snapshot_runs runs = { .fd = from, .map = map, .end = size };
	struct piece p;

	while (snapshot_next_run(&runs, &p.at, &p.n))
		if (!put(to, &p, sizeof(p)) || !put(to, map + p.at, p.n))
			return false;
	p = (struct piece) { .at = size };
	return put(to, &p, sizeof(p));
}

void snapshot_compress(int from, int to, const char *path)
{
	static const char *const argv[] = { "zstd", "-qq", "-c", "-T0", NULL };
	struct stat st;
	struct zstd z;
	char *map;
	bool ok;

	if (fstat(from, &st))
		die("%s: %s", path, reason(errno));
	map = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, from, 0);
	if (map == MAP_FAILED)
		die("%s: %s", path, reason(errno));
	signal(SIGPIPE, SIG_IGN);	/* zstd has ended */
	z = start(argv, to, false);
	ok = put_pieces(z.file, from, map, st.st_size);
	if (!has_ended_well(&z) || !ok)
		die("%s: cannot be written by zstd", path);
	munmap(map, st.st_size);
}

bool snapshot_is_compressed(int fd)
{
	static const unsigned char magic[] = { 0x28, 0xb5, 0x2f, 0xfd };
	unsigned char first[sizeof(magic)];

	return pread(fd, first, sizeof(first), 0) == sizeof(first) && !memcmp(first, magic, sizeof(magic));
}

static bool get(FILE *f, void *data, size_t n)
{
	return fread(data, 1, n, f) == n;
}

/* To a file that is not mapped: a write is cheaper than the faults of a mapping. */
static bool get_piece(FILE *from, int to, const struct piece *p)
{
	char data[64 << 10];
	uint64_t at = p->at, left = p->n;

	for (size_t part; left; left -= part, at += part) {
		part = left < sizeof(data) ? left : sizeof(data);
		if (!get(from, data, part) || pwrite(to, data, part, at) != (ssize_t)part)
			return false;
	}
	return true;
}

/* What is in it is looked at by who reads the whole; here no more than that it has a size. */
static bool get_pieces(FILE *from, int to)
{
	const uint64_t most = SNAPSHOT_WORDS + 2 * MEM_MAX;
	struct piece p;

	while (get(from, &p, sizeof(p)) && p.at <= most && p.n <= most - p.at) {
		if (!p.n)
			return !ftruncate(to, p.at);
		if (!get_piece(from, to, &p))
			return false;
	}
	return false;
}

int snapshot_decompress(int from)
{
	static const char *const argv[] = { "zstd", "-qq", "-d", "-c", NULL };
	int to = new_memfd("kbox-snapshot");
	struct zstd z;
	bool ok;

	if (to < 0)
		die("memfd_create: %s", reason(errno));
	z = start(argv, from, true);
	ok = get_pieces(z.file, to);
	if (!has_ended_well(&z) || !ok) {
		close(to);
		return -1;
	}
	return to;
}
