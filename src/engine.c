// SPDX-License-Identifier: GPL-2.0-only
/*
 * An engine, from its start to its end, whichever it is (engine_passt.c, engine_slirp.c). It has
 * nothing of ours but one end of a socket, and ends when the other one is closed, however we end:
 * nobody else has that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "engine.h"
#include "frames.h"
#include "netaddr.h"
#include "packet.h"
#include "ports.h"
#include "resolv.h"

#define WORDS_SIZE	4096	/* of what an engine says, the first bytes */
#define PATIENCE	60	/* seconds in which it answers, on a host where it takes a tenth of one */
#define SOCKET_BYTES	(4 << 20)	/* in the socket, each way, if the host allows that */

static struct {
	const struct engine_kind *kind;
	char path[PATH_MAX];
	pid_t pid;
	int words;		/* a memory file, which takes what the engine says, and then no more */
} engine = { .kind = &engine_passt };	/* until one is chosen */

pid_t engine_pid(void)
{
	return engine.pid;
}

static void check_ports(const struct options *o, bool ipv6)
{
	for (size_t i = 0; i < o->nports; i++) {
		const struct port *p = &o->ports[i];

		if (p->family == AF_INET6 && !ipv6)
			die("-p %s:%d: this host has no IPv6", p->addr, p->host);
		if (!port_is_free(p, ipv6))
			die("-p: port %d of %s%s%s: %s", p->host, p->udp ? "UDP" : "TCP",
			    *p->addr ? " at " : "", p->addr, reason(errno));
	}
}

static void read_resolvers(struct resolvers *r, bool ipv6)
{
	char text[sizeof(r->text)];

	read_text("/etc/resolv.conf", text, sizeof(text));
	make_resolvers(r, text, ipv6);
}

void engine_arg(struct engine_args *a, const char *option, const char *value)
{
	a->v[a->n++] = option;
	if (value)
		a->v[a->n++] = value;
	a->v[a->n] = NULL;
}

void engine_argf(struct engine_args *a, const char *option, const char *fmt, ...)
{
	char *value;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&value, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("%s", reason(ENOMEM));
	engine_arg(a, option, value);
}

/*
 * In the child. A session of its own: the terminal's signals are for the box. The user's
 * descriptors (--fd, volumes) are not for an engine.
 */
static void __attribute__((noreturn)) become_engine(const struct engine_args *a, int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(engine.words, 2);
	close_all_but(fd);
	fcntl(fd, F_SETFD, 0);
	execv(engine.path, (char **)a->v);
	dprintf(2, "%s\n", strerror(errno));
	_exit(1);
}

static int make_words(void)
{
	int fd = new_memfd("engine");

	if (fd < 0 || ftruncate(fd, WORDS_SIZE) || !seal_size(fd))
		die("memfd: %s", reason(errno));
	return fd;
}

/* What is in flight in a socket of this kind is bounded by who sends. */
static void make_socket(int ends[2])
{
	int bytes = SOCKET_BYTES;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) || fcntl(ends[0], F_SETFL, O_NONBLOCK))
		die("socketpair: %s", reason(errno));
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

static bool find(const struct engine_kind *kind)
{
	if (!kind->find(engine.path))
		return false;
	engine.kind = kind;
	return true;
}

/* passt first: docs/network.md says why. */
static void choose(enum net net)
{
	switch (net) {
	case NET_PASST:
		if (!find(&engine_passt))
			die("--net=passt needs passt, which is not here; install the package passt");
		break;
	case NET_SLIRP:
		if (!find(&engine_slirp))
			die("--net=slirp needs kbox-slirp, which is not here; it is a part of kbox that needs libslirp");
		break;
	default:
		if (!find(&engine_passt) && !find(&engine_slirp))
			die("--net needs passt or kbox-slirp, and neither is here; install the package passt");
	}
}

/* Returns our end of the socket. */
static int run(const struct box *b)
{
	struct engine_args a = { calloc(ENGINE_ARGS + 2 * b->opt.nports, sizeof(*a.v)), 0 };
	int ends[2];

	if (!a.v)
		die("%s", reason(ENOMEM));
	make_socket(ends);
	engine.words = make_words();
	engine_arg(&a, engine.kind->name, NULL);
	engine_argf(&a, "--fd", "%d", ends[1]);
	engine.kind->arguments(&a, b);
	engine.pid = fork();
	if (engine.pid < 0)
		die("fork: %s", reason(errno));
	if (!engine.pid)
		become_engine(&a, ends[1]);
	close(ends[1]);
	free(a.v);
	return ends[0];
}

void start_engine(struct box *b)
{
	b->net_fd = -1;
	if (b->opt.net == NET_NONE)
		return;
	choose(b->opt.net);
	b->net.ipv6 = choose_interface(b->net.interface);
	check_ports(&b->opt, b->net.ipv6);
	read_resolvers(&b->net.resolvers, b->net.ipv6);
	b->net_fd = run(b);
}

/* The last line that it has said; not of those about the system's log, which need not be there. */
static void last_line(char line[256])
{
	char text[WORDS_SIZE + 1];
	ssize_t n = pread(engine.words, text, WORDS_SIZE, 0);
	char *save, *l;

	text[n > 0 ? n : 0] = 0;
	snprintf(line, 256, "it ended");
	for (l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (!strstr(l, "to syslog"))
			printable(line, l, 255);
}

static bool lacks_namespace(const char *line)
{
	return strstr(line, "namespace") || strstr(line, "sandbox");
}

/* What passt needs, and the other one does not. */
static bool find_another(const struct box *b, const char *line)
{
	return b->opt.net == NET_USER && engine.kind == &engine_passt && lacks_namespace(line) && find(&engine_slirp);
}

static const char *advice(const char *line)
{
	if (lacks_namespace(line))
		return "; it needs user namespaces, see kbox doctor";
	return strstr(line, "shared librar") ? "; install the package libslirp0" : "";
}

/* Returns if another one has been started, which may run here. */
static void does_not_run(const struct box *b)
{
	char line[256];
	int fd;

	kill(engine.pid, SIGKILL);
	waitpid(engine.pid, NULL, 0);
	last_line(line);
	close(engine.words);
	if (!find_another(b, line))
		die("--net: %s: %s%s", engine.kind->name, line, advice(line));
	fd = run(b);
	if (dup3(fd, b->net_fd, O_CLOEXEC) < 0)
		die("dup: %s", reason(errno));
	close(fd);
}

/* All n bytes, and no more: what follows is for the guest. */
static bool read_all(int fd, void *buf, size_t n, time_t until)
{
	for (size_t got = 0; got < n;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t part = read(fd, (char *)buf + got, n - got);

		if (!part || (part < 0 && (errno != EAGAIN || seconds() > until)))
			return false;
		if (part > 0)
			got += part;
		else
			poll(&p, 1, 1000);
	}
	return true;
}

static bool tell_engine(int fd, const void *frame, size_t n)
{
	uint8_t head[FRAME_HEAD];
	struct iovec v[] = { { head, sizeof(head) }, { (void *)frame, n } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	frame_head(head, n);
	return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)(sizeof(head) + n);
}

/*
 * It has no other sign of having started than that it answers. So it is asked for its gateway, by
 * ARP (RFC 826) and of IPv6, and learns the card's addresses by that.
 */
static bool answers(int fd, bool ipv6)
{
	uint8_t head[FRAME_HEAD], frame[FRAME_MAX];
	time_t until = seconds() + PATIENCE;
	size_t len;

	if (ipv6 && !tell_engine(fd, frame, make_solicitation(frame)))
		return false;
	make_arp_question(frame, NET_BOX4_BYTES);
	if (!tell_engine(fd, frame, ARP_BYTES))
		return false;
	do {
		if (!read_all(fd, head, sizeof(head), until) ||
		    frame_next(head, sizeof(head), &len) == NO_STREAM || !read_all(fd, frame, len, until))
			return false;
	} while (frame[12] != 0x08 || frame[13] != 0x06);
	return true;
}

void await_engine(const struct box *b)
{
	while (b->net_fd >= 0 && !answers(b->net_fd, b->net.ipv6))
		does_not_run(b);
}

void engine_lost(void)
{
	char line[96];

	if (engine.pid)
		kill(engine.pid, SIGKILL);
	snprintf(line, sizeof(line), "kbox: %s is gone: the box goes on, without a network", engine.kind->name);
	tty_say(line);
}

/* Its number may be another's from then on. */
void reap_engine(void)
{
	if (engine.pid && waitpid(engine.pid, NULL, WNOHANG))
		engine.pid = 0;
}

void end_engine(struct box *b)
{
	if (b->net_fd >= 0)
		close(b->net_fd);
	b->net_fd = -1;
	if (engine.pid && !kill(engine.pid, SIGKILL))
		waitpid(engine.pid, NULL, 0);
	engine.pid = 0;
}
