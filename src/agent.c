// SPDX-License-Identifier: GPL-2.0-only
/*
 * The channel to the guest's agent (init_exec.c): what a client asks for in JSON goes there as a
 * message of strings, with descriptors. What comes from there may be anything.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>
#include "agent.h"
#include "daemon.h"
#include "loop.h"
#include "rights.h"

static struct source agent = { .fd = -1 };
static const struct box *box;

bool stat_of(int fd, struct stat *st)
{
	return !syscall(SYS_fstat, fd, st);
}

/* False: the agent is gone, or has no room. The descriptors stay ours. */
static bool tell_agent(struct iovec *v, int n, const int *fds, int nfds)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
	union rights rights;

	rights_put(&m, &rights, fds, nfds);
	return agent.fd >= 0 && sendmsg(agent.fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/*
 * Ends of programs that the agent had no room for. No program starts before it has heard of them,
 * so that they are no more than clients that have one.
 */
static uint32_t unheard[MAX_PROGRAMS];
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

void agent_end(uint32_t id)
{
	if (agent.fd < 0 || tell_agent_of(id, EXEC_END, 0))
		return;
	unheard[nunheard++] = id;
	tell_unheard();
}

void agent_signal(uint32_t id, int sig)
{
	tell_agent_of(id, EXEC_SIGNAL, sig);
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

static uint32_t last_id;

uint32_t agent_start_program(struct json_object *o, const int *fds, int nfds, const char **wrong)
{
	struct message *m = start;
	struct iovec v;
	int want;

	m->n = m->relayed = 0;
	m->wrong = NULL;
	want = add_start(m, o);
	if (!m->wrong && want != nfds)
		m->wrong = "there are not as many descriptors as stdio says";
	for (int i = 0; i < nfds && !m->wrong; i++)
		m->wrong = unfit(fds[i]);
	m->head = (struct exec_message) { EXEC_START, ++last_id ?: ++last_id, m->relayed };
	v = (struct iovec) { m, sizeof(m->head) + m->n };
	if (!m->wrong && agent.fd < 0)
		m->wrong = "whoever starts programs in the box is gone";
	if (!m->wrong && (!tell_unheard() || !tell_agent(&v, 1, fds, nfds)))
		m->wrong = "the box takes no more programs now; try again";
	*wrong = m->wrong;
	return m->wrong ? 0 : m->head.id;
}

/* Nobody says any more what becomes of programs: the box ends, or the guest has killed the agent. */
static void left(void)
{
	loop_watch(&agent, 0);
	close(agent.fd);
	agent.fd = -1;
	agent_left();
}

/* What comes from the guest: one message, whose descriptors nobody wants. */
static void ready(void *arg)
{
	struct exec_message got;
	struct iovec v = { &got, sizeof(got) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	ssize_t n = recvmsg(agent.fd, &m, MSG_DONTWAIT);

	(void)arg;
	if (n == 0 || (n < 0 && errno != EAGAIN))
		left();
	else if (n == sizeof(got) && got.what == EXEC_READY)
		daemon_up();
	else if (n == sizeof(got) && got.what == EXEC_ENDED && got.id)
		program_ended(got.id, got.arg);
	tell_unheard();
}

int agent_init(const struct box *b)
{
	int pair[2], room = 2 * EXEC_MAX;

	box = b;
	if (b->resume)		/* what its agent started before has other numbers */
		last_id = time(NULL);
	start = malloc(sizeof(*start));
	if (!start)
		die("--name: %s", reason(ENOMEM));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair: %s", reason(errno));
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	agent.fd = pair[0];
	return pair[1];
}

void agent_start(void)
{
	agent.ready = ready;
	loop_watch(&agent, EPOLLIN);
}
