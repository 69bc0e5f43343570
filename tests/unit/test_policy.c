// SPDX-License-Identifier: GPL-2.0-only
/* What leaves a box and what comes in: addresses of names, flows, their ACKs, and the verdicts. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ack.h"
#include "box.h"
#include "flows.h"
#include "learned.h"
#include "loop.h"
#include "netaddr.h"
#include "policy.h"
#include "packets.h"

#define BOX	NET_BOX4
#define BOX6	NET_BOX6
#define PEER	"192.0.2.1"
#define PEER6	"2001:db8::1"
#define DNS	"192.0.2.53"

/* Instead of the launcher's (ld --wrap). */
time_t __wrap_seconds(void);
void __wrap_flow_ended(const struct flow *f, enum flow_end how);

static time_t now = 1000;
static int ended[FLOW_BOX_ENDED + 1];
static struct flow_key last_ended;

time_t __wrap_seconds(void)
{
	return now;
}

void __wrap_flow_ended(const struct flow *f, enum flow_end how)
{
	ended[how]++;
	last_ended = f->key;
}

static void expect_ended(int closed, int reset, int quiet, int box)
{
	assert_int_equal(ended[FLOW_CLOSED], closed);
	assert_int_equal(ended[FLOW_RESET], reset);
	assert_int_equal(ended[FLOW_QUIET], quiet);
	assert_int_equal(ended[FLOW_BOX_ENDED], box);
	memset(ended, 0, sizeof(ended));
}

/* What names have for addresses. */

static bool knows(const char *addr, int rule)
{
	struct in6_addr a = address_of(addr);

	return is_learned(&a, rule);
}

static void learn_text(const char *addr, int rule, uint32_t ttl)
{
	struct in6_addr a = address_of(addr);

	learn(&a, rule, ttl);
}

static void for_a_time(void **state)
{
	(void)state;
	learn_text(PEER, 3, 100);
	assert_true(knows(PEER, 3));
	assert_false(knows(PEER, 2));
	assert_false(knows(PEER6, 3));
	learn_text(PEER, 3, 50);		/* nothing ends sooner by that */
	learn_text(PEER, 2, 0);
	now += 100;
	assert_true(knows(PEER, 3));
	assert_false(knows(PEER, 2));
	now += 100;
	assert_false(knows(PEER, 3));
	learn_text(PEER, 3, 100);
	assert_true(knows(PEER, 3));
	learn_text(PEER6, 3, UINT32_MAX);
	now += 2 * 86400;
	assert_false(knows(PEER6, 3));
}

static void not_learned(void **state)
{
	static const char *const none[] = {
		"127.0.0.1", "0.0.0.0", "::1", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "169.254.169.254", "fe80::1",
		NET_BOX4, NET_GATEWAY4, NET_DNS4, "10.107.98.255", NET_BOX6, NET_DNS6, "fd6b:626f:78::ffff", "::127.0.0.1",
	};
	static const char *const some[] = { "10.107.99.1", "10.107.97.255", "fd6b:626f:79::1", "10.0.0.1", "fd00::1" };

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++) {
		print_message("# %s\n", none[i]);
		learn_text(none[i], 0, 100);
		assert_false(knows(none[i], 0));
	}
	for (size_t i = 0; i < COUNT(some); i++) {
		learn_text(some[i], 0, 100);
		assert_true(knows(some[i], 0));
	}
}

static void number_address(char addr[32], int i)
{
	sprintf(addr, "198.18.%d.%d", i / 256, i % 256);
}

/* What ends first has its place taken. */
static void many_learned(void **state)
{
	char addr[32];

	(void)state;
	for (int i = 0; i < LEARNED_MAX; i++) {
		number_address(addr, i);
		learn_text(addr, 0, i == 500 ? 100 : 200 + i);
	}
	learn_text(PEER, 0, 1000);
	for (int i = 0; i < LEARNED_MAX; i++) {
		number_address(addr, i);
		assert_int_equal(knows(addr, 0), i != 500);
	}
	assert_true(knows(PEER, 0));
	learn_text(PEER, 0, 2000);		/* takes no place */
	number_address(addr, 0);
	assert_true(knows(addr, 0));
}

/* Flows. */

static struct flow_key key(uint16_t protocol, int i)
{
	return (struct flow_key) { .peer = address_of(PEER), .box_port = i, .peer_port = i >> 16, .protocol = protocol };
}

static struct flow *begin_flow(uint16_t protocol, int i)
{
	struct flow_key k = key(protocol, i);

	return flow_begin(&k, false, -1);
}

static struct flow *find_flow(uint16_t protocol, int i)
{
	struct flow_key k = key(protocol, i);

	return flow_find(&k);
}

static void move(struct flow *f, int flags, bool out)
{
	struct packet p = { .protocol = f->key.protocol, .flags = flags, .bytes = out ? 10 : 1 };

	flow_moves(f, &p, out);
}

static void flows_are_found(void **state)
{
	struct flow *f = begin_flow(IPPROTO_TCP, 1);
	struct flow_key k = f->key;

	(void)state;
	assert_ptr_equal(find_flow(IPPROTO_TCP, 1), f);
	assert_null(find_flow(IPPROTO_UDP, 1));
	assert_null(find_flow(IPPROTO_TCP, 2));
	assert_null(find_flow(IPPROTO_TCP, 1 << 16 | 1));
	k.peer = address_of("192.0.2.2");
	assert_null(flow_find(&k));
	move(f, TCP_SYN, true);
	move(f, TCP_SYN | TCP_ACK, false);
	move(f, TCP_ACK, true);
	assert_int_equal(f->sent, 20);
	assert_int_equal(f->received, 1);
	expect_ended(0, 0, 0, 0);
	begin_flow(IPPROTO_TCP, 1);		/* again: the one before has ended */
	expect_ended(1, 0, 0, 0);
	flows_end();
	expect_ended(0, 0, 0, 1);
	assert_null(find_flow(IPPROTO_TCP, 1));
}

static void flows_close(void **state)
{
	struct flow *f = begin_flow(IPPROTO_TCP, 1);

	(void)state;
	move(f, TCP_FIN | TCP_ACK, true);
	now += 10 * CLOSED_QUIET;
	assert_int_equal(flows_expire(), 0);	/* one half of it is open */
	move(f, TCP_FIN | TCP_ACK, false);
	assert_int_equal(flows_expire(), CLOSED_QUIET);
	now += CLOSED_QUIET - 1;
	assert_int_equal(flows_expire(), 1);
	move(f, TCP_ACK, true);			/* that begins anew by the last ACK */
	now += CLOSED_QUIET - 1;
	assert_int_equal(flows_expire(), 1);
	assert_ptr_equal(find_flow(IPPROTO_TCP, 1), f);
	now++;
	assert_int_equal(flows_expire(), 0);
	assert_null(find_flow(IPPROTO_TCP, 1));
	expect_ended(1, 0, 0, 0);
	move(begin_flow(IPPROTO_TCP, 2), TCP_RST, false);
	move(begin_flow(IPPROTO_TCP, 3), TCP_RST | TCP_ACK, true);
	expect_ended(0, 2, 0, 0);
	assert_null(find_flow(IPPROTO_TCP, 2));
}

static void flows_fall_silent(void **state)
{
	struct flow *f = begin_flow(IPPROTO_UDP, 1);

	(void)state;
	begin_flow(IPPROTO_ICMP, 2);
	now += UDP_QUIET / 2;
	move(f, TCP_RST | TCP_FIN, true);	/* these are TCP's */
	assert_int_equal(flows_expire(), UDP_QUIET - UDP_QUIET / 2);
	now += UDP_QUIET - UDP_QUIET / 2;
	assert_int_equal(flows_expire(), UDP_QUIET / 2);
	assert_null(find_flow(IPPROTO_ICMP, 2));
	assert_ptr_equal(find_flow(IPPROTO_UDP, 1), f);
	begin_flow(IPPROTO_TCP, 3);
	now += 100 * UDP_QUIET;
	assert_int_equal(flows_expire(), 0);
	expect_ended(0, 0, 2, 0);
	assert_non_null(find_flow(IPPROTO_TCP, 3));
}

/* One more takes the place of the one that has been quiet for longest, of whatever protocol. */
static void many_flows(void **state)
{
	(void)state;
	for (int i = 0; i < FLOWS_MAX; i++) {
		now += i < 10;
		begin_flow(i % 2 ? IPPROTO_UDP : IPPROTO_TCP, i);
	}
	now++;
	move(find_flow(IPPROTO_TCP, 0), TCP_ACK, true);
	expect_ended(0, 0, 0, 0);
	for (int i = 0; i < 3; i++)
		begin_flow(IPPROTO_TCP, FLOWS_MAX + i);
	expect_ended(0, 0, 3, 0);
	for (int i = 0; i < FLOWS_MAX + 3; i++)
		assert_int_equal(!find_flow(i < FLOWS_MAX && i % 2 ? IPPROTO_UDP : IPPROTO_TCP, i), i > 0 && i < 4);
	for (int i = 0; i < 2 * FLOWS_MAX; i++)
		begin_flow(IPPROTO_UDP, i);
	memset(ended, 0, sizeof(ended));
	flows_end();
	expect_ended(0, 0, 0, FLOWS_MAX);
	for (int i = 0; i < 2 * FLOWS_MAX; i++)
		assert_null(find_flow(IPPROTO_UDP, i));
	begin_flow(IPPROTO_UDP, 1);
	flows_end();
	expect_ended(0, 0, 0, 1);
}

/* ACKs. */

static uint8_t question[ARP_BYTES], answer[ANSWER_MAX];

static struct flow *want_ack(const char *box, const char *peer, int port)
{
	struct flow_key k = { address_of(peer), port, 80, IPPROTO_TCP };
	uint8_t *tcp = make_tcp(box, port, peer, 80, TCP_SYN | TCP_ACK);
	struct flow *f = flow_begin(&k, true, -1);
	struct packet p;

	memcpy(tcp + 4, "\xff\xff\xff\xff\1\2\3\4", 8);
	assert_true(read_packet(frame, frame_len, frame_len, &p));
	ack_wanted(f, frame, &p);
	return f;
}

/* The engine's answer to the question. */
static void answer_question(void)
{
	static const uint8_t reply[ARP_BYTES] =
		NET_BOX_MAC NET_ENGINE_MAC_BYTES "\x08\x06\0\x01\x08\0\x06\x04\0\x02"
		NET_ENGINE_MAC_BYTES NET_GATEWAY4_BYTES NET_BOX_MAC NET_NOBODY4_BYTES;

	assert_true(ack_is_answer(reply, ARP_BYTES));
}

/* The next ACK is for that port of the box; 0: there is none. */
static void expect_ack(const char *box, const char *peer, int port)
{
	size_t n = ack_next(answer);
	struct in6_addr a = address_of(box), b = address_of(peer);
	struct packet p;

	if (!port) {
		assert_int_equal(n, 0);
		return;
	}
	assert_true(read_packet(answer, n, n, &p));
	assert_memory_equal(&p.to, &a, sizeof(a));
	assert_memory_equal(&p.from, &b, sizeof(b));
	assert_int_equal(p.to_port, port);
	assert_int_equal(p.flags, TCP_ACK);
	assert_memory_equal(answer + p.header + 4, "\1\2\3\4\0\0\0\0", 8);
}

static void acks(void **state)
{
	struct flow *f;

	(void)state;
	assert_false(ack_question(question));
	expect_ack(BOX, PEER, 0);
	want_ack(BOX, PEER, 1);
	f = want_ack(BOX6, PEER6, 2);
	want_ack(NET_LINK6, NET_GATEWAY6, 3);
	assert_true(ack_question(question));
	assert_memory_equal(question, "\xff\xff\xff\xff\xff\xff" NET_BOX_MAC "\x08\x06", 14);
	assert_memory_equal(question + 38, NET_GATEWAY4_BYTES, 4);
	want_ack(BOX, PEER, 4);			/* what is on its way does not know of it */
	assert_false(ack_question(question));
	expect_ack(BOX, PEER, 0);
	assert_false(ack_is_answer(question, ARP_BYTES));	/* for the gateway */
	assert_false(ack_is_answer(frame, frame_len));
	answer_question();
	expect_ack(BOX, PEER, 1);
	expect_ack(BOX6, PEER6, 2);
	expect_ack(NET_LINK6, NET_GATEWAY6, 3);
	expect_ack(BOX, PEER, 0);
	assert_null(f->acks);
	assert_true(ack_question(question));
	answer_question();
	expect_ack(BOX, PEER, 4);
	assert_false(ack_question(question));
}

/* The flow ends while its ACK waits: for a question, for its answer, for its turn. */
static void forgotten(void **state)
{
	(void)state;
	for (int list = 0; list < 3; list++) {
		for (int port = 1; port < 4; port++)
			want_ack(BOX, PEER, port);
		if (list > 0)
			assert_true(ack_question(question));
		if (list > 1)
			answer_question();
		for (int port = 1; port < 3; port++) {
			struct flow_key k = { address_of(PEER), port, 80, IPPROTO_TCP };

			move(flow_find(&k), TCP_RST, false);
		}
		if (list < 1)
			assert_true(ack_question(question));
		if (list < 2)
			answer_question();
		expect_ack(BOX, PEER, 3);
		expect_ack(BOX, PEER, 0);
	}
}

/* An answer is not taken for that to a question that is asked later. */
static void one_question(void **state)
{
	(void)state;
	want_ack(BOX, PEER, 1);
	assert_true(ack_question(question));
	flows_end();
	want_ack(BOX, PEER, 2);
	assert_false(ack_question(question));
	answer_question();
	expect_ack(BOX, PEER, 0);
	assert_true(ack_question(question));
	answer_question();
	expect_ack(BOX, PEER, 2);
}

static void wanted_again(void **state)
{
	struct flow *f = want_ack(BOX, PEER, 1);
	struct packet p;

	(void)state;
	assert_true(ack_question(question));
	read_packet(frame, frame_len, frame_len, &p);
	ack_wanted(f, frame, &p);		/* its SYN is sent once more, before the answer */
	answer_question();
	expect_ack(BOX, PEER, 1);
	expect_ack(BOX, PEER, 0);
	assert_false(ack_question(question));
}

/* Verdicts. */

static struct box b;
static struct allow list[16];
static struct port ports[] = {
	{ .host = 8080, .guest = 80 }, { .udp = true, .host = 5353, .guest = 53 },
};
static struct loopback_port loopback[] = { { .port = 5432 }, { .udp = true, .port = 123 } };

/* The box has this list; "": none. */
static void have_list(const char *rules)
{
	char text[200], *at = text, *one;
	const char *why;

	memset(&b, 0, sizeof(b));
	b.opt.allowed = list;
	b.opt.ports = ports;
	b.opt.nports = COUNT(ports);
	strcpy(text, rules);
	while ((one = strsep(&at, " ")))
		if (*one)
			assert_true(parse_allow(one, &list[b.opt.nallowed++], &why));
	make_resolvers(&b.net.resolvers, "nameserver 127.0.0.53\nnameserver " DNS "\nnameserver fd00::53\n", true);
	assert_int_equal(b.net.resolvers.count, 3);
	policy_init(&b);
}

static size_t answer_len;

static enum verdict out(void)
{
	size_t n = frame_len < FRAME_LOOKED_AT ? frame_len : FRAME_LOOKED_AT;

	return policy_out(frame, n, frame_len, answer, &answer_len);
}

static bool in(void)
{
	return policy_in(frame, frame_len);
}

/*
 * A packet of the guest's. what: 't': more has flags of TCP, 'u': bytes of UDP, 'i': ICMP's type.
 */
struct leaving {
	const char *from, *to;
	char what;
	int more, from_port, to_port;
	enum verdict verdict;
};

static void check_leaving(const struct leaving *l, size_t n)
{
	for (; n--; l++) {
		print_message("# %c %d from %s:%d to %s:%d\n", l->what, l->more, l->from, l->from_port, l->to, l->to_port);
		if (l->what == 't')
			make_tcp(l->from, l->from_port, l->to, l->to_port, l->more);
		else if (l->what == 'u')
			make_udp(l->from, l->from_port, l->to, l->to_port, l->more);
		else
			make_icmp(l->from, l->to, l->more, l->from_port);
		assert_int_equal(out(), l->verdict);
		flows_end();
	}
}

#define SYN	't', TCP_SYN

static void without_list(void **state)
{
	static const struct leaving cases[] = {
		{ BOX, PEER, SYN, 1, 80, PASS }, { BOX6, PEER6, SYN, 1, 80, PASS }, { BOX, PEER, 'u', 8, 1, 53, PASS },
		{ BOX, PEER, 'i', 8, 1, 0, PASS }, { BOX, "224.0.0.1", 'u', 8, 1, 1, PASS }, { BOX6, "ff0e::1", 'u', 8, 1, 1, PASS },
		/* where it comes from */
		{ "10.107.98.3", PEER, SYN, 1, 80, DROP }, { "192.0.2.9", PEER, SYN, 1, 80, DROP }, { "127.0.0.1", PEER, SYN, 1, 80, DROP },
		{ "0.0.0.0", PEER, SYN, 1, 80, DROP }, { NET_GATEWAY4, PEER, SYN, 1, 80, DROP }, { "::", PEER6, SYN, 1, 80, DROP },
		{ "fd6b:626f:78::3", PEER6, SYN, 1, 80, DROP }, { NET_LINK6, PEER6, SYN, 1, 80, DROP }, { "::", "ff02::1", 'i', 135, 0, 0, DROP },
		{ NET_GATEWAY6, PEER6, SYN, 1, 80, DROP },
		/* the host's loopback */
		{ BOX, "127.0.0.1", SYN, 1, 80, DROP }, { BOX, "0.0.0.0", SYN, 1, 80, DROP }, { BOX, "127.0.0.53", 'u', 8, 1, 53, DROP },
		{ BOX6, "::1", SYN, 1, 80, DROP }, { BOX6, "::", SYN, 1, 80, DROP }, { BOX6, "::127.0.0.1", SYN, 1, 80, DROP },
		{ BOX6, "::ffff:127.0.0.1", SYN, 1, 80, DROP }, { BOX6, "::ffff:192.0.2.1", SYN, 1, 80, DROP },
		/* and as the gateway has it */
		{ BOX, NET_GATEWAY4, SYN, 1, 5432, ANSWER }, { BOX6, NET_GATEWAY6, SYN, 1, 5432, ANSWER },
		{ NET_LINK6, NET_GATEWAY6, SYN, 1, 5432, ANSWER }, { BOX, NET_GATEWAY4, 'u', 8, 1, 123, ANSWER },
		{ BOX, NET_GATEWAY4, 'i', 8, 1, 0, PASS }, { NET_LINK6, NET_GATEWAY6, 'i', 128, 1, 0, PASS },
		{ BOX, NET_GATEWAY4, 'i', 13, 1, 0, ANSWER }, { BOX, NET_GATEWAY4, 'i', 3, 1, 0, DROP },
		/* resolvers */
		{ BOX, NET_DNS4, 'u', 8, 1, 53, PASS }, { BOX, DNS, SYN, 1, 53, PASS }, { BOX6, "fd00::53", 'u', 8, 1, 53, PASS },
		/* what stays on the link */
		{ "0.0.0.0", "255.255.255.255", 'u', 8, 68, 67, PASS }, { BOX, NET_GATEWAY4, 'u', 8, 68, 67, PASS },
		{ "127.0.0.1", "255.255.255.255", 'u', 8, 68, 67, DROP }, { "0.1.2.3", "255.255.255.255", 'u', 8, 68, 67, DROP },
		{ "0.0.0.0", "255.255.255.255", 'u', 8, 68, 68, DROP }, { "0.0.0.0", PEER, 'u', 8, 68, 67, DROP },
		{ NET_LINK6, NET_GATEWAY6, 'i', 135, 0, 0, PASS }, { NET_LINK6, "ff02::2", 'i', 133, 0, 0, PASS },
		{ BOX6, "ff02::1:ff00:1", 'i', 135, 0, 0, PASS }, { NET_LINK6, "ff02::16", 'i', 143, 0, 0, PASS },
	};

	(void)state;
	have_list("");
	check_leaving(cases, COUNT(cases));
	make_packet(BOX, BOX, 0, 28);
	put16(frame + 12, 0x0806);
	assert_int_equal(out(), PASS);		/* ARP */
	put16(frame + 12, 0x8100);
	assert_int_equal(out(), DROP);		/* a VLAN's */
	make_tcp(BOX, 1, PEER, 80, TCP_SYN);
	frame_len--;
	assert_int_equal(out(), DROP);
}

static void host_loopback(void **state)
{
	static const struct leaving cases[] = {
		{ BOX, NET_GATEWAY4, SYN, 1, 5432, PASS }, { BOX6, NET_GATEWAY6, SYN, 1, 5432, PASS },
		{ NET_LINK6, NET_GATEWAY6, SYN, 1, 5432, PASS }, { BOX, NET_GATEWAY4, 'u', 8, 1, 123, PASS },
		{ BOX, NET_GATEWAY4, SYN, 1, 123, ANSWER }, { BOX, NET_GATEWAY4, 'u', 8, 1, 5432, ANSWER },
		{ BOX, NET_GATEWAY4, SYN, 5432, 80, ANSWER }, { BOX, "127.0.0.1", SYN, 1, 5432, DROP },
	};

	(void)state;
	for (int listed = 0; listed < 2; listed++) {
		have_list(listed ? "10.0.0.0/8 ::/0" : "");
		b.opt.loopback = loopback;
		b.opt.nloopback = COUNT(loopback);
		check_leaving(cases, COUNT(cases));
	}
}

static void with_list(void **state)
{
	static const struct leaving cases[] = {
		{ BOX, "198.51.100.7", SYN, 1, 80, PASS }, { BOX, "198.51.100.7", 'u', 8, 1, 9, PASS },
		{ BOX, "198.51.100.7", 'i', 8, 1, 0, PASS }, { BOX, "198.51.101.7", SYN, 1, 80, ANSWER },
		{ BOX, "198.51.101.7", 't', TCP_ACK, 1, 80, ANSWER }, { BOX, "198.51.101.7", 't', TCP_RST, 1, 80, DROP },
		{ BOX, "198.51.101.7", 'u', 8, 1, 80, ANSWER }, { BOX, "198.51.101.7", 'i', 8, 1, 0, ANSWER },
		{ BOX, "198.51.101.7", 'i', 0, 1, 0, DROP }, { BOX6, "2001:db8::9", SYN, 1, 443, PASS },
		{ BOX6, "2001:db8::9", SYN, 1, 444, ANSWER }, { BOX6, "2001:db8::9", 'i', 128, 1, 0, ANSWER },
		{ BOX, "224.0.0.1", 'u', 8, 1, 1, DROP }, { BOX, "192.0.2.9", SYN, 1, 80, ANSWER },
		{ BOX, NET_GATEWAY4, SYN, 1, 80, ANSWER }, { BOX, NET_GATEWAY4, 'i', 8, 1, 0, PASS },
		{ BOX, DNS, 'u', 8, 1, 53, ANSWER }, { BOX, NET_DNS4, 'u', 8, 1, 53, ANSWER },
		{ "0.0.0.0", "255.255.255.255", 'u', 8, 68, 67, PASS }, { NET_LINK6, "ff02::2", 'i', 133, 0, 0, PASS },
		{ "198.51.100.7", "198.51.100.8", SYN, 1, 80, DROP },
	};
	static const struct leaving dns[] = {
		{ BOX, DNS, 'u', 8, 1, 53, PASS }, { BOX, DNS, SYN, 1, 53, PASS }, { BOX6, "fd00::53", 'u', 8, 1, 53, PASS },
		{ BOX, NET_DNS4, 'u', 8, 1, 53, PASS }, { BOX, DNS, SYN, 1, 54, ANSWER }, { BOX, PEER, 'u', 8, 1, 53, ANSWER },
		{ BOX, DNS, 'i', 8, 1, 0, ANSWER },
	};

	(void)state;
	have_list("198.51.100.0/24 [2001:db8::]/32:443");
	check_leaving(cases, COUNT(cases));
	have_list("dns");
	check_leaving(dns, COUNT(dns));
	have_list("::/0");
	check_leaving((struct leaving[]) { { BOX, PEER, SYN, 1, 80, ANSWER }, { BOX6, PEER6, SYN, 1, 80, PASS } }, 2);
}

/* What cannot be looked into is refused, list or not, but for what every router is to look at. */
static void hidden(void **state)
{
	uint8_t *options;

	(void)state;
	for (int listed = 0; listed < 2; listed++) {
		have_list(listed ? "0.0.0.0/0 ::/0" : "");
		make_udp(BOX, 1, PEER, 2, 8);
		put16(frame + 20, 0x2000);
		assert_int_equal(out(), ANSWER);
		put16(frame + 20, 1);
		assert_int_equal(out(), DROP);
		options = make_packet(NET_LINK6, "ff02::16", IPPROTO_HOPOPTS, 16);
		options[0] = IPPROTO_ICMPV6;
		options[8] = 143;
		assert_int_equal(out(), PASS);
		options[8] = 128;
		assert_int_equal(out(), DROP);		/* to all of a group */
		options = make_packet(BOX6, PEER6, IPPROTO_HOPOPTS, 16);
		options[0] = IPPROTO_ICMPV6;
		options[8] = 128;
		assert_int_equal(out(), ANSWER);
		options[8] = 143;
		assert_int_equal(out(), ANSWER);
		make_packet(BOX6, PEER6, IPPROTO_FRAGMENT, 16);
		assert_int_equal(out(), ANSWER);
	}
}

/* A question of the guest's, about that name. */
static enum verdict ask(const char *resolver, const char *name)
{
	uint8_t m[400];
	size_t n = make_dns(m, name, 1, false);

	memcpy(make_udp(strchr(resolver, ':') ? BOX6 : BOX, 1234, resolver, 53, n), m, n);
	return out();
}

/* And an answer to it. */
static bool hear(const char *resolver, const char *name, const char *addr, uint32_t ttl)
{
	struct in6_addr a = address_of(addr);
	uint8_t m[400];
	size_t n = make_dns(m, name, 1, true);

	n = is_v4(&a) ? add_record(m, n, 0, 1, ttl, a.s6_addr + 12, 4) : add_record(m, n, 0, 28, ttl, &a, 16);
	memcpy(make_udp(resolver, 53, strchr(resolver, ':') ? BOX6 : BOX, 1234, n), m, n);
	return in();
}

static enum verdict connect_to(const char *addr, int port)
{
	make_tcp(strchr(addr, ':') ? BOX6 : BOX, 1234, addr, port, TCP_SYN);
	return out();
}

static void names_are_asked(void **state)
{
	struct packet p;

	(void)state;
	have_list("example.org:443 *.example.net");
	assert_int_equal(ask(DNS, "Example.ORG"), PASS);
	assert_int_equal(ask("fd00::53", "www.example.net"), PASS);
	assert_int_equal(ask(NET_DNS4, "example.org"), PASS);
	assert_int_equal(ask(PEER, "example.org"), ANSWER);		/* no resolver of the host's */
	assert_int_equal(ask(DNS, "example.net"), ANSWER);
	assert_int_equal(ask(DNS, "www.example.org"), ANSWER);
	assert_int_equal(ask(DNS, ""), ANSWER);
	assert_int_equal(ask(DNS, "secret.example.com"), ANSWER);
	assert_true(read_packet(answer, answer_len, answer_len, &p));
	assert_int_equal(p.from_port, 53);
	assert_int_equal(p.to_port, 1234);
	assert_int_equal(answer[p.data + 3], 0x83);			/* there is no such name */
	assert_int_equal(ask(DNS, "example.org"), PASS);
	assert_int_equal(ask(DNS, "example.com"), ANSWER);		/* by the same flow */
	make_udp(BOX, 1234, DNS, 53, 100);				/* by the same, too: no question */
	assert_int_equal(out(), ANSWER);
	make_udp(BOX, 1234, DNS, 53, 1000);				/* more than is looked at */
	assert_int_equal(out(), ANSWER);
	assert_int_equal(connect_to(DNS, 53), ANSWER);
}

static void names_are_learned(void **state)
{
	(void)state;
	have_list("example.org:443 *.example.net");
	assert_int_equal(connect_to(PEER, 443), ANSWER);
	assert_false(hear(DNS, "example.org", PEER, 60));		/* nobody has asked */
	assert_int_equal(connect_to(PEER, 443), ANSWER);
	assert_int_equal(ask(DNS, "example.org"), PASS);
	assert_false(hear("192.0.2.54", "example.org", PEER, 60));	/* another one's */
	assert_int_equal(connect_to(PEER, 443), ANSWER);
	assert_true(hear(DNS, "example.com", PEER, 60));
	assert_int_equal(connect_to(PEER, 443), ANSWER);
	assert_true(hear(DNS, "EXAMPLE.org", PEER, 60));
	assert_int_equal(connect_to(PEER, 443), PASS);
	assert_int_equal(connect_to(PEER, 80), ANSWER);
	assert_int_equal(connect_to("192.0.2.2", 443), ANSWER);
	assert_true(hear(DNS, "example.org", "127.0.0.1", 60));
	assert_int_equal(connect_to("127.0.0.1", 443), DROP);
	assert_true(hear(DNS, "example.org", NET_GATEWAY4, 60));
	assert_int_equal(connect_to(NET_GATEWAY4, 443), ANSWER);
	assert_int_equal(ask("fd00::53", "a.example.net"), PASS);
	assert_true(hear("fd00::53", "a.example.net", PEER6, 60));
	assert_int_equal(connect_to(PEER6, 22), PASS);
	make_icmp(BOX6, PEER6, 128, 1);
	assert_int_equal(out(), PASS);
	flows_end();
	now += 1000;
	assert_int_equal(connect_to(PEER6, 22), ANSWER);
	have_list("192.0.2.0/24");					/* without names there is nothing to learn */
	assert_int_equal(ask(DNS, "example.org"), PASS);
	assert_true(hear(DNS, "example.org", PEER6, 60));
	assert_int_equal(connect_to(PEER6, 443), ANSWER);
}

/* Of the engine's. */
static bool comes(char what, const char *from, int from_port, const char *to, int to_port, int more)
{
	if (what == 't')
		make_tcp(from, from_port, to, to_port, more);
	else if (what == 'u')
		make_udp(from, from_port, to, to_port, more);
	else
		make_icmp(from, to, more, from_port);
	return in();
}

static void unasked(void **state)
{
	(void)state;
	for (int listed = 0; listed < 2; listed++) {
		have_list(listed ? "198.51.100.0/24" : "");
		assert_int_equal(comes('t', PEER, 5, BOX, 81, TCP_SYN), !listed);
		assert_int_equal(comes('t', PEER, 5, BOX, 80, TCP_ACK), !listed);
		assert_int_equal(comes('u', PEER, 5, BOX, 80, 8), !listed);
		assert_int_equal(comes('u', PEER6, 5, BOX6, 54, 8), !listed);
		assert_true(comes('t', PEER, 5, BOX, 80, TCP_SYN));		/* -p */
		assert_true(comes('t', PEER, 5, BOX, 80, TCP_ACK));
		assert_true(comes('u', PEER, 5, BOX, 53, 8));
		assert_true(comes('i', PEER, 0, BOX, 0, 3));
		assert_true(comes('i', NET_GATEWAY6, 0, BOX6, 0, 136));
		assert_true(comes('i', NET_GATEWAY6, 0, "ff02::1", 0, 134));
		assert_true(comes('u', NET_GATEWAY4, 67, BOX, 68, 300));	/* DHCP's answers */
		assert_true(comes('u', NET_GATEWAY4, 67, "255.255.255.255", 68, 300));
		assert_int_equal(comes('u', PEER, 67, BOX, 68, 300), !listed);
		make_packet(BOX, BOX, 0, 28);
		put16(frame + 12, 0x0806);
		assert_true(in());
		flows_end();
	}
}

/* A connection from outside is answered, and nothing else goes to who has made it. */
static void inbound(void **state)
{
	(void)state;
	have_list("198.51.100.0/24");
	assert_true(comes('t', PEER, 1000, BOX, 80, TCP_SYN));
	make_tcp(BOX, 80, PEER, 1000, TCP_SYN | TCP_ACK);
	assert_int_equal(out(), PASS);
	assert_true(ack_question(question));
	answer_question();
	assert_true(ack_next(answer) > 0);
	make_tcp(BOX, 80, PEER, 1000, TCP_ACK);
	assert_int_equal(out(), PASS);
	make_tcp(BOX, 80, PEER, 1000, TCP_SYN);		/* the guest opens one */
	assert_int_equal(out(), ANSWER);
	make_tcp(BOX, 81, PEER, 1000, TCP_ACK);
	assert_int_equal(out(), ANSWER);
	make_tcp(BOX, 80, PEER, 1001, TCP_ACK);
	assert_int_equal(out(), ANSWER);
	make_tcp(BOX, 80, PEER, 1000, TCP_RST | TCP_ACK);
	assert_int_equal(out(), PASS);
	make_tcp(BOX, 80, PEER, 1000, TCP_ACK);		/* over */
	assert_int_equal(out(), ANSWER);
	assert_true(comes('u', PEER, 1000, BOX, 53, 8));
	make_udp(BOX, 53, PEER, 1000, 8);
	assert_int_equal(out(), PASS);
	assert_false(ack_question(question));
	now += UDP_QUIET;
	flows_expire();
	assert_int_equal(out(), ANSWER);
}

/* By the ports of one that has been there. */
static void opened_anew(void **state)
{
	(void)state;
	have_list("example.org");
	learn_text(PEER, 0, 60);
	assert_int_equal(connect_to(PEER, 443), PASS);
	assert_int_equal(connect_to(PEER, 443), PASS);		/* sent again */
	expect_ended(0, 0, 0, 0);
	make_tcp(BOX, 1234, PEER, 443, TCP_FIN | TCP_ACK);
	assert_int_equal(out(), PASS);
	assert_int_equal(connect_to(PEER, 443), PASS);
	expect_ended(1, 0, 0, 0);
	now += 1000;
	make_tcp(BOX, 1234, PEER, 443, TCP_FIN | TCP_ACK);
	assert_int_equal(out(), PASS);				/* while it lasts */
	assert_int_equal(connect_to(PEER, 443), ANSWER);	/* its name no longer has that address */
	make_tcp(BOX, 80, PEER, 80, TCP_ACK);
	assert_int_equal(out(), ANSWER);
	learn_text(PEER, 0, 60);
	make_tcp(BOX, 80, PEER, 80, TCP_SYN);
	assert_int_equal(out(), PASS);
	assert_true(comes('t', PEER, 80, BOX, 80, TCP_SYN));	/* and one from outside takes its place */
	now += 1000;
	make_tcp(BOX, 80, PEER, 80, TCP_SYN | TCP_ACK);
	assert_int_equal(out(), PASS);
	make_tcp(BOX, 80, PEER, 80, TCP_SYN);
	assert_int_equal(out(), ANSWER);
}

static void echoes(void **state)
{
	(void)state;
	have_list(PEER);
	assert_int_equal(comes('i', PEER, 7, BOX, 0, 0), true);
	make_icmp(BOX, PEER, 8, 7);
	assert_int_equal(out(), PASS);
	comes('i', PEER, 7, BOX, 0, 0);
	flows_end();
	expect_ended(0, 0, 0, 1);
	assert_int_equal(last_ended.box_port, 7);
	assert_int_equal(last_ended.protocol, IPPROTO_ICMP);
}

/* Some engines fill frames up; what is in these is seen all the same. */
static void filled_up(void **state)
{
	(void)state;
	have_list("198.51.100.0/24");
	make_tcp(PEER, 1000, BOX, 80, TCP_SYN);
	frame_len = 60;
	assert_true(in());
	make_tcp(BOX, 80, PEER, 1000, TCP_SYN | TCP_ACK);
	assert_int_equal(out(), PASS);
	make_tcp(PEER, 1000, BOX, 81, TCP_SYN);
	frame_len = 60;
	assert_false(in());
}

/* Frames of chance, from both ends: nothing leaves for the host's loopback, nor unseen. */
static void random_frames(void **state)
{
	static const char *const ends[] = {
		BOX, PEER, NET_GATEWAY4, DNS, "127.0.0.1", "0.0.0.0", "255.255.255.255", "198.51.100.1",
		BOX6, PEER6, NET_GATEWAY6, "fd00::53", "::1", "::", "ff02::1", NET_LINK6,
	};
	struct packet p;

	(void)state;
	have_list("198.51.100.0/24 example.org *.example.net:443 dns");
	srandom(1);
	for (int i = 0; i < 200000; i++) {
		int six = random() % 2 * 8, what = random() % 3;
		const char *from = ends[six + (random() % 4 ? 0 : random() % 8)], *to = ends[six + random() % 8];

		if (what == 0)
			make_tcp(from, random() % 4, to, random() % 4 + 52, random());
		else if (what == 1)
			make_udp(from, random() % 4, to, random() % 4 + 52, random() % 40);
		else
			make_icmp(from, to, random(), random() % 4);
		for (int changes = random() % 4; changes; changes--)
			frame[12 + random() % (frame_len - 12)] = random();
		now += random() % 100 == 0;
		if (random() % 3 == 0) {
			in();
		} else if (out() == PASS && get16(frame + 12) != 0x0806) {
			assert_true(read_packet(frame, frame_len, frame_len, &p));
			assert_false(is_loopback(&p.to));
			assert_false(p.hidden && p.type < 130);
		}
		ack_question(question);
		if (random() % 4 == 0)
			answer_question();
		while (ack_next(answer))
			;
		flows_expire();
	}
}

static int set_up(void **state)
{
	(void)state;
	memset(ended, 0, sizeof(ended));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	flows_end();
	forget_all();
	answer_question();
	return ack_next(answer) != 0;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(for_a_time), TEST(not_learned), TEST(many_learned), TEST(flows_are_found), TEST(flows_close), TEST(flows_fall_silent),
		TEST(many_flows), TEST(acks), TEST(forgotten), TEST(one_question), TEST(wanted_again), TEST(without_list),
		TEST(host_loopback), TEST(with_list), TEST(hidden), TEST(names_are_asked), TEST(names_are_learned), TEST(unasked),
		TEST(inbound), TEST(opened_anew), TEST(echoes), TEST(filled_up), TEST(random_frames),
	};

	loop_init();
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
