/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BROKER_H
#define BROKER_H
#include <linux/seccomp.h>
#include <stdbool.h>
#include "box.h"
#include "passing.h"

/* All that it takes is here. For works(): it leaves the process with a filter. */
bool broker_works(void);

/*
 * In the supervisor, before anything is asked of it; die()s. Nothing, of a box that has no broker.
 */
void broker_start(const struct box *b, const struct passed *p);

/* A descriptor by which it opens files again that it has looked at, or -1. */
int broker_fds(void);

/* False: it is no call of the broker's. */
bool broker_takes(const struct seccomp_data *d);

/* Makes the call. False: the caller has its answer already, else that is in r. */
bool broker_answer(int listener, const struct seccomp_notif *n, struct seccomp_notif_resp *r);
#endif
