/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LANDLOCK_H
#define LANDLOCK_H
#include <stdbool.h>

#define LANDLOCK_ABI_REFER 2		/* files can be moved to another directory */
#define LANDLOCK_ABI_SIGNALS 6		/* scopes, of signals and of abstract sockets */

/* The host's version of it, 0 if it has none. */
int landlock_abi(void);

/* What may be opened all the same, a file or all in a directory; to be written or only read. */
struct landlock_rule {
	int fd;
	bool is_file, write, whiteouts;	/* whiteouts: those of overlayfs, which are devices */
};

/*
 * The calling thread, and all that it starts from now on, can open no file but for n rules, nor,
 * unless it may have sockets, bind or connect TCP (ABI 4) and reach abstract sockets of others (ABI
 * 6). With signals it can send none to who is not locked in by this call (ABI 6). False: nothing
 * has been given up.
 */
bool landlock_lock(bool sockets, bool signals, const struct landlock_rule *rules, int n);

/* The same for the supervisor: in this directory, unless it is -1, it can remove empty ones. */
bool landlock_lock_but(int dir);
#endif
