/* SPDX-License-Identifier: GPL-2.0-only */
/* kbox exec, ps, stop, snapshot and fork: clients of boxes that have a name. docs/control.md */
#ifndef CLIENT_H
#define CLIENT_H
#include <json-c/json.h>
#include "box.h"

bool is_client(const char *word);
/* The exit status. argv[0] is the word; stdio is what descriptors 0 to 2 are. */
int client(int argc, char **argv, const struct stdio stdio[3]);

/* A connection to a box. */
struct connection {
	int fd;
	char *line;			/* what has come, and was not an object yet */
	size_t n;
};

/* It exits with a message where there is no such box. */
struct connection connect_box(const char *name);
/* With these descriptors. Takes the object. False: the box has gone. */
bool ask_box(const struct connection *c, struct json_object *request, const int *fds, int nfds);
/*
 * The next answer, which is the caller's; NULL: the box has gone. An error of the box's ends the
 * program.
 */
struct json_object *answer_of_box(struct connection *c);
/* The same, with descriptors that come with it, which are the caller's; -1 where none has come. */
#define ANSWER_FDS 2
struct json_object *answer_with_fds(struct connection *c, int *fds, int n);
/* There is one already: the next is not waited for. */
bool has_answer(const struct connection *c);
/* {"key":value}, whose value it takes. */
struct json_object *object_of(const char *key, struct json_object *value);

int exec_main(int argc, char **argv, const struct stdio stdio[3]);
/* What kbox exec does, by this connection and these options; -1: the box went before it began. */
int exec_at(int fd, const struct options *o, const struct stdio stdio[3]);
int ps_main(int argc, char **argv);
int stop_main(int argc, char **argv);
int snapshot_main(int argc, char **argv);
int fork_main(int argc, char **argv);

#endif
