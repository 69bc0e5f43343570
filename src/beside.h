/* SPDX-License-Identifier: GPL-2.0-only */
/* --from FILE -- COMMAND: a program beside those that go on. docs/snapshot.md */
#ifndef BESIDE_H
#define BESIDE_H
#include "box.h"

/*
 * With a command of our own: this process becomes its client, which exits with its status. The box
 * is its child, in which this returns. Else nothing.
 */
void beside_begin(struct box *b);

#endif
