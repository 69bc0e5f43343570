/* SPDX-License-Identifier: GPL-2.0-only */
/* What a frame says of itself: who sends it to whom, by which protocol. */
#ifndef PACKET_H
#define PACKET_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of TCP's flags (RFC 9293, 3.1). */
enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

struct packet {
	struct in6_addr from, to;	/* those of IPv4 as ::ffff:a.b.c.d */
	uint8_t protocol;		/* IPPROTO_*; ICMP's is its own for each family */
	/*
	 * Its protocol's header is not where one looks for it: a fragment, or behind extension
	 * headers of IPv6. What follows here is 0 then, but for the type of ICMP behind
	 * hop-by-hop options.
	 */
	bool hidden;
	uint16_t from_port, to_port;	/* of TCP and UDP; of an echo both are its identifier */
	uint8_t flags;			/* of TCP */
	uint8_t type;			/* of ICMP */
	uint16_t header;		/* where the protocol's header is in the frame */
	uint16_t data;			/* where its data is, */
	uint32_t bytes;			/* and how long that is */
};

/*
 * Of a frame of so many bytes that has IPv4 or IPv6 in it; head has its first n bytes, all or
 * FRAME_LOOKED_AT. False: its lengths are wrong, or it is of another kind.
 */
bool read_packet(const uint8_t *head, size_t n, size_t len, struct packet *p);

bool is_v4(const struct in6_addr *a);
/* ::ffff:a.b.c.d, of four bytes. */
struct in6_addr mapped(const void *four);
/* An address of the program's own, from text that is right. */
struct in6_addr address_of(const char *text);
/* 127.0.0.0/8, 0.0.0.0/8, ::1, ::, and what means IPv4 to a socket of IPv6. */
bool is_loopback(const struct in6_addr *a);
bool is_multicast(const struct in6_addr *a);	/* and 255.255.255.255 */
/* 169.254.0.0/16, fe80::/10. */
bool is_link_local(const struct in6_addr *a);
/* 10.107.98.0/24, fd6b:626f:78::/64. */
bool is_box_network(const struct in6_addr *a);
bool is_echo_request(const struct packet *p);

/*
 * Answers to a guest's frame, made of its first bytes. The length of the answer, which is no longer
 * than ANSWER_MAX. answer_refusal() is 0 for what nobody answers (RFC 1122, 3.2.2; RFC 4443, 2.4):
 * else a reset, to TCP, or ICMP's "administratively prohibited".
 */
#define ANSWER_MAX 640
size_t answer_refusal(const uint8_t *head, size_t n, const struct packet *p, uint8_t answer[ANSWER_MAX]);
/* An acknowledgement of the guest's SYN and ACK. */
size_t answer_ack(const struct in6_addr *from, uint16_t from_port, const struct in6_addr *to, uint16_t to_port,
		  uint32_t seq, uint32_t ack, uint8_t answer[ANSWER_MAX]);
/* By UDP, so much data, which is no more than ANSWER_MAX - 62. */
size_t answer_udp(const struct packet *to, const void *data, size_t n, uint8_t answer[ANSWER_MAX]);
/* The box asks for its gateway by IPv6. The length of the frame. */
size_t make_solicitation(uint8_t frame[ANSWER_MAX]);
/* Somebody on the card's side asks for the gateway by ARP: its address of IPv4, four bytes. */
#define ARP_BYTES	42
void make_arp_question(uint8_t frame[ARP_BYTES], const char sender[4]);
#endif
