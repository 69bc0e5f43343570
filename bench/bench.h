/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmarks have in common. */
#ifndef BENCH_H
#define BENCH_H
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* In microseconds. */
static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static inline void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* n of them have been done since "start". */
static inline void row(const char *name, double start, int n)
{
	printf("%s %.3f\n", name, (now() - start) / n);
	fflush(stdout);
}
#endif
