// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the clients of boxes have in common: which there are, and messages in JSON, one on a line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "client.h"
#include "rights.h"
#include "rundir.h"

#define READ_AT_ONCE	4096

static const char *const words[] = { "exec", "ps", "stop", "snapshot", "fork" };

bool is_client(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return false;
}

int client(int argc, char **argv, const struct stdio stdio[3])
{
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(argv[0], "exec"))
		return exec_main(argc, argv, stdio);
	if (!strcmp(argv[0], "ps"))
		return ps_main(argc, argv);
	if (!strcmp(argv[0], "snapshot"))
		return snapshot_main(argc, argv);
	if (!strcmp(argv[0], "fork"))
		return fork_main(argc, argv);
	return stop_main(argc, argv);
}

struct json_object *object_of(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, key, value);
	return o;
}

struct connection connect_box(const char *name)
{
	struct connection c = { .fd = is_name(name) ? connect_name(name) : -1 };

	if (!is_name(name))
		die("a box's name has letters, digits, '.', '_' and '-' alone; see kbox ps");
	if (c.fd < 0)
		die("%s: there is no such box; see kbox ps", name);
	return c;
}

/* The descriptors go with the first byte. */
bool ask_box(const struct connection *c, struct json_object *request, const int *fds, int nfds)
{
	const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
	struct iovec v[2] = { { (char *)text, strlen(text) }, { "\n", 1 } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
	union rights rights;
	ssize_t n = 0;

	rights_put(&m, &rights, fds, nfds);
	while (v[1].iov_len && ((n = sendmsg(c->fd, &m, MSG_NOSIGNAL)) >= 0 || errno == EINTR)) {
		for (int i = 0; i < 2 && n > 0; i++) {
			size_t part = (size_t)n < v[i].iov_len ? (size_t)n : v[i].iov_len;

			v[i].iov_base = (char *)v[i].iov_base + part;
			v[i].iov_len -= part;
			n -= part;
		}
		m.msg_control = NULL;
		m.msg_controllen = 0;
	}
	json_object_put(request);
	return !v[1].iov_len;
}

bool has_answer(const struct connection *c)
{
	return c->n && memchr(c->line, '\n', c->n);
}

static struct json_object *next_line(struct connection *c)
{
	char *end = c->n ? memchr(c->line, '\n', c->n) : NULL;
	struct json_object *o;

	if (!end)
		return NULL;
	*end++ = 0;
	o = json_tokener_parse(c->line);
	c->n -= end - c->line;
	memmove(c->line, end, c->n);
	return o;
}

static ssize_t receive(const struct connection *c, void *to, size_t size, int *fds, int nfds)
{
	struct iovec v = { to, size };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	union rights rights;
	ssize_t n;

	if (!nfds)
		return read(c->fd, to, size);
	rights_expect(&m, &rights, nfds);
	n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	if (n > 0)
		rights_take(&m, fds);
	return n;
}

struct json_object *answer_of_box(struct connection *c)
{
	return answer_with_fds(c, NULL, 0);
}

struct json_object *answer_with_fds(struct connection *c, int *fds, int nfds)
{
	struct json_object *o, *error;
	ssize_t n;

	while (!(o = next_line(c))) {
		c->line = realloc(c->line, c->n + READ_AT_ONCE);
		if (!c->line)
			die("%s", reason(ENOMEM));
		n = receive(c, c->line + c->n, READ_AT_ONCE, fds, nfds);
		if (n <= 0 && errno != EINTR)
			return NULL;
		c->n += n > 0 ? n : 0;
	}
	if (json_object_object_get_ex(o, "error", &error))
		die("%s", json_object_get_string(error));
	return o;
}
