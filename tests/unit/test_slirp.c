// SPDX-License-Identifier: GPL-2.0-only
/* kbox-slirp: addresses that libslirp has by other names, the cable, and the filter. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "alias.h"
#include "cable.h"
#include "frames.h"
#include "netaddr.h"
#include "sandbox.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define IP 14

static uint8_t frame[200];

static bool is_six(void)
{
	return frame[12] == 0x86;
}

static uint8_t *payload(void)
{
	return frame + IP + (is_six() ? 40 : 20);
}

static uint32_t add_words(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i += 2)
		s += p[i] << 8 | p[i + 1];
	return s;
}

static uint16_t fold(uint32_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Of the payload and what the sum has of its packet's header. */
static uint32_t all_words(void)
{
	size_t size = payload() - frame;
	uint32_t s = is_six() ? add_words(frame + IP + 8, 32) : add_words(frame + IP + 12, 8);

	return s + frame[IP + (is_six() ? 6 : 9)] + sizeof(frame) - size + add_words(payload(), sizeof(frame) - size);
}

static uint8_t *sum_at(int protocol)
{
	return payload() + (protocol == IPPROTO_TCP ? 16 : 6);
}

static void set(uint8_t *p, uint16_t w)
{
	p[0] = w >> 8;
	p[1] = w;
}

static void make_frame(int protocol, const char *from, int from_port, const char *to, int to_port)
{
	bool six = strchr(to, ':');
	int family = six ? AF_INET6 : AF_INET;

	memset(frame, 0x5a, sizeof(frame));
	set(frame + 12, six ? 0x86dd : 0x0800);
	memset(frame + IP, 0, six ? 40 : 20);
	frame[IP] = six ? 0x60 : 0x45;
	frame[IP + (six ? 6 : 9)] = protocol;
	assert_int_equal(inet_pton(family, from, frame + IP + (six ? 8 : 12)), 1);
	assert_int_equal(inet_pton(family, to, frame + IP + (six ? 24 : 16)), 1);
	set(payload(), from_port);
	set(payload() + 2, to_port);
	set(sum_at(protocol), 0);
	set(sum_at(protocol), ~fold(all_words()));
	if (!six)
		set(frame + IP + 10, ~fold(add_words(frame + IP, 20)));
}

static void check_sums(void)
{
	assert_int_equal(fold(all_words()), 0xffff);
	if (!is_six())
		assert_int_equal(fold(add_words(frame + IP, 20)), 0xffff);
}

static void check_address(bool to, const char *expected)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(is_six() ? AF_INET6 : AF_INET, frame + IP + (is_six() ? 8 + 16 * to : 12 + 4 * to), text, sizeof(text));
	assert_string_equal(text, expected);
}

/* Of the guest's frames, where they go in the end; and back. */
static void aliases(void **state)
{
	static const struct { int protocol; const char *guest, *libslirp; int port; } cases[] = {
		{ IPPROTO_UDP, NET_DNS4, "127.0.0.53", 53 }, { IPPROTO_TCP, NET_DNS4, "127.0.0.53", 53 },
		{ IPPROTO_TCP, NET_DNS4, NET_DNS4, 80 },
		{ IPPROTO_UDP, NET_DNS6, "::1", 53 }, { IPPROTO_TCP, NET_DNS6, "::1", 53 },
		{ IPPROTO_TCP, NET_GATEWAY6, NET_SLIRP_GATEWAY6, 80 }, { IPPROTO_UDP, NET_GATEWAY6, NET_SLIRP_GATEWAY6, 53 },
		{ IPPROTO_TCP, "192.0.2.1", "192.0.2.1", 53 }, { IPPROTO_TCP, "2001:db8::1", "2001:db8::1", 53 },
	};

	(void)state;
	assert_true(alias_resolver("127.0.0.53"));
	assert_true(alias_resolver("::1"));
	assert_false(alias_resolver("127.0.0"));
	assert_false(alias_resolver("::x"));
	assert_true(alias_resolver("127.0.0.53"));
	assert_true(alias_resolver("::1"));
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *box = strchr(cases[i].guest, ':') ? NET_BOX6 : NET_BOX4;

		print_message("# %s port %d\n", cases[i].guest, cases[i].port);
		make_frame(cases[i].protocol, box, 4000, cases[i].guest, cases[i].port);
		check_sums();
		assert_true(alias_out(frame, sizeof(frame)));
		check_address(true, cases[i].libslirp);
		check_address(false, box);
		check_sums();
		make_frame(cases[i].protocol, cases[i].libslirp, cases[i].port, box, 4000);
		alias_in(frame, sizeof(frame));
		check_address(false, cases[i].guest);
		check_address(true, box);
		check_sums();
	}
}

/* A datagram of IPv4 may have no sum, and then has none. */
static void no_sum(void **state)
{
	(void)state;
	make_frame(IPPROTO_UDP, NET_BOX4, 4000, NET_DNS4, 53);
	set(sum_at(IPPROTO_UDP), 0);
	assert_true(alias_out(frame, sizeof(frame)));
	check_address(true, "127.0.0.53");
	assert_int_equal(sum_at(IPPROTO_UDP)[0] | sum_at(IPPROTO_UDP)[1], 0);
}

/* What libslirp would take for the host's loopback, and what asks it for more than it is to say. */
static void dropped(void **state)
{
	static const struct { int protocol; const char *to; int port; bool goes; } cases[] = {
		{ IPPROTO_UDP, "255.255.255.255", 67, true }, { IPPROTO_UDP, "255.255.255.255", 68, false },
		{ IPPROTO_TCP, "255.255.255.255", 67, false }, { IPPROTO_UDP, "255.255.255.254", 9, true },
		{ IPPROTO_TCP, NET_SLIRP_GATEWAY6, 80, false }, { IPPROTO_UDP, "fd6b:626f:78::9", 80, false },
		{ IPPROTO_TCP, NET_DNS6, 80, false }, { IPPROTO_UDP, "ff02::1", 80, false },
		{ IPPROTO_TCP, "fd6b:626f:79::1", 80, true }, { IPPROTO_TCP, NET_GATEWAY4, 80, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("# %s port %d\n", cases[i].to, cases[i].port);
		make_frame(cases[i].protocol, strchr(cases[i].to, ':') ? NET_BOX6 : NET_BOX4, 4000, cases[i].to, cases[i].port);
		assert_int_equal(alias_out(frame, sizeof(frame)), cases[i].goes);
	}
	/* A fragment without ports, and the first one that is too short for them. */
	make_frame(IPPROTO_TCP, NET_BOX4, 4000, "255.255.255.255", 80);
	assert_false(alias_out(frame, IP + 20 + 8));
	frame[IP + 7] = 1;
	assert_false(alias_out(frame, sizeof(frame)));
	make_frame(IPPROTO_UDP, NET_BOX4, 4000, "255.255.255.255", 67);
	frame[IP + 7] = 1;
	assert_false(alias_out(frame, sizeof(frame)));
	make_frame(IPPROTO_ICMPV6, NET_BOX6, 0, "ff02::2", 0);
	payload()[0] = 133;	/* a router solicitation */
	assert_false(alias_out(frame, sizeof(frame)));
	payload()[0] = 135;	/* and one of a neighbor */
	assert_true(alias_out(frame, sizeof(frame)));
}

/* Each length that there is: nothing behind it is looked at (ASAN). */
static void short_frames(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++)
		for (size_t n = FRAME_MIN; n < 80; n++) {
			uint8_t *copy = test_malloc(n);

			make_frame(IPPROTO_TCP, six ? NET_BOX6 : NET_BOX4, 4000, six ? NET_DNS6 : NET_DNS4, 53);
			memcpy(copy, frame, n);
			alias_out(copy, n);
			alias_in(copy, n);
			test_free(copy);
		}
}

/* The cable. */

static int other;	/* its other end */
static unsigned int taken;

static void plug(void)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	cable_open(ends[0]);
	other = ends[1];
	taken = 0;
}

static void as_it_is(uint8_t *f, size_t len)
{
	(void)f;
	(void)len;
}

static void take(uint8_t *f, size_t len)
{
	assert_int_equal(len, 100);
	assert_int_equal(f[0], taken);
	taken++;
}

/* In parts of all sizes; the end is told. */
static void received(void **state)
{
	uint8_t stream[10 * (FRAME_HEAD + 100)];

	(void)state;
	plug();
	for (int i = 0; i < 10; i++) {
		frame_head(stream + i * (FRAME_HEAD + 100), 100);
		memset(stream + i * (FRAME_HEAD + 100) + FRAME_HEAD, i, 100);
	}
	for (size_t i = 0, part = 1; i < sizeof(stream); i += part, part += 7) {
		size_t n = part < sizeof(stream) - i ? part : sizeof(stream) - i;

		assert_int_equal(write(other, stream + i, n), n);
		assert_true(cable_receive(POLLIN, take));
		part = n;
	}
	assert_int_equal(taken, 10);
	assert_false(cable_has_frames());
	assert_true(cable_receive(POLLIN, take));
	close(other);
	assert_false(cable_receive(POLLIN, take));
	assert_int_equal(taken, 10);
}

static size_t read_all(void)
{
	static uint8_t in[1 << 16];
	size_t all = 0;
	ssize_t part;

	while ((part = read(other, in, sizeof(in))) > 0)
		all += part;
	return all;
}

/*
 * Nobody reads: the cable is full after a while, takes no frames then, and drops some in the end.
 * What comes of those that are sent is whole.
 */
static void full(void **state)
{
	static uint8_t large[60000], head[FRAME_HEAD + 100];
	size_t sent = 0, got = 0, part;

	(void)state;
	plug();
	for (; sent < 1000 && !cable_is_full(); sent++)
		cable_send(large, sizeof(large), as_it_is);
	assert_true(cable_is_full());
	frame_head(head, 100);
	assert_int_equal(write(other, head, sizeof(head)), sizeof(head));
	assert_true(cable_receive(POLLIN, take));
	assert_int_equal(taken, 0);
	assert_int_equal(cable_polls().events, POLLOUT);
	for (int i = 0; i < 1000; i++)
		cable_send(large, sizeof(large), as_it_is);
	while ((part = read_all())) {
		got += part;
		assert_true(cable_flush());
	}
	assert_int_equal(got % (FRAME_HEAD + sizeof(large)), 0);
	assert_in_range(got / (FRAME_HEAD + sizeof(large)), sent, 999);
	assert_false(cable_is_full());
	assert_true(cable_receive(POLLIN, take));
	assert_int_equal(taken, 1);
}

/* The filter: each case in a process that has it. */

static int make_socket(int domain, int type, int protocol)
{
	return socket(domain, type, protocol) < 0 ? errno : 0;
}

static int refuse(long ret)
{
	return ret < 0 && errno == EPERM ? 0 : 1;
}

static int inside(int which)
{
	struct sockaddr_in any = { .sin_family = AF_INET };
	int one = 1, fd;

	switch (which) {
	case 0:
		return make_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	case 1:
		return make_socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0) == EPERM;
	case 2:
		fd = socket(AF_INET, SOCK_STREAM, 0);
		return fcntl(fd, F_SETFL, O_NONBLOCK) || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	case 3:
		return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED;
	/* And what is refused. */
	case 4:
		return refuse(open("/etc/passwd", O_RDONLY));
	case 5:
		return refuse(syscall(SYS_openat, AT_FDCWD, "/tmp", O_WRONLY | O_TMPFILE, 0600));
	case 6:
		return refuse(socket(AF_UNIX, SOCK_STREAM, 0));
	case 7:
		return refuse(socket(AF_NETLINK, SOCK_DGRAM, 0));
	case 8:
		return refuse(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	case 9:
		return refuse(socket(AF_PACKET, SOCK_DGRAM, 0));
	case 10:
		return refuse(socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP));
	case 11:
		return refuse(execl("/bin/true", "true", NULL));
	case 12:
		return refuse(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	case 13:
		return refuse(kill(getppid(), 0));
	case 14:
		return refuse((long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	case 15:
		return refuse(bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&any, sizeof(any)));
	case 16:
		return refuse(listen(socket(AF_INET, SOCK_STREAM, 0), 1));
	case 17:
		return refuse(fcntl(0, F_DUPFD, 0));
	case 18:
		return refuse(setsockopt(socket(AF_INET, SOCK_STREAM, 0), SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	case 19:
		return refuse(syscall(SYS_ptrace, 0, 0, 0, 0));
	case 20:
		return refuse(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	}
	return -1;
}

/* ASAN would make other calls in _exit(2). */
static void filter(void **state)
{
	(void)state;
	for (int which = 0; which <= 20; which++) {
		int status;

		if (!fork())
			syscall(SYS_exit_group, sandbox_filter() ? inside(which) : 99);
		wait(&status);
		print_message("# %d\n", which);
		assert_int_equal(status, 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(aliases), cmocka_unit_test(no_sum), cmocka_unit_test(dropped), cmocka_unit_test(short_frames),
		cmocka_unit_test(received), cmocka_unit_test(full), cmocka_unit_test(filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
