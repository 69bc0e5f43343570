/* SPDX-License-Identifier: GPL-2.0-only */
/* libslirp: TCP, UDP and echo requests of the guest's frames as sockets of this process. */
#ifndef STACK_H
#define STACK_H
#include <stdbool.h>
#include "ports.h"

/* Connections, for ten seconds after their end too, and what listens; more are refused. */
#define STACK_FILES 16384

/*
 * The gateway's address is the host's own loopback: whoever has the cable's other end sees to that.
 */
bool stack_start(bool ipv6);
/* False: errno says why a port of the host's cannot be had. */
bool stack_forward(const struct port *p, bool ipv6);
/* All of these are there: from now on an open socket is a connection. */
void stack_forwarded(void);
/* Waits for something to happen, and does what it asks for. False: the cable has ended. */
bool stack_turn(void);
#endif
