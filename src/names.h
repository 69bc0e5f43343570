/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The names of --allow, as the host resolves them. The supervisor opens no file and no socket while
 * the box runs (lockin.c), so a process of its own asks, again and again, and tells it the
 * addresses. It ends with the supervisor.
 */
#ifndef NAMES_H
#define NAMES_H
#include "box.h"

#define NAMES_EVERY	30	/* seconds: getaddrinfo(3) does not say how long an answer is good for */

/*
 * Nothing, if the list has no such names. A name that has no address is said, and asked for again.
 */
void start_names(const struct box *b);
/* The first answers have come, or it has taken too long. */
void await_names(void);
/* From now on the loop hears of new ones. */
void watch_names(void);
#endif
