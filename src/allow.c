// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "allow.h"
#include "box.h"
#include "packet.h"

/* PORT or PORT-PORT. */
static bool parse_ports(const char *s, struct allow *a, const char **why)
{
	uint32_t first, last;
	bool ok = next_number(&s, 65536, &first) && first;

	last = first;
	if (ok && *s == '-') {
		s++;
		ok = next_number(&s, 65536, &last) && last >= first;
	}
	a->first = first;
	a->last = last;
	*why = "ports are numbers from 1 to 65535, PORT or FIRST-LAST";
	return ok && !*s;
}

/* What is before the ports is cut off: its end, or NULL. */
static bool split(char *s, char **ports)
{
	char *colon = strrchr(s, ':');

	*ports = NULL;
	if (*s == '[') {
		char *end = strchr(s, ']');

		if (!end || !memchr(s, ':', end - s) || !strchr("/:", end[1]))
			return false;
		memmove(s, s + 1, end - s - 1);
		memmove(end - 1, end + 1, strlen(end + 1) + 1);
		colon = strchr(end - 1, ':');
	} else if (colon && strchr(s, ':') != colon) {
		return true;	/* an address of IPv6 without brackets has no ports */
	}
	if (colon) {
		*colon = 0;
		*ports = colon + 1;
	}
	return true;
}

static bool looks_like_address(const char *s)
{
	return strchr(s, ':') || strchr(s, '/') || !s[strspn(s, "0123456789.")];
}

static bool parse_addresses(char *s, struct allow *a, const char **why)
{
	char *slash = strchr(s, '/');
	unsigned int bits = 32;
	uint8_t raw[16];
	const char *len;
	uint32_t n;

	*why = "that is not an address, nor ADDR/LEN";
	if (slash)
		*slash = 0;
	if (inet_pton(AF_INET, s, raw) != 1) {
		bits = 128;
		if (inet_pton(AF_INET6, s, raw) != 1)
			return false;
	}
	a->addr = address_of(s);
	a->prefix = 128;
	if (is_v4(&a->addr) != (bits == 32))	/* IPv4 has a form of its own */
		return false;
	if (slash) {
		len = slash + 1;
		if (!next_number(&len, bits + 1, &n) || *len)
			return false;
		a->prefix = 128 - bits + n;
	}
	*why = "that is this machine's loopback; see --host-loopback";
	return a->prefix < 104 || !is_loopback(&a->addr);
}

/*
 * Letters, digits, hyphens and underlines, in parts of 1 to 63 (RFC 1035, 2.3.1, and what there
 * is).
 */
static bool is_name(const char *s)
{
	size_t part = 0;

	for (; *s; s++) {
		if (*s == '.' ? !part : !isalnum((unsigned char)*s) && *s != '-' && *s != '_')
			return false;
		part = *s == '.' ? 0 : part + 1;
		if (part > 63)
			return false;
	}
	return part;
}

static bool parse_name(const char *s, struct allow *a, const char **why)
{
	size_t n;

	a->below = !strncmp(s, "*.", 2);
	s += a->below * 2;
	n = strlen(s);
	n -= n && s[n - 1] == '.';
	*why = "that is neither an address nor a name";
	if (n >= MAX_NAME)
		return false;
	for (size_t i = 0; i < n; i++)
		a->name[i] = tolower((unsigned char)s[i]);
	return is_name(a->name);
}

bool parse_allow(const char *arg, struct allow *a, const char **why)
{
	char s[MAX_NAME + 64], *ports;

	memset(a, 0, sizeof(*a));
	a->last = 65535;
	*why = "give ADDR[/LEN][:PORT[-PORT]], NAME[:PORT[-PORT]] or dns, an address of IPv6 with ports in brackets";
	if (!strcmp(arg, "dns")) {
		a->what = ALLOW_DNS;
		return true;
	}
	if ((size_t)snprintf(s, sizeof(s), "%s", arg) >= sizeof(s) || !split(s, &ports) || !*s)
		return false;
	if (ports && !parse_ports(ports, a, why))
		return false;
	a->what = looks_like_address(s) ? ALLOW_ADDRESSES : ALLOW_NAME;
	return a->what == ALLOW_NAME ? parse_name(s, a, why) : parse_addresses(s, a, why);
}

bool allow_has_name(const struct allow *a, const char *name)
{
	size_t n = strlen(name), own = strlen(a->name);

	/* A dot behind a backslash is a label's own, and none between two. */
	if (a->what != ALLOW_NAME || strchr(name, '\\'))
		return false;
	if (a->below)
		return n > own + 1 && name[n - own - 1] == '.' && !strcmp(name + n - own, a->name);
	return !strcmp(name, a->name);
}

bool allow_has_address(const struct allow *a, const struct in6_addr *addr)
{
	unsigned int bytes = a->prefix / 8, bits = a->prefix % 8;

	/* ::/0 is all of IPv6, and no IPv4. */
	return a->what == ALLOW_ADDRESSES && is_v4(&a->addr) == is_v4(addr) && !memcmp(&a->addr, addr, bytes) &&
	       (!bits || !((a->addr.s6_addr[bytes] ^ addr->s6_addr[bytes]) >> (8 - bits)));
}

bool allow_has_port(const struct allow *a, int port)
{
	return port < 0 ? !a->first && a->last == 65535 : port >= a->first && port <= a->last;
}
