/* SPDX-License-Identifier: GPL-2.0-only */
/* Ports of the host that are the box's: -p. */
#ifndef PORTS_H
#define PORTS_H
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port {
	bool udp;
	int family;		/* of the address; AF_UNSPEC: all of the host's */
	char addr[INET6_ADDRSTRLEN];
	uint16_t host, guest;
};

/* A port of the host's loopback that the box reaches, at its gateway: --host-loopback. */
struct loopback_port {
	bool udp;
	uint16_t port;
};

/* PORT[/tcp|/udp]. */
bool parse_loopback_port(const char *s, struct loopback_port *p);
/* [ADDR:]HOST:GUEST[/tcp|/udp], an address of IPv6 in brackets. */
bool parse_port(const char *s, struct port *p);
/* The host's port is free, for each family; else false, and errno says why. */
bool port_is_free(const struct port *p, bool ipv6);
#endif
