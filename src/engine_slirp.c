// SPDX-License-Identifier: GPL-2.0-only
/* kbox-slirp (src/slirp), which comes with kbox, but needs libslirp. It needs no user namespace. */
#include <stdio.h>
#include <unistd.h>
#include "engine.h"

static bool find(char path[PATH_MAX])
{
	const char *at = companion("kbox-slirp", "KBOX_SLIRP", path, PATH_MAX);

	if (at != path)
		snprintf(path, PATH_MAX, "%s", at);
	return !access(path, X_OK);
}

/* As -p has it. */
static void add_port(struct engine_args *a, const struct port *p)
{
	const char *proto = p->udp ? "udp" : "tcp";

	if (p->family == AF_INET6)
		engine_argf(a, "-p", "[%s]:%d:%d/%s", p->addr, p->host, p->guest, proto);
	else
		engine_argf(a, "-p", "%s%s%d:%d/%s", p->addr, *p->addr ? ":" : "", p->host, p->guest, proto);
}

/* The gateway is the host's loopback: policy.c says what comes there. */
static void arguments(struct engine_args *a, const struct box *b)
{
	const struct resolvers *r = &b->net.resolvers;

	if (!b->net.ipv6)
		engine_arg(a, "--ipv4-only", NULL);
	if (r->forward4)
		engine_arg(a, "--resolver", r->host4);
	if (r->forward6)
		engine_arg(a, "--resolver", "::1");
	for (size_t i = 0; i < b->opt.nports; i++)
		add_port(a, &b->opt.ports[i]);
}

const struct engine_kind engine_slirp = { "kbox-slirp", find, arguments };
