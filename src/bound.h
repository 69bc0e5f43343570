/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BOUND_H
#define BOUND_H
#include <stdbool.h>
#include <sys/types.h>

struct box;

/*
 * In the supervisor, before the box's first process is made; in that one; and when it runs, in the
 * watcher, which has time, or in the supervisor. but: the watcher.
 */
void bound_prepare(const struct box *b);
void bound_enter(const struct box *b);
bool bound_hold(const struct box *b, pid_t but);	/* false: no control group does; see limit_holds() */

/* Whether the limit of the user's processes is one: not for root, nor for who may exceed limits. */
bool limit_holds(void);
#endif
