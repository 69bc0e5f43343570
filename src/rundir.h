/* SPDX-License-Identifier: GPL-2.0-only */
/* The directory in which each box that has a name has its socket: docs/control.md. */
#ifndef RUNDIR_H
#define RUNDIR_H
#include <stdbool.h>

#define NAME_LENGTH 63

/* It could be a box's. */
bool is_name(const char *s);

/* A socket that listens under this name, which is nobody else's. */
int claim_name(const char *name);
/*
 * It goes, if it is still the one that was claimed. For a process that has claimed it, or its
 * child.
 */
void release_name(void);

/*
 * It goes, if nobody listens there. For who outlives the process that has claimed it: the name may
 * be another box's by now, and so may the number of the socket's inode.
 */
void abandon_name(void);

/* A connection to the box of this name; -1: there is none. */
int connect_name(const char *name);

/* The names of all that run, sorted; the last one is NULL. What is left of others is removed. */
char **all_names(void);

#endif
