// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "box.h"
#include "ports.h"

static bool number(const char **s, uint16_t *port)
{
	uint32_t n = 0;
	bool ok = next_number(s, 65536, &n);

	*port = n;
	return ok && n;
}

/* What comes before the ports; they follow behind it. */
static bool address(const char **s, struct port *p)
{
	bool six = **s == '[';
	const char *begin = *s + six, *end = six ? strchr(begin, ']') : strchr(begin, ':');
	char any[16];

	p->family = AF_UNSPEC;
	*p->addr = 0;
	if (!six && end && !strchr(end + 1, ':'))
		return true;
	if (!end || (six && end[1] != ':') || end - begin >= (int)sizeof(p->addr))
		return false;
	memcpy(p->addr, begin, end - begin);
	p->addr[end - begin] = 0;
	p->family = six ? AF_INET6 : AF_INET;
	*s = end + 1 + six;
	return inet_pton(p->family, p->addr, any) == 1;
}

static bool protocol(const char *s, bool *udp)
{
	*udp = !strcmp(s, "/udp");
	return !*s || *udp || !strcmp(s, "/tcp");
}

bool parse_port(const char *s, struct port *p)
{
	memset(p, 0, sizeof(*p));
	return address(&s, p) && number(&s, &p->host) && *s++ == ':' && number(&s, &p->guest) && protocol(s, &p->udp);
}

bool parse_loopback_port(const char *s, struct loopback_port *p)
{
	return number(&s, &p->port) && protocol(s, &p->udp);
}

/*
 * Bound for a moment. Who listens at a port of TCP is told from a connection there that has just
 * ended by SO_REUSEADDR and listen(2) (socket(7)).
 */
static bool is_free(int type, const struct sockaddr *a, socklen_t len)
{
	int fd = socket(a->sa_family, type | SOCK_CLOEXEC, 0), one = 1, err;

	if (fd < 0)
		return errno == EAFNOSUPPORT;
	if (a->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	err = bind(fd, a, len) || (type == SOCK_STREAM && listen(fd, 1)) ? errno : 0;
	close(fd);
	errno = err;
	return !err;
}

bool port_is_free(const struct port *p, bool ipv6)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(p->host) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(p->host) };
	int type = p->udp ? SOCK_DGRAM : SOCK_STREAM;

	if (p->family == AF_INET)
		inet_pton(AF_INET, p->addr, &four.sin_addr);
	if (p->family == AF_INET6)
		inet_pton(AF_INET6, p->addr, &six.sin6_addr);
	return (p->family == AF_INET6 || is_free(type, (struct sockaddr *)&four, sizeof(four))) &&
	       (p->family == AF_INET || !ipv6 || is_free(type, (struct sockaddr *)&six, sizeof(six)));
}
