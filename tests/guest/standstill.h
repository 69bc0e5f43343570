/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_H
#define STANDSTILL_H
/* What the parts of standstill.c have in common. */
#include "tap.h"
#include <pthread.h>

enum { MAX_PARTS = 32 };

/* Of all processes. */
static struct shared {
	volatile int stop;
	struct {
		volatile int pid, status;	/* status is -1 while it is at work */
		volatile unsigned long rounds;	/* that it has done */
		char lacks[100];		/* why it can do none */
	} part[MAX_PARTS];
} *shared;

static size_t me;	/* the part that this process is */

static int goes_on(void)
{
	__atomic_fetch_add(&shared->part[me].rounds, 1, __ATOMIC_RELAXED);
	return !shared->stop;
}

__attribute__((noreturn)) static void lacks(const char *why)
{
	snprintf(shared->part[me].lacks, sizeof(shared->part[me].lacks), "%s", why);
	_exit(TAP_SKIPPED);
}

static unsigned dice(unsigned n)
{
	static __thread uint64_t state;

	if (!state)
		state = (uintptr_t)&state ^ (uint64_t)getpid() << 32 ^ (uint64_t)(seconds() * 1e9);
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % n;
}

static void sleep_us(long us)
{
	struct timespec t = { 0, us * 1000 };

	EQ(nanosleep(&t, NULL), 0);
}

/* n of them, until all have ended. */
static void threads(int n, void *(*f)(void *))
{
	pthread_t t[20];

	for (int i = 0; i < n; i++)
		EQ(pthread_create(&t[i], NULL, f, (void *)(intptr_t)i), 0);
	for (int i = 0; i < n; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

#endif
