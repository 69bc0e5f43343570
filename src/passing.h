/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PASSING_H
#define PASSING_H
#include <stdbool.h>

/* In the supervisor, before the box's first process is made; die()s. */
void prepare_passing(void);

/* In that process: the descriptor that it takes; then, around the filter's installation, these two. */
int passing_fd(void);
bool start_passing(bool scoped);
void wait_passed(int listener);		/* -1: there is none */
void pass_nothing(bool scoped);		/* instead of both */

/*
 * In the supervisor: the listener, or -1, and whether Landlock holds that process's signals. Waits
 * for it, or for the end of the process.
 */
int receive_listener(bool *scoped);
#endif
