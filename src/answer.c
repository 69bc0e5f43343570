// SPDX-License-Identifier: GPL-2.0-only
/* Packets that the supervisor makes itself, nearly all for the guest. */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include "bytes.h"
#include "netaddr.h"
#include "packet.h"

#define ETHER		14
#define MOST_QUOTED	512	/* of what was refused (RFC 1812, 4.3.2.3: 576 bytes in all) */
#define PROHIBITED4	13	/* the code of ICMP_UNREACH (RFC 1812, 5.2.7.1) */
#define SMALL_WINDOW	256	/* of an ACK before the engine's own one */

/* RFC 1071. */
static uint32_t add_up(const uint8_t *p, size_t n, uint32_t sum)
{
	for (; n > 1; n -= 2, p += 2)
		sum += get_word(p);
	return n ? sum + (p[0] << 8) : sum;
}

static uint16_t finish(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static size_t ip_header(const struct in6_addr *a)
{
	return is_v4(a) ? 20 : 40;
}

static void fill_v4(uint8_t *ip, const struct in6_addr *from, const struct in6_addr *to, int protocol, size_t n)
{
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put_word(ip + 2, 20 + n);
	put_word(ip + 6, 0x4000);	/* not to be cut up */
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, from->s6_addr + 12, 4);
	memcpy(ip + 16, to->s6_addr + 12, 4);
	put_word(ip + 10, finish(add_up(ip, 20, 0)));
}

static void fill_v6(uint8_t *ip, const struct in6_addr *from, const struct in6_addr *to, int protocol, size_t n)
{
	memset(ip, 0, 8);
	ip[0] = 0x60;
	put_word(ip + 4, n);
	ip[6] = protocol;
	ip[7] = 255;
	memcpy(ip + 8, from, 16);
	memcpy(ip + 24, to, 16);
}

/*
 * All around n bytes of a protocol that are there; its sum is at "sum" in them, and 0. Returns the
 * length of the frame.
 */
static size_t finish_frame(uint8_t *frame, const struct in6_addr *from, const struct in6_addr *to, int protocol,
			   size_t n, size_t sum)
{
	uint8_t *ip = frame + ETHER, *body = ip + ip_header(to);
	uint32_t pseudo;

	memcpy(frame, NET_BOX_MAC, 6);
	memcpy(frame + 6, NET_ENGINE_MAC_BYTES, 6);
	put_word(frame + 12, is_v4(to) ? ETHERTYPE_IP : ETHERTYPE_IPV6);
	if (is_v4(to)) {
		fill_v4(ip, from, to, protocol, n);
		pseudo = protocol == IPPROTO_ICMP ? 0 : add_up(ip + 12, 8, protocol + n);
	} else {
		fill_v6(ip, from, to, protocol, n);
		pseudo = add_up(ip + 8, 32, protocol + n);
	}
	put_word(body + sum, finish(add_up(body, n, pseudo)));
	return body + n - frame;
}

static void fill_tcp(uint8_t *tcp, uint16_t from, uint16_t to, uint32_t seq, uint32_t ack, uint8_t flags)
{
	memset(tcp, 0, 20);
	put_word(tcp, from);
	put_word(tcp + 2, to);
	put_long(tcp + 4, seq);
	put_long(tcp + 8, ack);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
}

/* RFC 9293, 3.10.7.1: as a closed port answers. */
static size_t answer_reset(const uint8_t *head, const struct packet *p, uint8_t *answer)
{
	const uint8_t *tcp = head + p->header;
	uint8_t *reset = answer + ETHER + ip_header(&p->to);
	uint32_t next = get_long(tcp + 4) + p->bytes + !!(p->flags & TCP_SYN) + !!(p->flags & TCP_FIN);

	if (p->flags & TCP_RST)
		return 0;
	if (p->flags & TCP_ACK)
		fill_tcp(reset, p->to_port, p->from_port, get_long(tcp + 8), 0, TCP_RST);
	else
		fill_tcp(reset, p->to_port, p->from_port, 0, next, TCP_RST | TCP_ACK);
	return finish_frame(answer, &p->to, &p->from, IPPROTO_TCP, 20, 16);
}

static size_t answer_prohibited(const uint8_t *head, size_t n, const struct packet *p, uint8_t *answer)
{
	bool four = is_v4(&p->to);
	uint8_t *icmp = answer + ETHER + ip_header(&p->to);
	size_t quoted = n - ETHER < MOST_QUOTED ? n - ETHER : MOST_QUOTED;

	memset(icmp, 0, 8);
	icmp[0] = four ? ICMP_DEST_UNREACH : ICMP6_DST_UNREACH;
	icmp[1] = four ? PROHIBITED4 : ICMP6_DST_UNREACH_ADMIN;
	memcpy(icmp + 8, head + ETHER, quoted);
	return finish_frame(answer, &p->to, &p->from, four ? IPPROTO_ICMP : IPPROTO_ICMPV6, 8 + quoted, 2);
}

/* Also what is an answer itself. */
static bool is_icmp_error(const struct packet *p)
{
	if (p->protocol == IPPROTO_ICMP)
		return p->type != ICMP_ECHO && p->type != ICMP_TIMESTAMP;
	return p->protocol == IPPROTO_ICMPV6 && !(p->type & ICMP6_INFOMSG_MASK);
}

/* Not the first one: what it belongs to has its answer already. */
static bool is_later_fragment(const uint8_t *head, const struct packet *p)
{
	return is_v4(&p->to) && (head[ETHER + 6] & 0x1f || head[ETHER + 7]);
}

size_t answer_refusal(const uint8_t *head, size_t n, const struct packet *p, uint8_t answer[ANSWER_MAX])
{
	if (is_multicast(&p->to) || is_multicast(&p->from) || is_loopback(&p->from) || is_icmp_error(p) ||
	    is_later_fragment(head, p))
		return 0;
	if (p->protocol == IPPROTO_TCP && !p->hidden)
		return answer_reset(head, p, answer);
	return answer_prohibited(head, n, p, answer);
}

size_t answer_ack(const struct in6_addr *from, uint16_t from_port, const struct in6_addr *to, uint16_t to_port,
		  uint32_t seq, uint32_t ack, uint8_t answer[ANSWER_MAX])
{
	uint8_t *tcp = answer + ETHER + ip_header(to);

	fill_tcp(tcp, from_port, to_port, seq, ack, TCP_ACK);
	put_word(tcp + 14, SMALL_WINDOW);
	return finish_frame(answer, from, to, IPPROTO_TCP, 20, 16);
}

size_t answer_udp(const struct packet *to, const void *data, size_t n, uint8_t answer[ANSWER_MAX])
{
	uint8_t *udp = answer + ETHER + ip_header(&to->to);

	put_word(udp, to->to_port);
	put_word(udp + 2, to->from_port);
	put_word(udp + 4, 8 + n);
	put_word(udp + 6, 0);
	memcpy(udp + 8, data, n);
	n = finish_frame(answer, &to->to, &to->from, IPPROTO_UDP, 8 + n, 6);
	if (!udp[6] && !udp[7])		/* that would be "no sum" (RFC 768) */
		put_word(udp + 6, 0xffff);
	return n;
}

/* RFC 4861, 4.3. */
size_t make_solicitation(uint8_t frame[ANSWER_MAX])
{
	struct in6_addr box = address_of(NET_LINK6), gateway = address_of(NET_GATEWAY6);
	uint8_t *icmp = frame + ETHER + ip_header(&box);
	size_t n;

	memset(icmp, 0, 8);
	icmp[0] = ND_NEIGHBOR_SOLICIT;
	memcpy(icmp + 8, &gateway, 16);
	memcpy(icmp + 24, "\1\1" NET_BOX_MAC, 8);
	n = finish_frame(frame, &box, &gateway, IPPROTO_ICMPV6, 32, 2);
	memcpy(frame, NET_ENGINE_MAC_BYTES, 6);
	memcpy(frame + 6, NET_BOX_MAC, 6);
	return n;
}

/* RFC 826. */
void make_arp_question(uint8_t frame[ARP_BYTES], const char sender[4])
{
	static const uint8_t question[ARP_BYTES] =
		"\xff\xff\xff\xff\xff\xff" NET_BOX_MAC "\x08\x06\0\x01\x08\0\x06\x04\0\x01"
		NET_BOX_MAC "from\0\0\0\0\0\0" NET_GATEWAY4_BYTES;

	memcpy(frame, question, ARP_BYTES);
	memcpy(frame + 28, sender, 4);
}
