/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LOCKIN_H
#define LOCKIN_H
#include <stdbool.h>
#include <sys/types.h>

struct lockin {
	pid_t self, box, watcher, engine;	/* who can be sent signals; engine: 0 if there is none */
	int group_dir;		/* in which a directory can be removed, or -1 */
	int loop;		/* an epoll instance */
	int broker_fds;		/* by which a broker opens files again; -1: there is no broker */
	int control;		/* the socket of a box that has a name, or -1 */
};

/* At the beginning of each thread but the first one; what it needs is open. */
void lock_in_thread(void);

/* The rest, for all threads, when the box's first process runs. False: there is no such filter. */
bool lock_in(const struct lockin *who);
#endif
