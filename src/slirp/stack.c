// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <limits.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include "alias.h"
#include "cable.h"
#include "netaddr.h"
#include "stack.h"

static struct {
	Slirp *slirp;
	struct pollfd polls[1 + STACK_FILES];	/* the cable is the first one */
	int npolls;
	/* By descriptor: a socket that libslirp has opened, or listens at for -p. */
	bool open[STACK_FILES], listens[STACK_FILES];
	int nopen, nlisten;
	int nforwards;		/* of nopen: those for -p by UDP, which are no connections */
	int most;		/* of nopen and nlisten together, and SPARE */
} stack;

#define SPARE 16		/* descriptors for all else */

static ssize_t send_packet(const void *frame, size_t len, void *opaque)
{
	(void)opaque;
	cable_send(frame, len, alias_in);
	return len;
}

static int64_t clock_ns(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void guest_error(const char *message, void *opaque)
{
	(void)message;
	(void)opaque;
}

/* The one timer is for router advertisements: the guest's init has set up what they would tell. */
static void *timer_new(SlirpTimerId id, void *cb_opaque, void *opaque)
{
	static char timer;

	(void)id;
	(void)cb_opaque;
	(void)opaque;
	return &timer;
}

static void timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void timer_mod(void *timer, int64_t at, void *opaque)
{
	(void)timer;
	(void)at;
	(void)opaque;
}

/* libslirp says of some descriptors that they are closed and not that they are open. */
static void set_open(int fd, bool open)
{
	if (fd < 0 || fd >= STACK_FILES || stack.open[fd] == open)
		return;
	stack.open[fd] = open;
	stack.nopen += open ? 1 : -1;
}

static void opened(int fd, void *opaque)
{
	(void)opaque;
	set_open(fd, true);
}

static void closed(int fd, void *opaque)
{
	(void)opaque;
	set_open(fd, false);
}

/* Each turn asks libslirp anew what it waits for. */
static void notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet, .guest_error = guest_error, .clock_get_ns = clock_ns,
	.timer_new_opaque = timer_new, .timer_free = timer_free, .timer_mod = timer_mod,
	.register_poll_fd = opened, .unregister_poll_fd = closed, .notify = notify,
};

static struct in_addr four(const char *text)
{
	struct in_addr a;

	inet_pton(AF_INET, text, &a);
	return a;
}

static struct in6_addr six(const char *text)
{
	struct in6_addr a;

	inet_pton(AF_INET6, text, &a);
	return a;
}

/*
 * libslirp has the addresses of name servers so that it answers for them (ARP, NDP): see alias.h.
 */
bool stack_start(bool ipv6)
{
	SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.vnetwork = { four(NET_GATEWAY4).s_addr & htonl(UINT_MAX << (32 - NET_PREFIX4)) },
		.vnetmask = { htonl(UINT_MAX << (32 - NET_PREFIX4)) },
		.vhost = four(NET_GATEWAY4),
		.vdhcp_start = four(NET_BOX4),
		.vnameserver = four(NET_DNS4),
		.in6_enabled = ipv6,
		.vprefix_addr6 = six(NET_NET6),
		.vprefix_len = NET_PREFIX6,
		.vhost6 = six(NET_SLIRP_GATEWAY6),
		.vnameserver6 = six(NET_DNS6),
		.disable_dns = true,
		.if_mtu = NET_MTU,
		.if_mru = NET_MTU,
	};

	stack.slirp = slirp_new(&config, &callbacks, NULL);
	return stack.slirp;
}

static bool forward4(const struct port *p, int flags)
{
	struct sockaddr_in host = { .sin_family = AF_INET, .sin_port = htons(p->host) };
	struct sockaddr_in guest = { .sin_family = AF_INET, .sin_port = htons(p->guest), .sin_addr = four(NET_BOX4) };

	if (*p->addr)
		host.sin_addr = four(p->addr);
	return !slirp_add_hostxfwd(stack.slirp, (struct sockaddr *)&host, sizeof(host),
				   (struct sockaddr *)&guest, sizeof(guest), flags);
}

static bool forward6(const struct port *p, int flags)
{
	struct sockaddr_in6 host = { .sin6_family = AF_INET6, .sin6_port = htons(p->host) };
	struct sockaddr_in6 guest = { .sin6_family = AF_INET6, .sin6_port = htons(p->guest), .sin6_addr = six(NET_BOX6) };

	if (*p->addr)
		host.sin6_addr = six(p->addr);
	return !slirp_add_hostxfwd(stack.slirp, (struct sockaddr *)&host, sizeof(host),
				   (struct sockaddr *)&guest, sizeof(guest), flags | SLIRP_HOSTFWD_V6ONLY);
}

bool stack_forward(const struct port *p, bool ipv6)
{
	int flags = p->udp ? SLIRP_HOSTFWD_UDP : 0;

	return (p->family == AF_INET6 || forward4(p, flags)) && (p->family == AF_INET || !ipv6 || forward6(p, flags));
}

/* Who waits to be accepted when there is no descriptor for him would be there again at once. */
static bool has_to_wait(int fd)
{
	return stack.listens[fd] && stack.nopen + stack.nlisten + SPARE >= stack.most;
}

static int add_poll(int fd, int events, void *opaque)
{
	struct pollfd *p = &stack.polls[stack.npolls];

	(void)opaque;
	*p = (struct pollfd) { .fd = fd };
	if (events & SLIRP_POLL_OUT)
		p->events |= POLLOUT;
	if (events & SLIRP_POLL_IN && !cable_is_full())
		p->events |= POLLIN;
	if (events & SLIRP_POLL_PRI && !cable_is_full())
		p->events |= POLLPRI;
	/* One that is waited for by nothing would still say that it has been hung up. */
	if (!p->events || stack.npolls > STACK_FILES || has_to_wait(fd))
		return -1;
	return stack.npolls++;
}

/* What is read of a socket becomes frames, of which there may be enough by now. */
static int events_of(int i, void *opaque)
{
	static const struct { short events; int slirp; } map[] = {
		{ POLLIN, SLIRP_POLL_IN }, { POLLOUT, SLIRP_POLL_OUT }, { POLLPRI, SLIRP_POLL_PRI },
		{ POLLERR, SLIRP_POLL_ERR }, { POLLHUP, SLIRP_POLL_HUP },
	};
	short revents = stack.polls[i].revents;
	int events = 0;

	(void)opaque;
	if (cable_is_full())
		revents &= POLLOUT;
	for (size_t m = 0; m < sizeof(map) / sizeof(map[0]); m++)
		if (revents & map[m].events)
			events |= map[m].slirp;
	return events;
}

/* libslirp has a queue of one connection. Those of UDP cannot listen, and are open already. */
static int listen_to(int fd, int events, void *opaque)
{
	(void)events;
	(void)opaque;
	stack.listens[fd] = !listen(fd, SOMAXCONN);
	stack.nlisten += stack.listens[fd];
	return -1;
}

void stack_forwarded(void)
{
	uint32_t timeout = UINT32_MAX;
	struct rlimit files;

	slirp_pollfds_fill(stack.slirp, &timeout, listen_to, NULL);
	stack.nforwards = stack.nopen;
	stack.most = getrlimit(RLIMIT_NOFILE, &files) || files.rlim_cur > STACK_FILES ? STACK_FILES : (int)files.rlim_cur;
}

static void take(uint8_t *frame, size_t len)
{
	if (alias_out(frame, len))
		slirp_input(stack.slirp, frame, len);
}

/* libslirp wants to be woken up each second in any case, and twice where a port is forwarded. */
static int milliseconds(uint32_t wanted)
{
	if (cable_has_frames())
		return 0;
	return stack.nopen > stack.nforwards && wanted <= INT_MAX ? (int)wanted : -1;
}

/* What answers the guest's frames goes before the host's sockets are read, which takes its time. */
bool stack_turn(void)
{
	uint32_t timeout = UINT32_MAX;
	int n;

	stack.npolls = 1;
	slirp_pollfds_fill(stack.slirp, &timeout, add_poll, NULL);
	stack.polls[0] = cable_polls();
	n = poll(stack.polls, stack.npolls, milliseconds(timeout));
	if (n < 0)
		stack.polls[0].revents = 0;
	if (!cable_flush() || !cable_receive(stack.polls[0].revents, take) || !cable_flush())
		return false;
	slirp_pollfds_poll(stack.slirp, n < 0, events_of, NULL);
	return cable_flush();
}
