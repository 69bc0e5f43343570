/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef GROUP_H
#define GROUP_H
#include <stdbool.h>

/* A control group for at most max processes and threads; false: there is none to be had. */
bool group_make(unsigned int max);

/* All our children go there, and what they start is in it. Before anything hostile runs. */
bool group_hold(void);

/* The directory that has ours, or -1. */
int group_parent(void);

/* When the box is gone, and at exit; nothing is opened for it. */
void group_remove(void);
#endif
