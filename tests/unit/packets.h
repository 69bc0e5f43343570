/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames for the tests of the network's policy, one at a time. */
#ifndef PACKETS_H
#define PACKETS_H
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "frames.h"
#include "packet.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint8_t frame[FRAME_MAX];
static size_t frame_len;

static inline void put16(uint8_t *p, unsigned v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline unsigned get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* Its length is the frame's. */
static inline void set_length(size_t len)
{
	bool six = frame[12] == 0x86;

	frame_len = len;
	put16(frame + (six ? 18 : 16), len - (six ? 54 : 14));
}

/* From text to text, with n bytes of that protocol, which are zeros. Returns where they are. */
static inline uint8_t *make_packet(const char *from, const char *to, int protocol, size_t n)
{
	bool six = strchr(to, ':');
	int family = six ? AF_INET6 : AF_INET;

	memset(frame, 0, (six ? 54 : 34) + n);
	put16(frame + 12, six ? 0x86dd : 0x0800);
	frame[14] = six ? 0x60 : 0x45;
	frame[six ? 20 : 23] = protocol;
	inet_pton(family, from, frame + (six ? 22 : 26));
	inet_pton(family, to, frame + (six ? 38 : 30));
	set_length((six ? 54 : 34) + n);
	return frame + (six ? 54 : 34);
}

static inline uint8_t *make_tcp(const char *from, int from_port, const char *to, int to_port, int flags)
{
	uint8_t *tcp = make_packet(from, to, IPPROTO_TCP, 20);

	put16(tcp, from_port);
	put16(tcp + 2, to_port);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	return tcp;
}

/* Returns where its data is. */
static inline uint8_t *make_udp(const char *from, int from_port, const char *to, int to_port, size_t n)
{
	uint8_t *udp = make_packet(from, to, IPPROTO_UDP, 8 + n);

	put16(udp, from_port);
	put16(udp + 2, to_port);
	put16(udp + 4, 8 + n);
	return udp + 8;
}

static inline uint8_t *make_icmp(const char *from, const char *to, int type, int identifier)
{
	uint8_t *icmp = make_packet(from, to, strchr(to, ':') ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8);

	icmp[0] = type;
	put16(icmp + 4, identifier);
	return icmp;
}

/* A message of the DNS about that name. It has room for one that is not too long. */
static inline size_t make_dns(uint8_t *m, const char *name, int type, bool answer)
{
	uint8_t *at = m + 12;

	memset(m, 0, 12);
	m[1] = 7;
	m[2] = answer ? 0x81 : 0x01;
	m[5] = 1;
	for (size_t n; *name; name += n + !!name[n]) {
		n = strcspn(name, ".");
		*at++ = n;
		memcpy(at, name, n);
		at += n;
	}
	*at++ = 0;
	put16(at, type);
	put16(at + 2, 1);
	return at + 4 - m;
}

/* A record of that message, of the name that it asks for; section: 0: answers, 2: what is added. */
static inline size_t add_record(uint8_t *m, size_t n, int section, int type, uint32_t ttl, const void *data, size_t size)
{
	uint8_t *at = m + n;

	m[7 + 2 * section]++;
	put16(at, 0xc00c);
	put16(at + 2, type);
	put16(at + 4, 1);
	put16(at + 6, ttl >> 16);
	put16(at + 8, ttl);
	put16(at + 10, size);
	memcpy(at + 12, data, size);
	return n + 12 + size;
}
#endif
