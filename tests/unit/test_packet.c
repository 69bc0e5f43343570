// SPDX-License-Identifier: GPL-2.0-only
/* What the network's policy reads and writes: --allow, packets, answers, messages of the DNS. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "allow.h"
#include "dns.h"
#include "netaddr.h"
#include "packets.h"

#define BOX	NET_BOX4
#define BOX6	NET_BOX6
#define PEER	"192.0.2.1"
#define PEER6	"2001:db8::1"

static void rules(void **state)
{
	static const struct { const char *s, *name, *addr; int what; unsigned prefix, first, last; bool below; } good[] = {
		{ "dns", "", "::", ALLOW_DNS, 0, 0, 65535, false },
		{ "192.0.2.1", "", "192.0.2.1", ALLOW_ADDRESSES, 128, 0, 65535, false },
		{ "192.0.2.1:80", "", "192.0.2.1", ALLOW_ADDRESSES, 128, 80, 80, false },
		{ "10.0.0.0/8:1-65535", "", "10.0.0.0", ALLOW_ADDRESSES, 104, 1, 65535, false },
		{ "0.0.0.0/0", "", "0.0.0.0", ALLOW_ADDRESSES, 96, 0, 65535, false },
		{ "::/0", "", "::", ALLOW_ADDRESSES, 0, 0, 65535, false },
		{ "2001:db8::1", "", "2001:db8::1", ALLOW_ADDRESSES, 128, 0, 65535, false },
		{ "2001:db8::/32", "", "2001:db8::", ALLOW_ADDRESSES, 32, 0, 65535, false },
		{ "[2001:db8::1]", "", "2001:db8::1", ALLOW_ADDRESSES, 128, 0, 65535, false },
		{ "[2001:db8::1]:443", "", "2001:db8::1", ALLOW_ADDRESSES, 128, 443, 443, false },
		{ "[2001:db8::]/32:80-443", "", "2001:db8::", ALLOW_ADDRESSES, 32, 80, 443, false },
		{ "Example.ORG", "example.org", "::", ALLOW_NAME, 0, 0, 65535, false },
		{ "example.org.", "example.org", "::", ALLOW_NAME, 0, 0, 65535, false },
		{ "a-b_c.example.org:22", "a-b_c.example.org", "::", ALLOW_NAME, 0, 22, 22, false },
		{ "localhost", "localhost", "::", ALLOW_NAME, 0, 0, 65535, false },
		{ "*.Example.org:80-81", "example.org", "::", ALLOW_NAME, 0, 80, 81, true },
		{ "DNS", "dns", "::", ALLOW_NAME, 0, 0, 65535, false },
	};
	struct in6_addr addr;
	const char *why;
	struct allow a;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		print_message("# %s\n", good[i].s);
		addr = address_of(good[i].addr);
		assert_true(parse_allow(good[i].s, &a, &why));
		assert_int_equal(a.what, good[i].what);
		assert_string_equal(a.name, good[i].name);
		assert_memory_equal(&a.addr, &addr, sizeof(addr));
		assert_int_equal(a.prefix, good[i].prefix);
		assert_int_equal(a.first, good[i].first);
		assert_int_equal(a.last, good[i].last);
		assert_int_equal(a.below, good[i].below);
	}
}

#define FORM	"give ADDR[/LEN][:PORT[-PORT]], NAME[:PORT[-PORT]] or dns, an address of IPv6 with ports in brackets"
#define PORTS	"ports are numbers from 1 to 65535, PORT or FIRST-LAST"
#define ADDRESS	"that is not an address, nor ADDR/LEN"
#define LOOP	"that is this machine's loopback; see --host-loopback"
#define NAME	"that is neither an address nor a name"
#define LABEL	"a23456789012345678901234567890123456789012345678901234567890123"

static void not_rules(void **state)
{
	static const struct { const char *s, *why; } bad[] = {
		{ "", FORM }, { ":80", FORM }, { "[2001:db8::1", FORM }, { "[", FORM }, { "[]", FORM }, { "[]:80", FORM },
		{ "[2001:db8::]1", FORM }, { "[2001:db8::1]x:80", FORM }, { "[192.0.2.1]:80", FORM }, { "[example.org]:80", FORM },
		{ "192.0.2.1:", PORTS }, { "192.0.2.1:0", PORTS }, { "192.0.2.1:65536", PORTS }, { "192.0.2.1:80-", PORTS },
		{ "192.0.2.1:-80", PORTS }, { "192.0.2.1:81-80", PORTS }, { "192.0.2.1:80-81-82", PORTS }, { "192.0.2.1:+80", PORTS },
		{ "192.0.2.1: 80", PORTS }, { "192.0.2.1:80/tcp", PORTS }, { "192.0.2.1:99999999999999999999", PORTS },
		{ "example.org:80-65536", PORTS }, { "[2001:db8::1]:", PORTS }, { "[2001:db8::1]:80:81", PORTS },
		{ "192.0.2", ADDRESS }, { "192.0.2.1.", ADDRESS }, { "256.0.0.1", ADDRESS }, { "1", ADDRESS }, { "192.0.2.1/33", ADDRESS },
		{ "192.0.2.1/", ADDRESS }, { "192.0.2.1/-1", ADDRESS }, { "192.0.2.0/24/24", ADDRESS }, { "2001:db8::1/129", ADDRESS },
		{ "2001:db8::1::", ADDRESS }, { "fe80::1%eth0", ADDRESS }, { "example.org/24", ADDRESS }, { "::ffff:192.0.2.1", ADDRESS },
		{ "::ffff:0:0/90", ADDRESS }, { "[[2001:db8::1]]", FORM }, { "1:2:3", ADDRESS },
		{ "127.0.0.1", LOOP }, { "127.0.0.0/8:80", LOOP }, { "0.0.0.0", LOOP }, { "::1", LOOP }, { "[::]:80", LOOP },
		{ "::127.0.0.1", LOOP },
		{ ".", ADDRESS }, { "..", ADDRESS }, { ".example.org", NAME }, { "example..org", NAME }, { "example.org..", NAME },
		{ "*", NAME }, { "*.", NAME }, { "*.*.org", NAME }, { "a*.org", NAME }, { "ex ample.org", NAME }, { "a\"b", NAME },
		{ "m\xc3\xbcller.example", NAME }, { LABEL "x.org", NAME }, { "a\\.b", NAME },
		{ LABEL "." LABEL "." LABEL "." LABEL, NAME },
		{ LABEL "." LABEL "." LABEL "." LABEL "." LABEL, FORM },
	};
	const char *why;
	struct allow a;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		print_message("# '%s'\n", bad[i].s);
		assert_false(parse_allow(bad[i].s, &a, &why));
		assert_string_equal(why, bad[i].why);
	}
	assert_true(parse_allow(LABEL "." LABEL "." LABEL "." "org", &a, &why));
}

static struct allow rule(const char *s)
{
	const char *why;
	struct allow a;

	assert_true(parse_allow(s, &a, &why));
	return a;
}

static void matches(void **state)
{
	static const struct { const char *rule, *addr; bool has; } addresses[] = {
		{ "192.0.2.1", "192.0.2.1", true }, { "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.128/25", "192.0.2.255", true }, { "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.4/30", "192.0.2.7", true }, { "192.0.2.4/30", "192.0.2.8", false },
		{ "0.0.0.0/0", "255.1.2.3", true }, { "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true }, { "::/0", "192.0.2.1", false }, { "::/64", "192.0.2.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true }, { "2001:db8::/33", "2001:db8:8000::1", false },
		{ "dns", "192.0.2.1", false }, { "example.org", "::", false },
	};
	static const struct { const char *rule, *name; bool has; } names[] = {
		{ "example.org", "example.org", true }, { "example.org", "www.example.org", false }, { "example.org", "xample.org", false },
		{ "example.org", "", false }, { "example.org", "org", false },
		{ "*.example.org", "www.example.org", true }, { "*.example.org", "a.b.example.org", true },
		{ "*.example.org", "example.org", false }, { "*.example.org", ".example.org", false },
		{ "*.example.org", "wwwexample.org", false }, { "*.example.org", "www.example.org.net", false },
		{ "*.example.org", "www\\.example.org", false }, { "dns", "dns", false }, { "192.0.2.1", "192.0.2.1", false },
	};
	static const struct { const char *rule; int port; bool has; } ports[] = {
		{ "dns.org", -1, true }, { "dns.org", 0, true }, { "dns.org", 65535, true }, { "dns.org:80", -1, false },
		{ "dns.org:80", 80, true }, { "dns.org:80", 79, false }, { "dns.org:80", 81, false }, { "dns.org:1-65535", -1, false },
		{ "dns.org:80-82", 80, true }, { "dns.org:80-82", 82, true }, { "dns.org:80-82", 83, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct in6_addr addr = address_of(addresses[i].addr);
		struct allow a = rule(addresses[i].rule);

		print_message("# %s has %s\n", addresses[i].rule, addresses[i].addr);
		assert_int_equal(allow_has_address(&a, &addr), addresses[i].has);
	}
	for (size_t i = 0; i < COUNT(names); i++) {
		struct allow a = rule(names[i].rule);

		print_message("# %s has '%s'\n", names[i].rule, names[i].name);
		assert_int_equal(allow_has_name(&a, names[i].name), names[i].has);
	}
	for (size_t i = 0; i < COUNT(ports); i++) {
		struct allow a = rule(ports[i].rule);

		print_message("# %s has %d\n", ports[i].rule, ports[i].port);
		assert_int_equal(allow_has_port(&a, ports[i].port), ports[i].has);
	}
}

static struct packet p;

static bool readable(size_t n)
{
	uint8_t *head = malloc(n ?: 1);		/* ASAN sees what is behind it */
	bool ok;

	memcpy(head, frame, n);
	ok = read_packet(head, n, frame_len, &p);
	free(head);
	return ok;
}

static void expect_address(const struct in6_addr *a, const char *text)
{
	struct in6_addr b = address_of(text);

	assert_memory_equal(a, &b, sizeof(b));
}

static void packets(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		const char *from = six ? BOX6 : BOX, *to = six ? PEER6 : PEER;
		int header = six ? 54 : 34;
		uint8_t *tcp = make_tcp(from, 1234, to, 80, TCP_SYN | TCP_ACK);

		assert_true(readable(frame_len));
		expect_address(&p.from, from);
		expect_address(&p.to, to);
		assert_int_equal(p.protocol, IPPROTO_TCP);
		assert_int_equal(p.from_port, 1234);
		assert_int_equal(p.to_port, 80);
		assert_int_equal(p.flags, TCP_SYN | TCP_ACK);
		assert_int_equal(p.header, header);
		assert_int_equal(p.data, header + 20);
		assert_int_equal(p.bytes, 0);
		assert_false(p.hidden);
		tcp[12] = 6 << 4;		/* options */
		assert_false(readable(frame_len));
		set_length(frame_len + 4 + 1000);
		assert_true(readable(FRAME_LOOKED_AT));
		assert_int_equal(p.data, header + 24);
		assert_int_equal(p.bytes, 1000);
		tcp[12] = 4 << 4;
		assert_false(readable(FRAME_LOOKED_AT));
		make_udp(from, 53, to, 5353, 30);
		assert_true(readable(frame_len));
		assert_int_equal(p.from_port, 53);
		assert_int_equal(p.to_port, 5353);
		assert_int_equal(p.data, header + 8);
		assert_int_equal(p.bytes, 30);
		frame[header + 5]++;		/* its own length is another one */
		assert_false(readable(frame_len));
		make_udp(from, 53, to, 5353, 0);
		assert_true(readable(frame_len));
		make_icmp(from, to, six ? 128 : 8, 77);
		assert_true(readable(frame_len));
		assert_true(is_echo_request(&p));
		assert_int_equal(p.from_port, 77);
		assert_int_equal(p.to_port, 77);
		make_icmp(from, to, six ? 129 : 0, 77);
		assert_true(readable(frame_len));
		assert_false(is_echo_request(&p));
		make_packet(from, to, six ? IPPROTO_ICMP : IPPROTO_ICMPV6, 8)[0] = six ? 8 : 128;
		assert_true(readable(frame_len));
		assert_int_equal(p.type, 0);	/* of the other family's */
		assert_false(is_echo_request(&p));
		make_packet(from, to, 132, 50);
		assert_true(readable(frame_len));
		assert_int_equal(p.bytes, 50);
	}
}

/* Every part of a frame that is cut off, and every length that is not the frame's. */
static void lengths(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		const char *from = i % 2 ? BOX6 : BOX, *to = i % 2 ? PEER6 : PEER;
		size_t full;

		if (i / 2 == 0)
			make_tcp(from, 1, to, 2, TCP_SYN);
		else if (i / 2 == 1)
			make_udp(from, 1, to, 2, 0);
		else
			make_icmp(from, to, i % 2 ? 128 : 8, 1);
		full = frame_len;
		for (size_t n = 0; n < full; n++) {
			frame_len = full;
			assert_false(readable(n));	/* less is there to be looked at */
			frame_len = n;
			assert_false(readable(n));
			if (n < 14)
				continue;
			set_length(n);			/* and less in all */
			if (n > 54 || (i % 2 == 0 && n > 34))
				assert_false(readable(n));
			readable(n);
			set_length(full);
		}
		for (frame_len = full + 1; frame_len < 2000; frame_len++)
			if (frame_len > 60)
				assert_false(readable(frame_len < FRAME_LOOKED_AT ? frame_len : FRAME_LOOKED_AT));
	}
	make_tcp(BOX, 1, PEER, 2, 0);
	frame[14] = 0x55;
	assert_false(readable(frame_len));
	frame[14] = 0x44;
	assert_false(readable(frame_len));
	frame[14] = 0x4f;
	assert_false(readable(frame_len));
	frame[14] = 0x46;		/* options of IPv4 */
	memmove(frame + 38, frame + 34, 20);
	memset(frame + 34, 1, 4);
	set_length(58);
	assert_true(readable(58));
	assert_int_equal(p.header, 38);
	assert_int_equal(p.to_port, 2);
	make_tcp(BOX6, 1, PEER6, 2, 0);
	frame[14] = 0x40;
	assert_false(readable(frame_len));
	make_tcp(BOX6, 1, "::ffff:192.0.2.1", 2, 0);
	assert_false(readable(frame_len));
	make_tcp("::ffff:192.0.2.1", 1, PEER6, 2, 0);
	assert_false(readable(frame_len));
	make_tcp(BOX, 1, PEER, 2, 0);
	put16(frame + 12, 0x8100);
	assert_false(readable(frame_len));
	put16(frame + 12, 0x0806);
	assert_false(readable(frame_len));
}

/* On a wire there are no frames of less than 60 bytes. */
static void filled_up(void **state)
{
	(void)state;
	make_tcp(PEER, 1, BOX, 2, TCP_ACK);
	frame_len = 60;
	assert_true(readable(60));
	assert_int_equal(p.bytes, 0);
	frame_len = 61;
	assert_false(readable(61));
	make_udp(PEER, 1, BOX, 2, 3);
	frame_len = 60;
	assert_true(readable(60));
	assert_int_equal(p.bytes, 3);
	for (int own = 0; own < 0x10000; own++) {
		put16(frame + 16, own);
		assert_int_equal(readable(60), own == 31);
	}
	make_packet(PEER6, BOX6, 59, 0);
	frame_len = 60;
	assert_true(readable(60));
	assert_int_equal(p.bytes, 0);
}

static void hidden(void **state)
{
	static const uint8_t extensions[] = {
		IPPROTO_HOPOPTS, IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_DSTOPTS, IPPROTO_AH, IPPROTO_MH,
	};
	uint8_t *at;

	(void)state;
	for (int i = 0; i < 3; i++) {
		make_tcp(BOX, 1234, PEER, 80, TCP_SYN);
		put16(frame + 20, (int[]) { 0x2000, 0x0001, 0x1fff }[i]);
		assert_true(readable(frame_len));
		assert_true(p.hidden);
		assert_int_equal(p.to_port, 0);
		assert_int_equal(p.flags, 0);
	}
	put16(frame + 20, 0x4000);	/* "not to be cut up" */
	assert_true(readable(frame_len));
	assert_false(p.hidden);
	for (size_t i = 0; i < COUNT(extensions); i++) {
		make_packet(BOX6, PEER6, extensions[i], 40)[0] = IPPROTO_TCP;
		assert_true(readable(frame_len));
		assert_true(p.hidden);
		assert_int_equal(p.to_port, 0);
		assert_int_equal(p.bytes, 0);
	}
	at = make_packet(BOX6, "ff02::16", IPPROTO_HOPOPTS, 16);
	at[0] = IPPROTO_ICMPV6;
	at[8] = 143;
	assert_true(readable(frame_len));
	assert_int_equal(p.type, 143);
	assert_false(is_echo_request(&p));
	at[8] = 128;
	assert_true(readable(frame_len));
	assert_false(is_echo_request(&p));
	at[0] = IPPROTO_TCP;
	assert_true(readable(frame_len));
	assert_int_equal(p.type, 0);
	at[0] = IPPROTO_ICMPV6;
	at[1] = 255;		/* behind the frame's end */
	assert_true(readable(frame_len));
	assert_int_equal(p.type, 0);
	for (size_t n = 0; n < 3; n++) {
		make_packet(BOX6, PEER6, IPPROTO_HOPOPTS, n);
		assert_true(readable(frame_len));
	}
}

static void addresses(void **state)
{
	static const struct { const char *addr; bool loopback, multicast, link; } cases[] = {
		{ "127.0.0.1", true, false, false }, { "127.255.255.255", true, false, false }, { "0.0.0.0", true, false, false },
		{ "0.1.2.3", true, false, false }, { "128.0.0.1", false, false, false }, { "1.0.0.0", false, false, false },
		{ "::1", true, false, false }, { "::", true, false, false }, { "::127.0.0.1", true, false, false },
		{ "::1:0:0", false, false, false }, { "224.0.0.1", false, true, false }, { "239.255.255.255", false, true, false },
		{ "255.255.255.255", false, true, false }, { "223.255.255.255", false, false, false }, { "ff02::1", false, true, false },
		{ "fe80::1", false, false, true }, { "febf::1", false, false, true }, { "fec0::1", false, false, false },
		{ "169.254.1.1", false, false, true }, { "169.253.1.1", false, false, false }, { PEER6, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct in6_addr a = address_of(cases[i].addr);

		print_message("# %s\n", cases[i].addr);
		assert_int_equal(is_loopback(&a), cases[i].loopback);
		assert_int_equal(is_multicast(&a), cases[i].multicast);
		assert_int_equal(is_link_local(&a), cases[i].link);
		assert_int_equal(is_v4(&a), !strchr(cases[i].addr, ':'));
	}
}

static uint8_t answer[ANSWER_MAX];

/* RFC 1071; 0: it is right. */
static unsigned sum(const uint8_t *b, size_t n, unsigned s)
{
	for (size_t i = 0; i < n; i++)
		s += i % 2 ? b[i] : b[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s & 0xffff;
}

/* The answer is read as a packet, and each of its sums is right. */
static void read_answer(size_t n)
{
	bool six = answer[12] == 0x86;
	const uint8_t *ip = answer + 14, *body = ip + (six ? 40 : 20);
	unsigned size = n - (body - answer), protocol = ip[six ? 6 : 9];
	unsigned pseudo = ~sum(ip + (six ? 8 : 12), six ? 32 : 8, size + protocol) & 0xffff;

	assert_true(n <= ANSWER_MAX);
	assert_true(read_packet(answer, n, n, &p));
	assert_memory_equal(answer, NET_BOX_MAC NET_ENGINE_MAC_BYTES, 12);
	assert_true(six || !sum(ip, 20, 0));
	assert_int_equal(sum(body, size, protocol == IPPROTO_ICMP ? 0 : pseudo), 0);
}

static size_t refuse(void)
{
	size_t n = frame_len < FRAME_LOOKED_AT ? frame_len : FRAME_LOOKED_AT;

	assert_true(readable(n));
	return answer_refusal(frame, n, &p, answer);
}

/* RFC 9293, 3.10.7.1. */
static void resets(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		const char *from = six ? BOX6 : BOX, *to = six ? PEER6 : PEER;
		uint8_t *tcp = make_tcp(from, 1234, to, 80, TCP_SYN);

		memcpy(tcp + 4, "\xff\xff\xff\xff\1\2\3\4", 8);
		read_answer(refuse());
		expect_address(&p.from, to);
		expect_address(&p.to, from);
		assert_int_equal(p.from_port, 80);
		assert_int_equal(p.to_port, 1234);
		assert_int_equal(p.flags, TCP_RST | TCP_ACK);
		assert_memory_equal(answer + p.header + 4, "\0\0\0\0\0\0\0\0", 8);
		set_length(frame_len + 1000);
		tcp[13] = TCP_SYN | TCP_FIN;
		read_answer(refuse());
		assert_memory_equal(answer + p.header + 4, "\0\0\0\0\0\0\3\xe9", 8);
		tcp[13] = TCP_ACK | TCP_SYN;
		read_answer(refuse());
		assert_int_equal(p.flags, TCP_RST);
		assert_memory_equal(answer + p.header + 4, "\1\2\3\4\0\0\0\0", 8);
		tcp[13] = TCP_RST;
		assert_int_equal(refuse(), 0);
		tcp[13] = TCP_RST | TCP_ACK;
		assert_int_equal(refuse(), 0);
	}
}

static void prohibited(void **state)
{
	(void)state;
	for (int six = 0; six < 2; six++) {
		const char *from = six ? BOX6 : BOX, *to = six ? PEER6 : PEER;

		for (size_t n = 0; n < 1500; n += 7) {
			size_t quoted = frame_len;

			make_udp(from, 1, to, 2, n);
			quoted = frame_len - 14 < 512 ? frame_len - 14 : 512;
			read_answer(refuse());
			expect_address(&p.from, to);
			expect_address(&p.to, from);
			assert_int_equal(p.protocol, six ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
			assert_int_equal(answer[p.header], six ? 1 : 3);
			assert_int_equal(answer[p.header + 1], six ? 1 : 13);
			assert_int_equal(p.bytes, quoted);
			assert_memory_equal(answer + p.data, frame + 14, quoted);
		}
		make_icmp(from, to, six ? 128 : 8, 1);
		read_answer(refuse());
	}
	make_tcp(BOX, 1, PEER, 2, TCP_SYN);
	put16(frame + 20, 0x2000);	/* the first fragment; where its ports would be is not known */
	read_answer(refuse());
	assert_int_equal(p.protocol, IPPROTO_ICMP);
}

/* RFC 1122, 3.2.2; RFC 4443, 2.4. */
static void not_answered(void **state)
{
	static const char *const pairs[][2] = {
		{ BOX, "224.0.0.1" }, { BOX, "255.255.255.255" }, { "224.0.0.1", PEER }, { "127.0.0.1", PEER }, { "0.0.0.0", PEER },
		{ BOX6, "ff02::1" }, { BOX6, "ff0e::1" }, { "ff02::1", PEER6 }, { "::1", PEER6 }, { "::", PEER6 },
	};
	static const int errors4[] = { 0, 3, 5, 11, 12, 14 }, errors6[] = { 0, 1, 2, 3, 4, 127 };

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		make_udp(pairs[i][0], 1, pairs[i][1], 2, 8);
		assert_int_equal(refuse(), 0);
		make_tcp(pairs[i][0], 1, pairs[i][1], 2, TCP_SYN);
		assert_int_equal(refuse(), 0);
	}
	for (size_t i = 0; i < COUNT(errors4); i++) {
		make_icmp(BOX, PEER, errors4[i], 0);
		assert_int_equal(refuse(), 0);
		make_icmp(BOX6, PEER6, errors6[i], 0);
		assert_int_equal(refuse(), 0);
	}
	for (int at = 1; at < 0x2000; at *= 2) {
		make_udp(BOX, 1, PEER, 2, 8);
		put16(frame + 20, 0x2000 | at);		/* a later fragment */
		assert_int_equal(refuse(), 0);
	}
}

static void own_packets(void **state)
{
	struct in6_addr from = address_of(PEER), to = address_of(BOX);
	bool no_sum = false;

	(void)state;
	read_answer(answer_ack(&from, 80, &to, 1234, 0x01020304, 0xfffffffe, answer));
	assert_int_equal(p.flags, TCP_ACK);
	assert_int_equal(p.to_port, 1234);
	assert_memory_equal(answer + p.header + 4, "\1\2\3\4\xff\xff\xff\xfe", 8);
	assert_true(get16(answer + p.header + 14) > 0);
	for (int i = 0; i < 0x10000; i++) {
		uint8_t data[2] = { i >> 8, i };
		size_t n;

		make_udp(BOX, 1234, PEER, 53, 2);
		assert_true(readable(frame_len));
		n = answer_udp(&p, data, 2, answer);
		read_answer(n);
		assert_int_equal(p.to_port, 1234);
		assert_memory_equal(answer + p.data, data, 2);
		assert_true(get16(answer + p.header + 6));	/* 0 is "no sum" */
		no_sum |= get16(answer + p.header + 6) == 0xffff;
	}
	assert_true(no_sum);
	assert_int_equal(make_solicitation(answer), 86);
	assert_memory_equal(answer, NET_ENGINE_MAC_BYTES NET_BOX_MAC, 12);
	memcpy(answer, NET_BOX_MAC NET_ENGINE_MAC_BYTES, 12);
	read_answer(86);
	expect_address(&p.from, NET_LINK6);
	expect_address(&p.to, NET_GATEWAY6);
	assert_int_equal(p.type, 135);
	assert_int_equal(answer[14 + 7], 255);
}

/* What dns_addresses() has found. */
static int found;
static char last_name[MAX_NAME];
static struct in6_addr last;
static uint32_t last_ttl;

static void find(const char *name, const struct in6_addr *addr, uint32_t ttl)
{
	found++;
	strcpy(last_name, name);
	last = *addr;
	last_ttl = ttl;
}

static uint8_t message[1024];
static char name[MAX_NAME];

/* In a piece of memory of that size. */
static bool asks(size_t n)
{
	uint8_t *m = malloc(n ?: 1);
	bool ok;

	memcpy(m, message, n);
	ok = dns_question(m, n, name);
	free(m);
	return ok;
}

static bool answers(size_t n)
{
	uint8_t *m = malloc(n ?: 1);
	bool ok;

	found = 0;
	memcpy(m, message, n);
	ok = dns_addresses(m, n, name, find);
	free(m);
	return ok;
}

static void questions(void **state)
{
	static const uint8_t edns[] = { 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0 };
	size_t n;

	(void)state;
	n = make_dns(message, "WWW.Example.org", 28, false);
	assert_true(asks(n));
	assert_string_equal(name, "www.example.org");
	for (size_t part = 0; part < n; part++)
		assert_false(asks(part));
	assert_false(asks(n + 1));		/* something behind it */
	memcpy(message + n, edns, sizeof(edns));
	message[11] = 1;
	assert_true(asks(n + sizeof(edns)));
	for (size_t part = 0; part < n + sizeof(edns); part++)
		assert_false(asks(part));
	memcpy(message + n + sizeof(edns), edns, sizeof(edns));
	message[11] = 2;
	assert_false(asks(n + 2 * sizeof(edns)));
	for (int section = 0; section < 3; section++) {
		n = make_dns(message, "example.org", 1, false);
		n = add_record(message, n, section, 16, 0, "\3abc", 4);
		assert_false(asks(n));
	}
	n = make_dns(message, "example.org", 1, true);
	assert_false(asks(n));
	n = make_dns(message, "example.org", 1, false);
	message[2] |= 4 << 3;			/* NOTIFY */
	assert_false(asks(n));
	message[2] = 1, message[5] = 0;
	assert_false(asks(n));
	message[5] = 2;
	assert_false(asks(n));
	message[5] = 1, message[n - 1] = 3;	/* CHAOS */
	assert_false(asks(n));
	n = make_dns(message, "", 1, false);
	assert_true(asks(n));
	assert_true(strlen(name) <= 1);
	n = make_dns(message, "a", 1, false);
	message[13] = '.';			/* a dot in a label is none between two */
	assert_true(!asks(n) || !strcmp(name, "\\."));
}

/* Names that go on elsewhere: at themselves, behind the end, and where another one is. */
static void compressed(void **state)
{
	size_t n;

	(void)state;
	n = make_dns(message, "x", 1, false);
	for (int to = 0; to < 0x4000; to++) {
		message[12] = 0xc0 | to >> 8;
		message[13] = to;
		message[14] = 0, message[15] = 1, message[16] = 0, message[17] = 1;
		if (to == 12 || to >= 18)
			assert_false(asks(18));
		else
			asks(18);
	}
	n = make_dns(message, "xy", 1, false);
	message[12] = 1;
	message[14] = 0xc0, message[15] = 12;		/* x.x.x. ... */
	assert_false(asks(n + 2));
	message[12] = 0x41;				/* a kind of label that there is not */
	assert_false(asks(n));
	memset(message + 12, 1, 500);
	assert_false(asks(512));			/* too long */
}

static void denials(void **state)
{
	uint8_t no[sizeof(message)];
	size_t n;

	(void)state;
	n = make_dns(message, "example.org", 28, false);
	memcpy(message + n, "\0\0\x29\4\xd0\0\0\0\0\0\0", 11);
	message[11] = 1;
	assert_true(asks(n + 11));
	assert_int_equal(dns_deny(message, n + 11, no), n);
	assert_memory_equal(no, message, 2);
	assert_int_equal(no[2], 0x81);
	assert_int_equal(no[3], 0x83);
	assert_memory_equal(no + 4, "\0\1\0\0\0\0\0\0", 8);
	assert_memory_equal(no + 12, message + 12, n - 12);
	message[2] = 0;				/* recursion is not asked for */
	dns_deny(message, n + 11, no);
	assert_int_equal(no[2], 0x80);
	message[12] = 0xc0;			/* the question is no longer one that can be told */
	assert_int_equal(dns_deny(message, n, no), 12);
	assert_int_equal(no[5], 0);
	message[12] = 63;
	assert_int_equal(dns_deny(message, n, no), 12);
}

static size_t make_answer(void)
{
	static const uint8_t six[16] = { 0x20, 1, 0xd, 0xb8, [15] = 9 };
	size_t n = make_dns(message, "Example.org", 1, true);

	n = add_record(message, n, 0, 5, 60, "\1a\xc0\x0c", 4);
	n = add_record(message, n, 0, 1, 300, "\xc0\0\2\7", 4);
	return add_record(message, n, 0, 28, 0x7fffffff, six, 16);
}

static void found_addresses(void **state)
{
	static const uint8_t mapped[16] = { [10] = 0xff, 0xff, 127, 0, 0, 1 };
	size_t n;

	(void)state;
	n = make_answer();
	assert_true(answers(n));
	assert_int_equal(found, 2);
	assert_string_equal(last_name, "example.org");
	expect_address(&last, "2001:db8::9");
	assert_int_equal(last_ttl, 0x7fffffff);
	for (size_t part = 0; part < n; part++) {
		assert_false(answers(part));
		assert_int_equal(found, 0);
	}
	message[2] = 1;				/* a question */
	assert_false(answers(n));
	n = make_dns(message, "example.org", 1, true);
	n = add_record(message, n, 0, 28, 1, mapped, 16);
	n = add_record(message, n, 0, 1, 1, mapped, 16);
	n = add_record(message, n, 0, 28, 1, mapped, 4);
	n = add_record(message, n, 0, 1, 1, mapped, 0);
	n = add_record(message, n, 1, 1, 1, "\1\2\3\4", 4);	/* not of the answers */
	n = add_record(message, n, 2, 1, 1, "\1\2\3\4", 4);
	assert_true(answers(n));
	assert_int_equal(found, 0);
}

/* What comes of a good message is anything but a crash; the same in each run. */
static void mutated(void **state)
{
	uint8_t no[sizeof(message)];
	size_t n, full;

	(void)state;
	srandom(1);
	for (int i = 0; i < 100000; i++) {
		full = i % 2 ? make_answer() : make_dns(message, "www.example.org", 1, false);
		for (int changes = random() % 6; changes >= 0; changes--)
			message[random() % full] = random() % 3 ? random() : (uint8_t[]) { 0xc0, 0, 12, 0x3f }[random() % 4];
		n = random() % 4 ? full : random() % (full + 40);
		answers(n);
		if (asks(n))
			assert_true(dns_deny(message, n, no) <= n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules), cmocka_unit_test(not_rules), cmocka_unit_test(matches), cmocka_unit_test(packets),
		cmocka_unit_test(lengths), cmocka_unit_test(filled_up), cmocka_unit_test(hidden), cmocka_unit_test(addresses),
		cmocka_unit_test(resets), cmocka_unit_test(prohibited), cmocka_unit_test(not_answered), cmocka_unit_test(own_packets),
		cmocka_unit_test(questions), cmocka_unit_test(compressed), cmocka_unit_test(denials), cmocka_unit_test(found_addresses),
		cmocka_unit_test(mutated),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
