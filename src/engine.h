/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The engine of a box's network: passt, a process of its own, which has the host's sockets. The
 * launcher starts it (start_engine()), sets b->net_fd, this end of the socket between the two, or -1
 * for a box without a network, and waits until it answers (await_engine()). What fails is said, and
 * the launcher ends.
 */
#ifndef ENGINE_H
#define ENGINE_H
#include <stdbool.h>
#include <sys/types.h>
#include "box.h"

void start_engine(struct box *b);
void await_engine(const struct box *b);
/* 0: there is none. */
pid_t engine_pid(void);
/* It is gone, or of no use any more: ends it, and says so. */
void engine_lost(void);
/* After a SIGCHLD. */
void reap_engine(void);
void end_engine(struct box *b);

/*
 * netif.c: an interface of the host's, for passt, which wants one with an address of the link's own
 * (fe80::/10) for IPv6. Returns whether it has that; else it is "lo".
 */
bool choose_interface(char name[16]);
/* Of /proc/net/if_inet6's text. */
bool parse_interface(const char *text, char name[16]);
#endif
