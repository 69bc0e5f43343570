// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of a box that has a name, in the supervisor's loop. They are the user's own programs, so
 * what they say has to be right, but is not an attack.
 *
 * Nobody is waited for: a client that does not read its answers is dropped, and a request that the
 * agent has no room for is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "agent.h"
#include "client.h"
#include "control.h"
#include "devices.h"
#include "freeze.h"
#include "loop.h"
#include "resume.h"
#include "rights.h"
#include "rundir.h"

#define MAX_CLIENTS	MAX_PROGRAMS
#define MAX_LINE	(256 << 10)
#define READ_AT_ONCE	(16 << 10)
#define SHOWN_COMMAND	4096		/* bytes of it in a status */

struct client {
	struct source source;		/* fd is -1 where there is none */
	char *line;			/* what has come of it */
	size_t n;
	int fds[EXEC_FDS], nfds;	/* and beside it */
	uint32_t program;		/* its program's id; 0: none */
	bool keep;			/* which goes on without it */
	bool owner;			/* the box ends with it */
};

static struct client clients[MAX_CLIENTS];
static struct client *copier;		/* for this one the box stands still, or is about to */
static struct box *box;
static struct source listener = { .fd = -1 };
static time_t started;
static uid_t owner;

int control_fd(void)
{
	return listener.fd;
}

static void drop_fds(struct client *c)
{
	while (c->nfds)
		close(c->fds[--c->nfds]);
}

static void end_copy(void)
{
	copier = NULL;
	thaw_box(box);
}

static void drop(struct client *c)
{
	if (c == copier)
		end_copy();
	if (c->program && !c->keep)
		agent_end(c->program);
	drop_fds(c);
	loop_watch(&c->source, 0);
	close(c->source.fd);
	free(c->line);
	c->source.fd = -1;
	c->line = NULL;
	c->n = c->program = c->keep = 0;
	if (c->owner && !box->opt.read_only && !box->opt.ephemeral)
		supervisor_end();
	else if (c->owner)	/* it writes to nothing, and needs no orderly end */
		supervisor_kill("the command's client has gone");
}

/* Takes the object. The descriptors stay ours. False: the client has been dropped. */
static bool say_with(struct client *c, struct json_object *answer, const int *fds, int nfds)
{
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);
	struct iovec v[2] = { { (char *)text, strlen(text) }, { "\n", 1 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	union rights rights;
	bool said;

	rights_put(&m, &rights, fds, nfds);
	said = sendmsg(c->source.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)v[0].iov_len + 1;
	json_object_put(answer);
	if (!said)
		drop(c);
	return said;
}

static bool say(struct client *c, struct json_object *answer)
{
	return say_with(c, answer, NULL, 0);
}

static bool refuse(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct client *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return say(c, object_of("error", json_object_new_string(text)));
}

static bool agree(struct client *c)
{
	return say(c, object_of("ok", json_object_new_boolean(true)));
}

static struct json_object *command_of_box(void)
{
	struct json_object *command = json_object_new_array();
	size_t room = SHOWN_COMMAND;

	for (char **arg = box->opt.command; *arg && strlen(*arg) < room; arg++) {
		room -= strlen(*arg);
		json_object_array_add(command, json_object_new_string(*arg));
	}
	return command;
}

static bool say_status(struct client *c)
{
	struct json_object *o = object_of("name", json_object_new_string(box->opt.name));
	struct stat st;

	json_object_object_add(o, "pid", json_object_new_int(getpid()));
	json_object_object_add(o, "group", json_object_new_int(box->kernel_pid));
	json_object_object_add(o, "started", json_object_new_int64(started));
	if (stat_of(box->mem_fd, &st))
		json_object_object_add(o, "memory", json_object_new_int64(st.st_blocks * 512));
	json_object_object_add(o, "command", command_of_box());
	return say(c, o);
}

static void add(struct json_object *o, const char *key, int64_t n)
{
	json_object_object_add(o, key, json_object_new_int64(n));
}

/* What resume.c needs to know of the box, beside its memory. */
static struct json_object *description(const struct options *opt)
{
	const char *mode = opt->read_only ? "ro" : opt->ephemeral ? "ephemeral" : "rw";
	struct json_object *o = object_of("mode", json_object_new_string(mode));
	struct json_object *null = json_object_new_array();
	struct stat st = { 0 };

	stat_of(box->image_fd, &st);
	json_object_object_add(o, "image", json_object_new_string(box->image_path));
	add(o, "image_size", st.st_size);
	add(o, "image_sec", st.st_mtim.tv_sec);
	add(o, "image_nsec", st.st_mtim.tv_nsec);
	add(o, "overlay", opt->overlay_size);
	add(o, "processes", opt->max_processes);
	json_object_object_add(o, "init", json_object_new_boolean(opt->init));
	json_object_object_add(o, "kernel", json_object_new_string(box->kernel_build));
	json_object_object_add(o, "command", command_of_box());
	for (int i = 0; i < 3; i++)
		json_object_array_add(null, json_object_new_boolean(box->null[i]));
	json_object_object_add(o, "null", null);
	add(o, "agent", box->agent_fd);
	add(o, "clock", guest_clock(box->clock_offset));
	add(o, "clock_offset", box->clock_offset);
	return o;
}

/* With its memory and its overlay. */
static bool say_with_memory(struct client *c, struct json_object *o)
{
	int fds[ANSWER_FDS] = { box->mem_fd, virtio_blk_overlay() };

	return say_with(c, o, fds, fds[1] < 0 ? 1 : 2);
}

static void stands_still(bool is)
{
	struct client *c = copier;

	if (is) {
		say_with_memory(c, object_of("frozen", description(&box->opt)));
	} else {
		copier = NULL;
		refuse(c, "the box does not stand still: a program in it waits for what does not come; try again");
	}
}

/* Why there can be no snapshot; NULL: there can. stop: the box ends after it. */
static const char *cannot_copy(bool stop)
{
	const struct options *opt = &box->opt;

	if (copier)
		return "another snapshot is being made";
	if (box->volumes.n || box->image_fd < 0)
		return "a box with directories of the host has no snapshots yet; use -S IMAGE";
	if (box->net_fd >= 0)
		return "a box with a network has no snapshots yet";
	if (!stop && !opt->read_only && !opt->ephemeral)
		return "the box writes to its image, which would not be as it is now; use --stop, or run it with --ephemeral";
	return NULL;
}

/* What most of a snapshot can be made of while the box runs. */
static bool show_memory(struct client *c, bool stop)
{
	const char *why = cannot_copy(stop);

	return why ? refuse(c, "%s", why) : say_with_memory(c, object_of("memory", json_object_new_object()));
}

static bool freeze(struct client *c, bool stop)
{
	const char *why = cannot_copy(stop);

	if (why)
		return refuse(c, "%s", why);
	copier = c;
	freeze_box(box, stands_still);
	return true;
}

static bool thaw(struct client *c)
{
	if (c != copier)
		return refuse(c, "the box does not stand still for this connection");
	end_copy();
	return agree(c);
}

static bool start_program(struct client *c, struct json_object *o)
{
	const char *wrong = "this connection has run its program";
	uint32_t id = c->program ? 0 : agent_start_program(o, c->fds, c->nfds, &wrong);

	if (!id)
		return refuse(c, "%s", wrong);
	c->program = id;
	c->keep = json_object_get_boolean(json_object_object_get(o, "keep"));
	return agree(c);
}

static bool pass_signal(struct client *c, struct json_object *o)
{
	int sig = json_object_get_int(o);

	if (!json_object_is_type(o, json_type_int) || sig < 1 || sig > 64)
		return refuse(c, "signal: give a number from 1 to 64");
	if (!c->program)
		return refuse(c, "this connection has no program");
	agent_signal(c->program, sig);
	return true;
}

/* False: the client is gone. */
static bool do_request(struct client *c, struct json_object *request)
{
	struct json_object *o;

	if (json_object_object_get_ex(request, "status", NULL))
		return say_status(c);
	if (json_object_object_get_ex(request, "exec", &o) && json_object_is_type(o, json_type_object))
		return start_program(c, o);
	if (json_object_object_get_ex(request, "signal", &o))
		return pass_signal(c, o);
	if (json_object_object_get_ex(request, "memory", &o))
		return show_memory(c, json_object_get_boolean(o));
	if (json_object_object_get_ex(request, "freeze", &o))
		return freeze(c, json_object_get_boolean(o));
	if (json_object_object_get_ex(request, "thaw", NULL))
		return thaw(c);
	if (json_object_object_get_ex(request, "stop", NULL)) {
		if (copier)
			drop(copier);
		supervisor_end();
		return agree(c);
	}
	if (json_object_object_get_ex(request, "kill", NULL)) {
		supervisor_kill(c == copier ? "the box has ended, and is in a snapshot" : "the box has been killed");
		return agree(c);
	}
	return refuse(c, "there is no such request");
}

static bool do_line(struct client *c, size_t n)
{
	struct json_tokener *t = json_tokener_new();
	struct json_object *request = NULL;
	bool whole = false, stays;

	if (t) {
		json_tokener_set_flags(t, JSON_TOKENER_STRICT);
		request = json_tokener_parse_ex(t, c->line, n);
		whole = json_tokener_get_error(t) == json_tokener_success && json_tokener_get_parse_end(t) == n;
	}
	if (whole && json_object_is_type(request, json_type_object))
		stays = do_request(c, request);
	else
		stays = refuse(c, "a request is a JSON object on a line");
	json_object_put(request);
	if (t)
		json_tokener_free(t);
	if (stays)
		drop_fds(c);
	return stays;
}

/* False: the connection has ended. */
static bool receive(struct client *c)
{
	struct iovec v = { c->line + c->n, READ_AT_ONCE };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	int fds[EXEC_FDS], nfds;
	union rights rights;
	ssize_t n;

	rights_expect(&m, &rights, EXEC_FDS);
	n = recvmsg(c->source.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	nfds = n >= 0 ? rights_take(&m, fds) : 0;
	if (nfds) {
		drop_fds(c);
		memcpy(c->fds, fds, nfds * sizeof(int));
		c->nfds = nfds;
	}
	c->n += n > 0 ? n : 0;
	return n > 0 || (n < 0 && errno == EAGAIN);
}

static void client_ready(void *arg)
{
	struct client *c = arg;
	char *grown = c->n > MAX_LINE ? NULL : realloc(c->line, c->n + READ_AT_ONCE), *end;

	if (!grown) {
		if (refuse(c, "a line can have 256 KiB"))	/* or there is no memory for it */
			drop(c);
		return;
	}
	c->line = grown;
	if (!receive(c)) {
		drop(c);
		return;
	}
	while ((end = memchr(c->line, '\n', c->n))) {
		size_t n = end - c->line;

		if (!do_line(c, n))
			return;
		c->n -= n + 1;
		memmove(c->line, end + 1, c->n);
	}
}

static bool is_ours(int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) && who.uid == owner;
}

static void somebody_connects(void *arg)
{
	struct client *c = clients;
	int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)arg;
	while (c < clients + MAX_CLIENTS && c->source.fd >= 0)
		c++;
	if (fd < 0)
		return;
	if (c == clients + MAX_CLIENTS || !is_ours(fd)) {
		close(fd);
		return;
	}
	c->source.fd = fd;
	loop_watch(&c->source, EPOLLIN);
}

void program_ended(uint32_t id, int status)
{
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		if (c->source.fd >= 0 && c->program == id) {
			c->program = 0;
			c->keep = false;
			say(c, object_of("exited", json_object_new_int(status)));
			return;
		}
}

void agent_left(void)
{
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		if (c->source.fd >= 0 && c->program)
			drop(c);
}

void control_init(struct box *b)
{
	char *name;

	b->agent_fd = -1;
	/* In one that goes on somebody has the other end of the agent's channel. */
	if (b->resume && !b->opt.name && asprintf(&name, "kbox-%d", getpid()) > 0)
		b->opt.name = name;
	if (!b->opt.name)
		return;
	if (b->opt.image && !realpath(b->opt.image, b->image_path))
		die("%s: %s", b->opt.image, strerror(errno));
	box = b;
	owner = geteuid();
	/* What the library asks the host for once it has before the supervisor is locked in. */
	json_object_put(json_tokener_parse("{\"first\":0}"));
	listener.fd = claim_name(b->opt.name);
	b->agent_fd = agent_init(b);
	if (b->resume)
		b->agent_fd = resume_agent(b, b->agent_fd);
}

void control_start(void)
{
	if (listener.fd < 0)
		return;
	started = time(NULL);
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		c->source = (struct source) { .fd = -1, .ready = client_ready, .arg = c };
	if (box->opt.beside) {
		clients[0].source.fd = box->client_fd;
		clients[0].owner = true;
		loop_watch(&clients[0].source, EPOLLIN);
	}
	listener.ready = somebody_connects;
	loop_watch(&listener, EPOLLIN);
	agent_start();
}
