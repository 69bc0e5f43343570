// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <string.h>
#include "ack.h"
#include "dns.h"
#include "flows.h"
#include "frames.h"
#include "learned.h"
#include "loop.h"
#include "netaddr.h"
#include "netlog.h"
#include "policy.h"

/* What a rule's number is where the list has none that says so. */
enum { NO_RULE = -1, EVERYTHING = -2 };

/* RFC 3810, 5.2; libc has no name for it. */
#define MLD2_LISTENER_REPORT	143

#define PORT_DNS	53
#define PORT_DHCP	67

static struct {
	const struct options *opt;
	struct in6_addr box4, box6, gateway4, gateway6, none4;
	const struct resolvers *resolvers;
	bool names;			/* the list has names */
} policy;

static void expire(void *arg);
static struct call expiry = { .fn = expire };

static void expire(void *arg)
{
	int next = flows_expire();

	(void)arg;
	if (next)
		loop_call(&expiry, next * 1000);
}

/*
 * What is quiet ends some time, without anything that would wake the supervisor where nothing is.
 */
static void watch_expiry(void)
{
	if (!expiry.is_due)
		loop_call(&expiry, CLOSED_QUIET * 1000);
}

void policy_init(const struct box *b)
{
	memset(&policy, 0, sizeof(policy));
	policy.opt = &b->opt;
	policy.box4 = address_of(NET_BOX4);
	policy.box6 = address_of(NET_BOX6);
	policy.gateway4 = address_of(NET_GATEWAY4);
	policy.gateway6 = address_of(NET_GATEWAY6);
	policy.none4 = address_of("0.0.0.0");
	policy.resolvers = &b->net.resolvers;
	for (size_t i = 0; i < b->opt.nallowed; i++)
		policy.names |= b->opt.allowed[i].what == ALLOW_NAME;
}

static bool equal(const struct in6_addr *a, const struct in6_addr *b)
{
	return IN6_ARE_ADDR_EQUAL(a, b);
}

static bool is_gateway(const struct in6_addr *a)
{
	return equal(a, &policy.gateway4) || equal(a, &policy.gateway6);
}

static bool is_resolver(const struct in6_addr *a)
{
	for (int i = 0; i < policy.resolvers->count; i++)
		if (equal(a, &policy.resolvers->addr[i]))
			return true;
	return false;
}

/* The port that it goes to, or -1: its protocol has none. */
static int port_of(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP ? p->to_port : -1;
}

static struct flow_key key_of(const struct packet *p, bool out)
{
	return (struct flow_key) {
		.peer = out ? p->to : p->from,
		.box_port = out ? p->from_port : p->to_port,
		.peer_port = out ? p->to_port : p->from_port,
		.protocol = p->protocol,
	};
}

/* Neighbours and routers of IPv6 (RFC 4861), and listeners of its groups (RFC 2710, 3810). */
static bool is_of_link(const struct packet *p)
{
	if (p->protocol != IPPROTO_ICMPV6 && p->protocol != IPPROTO_HOPOPTS)
		return false;
	return (p->type >= MLD_LISTENER_QUERY && p->type <= ND_REDIRECT) || p->type == MLD2_LISTENER_REPORT;
}

/* Of the box's own network by IPv6: kbox-slirp has an address in it. */
static bool is_on_link6(const struct in6_addr *a)
{
	return IN6_IS_ADDR_MC_LINKLOCAL(a) || IN6_IS_ADDR_LINKLOCAL(a) || (!is_v4(a) && is_box_network(a));
}

/* What the engine itself answers, or nobody: it reaches no socket of the host's. */
static bool stays_on_link(const struct packet *p)
{
	if (is_on_link6(&p->to))
		return is_of_link(p);
	return p->protocol == IPPROTO_UDP && p->to_port == PORT_DHCP && is_v4(&p->to) &&
	       (is_multicast(&p->to) || is_gateway(&p->to));
}

/* The engine's own answer to what of DHCP stays on the link. */
static bool is_of_dhcp(const struct packet *p)
{
	return p->protocol == IPPROTO_UDP && p->from_port == PORT_DHCP && equal(&p->from, &policy.gateway4);
}

/*
 * passt takes where a frame comes from for the box's address, and all its connections would end by
 * another one. Of IPv6 the box has one of the link's own, too, by which it reaches the gateway.
 */
static bool is_from_box(const struct packet *p)
{
	if (equal(&p->from, &policy.box4) || equal(&p->from, &policy.box6))
		return true;
	if (is_v4(&p->from))
		return equal(&p->from, &policy.none4) && stays_on_link(p);	/* DHCP */
	return IN6_IS_ADDR_LINKLOCAL(&p->from) && (IN6_IS_ADDR_LINKLOCAL(&p->to) || stays_on_link(p));
}

static bool goes_to(const struct packet *p, bool udp, uint16_t port)
{
	return p->protocol == (udp ? IPPROTO_UDP : IPPROTO_TCP) && p->to_port == port;
}

static bool is_host_port(const struct packet *p)
{
	for (size_t i = 0; i < policy.opt->nloopback; i++)
		if (goes_to(p, policy.opt->loopback[i].udp, policy.opt->loopback[i].port))
			return true;
	return false;
}

static bool is_box_port(const struct packet *p)
{
	for (size_t i = 0; i < policy.opt->nports; i++)
		if (goes_to(p, policy.opt->ports[i].udp, policy.opt->ports[i].guest))
			return true;
	return false;
}

static bool allows(const struct allow *a, int rule, const struct packet *p)
{
	switch (a->what) {
	case ALLOW_DNS:
		return port_of(p) == PORT_DNS && is_resolver(&p->to);
	case ALLOW_NAME:
		return allow_has_port(a, port_of(p)) && is_learned(&p->to, rule);
	default:
		return allow_has_port(a, port_of(p)) && allow_has_address(a, &p->to);
	}
}

/*
 * The rule that lets something begin, EVERYTHING or NO_RULE. The gateway is the host's loopback,
 * and so is libslirp's own address in the box's network.
 */
static int find_rule(const struct packet *p)
{
	if (is_gateway(&p->to))
		return is_host_port(p) || is_echo_request(p) ? EVERYTHING : NO_RULE;
	if (is_box_network(&p->to) && !is_resolver(&p->to))
		return NO_RULE;
	if (!policy.opt->nallowed)
		return EVERYTHING;
	for (size_t i = 0; i < policy.opt->nallowed; i++)
		if (allows(&policy.opt->allowed[i], i, p))
			return i;
	return NO_RULE;
}

static bool has_flows(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP || is_echo_request(p);
}

static enum verdict refuse(const uint8_t *head, size_t n, const struct packet *p, uint8_t *answer, size_t *answer_len)
{
	*answer_len = answer_refusal(head, n, p, answer);
	if (!*answer_len)
		return DROP;
	netlog_refused(p);
	return ANSWER;
}

static bool is_name_of_list(const char *name)
{
	for (size_t i = 0; i < policy.opt->nallowed; i++)
		if (allow_has_name(&policy.opt->allowed[i], name))
			return true;
	return false;
}

/*
 * A question to the host's resolver that no rule lets pass, by a box whose list has names. A name
 * of the list is asked for, and nothing else.
 */
static enum verdict ask_name(const uint8_t *head, size_t n, const struct packet *p, uint8_t *answer, size_t *answer_len)
{
	struct flow_key key = key_of(p, true);
	size_t bytes = n > p->data ? n - p->data : 0;
	char name[MAX_NAME];
	struct flow *f;

	if (bytes != p->bytes || !dns_question(head + p->data, bytes, name))
		return refuse(head, n, p, answer, answer_len);
	if (!is_name_of_list(name)) {
		uint8_t no[FRAME_LOOKED_AT];

		netlog_name_refused(name);
		*answer_len = answer_udp(p, no, dns_deny(head + p->data, bytes, no), answer);
		return ANSWER;
	}
	f = flow_find(&key) ?: flow_begin(&key, false, NO_RULE);
	flow_moves(f, p, true);
	return PASS;
}

/* What begins, or goes on without a flow. */
static enum verdict begin(const uint8_t *head, size_t n, const struct packet *p, uint8_t *answer, size_t *answer_len)
{
	struct flow_key key = key_of(p, true);
	int rule = find_rule(p);

	if (rule == NO_RULE && policy.names && p->protocol == IPPROTO_UDP && p->to_port == PORT_DNS && is_resolver(&p->to))
		return ask_name(head, n, p, answer, answer_len);
	if (rule == NO_RULE)
		return refuse(head, n, p, answer, answer_len);
	if (has_flows(p))
		flow_moves(flow_begin(&key, false, rule), p, true);
	return PASS;
}

static bool is_syn(const struct packet *p)
{
	return p->protocol == IPPROTO_TCP && (p->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* The flow that it belongs to. A connection that is opened anew is another one. */
static struct flow *flow_of(const struct packet *p, bool out)
{
	struct flow_key key = key_of(p, out);
	struct flow *f = flow_find(&key);

	return f && is_syn(p) && (f->closed || f->inbound == out) ? NULL : f;
}

static enum verdict decide(const uint8_t *head, size_t n, const struct packet *p, uint8_t *answer, size_t *answer_len)
{
	struct flow *f = flow_of(p, true);

	/* Each question has a name of its own. */
	if (!f || (!f->inbound && f->rule == NO_RULE))
		return begin(head, n, p, answer, answer_len);
	if (f->inbound && p->flags & TCP_SYN)
		ack_wanted(f, head, p);
	flow_moves(f, p, true);
	return PASS;
}

enum verdict policy_out(const uint8_t *head, size_t n, size_t len, uint8_t answer[ANSWER_MAX], size_t *answer_len)
{
	struct packet p;

	if (n > 13 && head[12] == ETHERTYPE_ARP >> 8 && head[13] == (ETHERTYPE_ARP & 0xff))
		return PASS;
	if (!read_packet(head, n, len, &p) || !is_from_box(&p))
		return DROP;
	if (stays_on_link(&p))
		return PASS;
	if (is_loopback(&p.to))
		return DROP;
	watch_expiry();
	if (p.hidden)
		return refuse(head, n, &p, answer, answer_len);
	return decide(head, n, &p, answer, answer_len);
}

static void learn_for_rules(const char *name, const struct in6_addr *addr, uint32_t ttl)
{
	for (size_t i = 0; i < policy.opt->nallowed; i++)
		if (allow_has_name(&policy.opt->allowed[i], name))
			learn(addr, i, ttl);
}

/*
 * The host's resolver answers the guest: from now on the guest may connect to what it has learned.
 */
static void hear_answer(const uint8_t *frame, const struct packet *p)
{
	char name[MAX_NAME];

	if (policy.names && p->protocol == IPPROTO_UDP && p->from_port == PORT_DNS && is_resolver(&p->from))
		dns_addresses(frame + p->data, p->bytes, name, learn_for_rules);
}

/* What comes in without a flow. Only a box with a list looks whether it was asked for. */
static bool comes_in(const struct packet *p)
{
	struct flow_key key = key_of(p, false);

	if (is_box_port(p) && (p->protocol == IPPROTO_UDP || is_syn(p))) {
		watch_expiry();
		flow_moves(flow_begin(&key, true, NO_RULE), p, false);
		return true;
	}
	return !policy.opt->nallowed || stays_on_link(p) || is_of_dhcp(p) || p->protocol == IPPROTO_ICMPV6 ||
	       p->protocol == IPPROTO_ICMP;
}

bool policy_in(const uint8_t *frame, size_t len)
{
	struct packet p;
	struct flow *f;

	if (ack_is_answer(frame, len))
		return false;
	if (!read_packet(frame, len, len, &p))
		return true;
	f = flow_of(&p, false);
	if (!f)
		return comes_in(&p);
	hear_answer(frame, &p);
	flow_moves(f, &p, false);
	return true;
}
