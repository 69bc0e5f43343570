/* SPDX-License-Identifier: GPL-2.0-only */
/* The supervisor's end of a box with a name: docs/control.md. */
#ifndef CONTROL_H
#define CONTROL_H
#include "box.h"

/* Before the box starts: its name is claimed, and there is a channel to the guest's agent. */
void control_init(struct box *b);
/* When there is a loop. */
void control_start(void);
/* The socket that listens; -1: the box has no name. For the supervisor's filter. */
int control_fd(void);

#endif
