// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbox-slirp: the engine of a box's network where passt is missing (src/engine_slirp.c). It has one
 * end of a socket, and turns the frames of that into sockets of the user's, by libslirp.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "alias.h"
#include "box.h"
#include "cable.h"
#include "sandbox.h"
#include "stack.h"
#include "version.h"

/*
 * A connection has buffers of 256 KiB, which are not touched before they are used; and there are
 * fragments, which libslirp does not count.
 */
#define MEMORY (STACK_FILES * (256ULL << 10) + (1ULL << 30))

static const char usage[] =
"Usage: kbox-slirp --fd N [--ipv4-only] [--resolver ADDR]... [-p [ADDR:]HOST:GUEST[/udp]]...\n"
"kbox starts it: the network of a box, on the socket N, with frames as QEMU has them there.\n";

struct wanted {
	int fd;
	bool ipv6;
	struct port *ports;
	size_t nports;
};

static void fail(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_FAIL);
}

static void add_port(struct wanted *w, const char *arg)
{
	w->ports = realloc(w->ports, (w->nports + 1) * sizeof(*w->ports));
	if (!w->ports)
		fail("%s", strerror(ENOMEM));
	if (!parse_port(arg, &w->ports[w->nports++]))
		fail("-p %s: give [ADDR:]HOST:GUEST[/udp]", arg);
}

static int parse_descriptor(const char *arg)
{
	uint32_t fd;

	if (!next_number(&arg, STACK_FILES, &fd) || *arg)
		fail("--fd %s: not a descriptor", arg);
	return fd;
}

static void parse(int argc, char **argv, struct wanted *w)
{
	enum { FD = 256, IPV4_ONLY, RESOLVER, HELP, VERSION };
	static const struct option longs[] = {
		{ "fd", required_argument, NULL, FD },
		{ "ipv4-only", no_argument, NULL, IPV4_ONLY },
		{ "resolver", required_argument, NULL, RESOLVER },
		{ "help", no_argument, NULL, HELP },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "p:", longs, NULL)) != -1) {
		switch (c) {
		case FD:
			w->fd = parse_descriptor(optarg);
			break;
		case IPV4_ONLY:
			w->ipv6 = false;
			break;
		case RESOLVER:
			if (!alias_resolver(optarg))
				fail("--resolver %s: not an address", optarg);
			break;
		case 'p':
			add_port(w, optarg);
			break;
		case HELP:
			fputs(usage, stdout);
			exit(0);
		case VERSION:
			puts("kbox-slirp " KBOX_VERSION);
			exit(0);
		default:
			exit(EXIT_FAIL);
		}
	}
	if (w->fd < 0 || optind != argc)
		fail("%s", usage);
}

/* What a guest can make this process take, of descriptors and of memory. Beyond it, it ends. */
static void set_limits(void)
{
	struct rlimit files, memory = { MEMORY, MEMORY };

	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max < STACK_FILES ? files.rlim_max : STACK_FILES;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	setrlimit(RLIMIT_DATA, &memory);
}

int main(int argc, char **argv)
{
	struct wanted w = { .fd = -1, .ipv6 = true };

	parse(argc, argv, &w);
	signal(SIGPIPE, SIG_IGN);
	set_limits();
	cable_open(w.fd);
	if (!stack_start(w.ipv6))
		fail("libslirp does not start");
	for (size_t i = 0; i < w.nports; i++)
		if (!stack_forward(&w.ports[i], w.ipv6))
			fail("port %d: %s", w.ports[i].host, strerror(errno));
	stack_forwarded();
	sandbox_leave();
	if (!sandbox_filter())
		fail("seccomp: %s", strerror(errno));
	while (stack_turn())
		;
	return 0;
}
