/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BOUND_H
#define BOUND_H
#include <stdbool.h>
#include <sys/types.h>

struct box;

/*
 * bound_prepare() is for the supervisor, before the box's first process is made; bound_enter() for
 * that process; bound_hold() for the watcher, or the supervisor, when it runs. but: the watcher,
 * which is not moved. bound_hold() is false where no control group does it; see limit_holds().
 */
void bound_prepare(const struct box *b);
void bound_enter(const struct box *b);
bool bound_hold(const struct box *b, pid_t but);

/* Whether the limit of the user's processes is one: not for root, nor for who may exceed limits. */
bool limit_holds(void);
#endif
