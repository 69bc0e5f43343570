/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BOUND_H
#define BOUND_H
#include <stdbool.h>

struct box;

/*
 * In the supervisor, before the box's first process is made; in that one; and in the supervisor
 * when it runs.
 */
void bound_prepare(const struct box *b);
void bound_enter(const struct box *b);
bool bound_hold(void);	/* false: no control group does; see limit_holds() */

/* Whether the limit of the user's processes is one: not for root, nor for who may exceed limits. */
bool limit_holds(void);
#endif
