/* SPDX-License-Identifier: GPL-2.0-only */
/* What is around a box's processes, and the supervisor's end of it. */
#ifndef FENCE_H
#define FENCE_H
#include "box.h"

/* fence.c */

/* Landlock keeps their signals among themselves (Linux 6.12). */
bool signals_are_scoped(void);

/* The supervisor can send them, checked. For works(): it leaves the process with a filter. */
bool user_notif_works(void);

/* It can hand descriptors over, as the answer to a call. The same. */
bool handing_over_works(void);

/* Who opens the files of volumes is the supervisor: nothing else keeps the box in them. */
bool has_broker(const struct volumes *v);

/* What of volumes a filter is made for, WITH_*. */
unsigned given_volumes(const struct volumes *v);
/* Modes, owners and times: a descriptor does not tell a broker whether its volume is written. */
bool changes_by_path(const struct volumes *v);

/* In the box's first process, which is the guest's from here on; die()s. */
void fence_enter(const struct box *b);

/* listener.c */

/* In the supervisor, when that process has been made. */
void fence_watch(struct box *b);

/* After that: strangers are safe from the box's signals. */
bool signals_held(void);

/*
 * The box has been refused a call, and is to end. When it has, fence_say() says on stderr what that
 * was.
 */
bool fence_refused(void);
void fence_say(void);

/* While this is held no number of a process of the box becomes another process's. */
void fence_lock(void);
void fence_unlock(void);
#endif
