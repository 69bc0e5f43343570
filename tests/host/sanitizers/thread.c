/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two threads write to the same. They tell each other where they are by relaxed atomics, which order
 * nothing, so that each run has the race: one of two threads that do not meet may have ended and
 * been forgotten before the other begins.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

static int shared;
static atomic_int written;

static void *work(void *arg)
{
	shared++;
	atomic_fetch_add_explicit(&written, 1, memory_order_relaxed);
	while (atomic_load_explicit(&written, memory_order_relaxed) < 2)
		sched_yield();
	return arg;
}

int main(void)
{
	pthread_t a, b;

	pthread_create(&a, NULL, work, NULL);
	pthread_create(&b, NULL, work, NULL);
	pthread_join(a, NULL);
	pthread_join(b, NULL);
	return 0;
}
