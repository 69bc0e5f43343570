// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "learned.h"
#include "loop.h"
#include "names.h"
#include "packet.h"

#define PATIENCE	10	/* seconds for the first answers */

/* A message: an address of that rule's name, or why there is none. */
struct news {
	enum { NEWS_ADDRESS, NEWS_NONE, NEWS_OVER } what;
	int rule;
	int error;		/* of getaddrinfo(3) */
	struct in6_addr addr;
};

static const struct options *opt;
static void hear(void *arg);
static struct source source = { .fd = -1, .ready = hear };

static void tell(int fd, const struct news *n)
{
	if (send(fd, n, sizeof(*n), MSG_NOSIGNAL) != sizeof(*n))
		_exit(0);
}

static struct in6_addr address_in(const struct sockaddr *a)
{
	if (a->sa_family == AF_INET6)
		return ((const struct sockaddr_in6 *)a)->sin6_addr;
	return mapped(&((const struct sockaddr_in *)a)->sin_addr);
}

static void ask(int fd, int rule)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct news n = { .what = NEWS_NONE, .rule = rule };
	struct addrinfo *list = NULL;

	n.error = getaddrinfo(opt->allowed[rule].name, NULL, &hints, &list);
	if (n.error) {
		tell(fd, &n);
		return;
	}
	n.what = NEWS_ADDRESS;
	for (const struct addrinfo *i = list; i; i = i->ai_next)
		if (i->ai_family == AF_INET || i->ai_family == AF_INET6) {
			n.addr = address_in(i->ai_addr);
			tell(fd, &n);
		}
	freeaddrinfo(list);
}

static bool has_address(const struct allow *a)
{
	return a->what == ALLOW_NAME && !a->below;
}

static void __attribute__((noreturn)) keep_asking(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	const struct news over = { .what = NEWS_OVER };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		dup2(null, i);
	close_all_but(fd);
	do {
		for (size_t i = 0; i < opt->nallowed; i++)
			if (has_address(&opt->allowed[i]))
				ask(fd, i);
		tell(fd, &over);
	} while (!poll(&p, 1, NAMES_EVERY * 1000));
	_exit(0);
}

void start_names(const struct box *b)
{
	size_t wanted = 0;
	int ends[2];
	pid_t pid;

	opt = &b->opt;
	for (size_t i = 0; i < opt->nallowed; i++)
		wanted += has_address(&opt->allowed[i]);
	if (!wanted)
		return;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		die("socketpair: %s", reason(errno));
	pid = fork();
	if (pid < 0)
		die("fork: %s", reason(errno));
	if (!pid)
		keep_asking(ends[1]);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	source.fd = ends[0];
}

/* False: there is nothing now; or nothing more, as nobody asks any longer. */
static bool take(struct news *n, bool *gone)
{
	ssize_t got = read(source.fd, n, sizeof(*n));

	*gone = !got || (got < 0 && errno != EAGAIN);
	if (got != sizeof(*n))
		return false;
	/* Twice the time: while the next answers come in, these hold. */
	if (n->what == NEWS_ADDRESS)
		learn(&n->addr, n->rule, 2 * NAMES_EVERY);
	return true;
}

void await_names(void)
{
	time_t until = seconds() + PATIENCE;
	struct pollfd p = { .fd = source.fd, .events = POLLIN };
	struct news n = { .what = NEWS_ADDRESS };
	bool gone = false;

	if (source.fd < 0)
		return;
	while (n.what != NEWS_OVER && !gone && seconds() < until) {
		if (!take(&n, &gone))
			poll(&p, 1, 1000);
		else if (n.what == NEWS_NONE)
			fprintf(stderr, "kbox: --allow %s: %s; the host is asked again\n", opt->allowed[n.rule].name,
				gai_strerror(n.error));
	}
}

static void hear(void *arg)
{
	struct news n;
	bool gone;

	(void)arg;
	while (take(&n, &gone))
		;
	if (gone)
		loop_watch(&source, 0);
}

void watch_names(void)
{
	if (source.fd >= 0)
		loop_watch(&source, EPOLLIN);
}
