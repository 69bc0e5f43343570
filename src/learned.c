// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "box.h"
#include "learned.h"
#include "packet.h"

#define GRACE	10		/* seconds more: a program takes its time from the answer to its connection */
#define AT_MOST	86400

static struct {
	struct in6_addr addr;
	int rule;
	time_t until;
} learned[LEARNED_MAX];

static int count;

static int find(const struct in6_addr *addr, int rule)
{
	for (int i = 0; i < count; i++)
		if (learned[i].rule == rule && IN6_ARE_ADDR_EQUAL(&learned[i].addr, addr))
			return i;
	return -1;
}

/* A new one, or the one that ends first. */
static int take_place(void)
{
	int first = 0;

	if (count < LEARNED_MAX)
		return count++;
	for (int i = 1; i < LEARNED_MAX; i++)
		if (learned[i].until < learned[first].until)
			first = i;
	return first;
}

void learn(const struct in6_addr *addr, int rule, uint32_t ttl)
{
	time_t until = seconds() + GRACE + (ttl > AT_MOST ? AT_MOST : ttl);
	int i = find(addr, rule);

	if (is_loopback(addr) || is_multicast(addr) || is_link_local(addr) || is_box_network(addr))
		return;
	if (i < 0) {
		i = take_place();
		learned[i].addr = *addr;
		learned[i].rule = rule;
		learned[i].until = until;
	}
	if (learned[i].until < until)
		learned[i].until = until;
}

bool is_learned(const struct in6_addr *addr, int rule)
{
	int i = find(addr, rule);

	return i >= 0 && learned[i].until >= seconds();
}

void forget_all(void)
{
	count = 0;
}
