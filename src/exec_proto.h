/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages between the supervisor (agent.c) and the guest's agent (init_exec.c). Each is one of a
 * socket that keeps their bounds (SOCK_SEQPACKET). docs/control.md
 */
#ifndef EXEC_PROTO_H
#define EXEC_PROTO_H
#include <stdint.h>

#define EXEC_MAX	(128 << 10)	/* bytes of a message */
#define EXEC_FDS	4		/* descriptors beside one: stdio, and the relay's */

enum exec_what {
	/* To the agent. */
	EXEC_START,	/* a program: strings (add_start() in agent.c) and descriptors; arg: on a terminal */
	EXEC_SIGNAL,	/* arg: a signal for its process group */
	EXEC_END,	/* nobody waits for it any more */
	/* To the supervisor. */
	EXEC_READY,	/* the box's command has been started */
	EXEC_ENDED,	/* arg: its status, as wait(2) gives it */
};

/* What one of a program's descriptors 0 to 2 is to be. */
enum exec_stdio { EXEC_FD, EXEC_TTY, EXEC_CLOSED };

struct exec_message {
	uint32_t what;
	uint32_t id;		/* the program's; never 0 */
	uint32_t arg;
};

#endif
