// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of a box that has a name, in the supervisor's loop. They are the user's own programs, so
 * what they say has to be right, but is not an attack. What the guest's agent says may be anything.
 *
 * Nobody is waited for: a client that does not read its answers is dropped, and a request that the
 * agent has no room for is refused.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "control.h"
#include "daemon.h"
#include "exec_proto.h"
#include "loop.h"
#include "rundir.h"

#define MAX_CLIENTS	64
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
};

static struct client clients[MAX_CLIENTS];
static struct box *box;
static struct source listener = { .fd = -1 }, agent = { .fd = -1 };
static uint32_t last_id;
static time_t started;
static uid_t owner;

/* libc's own makes a call with a path (newfstatat), which the supervisor may not. */
static bool stat_of(int fd, struct stat *st)
{
	return !syscall(SYS_fstat, fd, st);
}

int control_fd(void)
{
	return listener.fd;
}

/* False: the agent is gone, or has no room. The descriptors stay ours. */
static bool tell_agent(struct iovec *v, int n, const int *fds, int nfds)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(EXEC_FDS * sizeof(int))];
	} control = { 0 };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };

	if (nfds) {
		control.header = (struct cmsghdr) { CMSG_LEN(nfds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), fds, nfds * sizeof(int));
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
	}
	return agent.fd >= 0 && sendmsg(agent.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/*
 * Ends of programs that the agent had no room for. No program starts before it has heard of them,
 * so that they are no more than clients that have one.
 */
static uint32_t unheard[MAX_CLIENTS];
static int nunheard;

static bool tell_agent_of(uint32_t id, enum exec_what what, uint32_t arg)
{
	struct exec_message m = { what, id, arg };
	struct iovec v = { &m, sizeof(m) };

	return tell_agent(&v, 1, NULL, 0);
}

/* False: there is no room yet. */
static bool tell_unheard(void)
{
	while (nunheard && tell_agent_of(unheard[nunheard - 1], EXEC_END, 0))
		nunheard--;
	if (agent.fd >= 0)
		loop_watch(&agent, nunheard ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return !nunheard;
}

static void end_program(uint32_t id)
{
	if (agent.fd < 0 || tell_agent_of(id, EXEC_END, 0))
		return;
	unheard[nunheard++] = id;
	tell_unheard();
}

static void drop_fds(struct client *c)
{
	while (c->nfds)
		close(c->fds[--c->nfds]);
}

static void drop(struct client *c)
{
	if (c->program && !c->keep)
		end_program(c->program);
	drop_fds(c);
	loop_watch(&c->source, 0);
	close(c->source.fd);
	free(c->line);
	c->source.fd = -1;
	c->line = NULL;
	c->n = c->program = c->keep = 0;
}

/* Takes the object. False: the client has been dropped. */
static bool say(struct client *c, struct json_object *answer)
{
	const char *text = json_object_to_json_string_ext(answer, JSON_C_TO_STRING_PLAIN);
	struct iovec v[2] = { { (char *)text, strlen(text) }, { "\n", 1 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	bool said = sendmsg(c->source.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)v[0].iov_len + 1;

	json_object_put(answer);
	if (!said)
		drop(c);
	return said;
}

static struct json_object *object(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, key, value);
	return o;
}

static bool refuse(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(struct client *c, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return say(c, object("error", json_object_new_string(text)));
}

static bool agree(struct client *c)
{
	return say(c, object("ok", json_object_new_boolean(true)));
}

static bool say_status(struct client *c)
{
	struct json_object *o = object("name", json_object_new_string(box->opt.name));
	struct json_object *command = json_object_new_array();
	size_t room = SHOWN_COMMAND;
	struct stat st;

	for (char **arg = box->opt.command; *arg && strlen(*arg) < room; arg++) {
		room -= strlen(*arg);
		json_object_array_add(command, json_object_new_string(*arg));
	}
	json_object_object_add(o, "pid", json_object_new_int(getpid()));
	json_object_object_add(o, "group", json_object_new_int(box->kernel_pid));
	json_object_object_add(o, "started", json_object_new_int64(started));
	if (stat_of(box->mem_fd, &st))
		json_object_object_add(o, "memory", json_object_new_int64(st.st_blocks * 512));
	json_object_object_add(o, "command", command);
	return say(c, o);
}

/* The message that starts a program, and what is wrong with it. */
struct message {
	struct exec_message head;
	char text[EXEC_MAX - sizeof(struct exec_message)];
	size_t n;
	bool relayed;			/* it has a terminal */
	const char *wrong;
};

static struct message *start;	/* one at a time */

static void add_text(struct message *m, const char *text, size_t n)
{
	if (memchr(text, 0, n))
		m->wrong = "a string has a NUL in it";
	else if (n >= sizeof(m->text) - m->n)
		m->wrong = "arguments and environment are too long: they can have 128 KiB";
	if (m->wrong)
		return;
	memcpy(m->text + m->n, text, n);
	m->n += n;
	m->text[m->n++] = 0;
}

static void add_number(struct message *m, int64_t n)
{
	char text[24];

	add_text(m, text, snprintf(text, sizeof(text), "%lld", (long long)n));
}

static void add_string(struct message *m, struct json_object *o)
{
	if (!json_object_is_type(o, json_type_string))
		m->wrong = "what is to be a string is none";
	else
		add_text(m, json_object_get_string(o), json_object_get_string_len(o));
}

/* An absent one has no elements. */
static size_t length(struct message *m, struct json_object *array)
{
	if (array && !json_object_is_type(array, json_type_array))
		m->wrong = "what is to be an array is none";
	return array && !m->wrong ? json_object_array_length(array) : 0;
}

static void add_list(struct message *m, struct json_object *array)
{
	size_t n = length(m, array);

	add_number(m, n);
	for (size_t i = 0; i < n && !m->wrong; i++)
		add_string(m, json_object_array_get_idx(array, i));
}

/* -1: it is absent. */
static void add_bounded(struct message *m, struct json_object *o, int64_t below)
{
	int64_t n = o ? json_object_get_int64(o) : -1;

	if (o && (!json_object_is_type(o, json_type_int) || n < 0 || n >= below))
		m->wrong = "a number is none, or too large";
	add_number(m, n);
}

/* An absent one is false. */
static bool is_true(struct message *m, struct json_object *o)
{
	if (o && !json_object_is_type(o, json_type_boolean))
		m->wrong = "what is to be true or false is neither";
	return json_object_get_boolean(o);
}

/* How many descriptors that takes. */
static int add_stdio(struct message *m, struct json_object *array)
{
	static const char *const words[] = { [EXEC_FD] = "fd", [EXEC_TTY] = "tty", [EXEC_CLOSED] = "closed" };
	int fds = 0;

	if (length(m, array) != 3) {
		m->wrong = "stdio: give three words";
		return 0;
	}
	for (int i = 0; i < 3; i++) {
		const char *is = json_object_get_string(json_object_array_get_idx(array, i));
		unsigned int kind = 0;

		while (kind <= EXEC_CLOSED && (!is || strcmp(is, words[kind])))
			kind++;
		if (kind > EXEC_CLOSED)
			m->wrong = "stdio: use fd, tty or closed";
		fds += kind == EXEC_FD;
		m->relayed |= kind == EXEC_TTY;
		add_number(m, kind);
	}
	return fds + m->relayed;
}

/* The order is that of init_exec.c's read_start(). Returns how many descriptors go with it. */
static int add_start(struct message *m, struct json_object *o)
{
	struct json_object *size = json_object_object_get(o, "size");
	int fds = add_stdio(m, json_object_object_get(o, "stdio"));
	size_t sizes = length(m, size);

	if (sizes && sizes != 2)
		m->wrong = "size: give two numbers";
	for (int i = 0; i < 2 && !m->wrong; i++)
		add_bounded(m, sizes ? json_object_array_get_idx(size, i) : NULL, UINT16_MAX + 1);
	add_bounded(m, json_object_object_get(o, "uid"), UINT32_MAX);
	add_bounded(m, json_object_object_get(o, "gid"), UINT32_MAX);
	if (json_object_object_get(o, "cwd"))
		add_string(m, json_object_object_get(o, "cwd"));
	else
		add_text(m, "", 0);
	add_number(m, is_true(m, json_object_object_get(o, "keep")));
	add_number(m, is_true(m, json_object_object_get(o, "clear_env")));
	add_list(m, json_object_object_get(o, "env"));
	if (!length(m, json_object_object_get(o, "argv")) && !m->wrong)
		m->wrong = "argv: give a command";
	add_list(m, json_object_object_get(o, "argv"));
	return fds;
}

/* A mapping of /dev/zero that is shared is memory of the host's that nobody counts (hostfd.c). */
static const char *unfit(int fd)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || !stat_of(fd, &st) || flags & O_PATH || S_ISDIR(st.st_mode))
		return "a descriptor is a directory or of O_PATH, which a guest cannot have";
	if (box->boot->maps && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 5))
		return "a descriptor is /dev/zero, which this box cannot have; use one of its own";
	return NULL;
}

static bool start_program(struct client *c, struct json_object *o)
{
	struct message *m = start;
	struct iovec v;
	int fds;

	m->n = m->relayed = 0;
	m->wrong = c->program ? "this connection has run its program" : NULL;
	fds = add_start(m, o);
	if (!m->wrong && fds != c->nfds)
		m->wrong = "there are not as many descriptors as stdio says";
	for (int i = 0; i < c->nfds && !m->wrong; i++)
		m->wrong = unfit(c->fds[i]);
	if (m->wrong)
		return refuse(c, "%s", m->wrong);
	m->head = (struct exec_message) { EXEC_START, ++last_id ?: ++last_id, m->relayed };
	v = (struct iovec) { m, sizeof(m->head) + m->n };
	if (!tell_unheard() || !tell_agent(&v, 1, c->fds, c->nfds))
		return refuse(c, agent.fd < 0 ? "whoever starts programs in the box is gone" :
			      "the box takes no more programs now; try again");
	c->program = m->head.id;
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
	tell_agent_of(c->program, EXEC_SIGNAL, sig);
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
	if (json_object_object_get_ex(request, "stop", NULL)) {
		supervisor_end(SIGTERM);
		return agree(c);
	}
	if (json_object_object_get_ex(request, "kill", NULL)) {
		supervisor_end(SIGKILL);
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

/*
 * Descriptors that are too many the host's kernel does not give us. False: the connection has
 * ended.
 */
static bool receive(struct client *c)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(EXEC_FDS * sizeof(int))];
	} control;
	struct iovec v = { c->line + c->n, READ_AT_ONCE };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(c->source.fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *h = n >= 0 ? CMSG_FIRSTHDR(&m) : NULL;

	if (h && h->cmsg_type == SCM_RIGHTS) {
		drop_fds(c);
		c->nfds = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(c->fds, CMSG_DATA(h), c->nfds * sizeof(int));
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

static void program_ended(uint32_t id, int status)
{
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		if (c->source.fd >= 0 && c->program == id) {
			c->program = 0;
			c->keep = false;
			say(c, object("exited", json_object_new_int(status)));
			return;
		}
}

/*
 * Nobody says any more what becomes of programs: the box ends, or the guest has killed the agent.
 */
static void agent_left(void)
{
	loop_watch(&agent, 0);
	close(agent.fd);
	agent.fd = -1;
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		if (c->source.fd >= 0 && c->program)
			drop(c);
}

/* What comes from the guest: one message, whose descriptors nobody wants. */
static void agent_ready(void *arg)
{
	struct exec_message got;
	struct iovec v = { &got, sizeof(got) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n = recvmsg(agent.fd, &m, MSG_DONTWAIT);

	(void)arg;
	if (n == 0 || (n < 0 && errno != EAGAIN))
		agent_left();
	else if (n == sizeof(got) && got.what == EXEC_READY)
		daemon_up();
	else if (n == sizeof(got) && got.what == EXEC_ENDED && got.id)
		program_ended(got.id, got.arg);
	tell_unheard();
}

void control_init(struct box *b)
{
	int pair[2], room = 2 * EXEC_MAX;

	b->agent_fd = -1;
	if (!b->opt.name)
		return;
	box = b;
	owner = geteuid();
	/* What the library asks the host for once it has before the supervisor is locked in. */
	json_object_put(json_tokener_parse("{\"first\":0}"));
	listener.fd = claim_name(b->opt.name);
	start = malloc(sizeof(*start));
	if (!start)
		die("--name: %s", reason(ENOMEM));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair: %s", reason(errno));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	agent.fd = pair[0];
	b->agent_fd = pair[1];
}

void control_start(void)
{
	if (listener.fd < 0)
		return;
	started = time(NULL);
	for (struct client *c = clients; c < clients + MAX_CLIENTS; c++)
		c->source = (struct source) { .fd = -1, .ready = client_ready, .arg = c };
	listener.ready = somebody_connects;
	agent.ready = agent_ready;
	loop_watch(&listener, EPOLLIN);
	loop_watch(&agent, EPOLLIN);
}
