/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of descriptors of the host and their tool share: which they are, who holds them,
 * and messages with them.
 */
#ifndef HOSTFD_H
#define HOSTFD_H
#include "tap.h"
#include <poll.h>
#include <setjmp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define KBOX_IOC_TAKE	0x4b01
#define SCM_MAX		253
#define CLOEXEC_RANGE	4	/* CLOSE_RANGE_CLOEXEC */

static long close_range_(unsigned int from, unsigned int to, unsigned int flags)
{
	return syscall(SYS_close_range, from, to, flags);
}

/* Which descriptor of the host an open one of ours is; -1: of none, or a socket. */
static int host_of(int fd)
{
	char path[40], link[100] = "";
	int host = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, link, sizeof(link) - 1) < 0 || sscanf(link, "host:[%d]", &host) != 1)
		return -1;
	return host;
}

static int reopen(int fd, int flags)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, flags);
}

/* Descriptors in messages: 0 or more, no other control data. */
static ssize_t send_fds(int sock, int flags, struct iovec *iov, int iovs, const int *fds, int n, void *name, int namelen)
{
	char control[CMSG_SPACE(sizeof(int) * (SCM_MAX + 1))] __attribute__((aligned(8))) = { 0 };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = iovs, .msg_name = name, .msg_namelen = namelen };
	struct cmsghdr *c = (struct cmsghdr *)control;

	if (n) {
		m.msg_control = control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	return syscall(SYS_sendmsg, sock, &m, flags);	/* musl's takes 1024 bytes of control data at most */
}

struct received {
	int flags, n, fds[SCM_MAX];
	socklen_t namelen;
	struct sockaddr_storage name;
};

/* control: how many bytes there are for descriptors */
static ssize_t receive_fds(int sock, int flags, struct iovec *iov, int iovs, size_t control, struct received *r)
{
	char buf[CMSG_SPACE(sizeof(int) * SCM_MAX)] __attribute__((aligned(8)));
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = iovs, .msg_control = control ? buf : NULL, .msg_controllen = control,
		.msg_name = &r->name, .msg_namelen = sizeof(r->name),
	};
	ssize_t ret = recvmsg(sock, &m, flags);

	r->n = 0;
	if (ret < 0)
		return ret;
	r->flags = m.msg_flags;
	r->namelen = m.msg_namelen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
			int n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

			memcpy(r->fds + r->n, CMSG_DATA(c), n * sizeof(int));
			r->n += n;
		}
	return ret;
}

static ssize_t send_byte(int sock, const int *fds, int n)
{
	struct iovec iov = { "x", 1 };

	return send_fds(sock, MSG_NOSIGNAL, &iov, 1, fds, n, NULL, 0);
}

static ssize_t receive_byte(int sock, int flags, int room, struct received *r)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	return receive_fds(sock, flags, &iov, 1, room ? CMSG_LEN(sizeof(int) * room) : 0, r);
}

/* /proc/hostfds: how many open files hold each descriptor of the host. */
enum { HOSTS = 4096 };

static int read_hostfds(int fd, int holders[HOSTS])
{
	char text[65536], *p = text;
	ssize_t n, len = 0;
	int host, count, step;

	while (len < (ssize_t)sizeof(text) - 1 && (n = pread(fd, text + len, sizeof(text) - 1 - len, len)) > 0)
		len += n;
	text[len] = 0;
	memset(holders, 0, HOSTS * sizeof(int));
	while (sscanf(p, "%d %d\n%n", &host, &count, &step) == 2) {
		if (host < 0 || host >= HOSTS || count < 1)
			return -1;
		holders[host] = count;
		p += step;
	}
	return *p ? -1 : 0;
}

/* Of one. */
static int holders_of(int host)
{
	int holders[HOSTS], fd = open("/proc/hostfds", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	EQ(read_hostfds(fd, holders), 0);
	close(fd);
	return holders[host];
}

/* One of stdio that is a descriptor of the host. */
static int of_host(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (host_of(fd) >= 0)
			return fd;
	SKIP("no descriptor of a host here");
}

#endif
