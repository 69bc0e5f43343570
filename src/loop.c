// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "box.h"
#include "loop.h"

#define AT_ONCE 16			/* sources that have their turn, then calls */

static int epoll = -1;
static struct call *calls;
/* Its holder has the loop: the main thread, but not while it waits. */
static pthread_mutex_t at_work;
static bool waits;			/* the main thread, and not only until a call is due that came since */
static void woken(void *arg);
static struct source wake = { .fd = -1, .ready = woken };

int new_bell(void)
{
	int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (bell < 0)
		die("eventfd: %s", reason(errno));
	return bell;
}

/* It fails only when it would overflow, that is, when it has been rung anyway. */
void ring_bell(int bell)
{
	uint64_t one = 1;

	if (write(bell, &one, sizeof(one)) < 0)
		return;
}

void hear_bell(int bell)
{
	uint64_t n;

	if (read(bell, &n, sizeof(n)) < 0)
		return;
}

static void woken(void *arg)
{
	(void)arg;
	hear_bell(wake.fd);
}

void loop_init(void)
{
	pthread_mutex_init(&at_work, NULL);	/* a unit test has many loops, one after another */
	pthread_mutex_lock(&at_work);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0)
		die("epoll: %s", reason(errno));
	wake.fd = new_bell();
	loop_watch(&wake, EPOLLIN);
}

bool loop_enter(void)
{
	return !pthread_mutex_trylock(&at_work);
}

void loop_leave(void)
{
	pthread_mutex_unlock(&at_work);
}

int loop_fd(void)
{
	return epoll;
}

void loop_watch(struct source *s, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = s };
	int op = !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (events == s->events)
		return;
	if (epoll_ctl(epoll, op, s->fd, &event))
		die("epoll: %s", reason(errno));
	s->events = events;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

void loop_call(struct call *c, int ms)
{
	c->at = ms ? now() + ms : 0;
	if (c->is_due)
		return;
	c->is_due = true;
	c->next = calls;
	calls = c;
	if (waits)
		loop_wake();
	waits = false;
}

void loop_wake(void)
{
	ring_bell(wake.fd);
}

/* The time until the next call, for epoll_wait(2). A call is rather late than early. */
static int patience(void)
{
	uint64_t next = UINT64_MAX, is;

	if (!calls)
		return -1;
	for (const struct call *c = calls; c; c = c->next)
		if (c->at < next)
			next = c->at;
	if (!next)
		return 0;
	is = now();
	return next > is ? next - is : 0;
}

static struct call *take_due(void)
{
	struct call *due = NULL, *c;
	uint64_t is = now();

	for (struct call **p = &calls; (c = *p);) {
		if (c->at > is) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		c->next = due;
		due = c;
	}
	return due;
}

/* A call may ask for itself again, for the next turn. */
static void make_calls(void)
{
	struct call *c, *next;

	for (c = take_due(); c; c = next) {
		next = c->next;
		c->is_due = false;
		c->fn(c->arg);
	}
}

/* Meanwhile the loop is whose who enters it. */
static int wait_for_some(struct epoll_event seen[AT_ONCE])
{
	int ms = patience(), n;

	waits = true;
	pthread_mutex_unlock(&at_work);
	n = epoll_wait(epoll, seen, AT_ONCE, ms);
	pthread_mutex_lock(&at_work);
	waits = false;
	return n;
}

void loop_turn(void)
{
	struct epoll_event seen[AT_ONCE];
	int n = wait_for_some(seen);

	for (int i = 0; i < n; i++) {
		struct source *s = seen[i].data.ptr;

		if (s->events)		/* nobody has ended that in this turn */
			s->ready(s->arg);
	}
	if (calls)
		make_calls();
}
