// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include "frames.h"

#define TYPE	12		/* where the type is in a frame */
#define TO4	(14 + 16)	/* and the address that it goes to, by IPv4 (RFC 791) */
#define FROM6	(14 + 8)	/* and those of IPv6 (RFC 8200) */
#define TO6	(14 + 24)

void frame_head(uint8_t head[FRAME_HEAD], size_t len)
{
	uint32_t n = htonl(len);

	memcpy(head, &n, sizeof(n));
}

enum stream frame_next(const uint8_t *p, size_t n, size_t *len)
{
	uint32_t head;

	if (n < FRAME_HEAD)
		return NOT_YET;
	memcpy(&head, p, sizeof(head));
	*len = ntohl(head);
	if (*len < FRAME_MIN || *len > FRAME_MAX)
		return NO_STREAM;
	return n - FRAME_HEAD < *len ? NOT_YET : FRAME;
}

/* 127.0.0.0/8, and 0.0.0.0/8, of which connect(2) takes the first one for loopback. */
static bool is_loopback4(const uint8_t *to)
{
	return to[0] == 127 || to[0] == 0;
}

/*
 * ::/96 has :: and ::1, and for the rest no use any more; ::ffff:0:0/96 is IPv4 to a socket of
 * IPv6, and not to be on a wire (RFC 4291, 2.5.5).
 */
static bool is_loopback6(const uint8_t *to)
{
	static const uint8_t none[12], mapped[12] = { [10] = 0xff, [11] = 0xff };

	return !memcmp(to, none, sizeof(none)) || !memcmp(to, mapped, sizeof(mapped));
}

/*
 * A host that has no address yet sends from :: to its neighbours (RFC 4862, 5.4.2). There are none,
 * and passt takes where a frame comes from for the box's address: all its connections would end.
 */
static bool is_from_nobody6(const uint8_t *from)
{
	static const uint8_t none[16];

	return !memcmp(from, none, sizeof(none));
}

bool frame_leaves(const uint8_t *head, size_t n)
{
	if (n < FRAME_MIN)
		return false;
	switch (head[TYPE] << 8 | head[TYPE + 1]) {
	case ETHERTYPE_ARP:
		return true;
	case ETHERTYPE_IP:
		return n >= TO4 + 4 && !is_loopback4(head + TO4);
	case ETHERTYPE_IPV6:
		return n >= TO6 + 16 && !is_loopback6(head + TO6) && !is_from_nobody6(head + FROM6);
	}
	return false;
}

/* Where the header of TCP begins in a frame, or 0: it has none. */
static size_t find_tcp(const uint8_t *frame, size_t len)
{
	size_t at = 0;

	switch (frame[TYPE] << 8 | frame[TYPE + 1]) {
	case ETHERTYPE_IP:
		if (len >= TO4 + 4 && frame[14 + 9] == IPPROTO_TCP)
			at = 14 + (frame[14] & 15) * 4;
		break;
	case ETHERTYPE_IPV6:
		if (len >= TO6 + 16 && frame[14 + 6] == IPPROTO_TCP)
			at = TO6 + 16;
		break;
	}
	return at && len >= at + 20 ? at : 0;
}

/* The sum is of words in ones' complement, so what a word gains the sum loses (RFC 1624). */
void frame_mend(uint8_t *frame, size_t len)
{
	enum { ACKED = 8, FLAGS = 13, SUM = 16, RST = 4, ACK = 16 };
	static const uint8_t none[4];
	size_t at = find_tcp(frame, len);
	uint8_t *tcp = frame + at;
	uint32_t sum;

	if (!at || (tcp[FLAGS] & (RST | ACK)) != RST || !memcmp(tcp + ACKED, none, 4))
		return;
	tcp[FLAGS] |= ACK;
	sum = (uint16_t)~(tcp[SUM] << 8 | tcp[SUM + 1]) + ACK;
	sum = ~(sum + (sum >> 16));
	tcp[SUM] = sum >> 8;
	tcp[SUM + 1] = sum;
}

int iov_drop(struct iovec *v, int n, size_t bytes)
{
	int gone = 0;

	while (gone < n && bytes >= v[gone].iov_len)
		bytes -= v[gone++].iov_len;
	if (gone < n) {
		v[gone].iov_base = (char *)v[gone].iov_base + bytes;
		v[gone].iov_len -= bytes;
	}
	memmove(v, v + gone, (n - gone) * sizeof(*v));
	return n - gone;
}
