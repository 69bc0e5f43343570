/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The seccomp filter around a box's processes, and the supervisor's end of it: a thread that hears
 * of the calls that the filter refuses, and sends signals for processes that may not.
 */
#ifndef FENCE_H
#define FENCE_H
#include "box.h"

/* What keeps the signals of a box's processes from strangers. */
enum signal_fence {
	SIGNALS_SCOPED,		/* Landlock's scope (Linux 6.12) */
	SIGNALS_SENT,		/* the supervisor sends them, checked (SECCOMP_RET_USER_NOTIF, Linux 5.0) */
	SIGNALS_HARMLESS,	/* nothing but that they are such as are ignored by default */
};

enum signal_fence signal_fence(void);
bool have_user_notif(void);
bool user_notif_works(void);			/* for works(): it leaves the process with a filter */
bool signals_held(void);			/* after fence_watch(): strangers are safe from them */

/* Before the box's first process is made; then in that one, and in the supervisor. */
void fence_prepare(void);
int fence_channel(void);			/* a descriptor that the process needs until then */
void fence_enter(const struct box *b);		/* the process is the guest's from here on; may exit */
void fence_watch(struct box *b);

/* The box has been refused a call, and is to end. When it has, what that was is said on stderr. */
bool fence_refused(void);
void fence_say(void);
/* While this is held no number of a process of the box becomes another process's. */
void fence_lock(void);
void fence_unlock(void);
#endif
