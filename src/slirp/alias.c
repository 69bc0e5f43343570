// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <string.h>
#include "alias.h"
#include "bytes.h"
#include "netaddr.h"

#define PORT_DNS	53
#define PORT_DHCP	67
#define TYPE		12	/* where the type is in a frame */
#define IP		14	/* and what follows it */
#define SUM4		(IP + 10)

enum { FROM, TO };		/* in arrays of two */

/* What is aliased: of a port, or, if that is 0, of all. */
struct alias {
	int family;
	uint8_t guest[16], libslirp[16];
	uint16_t port;
	bool used;
};

static struct alias aliases[] = {
	{ .family = AF_INET, .port = PORT_DNS },
	{ .family = AF_INET6, .port = PORT_DNS },
	{ .family = AF_INET6 },
};

#define ALIASES (sizeof(aliases) / sizeof(aliases[0]))

/* Where things are in a frame of IP. The last three are NULL where there are no ports. */
struct layout {
	int family;
	uint8_t protocol;
	uint8_t *address[2];
	size_t size;		/* of an address */
	size_t payload;
	uint8_t *port[2], *sum;
};

static bool find_packet(uint8_t *f, size_t len, struct layout *l)
{
	*l = (struct layout) { 0 };
	if (get_word(f + TYPE) == ETHERTYPE_IP && len >= IP + 20) {
		l->family = AF_INET;
		l->size = 4;
		l->protocol = f[IP + 9];
		l->address[FROM] = f + IP + 12;
		l->payload = IP + (f[IP] & 15) * 4;
	} else if (get_word(f + TYPE) == ETHERTYPE_IPV6 && len >= IP + 40) {
		l->family = AF_INET6;
		l->size = 16;
		l->protocol = f[IP + 6];
		l->address[FROM] = f + IP + 8;
		l->payload = IP + 40;
	} else {
		return false;
	}
	l->address[TO] = l->address[FROM] + l->size;
	return true;
}

/* A fragment but the first one has none, nor has a first one that is too short. */
static void find_ports(uint8_t *f, size_t len, struct layout *l)
{
	bool tcp = l->protocol == IPPROTO_TCP;

	if ((!tcp && l->protocol != IPPROTO_UDP) || len < l->payload + (tcp ? 20 : 8) ||
	    (l->family == AF_INET && get_word(f + IP + 6) & 0x1fff))
		return;
	l->port[FROM] = f + l->payload;
	l->port[TO] = f + l->payload + 2;
	l->sum = f + l->payload + (tcp ? 16 : 6);
}

static bool find(uint8_t *f, size_t len, struct layout *l)
{
	if (!find_packet(f, len, l))
		return false;
	find_ports(f, len, l);
	return true;
}

/* The sum is of words in ones' complement, so what a word gains the sum loses (RFC 1624). */
static uint16_t sum_changed(uint16_t sum, const uint8_t *old, const uint8_t *new, size_t size)
{
	uint32_t s = (uint16_t)~sum;

	for (size_t i = 0; i < size; i += 2)
		s += (uint16_t)~get_word(old + i) + get_word(new + i);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return ~s;
}

/* UDP has 0 for "no sum", and 0xffff for the sum 0. */
static void set_address(uint8_t *f, const struct layout *l, int which, const uint8_t *new)
{
	uint8_t *old = l->address[which];
	bool udp = l->protocol == IPPROTO_UDP;
	uint16_t sum;

	if (!udp || get_word(l->sum)) {
		sum = sum_changed(get_word(l->sum), old, new, l->size);
		put_word(l->sum, udp && !sum ? 0xffff : sum);
	}
	if (l->family == AF_INET)
		put_word(f + SUM4, sum_changed(get_word(f + SUM4), old, new, l->size));
	memcpy(old, new, l->size);
}

static const struct alias *alias_of(const struct layout *l, int which, bool by_guest)
{
	for (const struct alias *a = aliases; l->sum && a < aliases + ALIASES; a++)
		if (a->used && a->family == l->family && (!a->port || a->port == get_word(l->port[which])) &&
		    !memcmp(by_guest ? a->guest : a->libslirp, l->address[which], l->size))
			return a;
	return NULL;
}

/* By these libslirp understands the host's loopback; by one of them also DHCP, and NDP. */
static bool is_loopback_too(const struct layout *l)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	bool dhcp = l->sum && l->protocol == IPPROTO_UDP && get_word(l->port[TO]) == PORT_DHCP;
	struct in6_addr net;

	if (l->family == AF_INET)
		return !memcmp(l->address[TO], broadcast, 4) && !dhcp;
	inet_pton(AF_INET6, NET_NET6, &net);
	return l->protocol != IPPROTO_ICMPV6 &&
	       (l->address[TO][0] == 0xff || !memcmp(l->address[TO], &net, NET_PREFIX6 / 8));
}

/* The guest's init has set up all that a router would tell. */
static bool asks_for_router(const uint8_t *f, size_t len, const struct layout *l)
{
	return l->protocol == IPPROTO_ICMPV6 && len > l->payload && f[l->payload] == ND_ROUTER_SOLICIT;
}

bool alias_out(uint8_t *frame, size_t len)
{
	const struct alias *a;
	struct layout l;

	if (!find(frame, len, &l))
		return true;
	a = alias_of(&l, TO, true);
	if (a)
		set_address(frame, &l, TO, a->libslirp);
	return a || (!is_loopback_too(&l) && !asks_for_router(frame, len, &l));
}

void alias_in(uint8_t *frame, size_t len)
{
	const struct alias *a;
	struct layout l;

	if (!find(frame, len, &l))
		return;
	a = alias_of(&l, FROM, false);
	if (a)
		set_address(frame, &l, FROM, a->guest);
}

static bool set_alias(struct alias *a, const char *guest, const char *libslirp)
{
	a->used = inet_pton(a->family, guest, a->guest) == 1 && inet_pton(a->family, libslirp, a->libslirp) == 1;
	return a->used;
}

bool alias_resolver(const char *address)
{
	return strchr(address, ':') ? set_alias(&aliases[1], NET_DNS6, address) :
				      set_alias(&aliases[0], NET_DNS4, address);
}

static void __attribute__((constructor)) alias_gateway(void)
{
	set_alias(&aliases[2], NET_GATEWAY6, NET_SLIRP_GATEWAY6);
}
