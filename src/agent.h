/* SPDX-License-Identifier: GPL-2.0-only */
/* The channel to the guest's agent, for the clients of a box that has a name: docs/control.md. */
#ifndef AGENT_H
#define AGENT_H
#include <json-c/json.h>
#include <sys/stat.h>
#include "box.h"
#include "exec_proto.h"

#define MAX_PROGRAMS	64	/* that somebody waits for */

/* Before the box starts. It returns the guest's end. */
int agent_init(const struct box *b);
/* When there is a loop. */
void agent_start(void);

/*
 * A request's "exec", with its descriptors, which stay the caller's. Returns the program's id; 0: it
 * cannot be, and why.
 */
uint32_t agent_start_program(struct json_object *o, const int *fds, int nfds, const char **wrong);
void agent_signal(uint32_t id, int sig);
/* Nobody waits for it any more. */
void agent_end(uint32_t id);

/* control.c: what the agent says, with a status as wait(2) has it; and it is gone. */
void program_ended(uint32_t id, int status);
void agent_left(void);

/* fstat(2). libc's own makes a call with a path (newfstatat), which the supervisor may not. */
bool stat_of(int fd, struct stat *st);

#endif
