// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the network is made of: -p, resolv.conf, frames, and the card between a guest and an engine.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include "devices.h"
#include "engine.h"
#include "frames.h"
#include "loop.h"
#include "ack.h"
#include "flows.h"
#include "netaddr.h"
#include "packets.h"
#include "policy.h"

#define PEER	"192.0.2.1"

static void ports(void **state)
{
	static const struct { const char *s, *addr; int host, guest; bool udp; int family; } good[] = {
		{ "80:8080", "", 80, 8080, false, AF_UNSPEC },
		{ "1:65535/tcp", "", 1, 65535, false, AF_UNSPEC },
		{ "53:53/udp", "", 53, 53, true, AF_UNSPEC },
		{ "127.0.0.1:5353:53/udp", "127.0.0.1", 5353, 53, true, AF_INET },
		{ "[::1]:80:81", "::1", 80, 81, false, AF_INET6 },
		{ "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:65535:65535/udp",
		  "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535, 65535, true, AF_INET6 },
	};
	struct port p;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		print_message("# %s\n", good[i].s);
		assert_true(parse_port(good[i].s, &p));
		assert_int_equal(p.udp, good[i].udp);
		assert_int_equal(p.family, good[i].family);
		assert_int_equal(p.host, good[i].host);
		assert_int_equal(p.guest, good[i].guest);
		assert_string_equal(p.addr, good[i].addr);
	}
}

static void not_ports(void **state)
{
	static const char *const bad[] = {
		"", ":", "80", "80:", ":80", "0:80", "80:0", "65536:80", "80:65536", "99999999999999999999:1", "-1:80", "80:+1",
		" 80:80", "80:80 ", "80:80/", "80:80/sctp", "80:80/udp/tcp", "80:80/UDP", "localhost:80:80", "127.1:80:80",
		"127.0.0.1:80", "1.2.3.4:80:80:80", "::1:80:80", "[::1]80:80", "[::1:80:80", "[127.0.0.1]:80:80", "[]:80:80",
		"[::1]:80", "[fe80::1%eth0]:80:80", ":80:80", "80-81:80-81",
		"[1111111111111111111111111111111111111111111111111111]:80:80",
	};
	struct port p;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		print_message("# '%s'\n", bad[i]);
		assert_false(parse_port(bad[i], &p));
	}
}

static void loopback_ports(void **state)
{
	static const char *const bad[] = {
		"", "0", "65536", "-1", " 80", "80 ", "80/", "80/sctp", "80/UDP", "80:80", "80-81", "127.0.0.1:80", "/udp",
	};
	struct loopback_port p;

	(void)state;
	assert_true(parse_loopback_port("1", &p) && p.port == 1 && !p.udp);
	assert_true(parse_loopback_port("65535/tcp", &p) && p.port == 65535 && !p.udp);
	assert_true(parse_loopback_port("53/udp", &p) && p.port == 53 && p.udp);
	for (size_t i = 0; i < COUNT(bad); i++) {
		print_message("# '%s'\n", bad[i]);
		assert_false(parse_loopback_port(bad[i], &p));
	}
}

/* Who listens is told; who has a port of UDP, too. */
static void free_ports(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct port p = { .family = AF_INET, .addr = "127.0.0.1" };
	socklen_t len = sizeof(a);

	(void)state;
	for (int udp = 0; udp < 2; udp++) {
		int fd = socket(AF_INET, udp ? SOCK_DGRAM : SOCK_STREAM, 0);

		assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
		assert_true(udp || !listen(fd, 1));
		assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
		p.udp = udp;
		p.host = ntohs(a.sin_port);
		assert_false(port_is_free(&p, false));
		assert_int_equal(errno, EADDRINUSE);
		close(fd);
		assert_true(port_is_free(&p, false));
		a.sin_port = 0;
	}
}

static void resolvers(void **state)
{
	static const struct { const char *host, *guest; bool six, forward4, forward6; } cases[] = {
		{ "", "", true, false, false },
		{ "nameserver 192.0.2.1\n", "nameserver 192.0.2.1\n", false, false, false },
		{ "# x\nnameserver 192.0.2.1 # y\nnameserver\t192.0.2.2", "nameserver 192.0.2.1\nnameserver 192.0.2.2\n", false, false, false },
		{ "nameserver 127.0.0.53\noptions edns0\nsearch a b\n", "nameserver " NET_DNS4 "\noptions edns0\nsearch a b\n", true, true, false },
		{ "nameserver 0.0.0.0\nnameserver 127.0.0.2\n", "nameserver " NET_DNS4 "\n", true, true, false },
		{ "nameserver 192.0.2.1\nnameserver 127.0.0.53\n", "nameserver 192.0.2.1\n", true, false, false },
		{ "nameserver ::1\nnameserver fd00::1\n", "nameserver " NET_DNS6 "\nnameserver fd00::1\n", true, false, true },
		{ "nameserver ::1\nnameserver fd00::1\n", "", false, false, false },
		{ "nameserver fe80::1%eth0\nnameserver x\nse x\nnames 1.2.3.4\n", "", true, false, false },
		{ "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4\n",
		  "nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\n", true, false, false },
	};
	struct resolvers r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		print_message("# %s\n", cases[i].host);
		make_resolvers(&r, cases[i].host, cases[i].six);
		assert_string_equal(r.text, cases[i].guest);
		assert_int_equal(r.forward4, cases[i].forward4);
		if (r.forward4)
			assert_string_equal(r.host4, strstr(cases[i].host, "127.0.0.53") ? "127.0.0.53" : "127.0.0.1");
		assert_int_equal(r.forward6, cases[i].forward6);
	}
}

/* Lines beyond what there is room for are left out. */
static void many_lines(void **state)
{
	static char host[20000];
	struct resolvers r;

	(void)state;
	for (int i = 0; i < 400; i++)
		strcat(host, "search a.name.that.is.long.enough.example\n");
	memset(host + strlen(host), 'x', 1000);
	make_resolvers(&r, host, true);
	assert_true(strlen(r.text) > sizeof(r.text) - 100);
	assert_int_equal(r.text[strlen(r.text) - 1], '\n');
}

static void interfaces(void **state)
{
	char name[16];

	(void)state;
	assert_false(parse_interface("", name));
	assert_string_equal(name, "lo");
	assert_false(parse_interface("00000000000000000000000000000001 01 80 10 80       lo\n", name));
	assert_false(parse_interface("fe8000000000000000fc00fffe000001 04 40 20 c0     eth0\n", name));
	assert_string_equal(name, "lo");
	assert_true(parse_interface("00000000000000000000000000000001 01 80 10 80       lo\n"
				    "fd000000000000000000000000000002 04 40 00 80     eth0\n"
				    "fe8000000000000000fc00fffe000001 05 40 20 80     eth1\n", name));
	assert_string_equal(name, "eth1");
}

static void stream(void **state)
{
	uint8_t s[FRAME_HEAD + 20] = { 0 };
	size_t len;

	(void)state;
	frame_head(s, 20);
	assert_int_equal(frame_next(s, sizeof(s), &len), FRAME);
	assert_int_equal(len, 20);
	for (size_t n = 0; n < sizeof(s); n++)
		assert_int_equal(frame_next(s, n, &len), NOT_YET);
	for (int bad = 0; bad < 4; bad++) {
		frame_head(s, (size_t[]) { 0, FRAME_MIN - 1, FRAME_MAX + 1, 0xffffffff }[bad]);
		assert_int_equal(frame_next(s, sizeof(s), &len), NO_STREAM);
	}
}

static uint16_t sum(const uint8_t *p, size_t n)
{
	uint32_t s = 0;

	for (size_t i = 0; i < n; i += 2)
		s += p[i] << 8 | p[i + 1];
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* A reset that acknowledges has its ACK, and the sum is right still. Others are as they were. */
static void mended(void **state)
{
	uint8_t *tcp, was[100];

	(void)state;
	for (int six = 0; six < 2; six++) {
		tcp = make_packet(six ? NET_BOX6 : NET_BOX4, six ? "fd00::1" : PEER, IPPROTO_TCP, 100);
		tcp[11] = 7;
		tcp[13] = 4;
		for (int i = 0; i < 4; i++) {
			uint16_t s;

			tcp[0] = (uint8_t[]) { 0, 0xff, 0x80, 0x12 }[i];
			tcp[1] = (uint8_t[]) { 0, 0xe4, 0x7f, 0x34 }[i];
			tcp[13] = 4;
			tcp[16] = tcp[17] = 0;
			s = ~sum(tcp, 20);
			tcp[16] = s >> 8;
			tcp[17] = s;
			frame_mend(frame, 100);
			assert_int_equal(tcp[13], 4 | 16);
			assert_int_equal(sum(tcp, 20), 0xffff);
		}
		memcpy(was, frame, 100);
		frame_mend(frame, 100);
		assert_memory_equal(frame, was, 100);
		tcp[13] = 4, tcp[11] = 0;	/* acknowledges nothing */
		memcpy(was, frame, 100);
		frame_mend(frame, 100);
		tcp[11] = 7;
		was[tcp + 11 - frame] = 7;
		frame_mend(frame, six ? 73 : 53);	/* not a whole header */
		assert_memory_equal(frame, was, 100);
	}
}

/* The card. */

#define MEM	(64UL << 20)
#define RX	0
#define TX	1
#define DESC(q)	(0x200000UL + (q) * 0x10000)
#define AVAIL(q) (DESC(q) + 0x4000)
#define USED(q)	(DESC(q) + 0x8000)
#define DATA	0x800000UL
#define SLOT	0x12000UL
#define HEADER	sizeof(struct virtio_net_hdr_mrg_rxbuf)

enum { NEXT = 1, WRITE = 2 };

static struct box b;
static int engine;

static struct kbox_virtio *hw(void)
{
	return &b.shared->virtio[0];
}

static void set_status(uint32_t status)
{
	hw()->status = (hw()->status & ~0xffu) + KBOX_STATUS_STEP + status;
	hw()->notify |= KBOX_NOTIFY_STATUS;
	device_serve(device_at(0));
	assert_int_equal(hw()->answered, hw()->status);
}

static void begin(uint64_t features)
{
	memset(b.mem + DESC(0), 0, 0x20000);
	hw()->driver_features = features;
	for (int q = 0; q < 2; q++)
		hw()->vq[q] = (struct kbox_virtqueue) {
			.desc = DESC(q), .driver = AVAIL(q), .device = USED(q), .size = KBOX_VQ_SIZE, .ready = 1,
		};
	set_status(KBOX_STATUS_READY);
}

static int set_up(void **state)
{
	int ends[2];

	(void)state;
	b = (struct box) { .opt = { .mem = MEM, .net = NET_USER }, .image_fd = -1 };
	b.mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	b.boot = (void *)(b.mem + KBOX_BOOT_PHYS);
	b.shared = (void *)(b.mem + KBOX_SHARED_PHYS);
	signal(SIGPIPE, SIG_IGN);
	loop_init();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	b.net_fd = ends[0];
	engine = ends[1];
	init_devices(&b);
	policy_init(&b);
	assert_int_equal(hw()->device_id, 1);
	begin(hw()->device_features);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	set_status(0);
	flows_end();
	munmap(b.mem, MEM);
	close(b.net_fd);
	close(engine);
	return 0;
}

static void desc(int q, int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	char *d = b.mem + DESC(q) + 16 * i;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static void offer(int q, uint16_t head)
{
	uint16_t *avail = (uint16_t *)(b.mem + AVAIL(q));

	avail[2 + avail[1] % KBOX_VQ_SIZE] = head;
	avail[1]++;
}

static unsigned used(int q)
{
	return ((uint16_t *)(b.mem + USED(q)))[1];
}

static uint32_t used_len(int q, unsigned i)
{
	return ((uint32_t *)(b.mem + USED(q) + 4))[2 * (i % KBOX_VQ_SIZE) + 1];
}

static void serve(int q)
{
	hw()->notify |= 1u << q;
	while (device_serve(device_at(0)))
		;
}

/* A datagram of the guest's is the frame from now on, of so many bytes. */
static void to_peer(const char *peer, size_t len)
{
	make_udp(strchr(peer, ':') ? NET_BOX6 : NET_BOX4, 1, peer, 2, len - (strchr(peer, ':') ? 62 : 42));
}

/* And one for the guest. */
static void to_box(size_t len)
{
	make_udp(PEER, 2, NET_BOX4, 1, len - 42);
}

/* The guest sends the frame: a header's segment, and its own in two. */
static void send_frame(int i)
{
	uint64_t at = DATA + i * SLOT;
	size_t len = frame_len;

	memcpy(b.mem + at + HEADER, frame, len);
	desc(TX, 3 * i, at, HEADER, NEXT, 3 * i + 1);
	desc(TX, 3 * i + 1, at + HEADER, 20, NEXT, 3 * i + 2);
	desc(TX, 3 * i + 2, at + HEADER + 20, len - 20, 0, 0);
	offer(TX, 3 * i);
}

/* What the engine has of the stream is the frame. */
static void expect_frame(void)
{
	static uint8_t got[FRAME_HEAD + FRAME_MAX];
	size_t len = frame_len, n = 0, is;

	while (n < FRAME_HEAD + len) {
		ssize_t part = read(engine, got + n, FRAME_HEAD + len - n);

		if (part > 0)
			n += part;
		else
			loop_turn();
	}
	assert_int_equal(frame_next(got, n, &is), FRAME);
	assert_int_equal(is, len);
	assert_memory_equal(got + FRAME_HEAD, frame, len);
}

static void expect_nothing(void)
{
	char c;

	assert_int_equal(read(engine, &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
}

static void sent(void **state)
{
	(void)state;
	to_peer(PEER, 60);
	send_frame(0);
	send_frame(1);
	serve(TX);
	assert_int_equal(used(TX), 2);
	assert_int_equal(hw()->isr & 1, 1);
	expect_frame();
	expect_frame();
	to_peer(PEER, FRAME_MAX);
	memset(frame + 60, 7, FRAME_MAX - 60);
	send_frame(2);
	serve(TX);
	expect_frame();
	expect_nothing();
}

/* Not to the host's loopback, nor what is no frame; the guest has its memory back. */
static void not_sent(void **state)
{
	(void)state;
	to_peer("127.0.0.1", 60);
	send_frame(0);
	to_peer("::1", 80);
	send_frame(1);
	make_udp(PEER, 1, "192.0.2.2", 2, 8);			/* not from the box */
	send_frame(2);
	desc(TX, 10, DATA, HEADER, 0, 0);			/* no frame */
	offer(TX, 10);
	desc(TX, 11, DATA, HEADER + 13, 0, 0);			/* too short */
	offer(TX, 11);
	desc(TX, 12, DATA, HEADER + FRAME_MAX + 1, 0, 0);	/* too long */
	offer(TX, 12);
	desc(TX, 13, DATA, 5, 0, 0);				/* no header */
	offer(TX, 13);
	desc(TX, 14, DATA, MEM - DATA, 0, 0);			/* of all memory */
	offer(TX, 14);
	serve(TX);
	assert_int_equal(used(TX), 8);
	expect_nothing();
	to_peer(PEER, 60);
	send_frame(0);
	serve(TX);
	expect_frame();
}

/* An engine that takes nothing: the guest waits, and nothing is lost. */
static void engine_is_slow(void **state)
{
	int n = 85, taken;

	(void)state;
	to_peer(PEER, 60000);
	for (int i = 0; i < n; i++) {
		memset(frame + 60, i, 60000 - 60);
		send_frame(i);
	}
	serve(TX);
	taken = used(TX);
	assert_true(taken < n);
	serve(TX);
	assert_int_equal(used(TX), taken);
	for (int i = 0; i < n; i++) {
		memset(frame + 60, i, 60000 - 60);
		expect_frame();
	}
	while (used(TX) != (unsigned)n)
		loop_turn();
	expect_nothing();
}

/* What a reset finds half sent is sent to its end, since it is in the stream. */
static void reset_in_a_frame(void **state)
{
	(void)state;
	to_peer(PEER, 60000);
	for (int i = 0; i < 85; i++)
		send_frame(i);
	serve(TX);
	int taken = used(TX);

	set_status(0);
	memset(b.mem + DATA, 0x55, 60000);
	begin(hw()->device_features);
	for (int i = 0; i < taken; i++)
		expect_frame();
	expect_nothing();
}

static void from_engine(void)
{
	uint8_t head[FRAME_HEAD];

	frame_head(head, frame_len);
	assert_int_equal(write(engine, head, sizeof(head)), sizeof(head));
	assert_int_equal(write(engine, frame, frame_len), frame_len);
}

static void offer_room(int i, uint32_t len)
{
	desc(RX, i, DATA + i * SLOT, len, WRITE, 0);
	offer(RX, i);
}

static const struct virtio_net_hdr_mrg_rxbuf *header(int i)
{
	return (void *)(b.mem + DATA + i * SLOT);
}

static void received(void **state)
{
	(void)state;
	offer_room(0, 2000);
	for (int i = 1; i < 4; i++)
		offer_room(i, 1000);
	to_box(500);
	from_engine();
	to_box(2500);
	memset(frame + 60, 9, 2500 - 60);
	from_engine();
	loop_turn();
	assert_int_equal(used(RX), 4);
	assert_int_equal(used_len(RX, 0), HEADER + 500);
	assert_int_equal(header(0)->num_buffers, 1);
	assert_memory_equal((char *)(header(0) + 1) + 26, frame + 26, 8);	/* from whom to whom */
	assert_int_equal(used_len(RX, 1), 1000);
	assert_int_equal(used_len(RX, 2), 1000);
	assert_int_equal(used_len(RX, 3), 2500 + HEADER - 2000);
	assert_int_equal(header(1)->num_buffers, 3);
	assert_memory_equal(header(1) + 1, frame, 1000 - HEADER);
	assert_memory_equal(header(2), frame + 1000 - HEADER, 1000);
	assert_int_equal(hw()->isr & 1, 1);
}

/* The guest gives room later, and in parts. Meanwhile the engine is not read, and nothing turns. */
static void guest_is_slow(void **state)
{
	int n = 0;

	(void)state;
	to_box(1500);
	offer_room(0, 1000);
	while (n < 2000) {
		uint8_t both[FRAME_HEAD + 1500];

		frame_head(both, 1500);
		memcpy(both + FRAME_HEAD, frame, 1500);
		if (write(engine, both, sizeof(both)) != sizeof(both))
			break;
		n++;
	}
	assert_true(n > 10);
	loop_turn();
	assert_int_equal(used(RX), 0);
	for (int i = 0, turns = 0; i < n; i++) {
		offer_room(2 * i % 200 + 1, 1000);
		serve(RX);
		offer_room(2 * i % 200, 1000);
		serve(RX);
		for (; used(RX) < 2U * (i + 1) && turns < 10000; turns++)
			loop_turn();
		assert_int_equal(used(RX), (2 * (i + 1)) & 0xffff);
	}
}

/* A guest that merges nothing has a frame in one buffer, or does not have it. */
static void not_merged(void **state)
{
	(void)state;
	set_status(0);
	begin(VIRTIO_VERSION_1);
	offer_room(0, 100);
	offer_room(1, 2000);
	offer_room(2, 0);
	offer_room(3, 2000);
	for (int i = 0; i < 4; i++) {
		to_box((int[]) { 500, 600, 500, 700 }[i]);
		from_engine();
	}
	loop_turn();
	assert_int_equal(used(RX), 4);
	assert_int_equal(used_len(RX, 0), 0);
	assert_int_equal(used_len(RX, 1), HEADER + 600);
	assert_int_equal(used_len(RX, 2), 0);
	assert_int_equal(used_len(RX, 3), HEADER + 700);
	assert_int_equal(header(3)->num_buffers, 1);
}

/* What is refused has its answer at once, if there is room for it. */
static void refused(void **state)
{
	struct packet p;

	(void)state;
	make_tcp(NET_BOX4, 1, NET_GATEWAY4, 80, TCP_SYN);
	send_frame(0);
	serve(TX);
	assert_int_equal(used(TX), 1);
	assert_int_equal(used(RX), 0);
	offer_room(0, 1000);
	send_frame(1);
	serve(TX);
	assert_int_equal(used(TX), 2);
	assert_int_equal(used(RX), 1);
	assert_int_equal(used_len(RX, 0), HEADER + 54);
	assert_true(read_packet((void *)(header(0) + 1), 54, 54, &p));
	assert_int_equal(p.flags, TCP_RST | TCP_ACK);
	expect_nothing();
	to_box(500);
	for (int i = 0; i < 40; i++)		/* the guest has no room, and what waits is in order */
		from_engine();
	loop_turn();
	send_frame(2);
	serve(TX);
	offer_room(1, 1000);
	serve(RX);
	assert_int_equal(used_len(RX, 1), HEADER + 500);
}

/* Without a list what was not asked for comes in, with one it does not. */
static void unasked(void **state)
{
	struct allow any = { .what = ALLOW_DNS };

	(void)state;
	offer_room(0, 1000);
	offer_room(1, 1000);
	to_box(500);
	from_engine();
	loop_turn();
	assert_int_equal(used(RX), 1);
	b.opt.allowed = &any;
	b.opt.nallowed = 1;
	from_engine();
	loop_turn();
	assert_int_equal(used(RX), 1);
}

/* A connection comes in, and the guest's answer to it is the frame, of so many bytes. */
static void answer_connection(size_t len)
{
	static struct port port = { .host = 8080, .guest = 80 };

	b.opt.ports = &port;
	b.opt.nports = 1;
	make_tcp(PEER, 1000, NET_BOX4, 80, TCP_SYN);
	offer_room(0, 1000);
	from_engine();
	loop_turn();
	assert_int_equal(used(RX), 1);
	make_tcp(NET_BOX4, 80, PEER, 1000, TCP_SYN | TCP_ACK);
	set_length(len);
}

/* The engine has ack.c's question next, and answers. The guest has its ACK then. */
static void expect_question(void)
{
	static const uint8_t reply[ARP_BYTES] =
		NET_BOX_MAC NET_ENGINE_MAC_BYTES "\x08\x06\0\x01\x08\0\x06\x04\0\x02"
		NET_ENGINE_MAC_BYTES NET_GATEWAY4_BYTES NET_BOX_MAC NET_NOBODY4_BYTES;
	uint8_t got[FRAME_HEAD + ARP_BYTES];
	unsigned before = used(RX);

	assert_int_equal(read(engine, got, sizeof(got)), sizeof(got));
	assert_int_equal(got[3], ARP_BYTES);
	assert_memory_equal(got + FRAME_HEAD + 12, "\x08\x06", 2);
	expect_nothing();
	offer_room(1, 1000);
	memcpy(frame, reply, sizeof(reply));
	frame_len = sizeof(reply);
	from_engine();
	loop_turn();
	assert_int_equal(used(RX), before + 1);
	assert_int_equal(used_len(RX, before), HEADER + 54);
	assert_int_equal(((uint8_t *)(header(1) + 1))[47], TCP_ACK);
}

static void acknowledged(void **state)
{
	(void)state;
	answer_connection(54);
	send_frame(2);
	serve(TX);
	expect_frame();
	expect_question();
}

/* The engine takes nothing of the longest frame, nor of the question behind it. */
static void question_waits(void **state)
{
	static char junk[FRAME_MAX];
	size_t n = 0;
	ssize_t part;

	(void)state;
	answer_connection(FRAME_MAX);
	for (size_t size = sizeof(junk); size; size /= 2)
		while ((part = write(b.net_fd, junk, size)) > 0)
			n += part;
	send_frame(2);
	serve(TX);
	while (n) {
		part = read(engine, junk, n < sizeof(junk) ? n : sizeof(junk));
		n -= part > 0 ? part : 0;
	}
	expect_frame();
	expect_question();
}

/*
 * Two frames of as many segments as there may be, one in the other, and the question behind them.
 */
static void question_is_last(void **state)
{
	enum { IN = KBOX_VQ_SIZE - 64, SECOND = FRAME_LOOKED_AT + 1 };
	size_t first = FRAME_LOOKED_AT + IN - 1 + HEADER + SECOND + 63;
	char *at = b.mem + DATA + SLOT;

	(void)state;
	answer_connection(SECOND + 63);
	memcpy(at + HEADER + FRAME_LOOKED_AT + IN - 1 + HEADER, frame, frame_len);
	to_peer(PEER, first);
	memcpy(at + HEADER, frame, FRAME_LOOKED_AT);
	for (int i = 0; i < KBOX_VQ_SIZE; i++) {
		uint32_t len = i == 0 ? HEADER + FRAME_LOOKED_AT : i == IN ? HEADER + SECOND : 1;

		desc(TX, i, at - b.mem, len, i + 1 < KBOX_VQ_SIZE ? NEXT : 0, i + 1);
		at += len;
	}
	at = b.mem + DATA + SLOT + HEADER;
	offer(TX, 0);
	offer(TX, IN);
	serve(TX);
	assert_int_equal(used(TX), 2);
	memcpy(frame, at, first);
	frame_len = first;
	expect_frame();
	frame_len = SECOND + 63;
	memcpy(frame, at + FRAME_LOOKED_AT + IN - 1 + HEADER, frame_len);
	expect_frame();
	expect_question();
}

static uint16_t link_status(void)
{
	uint16_t status;

	memcpy(&status, hw()->config + offsetof(struct virtio_net_config, status), sizeof(status));
	return status;
}

static void expect_link_down(void)
{
	hw()->isr = 0;
	for (int i = 0; i < 100 && link_status(); i++)
		loop_turn();
	assert_int_equal(link_status(), 0);
	assert_int_equal(hw()->isr & 2, 2);
	to_peer(PEER, 60);
	send_frame(0);
	serve(TX);
	assert_int_equal(used(TX), 1);
}

static void engine_goes(void **state)
{
	(void)state;
	assert_int_equal(link_status(), VIRTIO_NET_S_LINK_UP);
	shutdown(engine, SHUT_RDWR);
	expect_link_down();
	set_status(0);
	assert_int_equal(link_status(), 0);
	begin(hw()->device_features);
}

/* Also where nobody reads it. */
static void engine_goes_unheard(void **state)
{
	(void)state;
	to_box(500);
	from_engine();
	loop_turn();
	shutdown(engine, SHUT_RDWR);
	expect_link_down();
}

static void engine_is_mad(void **state)
{
	uint8_t head[FRAME_HEAD];

	(void)state;
	frame_head(head, FRAME_MAX + 1);
	assert_int_equal(write(engine, head, sizeof(head)), sizeof(head));
	expect_link_down();
}

#define CARD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports), cmocka_unit_test(not_ports), cmocka_unit_test(loopback_ports),
		cmocka_unit_test(free_ports), cmocka_unit_test(resolvers), cmocka_unit_test(many_lines), cmocka_unit_test(interfaces), cmocka_unit_test(stream),
		cmocka_unit_test(mended), CARD(sent), CARD(not_sent), CARD(engine_is_slow), CARD(reset_in_a_frame), CARD(received),
		CARD(guest_is_slow), CARD(not_merged), CARD(refused), CARD(unasked),
		CARD(acknowledged), CARD(question_waits), CARD(question_is_last), CARD(engine_goes), CARD(engine_goes_unheard), CARD(engine_is_mad),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
