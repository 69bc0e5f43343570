/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Flows: a connection of TCP, datagrams between two ports, echoes of one program. The card sees
 * each frame, and a flow is what was found out about it with its first one. There is a bound to
 * them: a new one takes the place of the one that has been quiet for longest.
 */
#ifndef FLOWS_H
#define FLOWS_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>
#include "packet.h"

#define FLOWS_MAX	32768
#define UDP_QUIET	200	/* seconds, longer than any engine keeps its own (passt: 180) */
#define CLOSED_QUIET	10	/* of TCP: both ends have closed it */

struct flow_key {
	struct in6_addr peer;
	uint16_t box_port, peer_port;	/* an echo has its identifier as both */
	uint16_t protocol;
};

/* What became of it. */
enum flow_end { FLOW_CLOSED, FLOW_RESET, FLOW_QUIET, FLOW_BOX_ENDED };

TAILQ_HEAD(flow_list, flow);

struct flow {
	struct flow_key key;
	bool inbound;			/* the peer has begun it */
	uint8_t closed;			/* bit 0: the box has sent FIN, bit 1: the peer */
	int rule;			/* that lets it pass, or -1 */
	uint64_t sent, received;	/* bytes of data, of the box's view; sent again is counted again */
	struct timespec begin;		/* of CLOCK_REALTIME */
	struct in6_addr box;		/* where an ACK goes that it waits for, in one of the lists of ack.c, */
	uint32_t seq, ack;		/* and that ACK's numbers */
	struct flow_list *acks;
	TAILQ_ENTRY(flow) next_ack;

	LIST_ENTRY(flow) in_bucket;
	struct flow_list *as_quick;	/* of those that are as quick to end, the quiet ones first */
	TAILQ_ENTRY(flow) next;
	time_t last;
};

struct flow *flow_find(const struct flow_key *k);
struct flow *flow_begin(const struct flow_key *k, bool inbound, int rule);
/* A packet of it: bytes, and what TCP's flags say. It may have ended by that. */
void flow_moves(struct flow *f, const struct packet *p, bool out);
/* All: the box's end. */
void flows_end(void);

/*
 * Ends what has been quiet. Returns after how many seconds there is more of that, or 0: nothing is.
 */
int flows_expire(void);

/* netlog.c: somebody wants to know. */
void flow_ended(const struct flow *f, enum flow_end how);
#endif
