// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include "bytes.h"
#include "frames.h"
#include "netaddr.h"
#include "packet.h"

#define IP	14		/* where IP begins in a frame */

bool is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

struct in6_addr mapped(const void *four)
{
	struct in6_addr a = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	memcpy(a.s6_addr + 12, four, 4);
	return a;
}

struct in6_addr address_of(const char *text)
{
	struct in6_addr a = { 0 };
	uint8_t four[4];

	if (inet_pton(AF_INET, text, four) == 1)
		return mapped(four);
	inet_pton(AF_INET6, text, &a);
	return a;
}

/*
 * connect(2) takes 0.0.0.0 for loopback. ::/96 has :: and ::1, and for the rest no use any more
 * (RFC 4291, 2.5.5).
 */
bool is_loopback(const struct in6_addr *a)
{
	static const uint8_t none[12];

	return is_v4(a) ? a->s6_addr[12] == 127 || a->s6_addr[12] == 0 : !memcmp(a, none, sizeof(none));
}

bool is_multicast(const struct in6_addr *a)
{
	return is_v4(a) ? a->s6_addr[12] >> 4 == 14 || a->s6_addr[12] == 255 : a->s6_addr[0] == 0xff;
}

bool is_link_local(const struct in6_addr *a)
{
	return is_v4(a) ? get_word(a->s6_addr + 12) == 0xa9fe : IN6_IS_ADDR_LINKLOCAL(a);
}

bool is_box_network(const struct in6_addr *a)
{
	struct in6_addr four = address_of(NET_BOX4), six = address_of(NET_BOX6);

	return !memcmp(a, &four, 12 + NET_PREFIX4 / 8) || !memcmp(a, &six, NET_PREFIX6 / 8);
}

bool is_echo_request(const struct packet *p)
{
	return p->protocol == (is_v4(&p->to) ? IPPROTO_ICMP : IPPROTO_ICMPV6) && !p->hidden &&
	       p->type == (is_v4(&p->to) ? ICMP_ECHO : ICMP6_ECHO_REQUEST);
}

static bool read_tcp(const uint8_t *head, size_t n, size_t end, struct packet *p)
{
	size_t length;

	if (n < p->header + 20u)
		return false;
	length = (head[p->header + 12] >> 4) * 4;
	if (length < 20 || p->header + length > end)
		return false;
	p->flags = head[p->header + 13];
	p->data = p->header + length;
	return true;
}

/* Its own length is the packet's: who reads the one sees what who reads the other sees. */
static bool read_udp(const uint8_t *head, size_t n, size_t end, struct packet *p)
{
	p->data = p->header + 8;
	return n >= p->data && end >= p->data && get_word(head + p->header + 4) == end - p->header;
}

static bool read_ports(const uint8_t *head, size_t n, size_t end, struct packet *p)
{
	if (p->protocol == IPPROTO_TCP ? !read_tcp(head, n, end, p) : !read_udp(head, n, end, p))
		return false;
	p->from_port = get_word(head + p->header);
	p->to_port = get_word(head + p->header + 2);
	return true;
}

static bool read_icmp(const uint8_t *head, size_t n, size_t end, struct packet *p)
{
	p->data = p->header + 8;
	if (n < p->data || end < p->data)
		return false;
	p->type = head[p->header];
	p->from_port = p->to_port = get_word(head + p->header + 4);
	return true;
}

/* ICMP of IPv6 that every router is to look at (RFC 2710): its type is seen all the same. */
static void look_behind_options(const uint8_t *head, size_t n, struct packet *p)
{
	size_t at = p->header;

	if (p->protocol != IPPROTO_HOPOPTS || n < at + 2 || head[at] != IPPROTO_ICMPV6)
		return;
	at += (head[at + 1] + 1) * 8;
	p->type = n > at ? head[at] : 0;
}

/* What a packet carries; its end is where IP says. */
static bool read_protocol(const uint8_t *head, size_t n, size_t end, struct packet *p)
{
	bool ok = true;

	p->data = p->header;
	if (p->hidden) {
		look_behind_options(head, n, p);
		return true;
	}
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		ok = read_ports(head, n, end, p);
	else if (p->protocol == (is_v4(&p->to) ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		ok = read_icmp(head, n, end, p);
	p->bytes = end - p->data;
	return ok;
}

/* On a wire a frame is filled up to 60 bytes (IEEE 802.3), and an engine may do that, too. */
static bool take_length(size_t own, size_t *len)
{
	bool ok = own == *len || (own < *len && IP + *len <= ETH_ZLEN);

	*len = own;
	return ok;
}

/* RFC 791, 3.1. */
static bool read_v4(const uint8_t *ip, size_t n, size_t *len, struct packet *p)
{
	size_t header = (ip[0] & 15) * 4;

	if (n < 20 || ip[0] >> 4 != 4 || header < 20 || header > n || !take_length(get_word(ip + 2), len) ||
	    header > *len)
		return false;
	p->from = mapped(ip + 12);
	p->to = mapped(ip + 16);
	p->protocol = ip[9];
	p->hidden = get_word(ip + 6) & 0x3fff;	/* more fragments, or not the first one */
	p->header = IP + header;
	return true;
}

/* RFC 8200, 3. */
static bool read_v6(const uint8_t *ip, size_t n, size_t *len, struct packet *p)
{
	if (n < 40 || ip[0] >> 4 != 6 || !take_length(get_word(ip + 4) + 40u, len))
		return false;
	memcpy(&p->from, ip + 8, 16);
	memcpy(&p->to, ip + 24, 16);
	p->protocol = ip[6];
	p->hidden = p->protocol == IPPROTO_HOPOPTS || p->protocol == IPPROTO_ROUTING || p->protocol == IPPROTO_FRAGMENT ||
		    p->protocol == IPPROTO_DSTOPTS || p->protocol == IPPROTO_AH || p->protocol == IPPROTO_MH;
	p->header = IP + 40;
	/* Such an address would be another one's here. */
	return !is_v4(&p->from) && !is_v4(&p->to);
}

bool read_packet(const uint8_t *head, size_t n, size_t len, struct packet *p)
{
	size_t own = len - IP;
	bool ok = false;

	memset(p, 0, sizeof(*p));
	if (n < IP + 1)
		return false;
	switch (get_word(head + 12)) {
	case ETHERTYPE_IP:
		ok = read_v4(head + IP, n - IP, &own, p);
		break;
	case ETHERTYPE_IPV6:
		ok = read_v6(head + IP, n - IP, &own, p);
		break;
	}
	return ok && read_protocol(head, n, IP + own, p);
}
