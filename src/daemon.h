/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DAEMON_H
#define DAEMON_H
#include "box.h"

/*
 * -d: from here on this is another process, in a session of its own. The caller's waits for
 * daemon_up(), or for our end, and then ends too.
 */
void daemon_begin(struct box *b);
/* The box's command has been started. Without -d nothing. */
void daemon_up(void);

/* Waits for the end of the box, which is our child: its exit status. */
int box_status(pid_t box);

#endif
