// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-page: what a page of memory costs the host, by which calls, in nanoseconds a page: what a
 * program touches, and what a box has to ask for instead, since guest memory is a file (a memfd)
 * that several processes have mapped. A box makes a page for its kernel's mapping and then has it
 * mapped for the user (kernel/arch/kbox/mm/backing.c, tlb.c); what its kernel does for the fault
 * comes to that. The rows take turns; each is a median.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../bench.h"

#define PAGE	4096L
#define PAGES	16384L
#define SIZE	(PAGES * PAGE)
#define CHUNK	32L	/* pages in a call */
#define ROUNDS	11

enum how { TOUCH, FAULTS, POPULATE, ALLOCATE, WRITE, AGAIN, HOWS };

static const char *const what[HOWS] = {
	[TOUCH] = "anonymous memory, touched",
	[FAULTS] = "a memfd's, touched",
	[POPULATE] = "a memfd's, by MADV_POPULATE_WRITE",
	[ALLOCATE] = "the same, after fallocate()",
	[WRITE] = "a memfd's, by pwritev() and MADV_POPULATE_READ",
	[AGAIN] = "a second mapping of these, by MAP_POPULATE",
};

static char zero[PAGE] __attribute__((aligned(PAGE)));
static struct iovec zeros[CHUNK];

static char *map(int flags, int fd)
{
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	return p;
}

/* The chunk at this offset of the file, which p is a mapping of. */
static int make(enum how how, char *p, int fd, long at)
{
	switch (how) {
	case ALLOCATE:
		if (fallocate(fd, 0, at, CHUNK * PAGE))
			return -1;
		return madvise(p + at, CHUNK * PAGE, MADV_POPULATE_WRITE);
	case POPULATE:
		return madvise(p + at, CHUNK * PAGE, MADV_POPULATE_WRITE);
	case WRITE:
		if (pwritev(fd, zeros, CHUNK, at) != CHUNK * PAGE)
			return -1;
		return madvise(p + at, CHUNK * PAGE, MADV_POPULATE_READ);
	default:
		return 0;
	}
}

/* Nanoseconds a page; for AGAIN, *again: those of a second mapping. */
static double measure(enum how how, double *again)
{
	int fd = how == TOUCH ? -1 : memfd_create("bench", 0);
	char *p, *q;
	double t, ns;

	if (fd >= 0 && ftruncate(fd, SIZE))
		fail("ftruncate");
	p = map(how == TOUCH ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd);
	t = now();
	for (long at = 0; at < SIZE; at += CHUNK * PAGE) {
		if (make(how, p, fd, at))
			fail(what[how]);
		for (long i = 0; i < CHUNK; i++)
			p[at + i * PAGE] = 1;
	}
	ns = (now() - t) * 1000 / PAGES;
	if (how == WRITE) {
		q = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
		t = now();
		for (long at = 0; at < SIZE; at += CHUNK * PAGE)
			if (mmap(q + at, CHUNK * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, at) == MAP_FAILED)
				fail("mmap");
		*again = (now() - t) * 1000 / PAGES;
		munmap(q, SIZE);
	}
	munmap(p, SIZE);
	close(fd);
	return ns;
}

static int compare(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

int main(void)
{
	static double ns[HOWS][ROUNDS];

	for (int i = 0; i < CHUNK; i++)
		zeros[i] = (struct iovec) { zero, PAGE };
	for (int round = 0; round < ROUNDS; round++)
		for (enum how how = 0; how < AGAIN; how++)
			ns[how][round] = measure(how, &ns[AGAIN][round]);
	for (enum how how = 0; how < HOWS; how++) {
		qsort(ns[how], ROUNDS, sizeof(double), compare);
		printf("%-48s %6.0f ns  %.2fx\n", what[how], ns[how][ROUNDS / 2], ns[how][ROUNDS / 2] / ns[TOUCH][ROUNDS / 2]);
	}
	return 0;
}
