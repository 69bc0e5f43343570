// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>
#include "frames.h"

#define TYPE	12		/* where the type is in a frame */
#define TO4	(14 + 16)	/* and the address that it goes to, by IPv4 (RFC 791) */
#define TO6	(14 + 24)	/* and that of IPv6 (RFC 8200) */

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
