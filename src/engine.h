/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of a box's network: a process of its own, which has the host's sockets. The launcher
 * starts it (start_engine()), sets b->net_fd, this end of the socket between the two, or -1 for a
 * box without a network, and waits until it answers (await_engine()). What fails is said, and the
 * launcher ends.
 */
#ifndef ENGINE_H
#define ENGINE_H
#include <stdbool.h>
#include <sys/types.h>
#include "box.h"

void start_engine(struct box *b);
/* Another one may take its place, at the same descriptor. */
void await_engine(const struct box *b);
/* 0: there is none. */
pid_t engine_pid(void);
/* It is gone, or of no use any more: ends it, and says so. */
void engine_lost(void);
/* After a SIGCHLD. */
void reap_engine(void);
void end_engine(struct box *b);

/* Arguments for an engine; what they point to stays. */
struct engine_args {
	const char **v;
	size_t n;
};

void engine_arg(struct engine_args *a, const char *option, const char *value);
/* The value is a copy, as printf(3) has it. */
void engine_argf(struct engine_args *a, const char *option, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
#define ENGINE_ARGS 64	/* at most, beside those for ports, which are two each */

/* One that there is; each is in a file of its name. */
struct engine_kind {
	const char *name;	/* its program's */
	bool (*find)(char path[PATH_MAX]);
	void (*arguments)(struct engine_args *a, const struct box *b);
};

extern const struct engine_kind engine_passt, engine_slirp;

/*
 * netif.c: an interface of the host's, for passt, which wants one with an address of the link's own
 * (fe80::/10) for IPv6. Returns whether it has that; else it is "lo".
 */
bool choose_interface(char name[16]);
/* Of /proc/net/if_inet6's text. */
bool parse_interface(const char *text, char name[16]);
#endif
