// SPDX-License-Identifier: GPL-2.0-only
/* The host's calls for sockets. */
#include "call.h"

int host_bind(int fd, const struct sockaddr *addr, int len)
{
	return HCALL3(__NR_bind, fd, addr, len);
}

int host_connect(int fd, const struct sockaddr *addr, int len)
{
	return HCALL3(__NR_connect, fd, addr, len);
}

int host_listen(int fd, int backlog)
{
	return HCALL2(__NR_listen, fd, backlog);
}

int host_accept(int fd, int flags)
{
	return HCALL4(__NR_accept4, fd, NULL, NULL, flags);
}

int host_shutdown(int fd, int how)
{
	return HCALL2(__NR_shutdown, fd, how);
}

int host_getsockname(int fd, struct sockaddr *addr, int *len)
{
	return HCALL3(__NR_getsockname, fd, addr, len);
}

int host_getpeername(int fd, struct sockaddr *addr, int *len)
{
	return HCALL3(__NR_getpeername, fd, addr, len);
}

int host_getsockopt(int fd, int level, int name, void *value, int *len)
{
	return HCALL5(__NR_getsockopt, fd, level, name, value, len);
}

int host_setsockopt(int fd, int level, int name, const void *value, int len)
{
	return HCALL5(__NR_setsockopt, fd, level, name, value, len);
}

ssize_t host_sendmsg(int fd, const struct host_msghdr *msg, int flags)
{
	return HCALL3(__NR_sendmsg, fd, msg, flags);
}

ssize_t host_recvmsg(int fd, struct host_msghdr *msg, int flags)
{
	return HCALL3(__NR_recvmsg, fd, msg, flags);
}
