/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The supervisor's event loop, in its main thread: descriptors to wait for, and calls to make. Only
 * loop_wake() is for other threads too, and all of it for one that has entered the loop while the
 * main thread waits. Nothing in the loop may wait for anything else; what a call of the host's may
 * wait for has a thread of its own.
 */
#ifndef LOOP_H
#define LOOP_H
#include <stdbool.h>
#include <stdint.h>

/* A descriptor. It is not freed while the loop is. */
struct source {
	int fd;
	void (*ready)(void *arg);
	void *arg;
	uint32_t events;		/* EPOLL*, as they are waited for; 0: it is not */
};

/* A call that is to be made once. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	uint64_t at;			/* of CLOCK_MONOTONIC, in ms; 0: as soon as may be */
	struct call *next;
	bool is_due;			/* it is among those to be made */
};

void loop_init(void);
/* Its own descriptor, for the supervisor's filter. */
int loop_fd(void);
/* From now on these events are waited for; 0: none. */
void loop_watch(struct source *s, uint32_t events);
/* In so many ms, whatever was said before. 0: after all that is ready now. */
void loop_call(struct call *c, int ms);
/* Have loop_turn() return soon. */
void loop_wake(void);
/*
 * Another thread does what is the loop's to do, and supervise() need not look at. False: the main
 * thread is at work.
 */
bool loop_enter(void);
void loop_leave(void);
/* Wait for something, and do all that there is to do then. */
void loop_turn(void);

/* An eventfd(2) for one who waits by a source or by hear_bell(); then its two ends. */
int new_bell(void);
void ring_bell(int bell);
void hear_bell(int bell);

#endif
