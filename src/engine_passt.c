// SPDX-License-Identifier: GPL-2.0-only
/* passt (passt(1)). It has a user namespace, a mount namespace and a filter of its own. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "engine.h"
#include "netaddr.h"

#define TEXT_OF(x)	#x
#define TEXT(x)		TEXT_OF(x)	/* of a number that is a macro */

static bool find(char path[PATH_MAX])
{
	const char *set = getenv("KBOX_PASST"), *dirs = getenv("PATH");

	if (set && *set)
		return snprintf(path, PATH_MAX, "%s", set) < PATH_MAX && !access(path, X_OK);
	for (dirs = dirs ? dirs : "/usr/bin:/bin"; *dirs; dirs += *dirs == ':') {
		size_t n = strcspn(dirs, ":");

		if (n && snprintf(path, PATH_MAX, "%.*s/passt", (int)n, dirs) < PATH_MAX && !access(path, X_OK))
			return true;
		dirs += n;
	}
	return false;
}

/* passt takes the address of a family, and the gateway, by the same option. */
static void add_addresses(struct engine_args *a, bool ipv6)
{
	engine_arg(a, "-a", NET_BOX4);
	engine_arg(a, "-n", TEXT(NET_PREFIX4));
	engine_arg(a, "-g", NET_GATEWAY4);
	if (ipv6) {
		engine_arg(a, "-a", NET_BOX6);
		engine_arg(a, "-g", NET_GATEWAY6);
	} else {
		engine_arg(a, "-4", NULL);
	}
	engine_arg(a, "-M", NET_ENGINE_MAC);
	engine_arg(a, "-m", TEXT(NET_MTU));
}

/*
 * --no-ra and --no-dhcpv6: the guest's init has set all up. --fd, which all engines have, makes it
 * end with the connection. The gateway is the host's loopback: policy.c says what comes there.
 */
static void arguments(struct engine_args *a, const struct box *b)
{
	const struct resolvers *r = &b->net.resolvers;

	engine_arg(a, "-q", NULL);
	engine_arg(a, "-f", NULL);
	engine_arg(a, "-i", b->net.interface);
	add_addresses(a, b->net.ipv6);
	engine_arg(a, "--no-ra", NULL);
	engine_arg(a, "--no-dhcpv6", NULL);
	if (r->forward4)
		engine_arg(a, "--dns-forward", NET_DNS4);
	if (r->forward6)
		engine_arg(a, "--dns-forward", NET_DNS6);
	for (const struct port *p = b->opt.ports; p < b->opt.ports + b->opt.nports; p++)
		engine_argf(a, p->udp ? "-u" : "-t", "%s%s%d:%d", p->addr, *p->addr ? "/" : "", p->host, p->guest);
}

const struct engine_kind engine_passt = { "passt", find, arguments };
