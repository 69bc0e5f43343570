/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the host processes of a box may ask of the host: the one table from which come the filter
 * (filter.c) and the list in docs/security.md (scripts/host-calls).
 */
#ifndef HOSTCALLS_H
#define HOSTCALLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a box was given; a form is for boxes that have been given all that it names. WITH_PATHS:
 * calls that take a path find nothing but the volumes. WITH_OPENED: modes, owners and times are
 * changed by descriptors, too. A broker does all of that where only some volumes are written.
 */
enum {
	WITH_FILES = 1, WITH_MAPS = 2, WITH_SOCKETS = 4, WITH_NAMES = 8,
	WITH_VOLUMES = 16, WITH_WRITES = 32, WITH_PATHS = 64, WITH_UPPER = 128,
	WITH_OPENED = 256,
};

/*
 * Descriptors that the box knows by number. FD_CLOSES: all but memory and volumes. FD_OPENED: all
 * but stdio and what kbox has made for the box.
 */
enum known_fd { FD_ANY, FD_MEMORY, FD_NULL, FD_CLOSES, FD_OPENED, FD_VOLUME, FD_WRITTEN };

/* An argument: its bits in mask are those of one of the values, or it is a known descriptor. */
struct check {
	uint8_t arg;			/* 0 to 5 */
	uint8_t nvalues;		/* 0: none to check, this is the end */
	enum known_fd fd;
	uint64_t mask;
	const uint64_t *value;		/* the same in the upper half, if that is in the mask */
	const char *name, *text;	/* of the argument, as in its man page; what it must be */
};

#define CHECKS_MAX 4

struct form {
	const char *call;
	int nr;
	unsigned needs;			/* WITH_* */
	bool by_path;			/* it names files of volumes: where a broker is their fence, it makes the call */
	struct check check[CHECKS_MAX];
	const char *why;		/* the kernel makes it */
	const char *gives;		/* to who owns the kernel */
};

extern const struct form host_calls[];
extern const size_t nhost_calls;
#endif
