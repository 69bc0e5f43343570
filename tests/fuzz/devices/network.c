// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network of the box: frames of the guest's and of the engine's, and the stream between the
 * card and the engine. Each frame that leaves is looked at here once more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../../unit/packets.h"
#include "ack.h"
#include "engine.h"
#include "flows.h"
#include "learned.h"
#include "loop.h"
#include "netaddr.h"
#include "netlog.h"
#include "policy.h"
#include "virtqueue.h"
#include "hostile.h"

#define GIVEN	"203.0.113.7"		/* that the list's names have for addresses */
#define GIVEN6	"2001:db8:1::7"
#define LISTED	"198.51.100.7"		/* that the list has */
#define DNS	"192.0.2.53"

static const char *const ends[] = {
	LISTED, GIVEN, NET_GATEWAY4, DNS, "192.0.2.1", "127.0.0.1", "0.0.0.0", "255.255.255.255",
	"fd00::53", GIVEN6, NET_GATEWAY6, "2001:db8::1", "::1", "ff02::1", NET_LINK6, NET_BOX6,
};
static const char *const names[] = { "example.org", "www.example.net", "example.net", "", "a.example.com" };
static const uint16_t numbers[] = { 80, 443, 53, 5432, 67, 1234, 1235, 0 };

static struct {
	struct source *card;
	bool gone;
	uint8_t in[256 << 10];		/* for the card, from the engine */
	size_t from, to;
	uint8_t out[FRAME_HEAD + FRAME_MAX];	/* a frame that is not whole yet */
	size_t has;
	uint8_t last[FRAME_LOOKED_AT];	/* that has left */
	const struct options *opt;
} engine;

static time_t now;

time_t seconds(void)
{
	return now;
}

void loop_watch(struct source *s, uint32_t events)
{
	s->events = events;
	engine.card = s;
}

void engine_lost(void)
{
	MUST(!engine.gone);
	engine.gone = true;
}

void netlog_refused(const struct packet *p)
{
	(void)p;
}

void netlog_name_refused(const char *name)
{
	MUST(strlen(name) < MAX_NAME);
}

void flow_ended(const struct flow *f, enum flow_end how)
{
	(void)f, (void)how;
}

static const char *any_end(void)
{
	return ends[input(1) % COUNT(ends)];
}

static uint16_t any_port(void)
{
	return numbers[input(1) % COUNT(numbers)];
}

static const char *box_for(const char *peer)
{
	return strchr(peer, ':') ? NET_BOX6 : NET_BOX4;
}

static void any_bytes(void)
{
	frame_len = FRAME_MIN + input(1);
	for (size_t i = 0; i < frame_len; i++)
		frame[i] = input(1);
}

static void arp(const uint8_t *to)
{
	memset(frame, 0, ARP_BYTES);
	put16(frame + 12, 0x0806);
	memcpy(frame + 38, to, 4);
	frame_len = ARP_BYTES;
}

static void dns_message(const char *from, int from_port, const char *to, int to_port, bool answer)
{
	struct in6_addr given = address_of(GIVEN), given6 = address_of(GIVEN6);
	const char *name = names[input(1) % COUNT(names)];
	uint8_t m[400];
	size_t n = make_dns(m, name, input(1) % 2 ? 28 : 1, answer);

	if (answer) {
		n = add_record(m, n, 0, 1, input(1), given.s6_addr + 12, 4);
		n = add_record(m, n, 0, 28, input(1), &given6, 16);
	}
	memcpy(make_udp(from, from_port, to, to_port, n), m, n);
}

/* A byte is another one, or the length is. */
static void change(unsigned how)
{
	if (how & 0x80)
		frame[12 + input(2) % (frame_len - 12)] = input(1);
	if (how & 0x40 && get16(frame + 12) != 0x0806)
		set_length(60 + input(2) % (FRAME_MAX - 59));
}

size_t guest_frame(const uint8_t **p)
{
	unsigned how = input(1);
	const char *to = any_end(), *from = how & 0x20 ? any_end() : box_for(to);

	switch (how % 8) {
	case 0: make_udp(from, any_port(), to, any_port(), input(1)); break;
	case 1: make_icmp(from, to, input(1), input(1)); break;
	case 2: dns_message(from, 1234, to, 53, false); break;
	case 3: make_packet(from, to, input(1), input(1))[0] = input(1); break;
	case 4: any_bytes(); break;
	case 5: arp((const uint8_t *)NET_GATEWAY4_BYTES); break;
	default: make_tcp(from, any_port(), to, any_port(), input(1)); break;
	}
	change(how);
	*p = frame;
	return frame_len;
}

/* The peer of what has left answers it. */
static void turn_round(void)
{
	bool six = get16(engine.last + 12) == 0x86dd;
	size_t n = six ? 16 : 4, at = six ? 22 : 26;

	memcpy(frame, engine.last, sizeof(engine.last));
	memcpy(frame + at, engine.last + at + n, n);
	memcpy(frame + at + n, engine.last + at, n);
	memcpy(frame + at + 2 * n, engine.last + at + 2 * n + 2, 2);
	memcpy(frame + at + 2 * n + 2, engine.last + at + 2 * n, 2);
	set_length(six ? 74 : 54);
	frame[frame_len - 7] = input(1);	/* flags of TCP */
}

/* Only what is meant to has addresses for names. */
static bool may_come(void)
{
	struct packet p;

	return !read_packet(frame, frame_len, frame_len, &p) || p.protocol != IPPROTO_UDP || p.from_port != 53;
}

static void engine_sends(void)
{
	size_t size = sizeof(engine.in) - engine.to;

	if (size < FRAME_HEAD + frame_len)
		return;
	frame_head(engine.in + engine.to, frame_len);
	memcpy(engine.in + engine.to + FRAME_HEAD, frame, frame_len);
	engine.to += FRAME_HEAD + frame_len;
}

static void engine_frame(void)
{
	unsigned how = input(1);
	const char *from = any_end(), *to = how & 0x20 ? any_end() : box_for(from);

	switch (how % 8) {
	case 0: make_udp(from, any_port(), to, any_port(), input(1)); break;
	case 1: make_icmp(from, to, input(1), input(1)); break;
	case 2:
		dns_message(input(1) % 2 ? DNS : "fd00::53", 53, input(1) % 2 ? NET_BOX4 : NET_BOX6, 1234, true);
		engine_sends();
		return;
	case 3: turn_round(); break;
	case 4: any_bytes(); break;
	case 5: arp((const uint8_t *)NET_NOBODY4_BYTES); break;
	default: make_tcp(from, any_port(), to, any_port(), input(1)); break;
	}
	change(how);
	if (may_come())
		engine_sends();
}

/* That is no frame's length. */
static void engine_is_mad(void)
{
	if (sizeof(engine.in) - engine.to < FRAME_HEAD)
		return;
	memset(engine.in + engine.to, 0, FRAME_HEAD);
	engine.to += FRAME_HEAD;
}

bool engine_turn(void)
{
	uint32_t events = EPOLLOUT | (engine.from < engine.to ? EPOLLIN : 0);

	if (!engine.card || !(engine.card->events & events))
		return false;
	engine.card->ready(engine.card->arg);
	return true;
}

void engine_step(void)
{
	unsigned what = input(1);

	if (what < 0xe0)
		engine_frame();
	else if (what < 0xff)
		now += what;
	else
		engine_is_mad();
	flows_expire();
	engine_turn();
}

static bool is(const struct in6_addr *a, const char *text)
{
	struct in6_addr b = address_of(text);

	return IN6_ARE_ADDR_EQUAL(a, &b);
}

static bool is_from_box(const struct packet *p)
{
	return is(&p->from, NET_BOX4) || is(&p->from, NET_BOX6) || (!is_v4(&p->to) && is_link_local(&p->from)) ||
	       (is(&p->from, "0.0.0.0") && p->protocol == IPPROTO_UDP && p->to_port == 67);
}

/* A connection of the guest's, by what the options say. */
static bool may_connect(const struct packet *p)
{
	struct in6_addr listed = address_of(LISTED);

	if (is(&p->to, NET_GATEWAY4) || is(&p->to, NET_GATEWAY6))
		return engine.opt->nloopback && p->to_port == 5432;
	return !engine.opt->nallowed || !memcmp(&p->to, &listed, 15) ||
	       ((is(&p->to, GIVEN) || is(&p->to, GIVEN6)) && p->to_port == 443);
}

static void check_frame(const uint8_t *f, size_t len)
{
	size_t n = len < FRAME_LOOKED_AT ? len : FRAME_LOOKED_AT;
	struct packet p;

	if (get16(f + 12) == 0x0806)
		return;
	MUST(read_packet(f, n, len, &p));
	MUST(is_from_box(&p));
	MUST(!is_loopback(&p.to));
	MUST(!p.hidden || (p.type >= 130 && p.type != 255));
	MUST(p.protocol != IPPROTO_TCP || (p.flags & (TCP_SYN | TCP_ACK)) != TCP_SYN || may_connect(&p));
	memcpy(engine.last, f, n);
}

/* The engine reads the stream, as frame_next() has it. */
static void take(const uint8_t *p, size_t n)
{
	size_t len;

	for (; n; n--) {
		engine.out[engine.has++] = *p++;
		if (engine.has < FRAME_HEAD)
			continue;
		MUST(frame_next(engine.out, engine.has, &len) != NO_STREAM);
		if (engine.has < FRAME_HEAD + len)
			continue;
		check_frame(engine.out + FRAME_HEAD, len);
		engine.has = 0;
	}
}

ssize_t __wrap_writev(int fd, const struct iovec *v, int n);
ssize_t __wrap_read(int fd, void *p, size_t n);
ssize_t __real_read(int fd, void *p, size_t n);

ssize_t __wrap_writev(int fd, const struct iovec *v, int n)
{
	size_t may = vq_bytes(v, n), left;
	unsigned how = input(1);

	MUST(fd == NET_FD && n > 0 && n <= IOV_MAX && may);
	guest_interferes();
	if (how >= 0xe0) {
		errno = how == 0xff ? EPIPE : EAGAIN;
		return -1;
	}
	if (how >= 0xc0)
		may = input(2) % may + 1;
	left = may;
	for (size_t part; left; left -= part, v++) {
		part = v->iov_len < left ? v->iov_len : left;
		take(v->iov_base, part);
	}
	return may;
}

ssize_t __wrap_read(int fd, void *p, size_t n)
{
	size_t left = engine.to - engine.from;

	if (fd != NET_FD)
		return __real_read(fd, p, n);
	if (!left) {
		errno = EAGAIN;
		return -1;
	}
	n = n < left ? n : left;
	if (input(1) >= 0xc0)
		n = input(2) % n + 1;
	memcpy(p, engine.in + engine.from, n);
	engine.from += n;
	if (engine.from == engine.to)
		engine.from = engine.to = 0;
	return n;
}

void network_begin(struct box *b, unsigned flags)
{
	static struct port ports[] = { { .host = 80, .guest = 80 }, { .udp = true, .host = 53, .guest = 53 } };
	static struct loopback_port loopback = { .port = 5432 };
	static struct allow list[3];
	const char *why;

	b->net_fd = NET_FD;
	b->opt.net = NET_USER;
	b->opt.ports = ports;
	b->opt.nports = COUNT(ports);
	MUST(parse_allow("198.51.100.0/24", &list[0], &why) && parse_allow("example.org:443", &list[1], &why) &&
	     parse_allow("*.example.net:443", &list[2], &why));
	b->opt.allowed = list;
	b->opt.nallowed = flags & 4 ? COUNT(list) : 0;
	b->opt.loopback = &loopback;
	b->opt.nloopback = flags & 8 ? 1 : 0;
	make_resolvers(&b->net.resolvers, "nameserver " DNS "\nnameserver fd00::53\n", true);
	policy_init(b);
	engine.opt = &b->opt;
	engine.card = NULL;
	engine.gone = false;
	engine.from = engine.to = engine.has = 0;
	memset(engine.last, 0, sizeof(engine.last));
	flows_end();
	forget_all();
	arp((const uint8_t *)NET_NOBODY4_BYTES);
	ack_is_answer(frame, frame_len);
}
