// SPDX-License-Identifier: GPL-2.0-only
/*
 * passt (passt(1)), from its start to its end. It has a user namespace, a mount namespace and a
 * filter of its own, and nothing of ours but one end of a socket. It ends when the other one is
 * closed, however we end: nobody else has that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)	/* of a number that is a macro */
#define WORDS_SIZE	4096	/* of what passt says, the first bytes */
#define PATIENCE	60	/* seconds in which it answers, on a host where it takes a tenth of one */
#define SOCKET_BYTES	(4 << 20)	/* in the socket, each way, if the host allows that */

static struct {
	pid_t pid;
	int words;		/* a memory file, which takes what passt says, and then no more */
} engine;

pid_t engine_pid(void)
{
	return engine.pid;
}

static const char *find_passt(char path[PATH_MAX])
{
	const char *set = getenv("KBOX_PASST"), *dirs = getenv("PATH");

	if (set && *set)
		return access(set, X_OK) ? NULL : set;
	for (dirs = dirs ? dirs : "/usr/bin:/bin"; *dirs; dirs += *dirs == ':') {
		size_t n = strcspn(dirs, ":");

		if (n && snprintf(path, PATH_MAX, "%.*s/passt", (int)n, dirs) < PATH_MAX && !access(path, X_OK))
			return path;
		dirs += n;
	}
	return NULL;
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

/* The arguments for passt; what they point to stays. */
struct args {
	const char **v;
	size_t n;
};

static void add(struct args *a, const char *option, const char *value)
{
	a->v[a->n++] = option;
	if (value)
		a->v[a->n++] = value;
	a->v[a->n] = NULL;
}

/* passt takes the address of a family, and the gateway, by the same option. */
static void add_addresses(struct args *a, bool ipv6)
{
	add(a, "-a", NET_BOX4);
	add(a, "-n", TEXT(NET_PREFIX4));
	add(a, "-g", NET_GATEWAY4);
	if (ipv6) {
		add(a, "-a", NET_BOX6);
		add(a, "-g", NET_GATEWAY6);
	} else {
		add(a, "-4", NULL);
	}
	add(a, "-M", NET_ENGINE_MAC);
	add(a, "-m", TEXT(NET_MTU));
}

/*
 * --no-ra and --no-dhcpv6: the guest's init has set all up. --fd makes it end with the connection.
 * The gateway's address is the host's loopback: policy.c says what comes there.
 */
static void add_all(struct args *a, const struct box *b, int fd)
{
	const struct resolvers *r = &b->net.resolvers;
	static char number[12];

	snprintf(number, sizeof(number), "%d", fd);
	add(a, "passt", NULL);
	add(a, "-q", NULL);
	add(a, "-f", NULL);
	add(a, "--fd", number);
	add(a, "-i", b->net.interface);
	add_addresses(a, b->net.ipv6);
	add(a, "--no-ra", NULL);
	add(a, "--no-dhcpv6", NULL);
	if (r->forward4)
		add(a, "--dns-forward", NET_DNS4);
	if (r->forward6)
		add(a, "--dns-forward", NET_DNS6);
	for (size_t i = 0; i < b->opt.nports; i++) {
		char *spec = malloc(PORT_SPEC);

		if (!spec)
			die("%s", reason(ENOMEM));
		port_spec(spec, &b->opt.ports[i]);
		add(a, b->opt.ports[i].udp ? "-u" : "-t", spec);
	}
}

/*
 * In the child. A session of its own: the terminal's signals are for the box. The user's descriptors
 * (--fd, volumes) are not for passt.
 */
static void __attribute__((noreturn)) become_passt(const char *path, const struct args *a, int fd, int words)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(null, 1);
	dup2(words, 2);
	if (fd > 3)
		close_from_to(3, fd - 1);
	close_from_to(fd + 1, ~0U);
	fcntl(fd, F_SETFD, 0);
	execv(path, (char **)a->v);
	dprintf(2, "%s\n", strerror(errno));
	_exit(1);
}

static int make_words(void)
{
	int fd = new_memfd("passt");

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

void start_engine(struct box *b)
{
	struct args a = { NULL, 0 };
	char buf[PATH_MAX];
	const char *path;
	int ends[2];

	b->net_fd = -1;
	if (b->opt.net == NET_NONE)
		return;
	path = find_passt(buf);
	if (!path)
		die("--net needs passt, which is not here; install the package passt");
	b->net.ipv6 = choose_interface(b->net.interface);
	check_ports(&b->opt, b->net.ipv6);
	read_resolvers(&b->net.resolvers, b->net.ipv6);
	make_socket(ends);
	engine.words = make_words();
	a.v = calloc(64 + 2 * b->opt.nports, sizeof(*a.v));
	if (!a.v)
		die("%s", reason(ENOMEM));
	add_all(&a, b, ends[1]);
	engine.pid = fork();
	if (engine.pid < 0)
		die("fork: %s", reason(errno));
	if (!engine.pid)
		become_passt(path, &a, ends[1], engine.words);
	close(ends[1]);
	b->net_fd = ends[0];
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

static void __attribute__((noreturn)) does_not_run(void)
{
	char line[256];

	kill(engine.pid, SIGKILL);
	waitpid(engine.pid, NULL, 0);
	last_line(line);
	die("--net: passt: %s%s", line, strstr(line, "namespace") || strstr(line, "sandbox") ?
	    "; it needs user namespaces, see kbox doctor" : "");
}

/* All n bytes, and no more: what follows is for the guest. */
static void read_all(int fd, void *buf, size_t n, time_t until)
{
	for (size_t got = 0; got < n;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t part = read(fd, (char *)buf + got, n - got);

		if (part > 0)
			got += part;
		else if (!part || errno != EAGAIN || seconds() > until)
			does_not_run();
		else
			poll(&p, 1, 1000);
	}
}

static void tell_engine(const struct box *b, const void *frame, size_t n)
{
	uint8_t head[FRAME_HEAD];
	struct iovec v[] = { { head, sizeof(head) }, { (void *)frame, n } };
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };

	frame_head(head, n);
	if (sendmsg(b->net_fd, &m, MSG_NOSIGNAL) != (ssize_t)(sizeof(head) + n))
		does_not_run();
}

/*
 * It has no other sign of having started than that it answers. So it is asked for its gateway, by ARP
 * (RFC 826) and of IPv6, and learns the card's addresses by that.
 */
void await_engine(const struct box *b)
{
	static const uint8_t question[42] =
		"\xff\xff\xff\xff\xff\xff" NET_BOX_MAC "\x08\x06"
		"\0\x01\x08\0\x06\x04\0\x01" NET_BOX_MAC NET_BOX4_BYTES "\0\0\0\0\0\0" NET_GATEWAY4_BYTES;
	uint8_t head[FRAME_HEAD], frame[FRAME_MAX];
	time_t until = seconds() + PATIENCE;
	size_t len;

	if (b->net_fd < 0)
		return;
	if (b->net.ipv6)
		tell_engine(b, frame, make_solicitation(frame));
	tell_engine(b, question, sizeof(question));
	do {
		read_all(b->net_fd, head, sizeof(head), until);
		if (frame_next(head, sizeof(head), &len) == NO_STREAM)
			does_not_run();
		read_all(b->net_fd, frame, len, until);
	} while (frame[12] != 0x08 || frame[13] != 0x06);
}

void engine_lost(void)
{
	if (engine.pid)
		kill(engine.pid, SIGKILL);
	tty_say("kbox: passt is gone: the box goes on, without a network");
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
