// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ack.h"
#include "box.h"
#include "flows.h"

#define BUCKETS	(1 << 15)

/* What ends by itself after some time has a list for each such time. */
enum { OPEN, CLOSED, DATAGRAMS, LISTS };

static const int quiet[LISTS] = { [CLOSED] = CLOSED_QUIET, [DATAGRAMS] = UDP_QUIET };

static struct {
	struct flow *all;
	int begun;			/* of all, so many have been used */
	LIST_HEAD(bucket, flow) unused, *bucket;
	struct flow_list list[LISTS];
	uint64_t secret;		/* a guest does not choose which flows share a bucket */
} flows;

/* With the first one: a kbox without a network may be given little memory. */
static void make_room(void)
{
	flows.all = calloc(FLOWS_MAX, sizeof(*flows.all));
	flows.bucket = calloc(BUCKETS, sizeof(*flows.bucket));
	if (!flows.all || !flows.bucket)
		die("--net: %s", reason(ENOMEM));
	if (getentropy(&flows.secret, sizeof(flows.secret)))
		flows.secret = (uintptr_t)&flows;
	for (int i = 0; i < LISTS; i++)
		TAILQ_INIT(&flows.list[i]);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

static struct bucket *bucket_of(const struct flow_key *k)
{
	uint64_t a[2], h;

	memcpy(a, &k->peer, sizeof(a));
	h = mix(mix(flows.secret, a[0]), a[1]);
	h = mix(h, (uint64_t)k->protocol << 32 | (uint32_t)k->box_port << 16 | k->peer_port);
	return &flows.bucket[mix(h, flows.secret) % BUCKETS];
}

static bool same(const struct flow_key *a, const struct flow_key *b)
{
	return a->box_port == b->box_port && a->peer_port == b->peer_port && a->protocol == b->protocol &&
	       IN6_ARE_ADDR_EQUAL(&a->peer, &b->peer);
}

static void join_list(struct flow *f, struct flow_list *list)
{
	if (f->as_quick)
		TAILQ_REMOVE(f->as_quick, f, next);
	f->as_quick = list;
	TAILQ_INSERT_TAIL(list, f, next);
	f->last = seconds();
}

static void end(struct flow *f, enum flow_end how)
{
	flow_ended(f, how);
	ack_forget(f);
	TAILQ_REMOVE(f->as_quick, f, next);
	LIST_REMOVE(f, in_bucket);
	LIST_INSERT_HEAD(&flows.unused, f, in_bucket);
}

/* The one that has been quiet for longest, of all. */
static void end_oldest(void)
{
	struct flow *oldest = NULL, *f;

	for (int i = 0; i < LISTS; i++) {
		f = TAILQ_FIRST(&flows.list[i]);
		if (f && (!oldest || f->last < oldest->last))
			oldest = f;
	}
	end(oldest, FLOW_QUIET);
}

static struct flow *take_flow(void)
{
	struct flow *f;

	if (LIST_EMPTY(&flows.unused) && flows.begun < FLOWS_MAX)
		return &flows.all[flows.begun++];
	if (LIST_EMPTY(&flows.unused))
		end_oldest();
	f = LIST_FIRST(&flows.unused);
	LIST_REMOVE(f, in_bucket);
	return f;
}

struct flow *flow_find(const struct flow_key *k)
{
	struct flow *f;

	if (!flows.all)
		return NULL;
	LIST_FOREACH(f, bucket_of(k), in_bucket)
		if (same(&f->key, k))
			break;
	return f;
}

struct flow *flow_begin(const struct flow_key *k, bool inbound, int rule)
{
	struct flow *f;

	if (!flows.all)
		make_room();
	f = flow_find(k);
	if (f)
		end(f, FLOW_CLOSED);
	f = take_flow();
	memset(f, 0, sizeof(*f));
	f->key = *k;
	f->inbound = inbound;
	f->rule = rule;
	clock_gettime(CLOCK_REALTIME, &f->begin);
	LIST_INSERT_HEAD(bucket_of(k), f, in_bucket);
	join_list(f, &flows.list[k->protocol == IPPROTO_TCP ? OPEN : DATAGRAMS]);
	return f;
}

void flow_moves(struct flow *f, const struct packet *p, bool out)
{
	*(out ? &f->sent : &f->received) += p->bytes;
	if (p->protocol != IPPROTO_TCP) {
		join_list(f, f->as_quick);
		return;
	}
	if (p->flags & TCP_FIN)
		f->closed |= out ? 1 : 2;
	if (p->flags & TCP_RST)
		end(f, FLOW_RESET);
	else
		join_list(f, &flows.list[f->closed == 3 ? CLOSED : OPEN]);
}

/* Those of one list. Returns in how many seconds the next one ends, or 0. */
static int expire_list(int list, time_t now)
{
	struct flow *f;

	while ((f = TAILQ_FIRST(&flows.list[list])) && now - f->last >= quiet[list])
		end(f, list == CLOSED ? FLOW_CLOSED : FLOW_QUIET);
	return f ? f->last + quiet[list] - now : 0;
}

int flows_expire(void)
{
	time_t now = seconds();
	int next = 0;

	for (int i = 0; i < LISTS && flows.all; i++) {
		int after = quiet[i] ? expire_list(i, now) : 0;

		if (after && (!next || after < next))
			next = after;
	}
	return next;
}

void flows_end(void)
{
	struct flow *f;

	for (int i = 0; i < LISTS && flows.all; i++)
		while ((f = TAILQ_FIRST(&flows.list[i])))
			end(f, i == CLOSED ? FLOW_CLOSED : FLOW_BOX_ENDED);
}
