/* SPDX-License-Identifier: GPL-2.0-only */
/* What a box may reach: the list of --allow, and what its names have for addresses. */
#ifndef ALLOW_H
#define ALLOW_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_NAME	254	/* of the DNS, as text (RFC 1035, 2.3.4), with its NUL */

struct allow {
	enum { ALLOW_ADDRESSES, ALLOW_NAME, ALLOW_DNS } what;
	struct in6_addr addr;		/* IPv4's as ::ffff:a.b.c.d */
	unsigned int prefix;		/* of its bits, so many count */
	char name[MAX_NAME];		/* lower case, without the last dot */
	bool below;			/* and all names that end in .NAME, but not itself (*.NAME) */
	uint16_t first, last;		/* ports of TCP and UDP; 0 and 65535: all protocols */
};

/*
 * ADDR[/LEN][:PORT[-PORT]], [ADDR6][/LEN][:PORT[-PORT]], ADDR6[/LEN], NAME[:PORT[-PORT]],
 * *.NAME[:PORT[-PORT]], or dns. False: why says what is wrong.
 */
bool parse_allow(const char *s, struct allow *a, const char **why);

/* A name of the DNS, in lower case and as ns_name_ntop(3) writes it, is one of this rule's. */
bool allow_has_name(const struct allow *a, const char *name);
/*
 * By the address of the rule itself, or for what one of its names has for addresses. port: -1:
 * none.
 */
bool allow_has_address(const struct allow *a, const struct in6_addr *addr);
bool allow_has_port(const struct allow *a, int port);
#endif
