/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef INIT_EXEC_H
#define INIT_EXEC_H
#include <signal.h>
#include "init.h"

struct terminal_size {
	int rows, cols;
};

/* For a relay: its program is to be killed. It cannot be caught by what the relay is told. */
#define RELAY_KILL SIGPWR

/*
 * init_relay.c: between a new terminal, which those of config's descriptors 0 to 2 become that are
 * to be one, and the socket of kbox exec. It ends with its program, config's command.
 */
void relay(int socket, const struct terminal_size *size) __attribute__((noreturn));

#endif
