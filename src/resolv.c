// SPDX-License-Identifier: GPL-2.0-only
/* resolv.conf(5) of a guest: the host's resolvers, as the guest reaches them. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "netaddr.h"
#include "packet.h"
#include "resolv.h"

struct seen {
	int four, six;	/* resolvers of the host's so far, by family */
};

static void add(struct resolvers *r, const char *what, const char *value)
{
	size_t used = strlen(r->text);

	/* A line is whole, or it is not there. */
	if (used + strlen(what) + strlen(value) + 2 < sizeof(r->text))
		snprintf(r->text + used, sizeof(r->text) - used, "%s%s\n", what, value);
}

static void add_resolver(struct resolvers *r, const char *addr)
{
	if (r->count == RESOLVERS_MAX)
		return;
	r->addr[r->count++] = address_of(addr);
	add(r, "nameserver ", addr);
}

/* connect(2) takes 0.0.0.0 for loopback, too. */
static void four(struct resolvers *r, struct seen *seen, const char *addr, struct in_addr a)
{
	unsigned int top = ntohl(a.s_addr) >> 24;
	bool first = !seen->four++;

	if (top && top != 127) {
		add_resolver(r, addr);
	} else if (first) {
		r->forward4 = true;
		strcpy(r->host4, top ? addr : "127.0.0.1");
		add_resolver(r, NET_DNS4);
	}
}

static void six(struct resolvers *r, struct seen *seen, const char *addr, const struct in6_addr *a)
{
	bool first = !seen->six++;

	if (!IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_UNSPECIFIED(a)) {
		add_resolver(r, addr);
	} else if (first) {
		r->forward6 = true;
		add_resolver(r, NET_DNS6);
	}
}

static bool is_word(const char *line, size_t n, const char *word)
{
	return strlen(word) == n && !memcmp(line, word, n);
}

static void take_line(struct resolvers *r, struct seen *seen, char *line, bool ipv6)
{
	size_t n = strcspn(line, " \t");
	char *value = line + n + strspn(line + n, " \t");
	struct in6_addr a6;
	struct in_addr a4;

	if (is_word(line, n, "search") || is_word(line, n, "options") || is_word(line, n, "domain"))
		add(r, "", line);
	if (!is_word(line, n, "nameserver"))
		return;
	value[strcspn(value, " \t#;")] = 0;
	/*
	 * An address of a link's own has the link's name behind it, which the guest does not have.
	 */
	if (inet_pton(AF_INET, value, &a4) == 1)
		four(r, seen, value, a4);
	else if (ipv6 && inet_pton(AF_INET6, value, &a6) == 1)
		six(r, seen, value, &a6);
}

void make_resolvers(struct resolvers *r, const char *host, bool ipv6)
{
	struct seen seen = { 0 };
	char line[512];

	memset(r, 0, sizeof(*r));
	while (*host) {
		size_t n = strcspn(host, "\n");

		snprintf(line, sizeof(line), "%.*s", n < sizeof(line) ? (int)n : 0, host);
		take_line(r, &seen, line, ipv6);
		host += n + (host[n] == '\n');
	}
}
