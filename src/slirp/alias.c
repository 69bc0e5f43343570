// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <string.h>
#include "alias.h"
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

/* Where things are in a frame with TCP or UDP. */
struct layout {
	int family;
	uint8_t protocol;
	uint8_t *address[2], *port[2], *sum;
	size_t size;		/* of an address */
};

static uint16_t word(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void set_word(uint8_t *p, uint16_t w)
{
	p[0] = w >> 8;
	p[1] = w;
}

/* Where the packet's payload is; 0: the frame has none that libslirp would look at. */
static size_t find_payload(uint8_t *f, size_t len, struct layout *l)
{
	switch (word(f + TYPE)) {
	case ETHERTYPE_IP:
		/* Behind a fragment's header there are no ports. */
		if (len < IP + 20 || word(f + IP + 6) & 0x1fff)
			return 0;
		*l = (struct layout) { AF_INET, f[IP + 9], { f + IP + 12, f + IP + 16 }, .size = 4 };
		return IP + (f[IP] & 15) * 4;
	case ETHERTYPE_IPV6:
		if (len < IP + 40)
			return 0;
		*l = (struct layout) { AF_INET6, f[IP + 6], { f + IP + 8, f + IP + 24 }, .size = 16 };
		return IP + 40;
	}
	return 0;
}

static bool find(uint8_t *f, size_t len, struct layout *l)
{
	size_t at = find_payload(f, len, l);
	bool tcp = l->protocol == IPPROTO_TCP;

	if (!at || (!tcp && l->protocol != IPPROTO_UDP) || len < at + (tcp ? 20 : 8))
		return false;
	l->port[FROM] = f + at;
	l->port[TO] = f + at + 2;
	l->sum = f + at + (tcp ? 16 : 6);
	return true;
}

/* The sum is of words in ones' complement, so what a word gains the sum loses (RFC 1624). */
static uint16_t sum_changed(uint16_t sum, const uint8_t *old, const uint8_t *new, size_t size)
{
	uint32_t s = (uint16_t)~sum;

	for (size_t i = 0; i < size; i += 2)
		s += (uint16_t)~word(old + i) + word(new + i);
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

	if (!udp || word(l->sum)) {
		sum = sum_changed(word(l->sum), old, new, l->size);
		set_word(l->sum, udp && !sum ? 0xffff : sum);
	}
	if (l->family == AF_INET)
		set_word(f + SUM4, sum_changed(word(f + SUM4), old, new, l->size));
	memcpy(old, new, l->size);
}

static const struct alias *alias_of(const struct layout *l, int which, bool by_guest)
{
	for (const struct alias *a = aliases; a < aliases + ALIASES; a++)
		if (a->used && a->family == l->family && (!a->port || a->port == word(l->port[which])) &&
		    !memcmp(by_guest ? a->guest : a->libslirp, l->address[which], l->size))
			return a;
	return NULL;
}

/* By these libslirp understands the host's loopback; by one of them also DHCP. */
static bool is_loopback_too(const struct layout *l)
{
	static const uint8_t broadcast[4] = { 255, 255, 255, 255 };
	struct in6_addr net;

	if (l->family == AF_INET)
		return !memcmp(l->address[TO], broadcast, 4) &&
		       (l->protocol != IPPROTO_UDP || word(l->port[TO]) != PORT_DHCP);
	inet_pton(AF_INET6, NET_NET6, &net);
	return l->address[TO][0] == 0xff || !memcmp(l->address[TO], &net, NET_PREFIX6 / 8);
}

/* The guest's init has set up all that a router would tell. */
static bool asks_for_router(uint8_t *f, size_t len)
{
	struct layout l;
	size_t at = find_payload(f, len, &l);

	return at && at < len && l.protocol == IPPROTO_ICMPV6 && f[at] == ND_ROUTER_SOLICIT;
}

bool alias_out(uint8_t *frame, size_t len)
{
	const struct alias *a;
	struct layout l;

	if (!find(frame, len, &l))
		return !asks_for_router(frame, len);
	a = alias_of(&l, TO, true);
	if (a)
		set_address(frame, &l, TO, a->libslirp);
	return a || !is_loopback_too(&l);
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
