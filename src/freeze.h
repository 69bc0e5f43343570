/* SPDX-License-Identifier: GPL-2.0-only */
/* Has the guest stand still, in the supervisor's loop. docs/snapshot.md */
#ifndef FREEZE_H
#define FREEZE_H
#include "box.h"

/* back() is called when the guest of a snapshot goes on in this box. */
void freeze_await(struct box *b, void (*back)(void));
/*
 * Once at a time. frozen() is called when nothing of the box changes any more, until thaw_box(), or
 * with false when that could not be: then the box has gone on.
 */
void freeze_box(struct box *b, void (*frozen)(bool is));
/* The guest goes on, whether it stands still yet or not. */
void thaw_box(struct box *b);

#endif
