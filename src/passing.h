/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PASSING_H
#define PASSING_H
#include <stdbool.h>
#include "volumes.h"

/* What the box's first process has the supervisor know. */
struct passed {
	bool scoped;		/* Landlock holds the box's signals */
	int listener;		/* of its filter, or -1 */
	/*
	 * Where a broker keeps the box in its volumes: the first one's number there; our
	 * descriptors.
	 */
	int first, n;
	int volume[KBOX_MAX_VOLUMES];
};

/* In the supervisor, before the box's first process is made; die()s. */
void prepare_passing(void);

/*
 * In that process: the descriptor that it takes; then, around the filter's installation, these two.
 */
int passing_fd(void);
bool start_passing(bool scoped, int first, int n);
void wait_passed(int listener);		/* -1: there is none */
void pass_nothing(bool scoped);		/* instead of both */

/* In the supervisor: waits for it, or for the end of the process. */
void receive_passed(struct passed *p);
#endif
