// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-wake [N]: how late who sleeps wakes up, and how fast two of them wake each other. Lines are
 * "name value": microseconds: what each of N (1000) sleeps of 1 us takes without timer slack; how
 * late are N sleeps of 1 ms, by clock_nanosleep and by a timerfd (median, 99th percentile); what a
 * wake-up takes in a ping-pong by pipe between processes, by futex and by eventfd between threads.
 * Static, musl.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PERIOD	1000000		/* ns */
#define PINGS	20000

/* musl-gcc has no linux/futex.h. */
enum { FUTEX_WAIT_PRIVATE = 128, FUTEX_WAKE_PRIVATE = 129 };

static int n = 1000;
static double *late;

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void lateness(const char *name)
{
	qsort(late, n, sizeof(*late), by_value);
	printf("%s-median %.1f\n%s-p99 %.1f\n", name, late[n / 2], name, late[n * 99 / 100]);
	fflush(stdout);
}

static void sleeps(void)
{
	struct timespec ms = { 0, PERIOD };

	for (int i = 0; i < n; i++) {
		double t = now();

		clock_nanosleep(CLOCK_MONOTONIC, 0, &ms, NULL);
		late[i] = now() - t - PERIOD / 1e3;
	}
	lateness("sleep");
}

/* As short as sleeps can be. */
static void naps(void)
{
	struct timespec us = { 0, 1000 };
	double t;

	prctl(PR_SET_TIMERSLACK, 1);
	t = now();
	for (int i = 0; i < n; i++)
		clock_nanosleep(CLOCK_MONOTONIC, 0, &us, NULL);
	row("nap", t, n);
	prctl(PR_SET_TIMERSLACK, 0);
}

static void timerfds(void)
{
	struct itimerspec once = { .it_value = { 0, PERIOD } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t ticks;

	for (int i = 0; i < n; i++) {
		double t = now();

		if (timerfd_settime(fd, 0, &once, NULL) || read(fd, &ticks, 8) != 8)
			fail("timerfd");
		late[i] = now() - t - PERIOD / 1e3;
	}
	close(fd);
	lateness("timerfd");
}

static void pipes(void)
{
	int there[2], back[2];
	char c = 0;
	double t;
	pid_t pid;

	if (pipe(there) || pipe(back) || (pid = fork()) < 0)
		fail("pipe");
	if (!pid) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	t = now();
	for (int i = 0; i < PINGS; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			fail("ping");
	row("pipe", t, 2 * PINGS);
	close(there[1]);
	waitpid(pid, NULL, 0);
	close(there[0]);
	close(back[0]);
	close(back[1]);
}

static int turn;

static void wait_turn(int mine)
{
	int is;

	while ((is = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) != mine)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, is, NULL, NULL, 0);
}

static void give_turn(int to)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *futex_other(void *x)
{
	for (int i = 0; i < PINGS; i++) {
		wait_turn(1);
		give_turn(0);
	}
	return x;
}

static void futexes(void)
{
	pthread_t other;
	double t;

	pthread_create(&other, NULL, futex_other, NULL);
	t = now();
	for (int i = 0; i < PINGS; i++) {
		give_turn(1);
		wait_turn(0);
	}
	row("futex", t, 2 * PINGS);
	pthread_join(other, NULL);
}

static int events[2];

static void *event_other(void *x)
{
	uint64_t one = 1, got;

	for (int i = 0; i < PINGS; i++)
		if (read(events[0], &got, 8) != 8 || write(events[1], &one, 8) != 8)
			fail("eventfd");
	return x;
}

static void eventfds(void)
{
	uint64_t one = 1, got;
	pthread_t other;
	double t;

	events[0] = eventfd(0, 0);
	events[1] = eventfd(0, 0);
	pthread_create(&other, NULL, event_other, NULL);
	t = now();
	for (int i = 0; i < PINGS; i++)
		if (write(events[0], &one, 8) != 8 || read(events[1], &got, 8) != 8)
			fail("eventfd");
	row("eventfd", t, 2 * PINGS);
	pthread_join(other, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		n = atoi(argv[1]);
	late = calloc(n, sizeof(*late));
	naps();
	sleeps();
	timerfds();
	pipes();
	futexes();
	eventfds();
	return 0;
}
