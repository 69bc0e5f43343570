/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RESOLV_H
#define RESOLV_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#define RESOLVERS_MAX	3	/* that libc looks at (MAXNS) */

/* What the engine passes on to a resolver of the host's, as resolv.conf(5) of the host is. */
struct resolvers {
	bool forward4, forward6;	/* the first one of a family is on the host's loopback: */
	char host4[INET_ADDRSTRLEN];	/* this address */
	char text[4096];		/* resolv.conf(5) of the guest, */
	struct in6_addr addr[RESOLVERS_MAX];	/* and those that it names, of IPv4 as ::ffff:a.b.c.d */
	int count;
};

/*
 * host: the host's file. What is on its loopback has another address in the guest; of a family the
 * guest has one such resolver. ipv6: the guest has it.
 */
void make_resolvers(struct resolvers *r, const char *host, bool ipv6);
#endif
