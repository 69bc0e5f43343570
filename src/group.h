/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GROUP_H
#define GROUP_H
#include <stdbool.h>
#include <sys/types.h>

/* A control group for at most max processes and threads; false: there is none to be had. */
bool group_make(unsigned int max);

/*
 * All children of who made the group go there but one, and what they start is in it. first: the
 * first of their process group. The host may take 20 ms for it.
 */
bool group_hold(pid_t first, pid_t but);

/* The directory that has ours, or -1. */
int group_parent(void);

/* When the box is gone, and at exit; nothing is opened for it. */
void group_remove(void);
#endif
