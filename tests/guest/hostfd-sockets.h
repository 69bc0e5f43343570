/* SPDX-License-Identifier: GPL-2.0-only */
/* The tool's actions on sockets. */
#ifndef HOSTFD_SOCKETS_H
#define HOSTFD_SOCKETS_H
#include "hostfd-actions.h"

static socklen_t address(int i, struct sockaddr_storage *name)
{
	return i < nwords && strcmp(words[i], "-") ? from_hex(words[i], (unsigned char *)name) : 0;
}

static long do_bind(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(1, &name);

	return bind(num(0), (struct sockaddr *)&name, len);
}

static long do_connect(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(1, &name);

	return connect(num(0), (struct sockaddr *)&name, len);
}

static long say_name(int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	long ret = get(num(0), (struct sockaddr *)&name, &len);

	if (!ret)
		say_bytes(&name, len);
	return ret;
}

static long do_getsockname(void)
{
	return say_name(getsockname);
}

static long do_getpeername(void)
{
	return say_name(getpeername);
}

/* FD FLAGS: and who it was */
static long do_accept(void)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	long ret = accept4(num(0), (struct sockaddr *)&name, &len, num(1));

	if (ret >= 0)
		say_bytes(&name, len);
	return ret;
}

static long do_getsockopt(void)
{
	int value = -1;
	socklen_t len = sizeof(value);
	long ret = getsockopt(num(0), num(1), num(2), &value, &len);

	if (!ret)
		say(" %d", value);
	return ret;
}

static long do_setsockopt(void)
{
	int value = num(3);

	return setsockopt(num(0), num(1), num(2), &value, sizeof(value));
}

/* FD LEVEL OPTION BYTES */
static long do_set_bytes(void)
{
	unsigned char buf[256];
	socklen_t len = from_hex(words[3], buf);

	return setsockopt(num(0), num(1), num(2), buf, len);
}

/* FD LEVEL OPTION LENGTH */
static long do_get_bytes(void)
{
	unsigned char buf[256];
	socklen_t len = num(3);
	long ret = getsockopt(num(0), num(1), num(2), buf, &len);

	return ret ? ret : with_bytes(len, buf);
}

/* FD OPTION MILLISECONDS */
static long do_set_timeout(void)
{
	struct timeval t = { num(2) / 1000, num(2) % 1000 * 1000 };

	return setsockopt(num(0), SOL_SOCKET, num(1), &t, sizeof(t));
}

static long do_get_timeout(void)
{
	struct timeval t;
	socklen_t len = sizeof(t);
	long ret = getsockopt(num(0), SOL_SOCKET, num(1), &t, &len);

	if (!ret)
		say(" %ld", (long)t.tv_sec * 1000 + t.tv_usec / 1000);
	return ret;
}

/* FD LENGTH FLAGS */
static long do_recv(void)
{
	char *buf = bytes(num(1));

	return with_bytes(recv(num(0), buf, num(1), num(2)), buf);
}

/* FD FLAGS BYTES,BYTES FD,FD|- [ADDRESS] */
static long do_sendmsg(void)
{
	struct sockaddr_storage name;
	socklen_t len = address(4, &name);
	int fds[SCM_MAX + 1], nfds = 0, n;
	struct iovec iov[16];
	long ret;

	n = vectors(words[2], true, iov);
	for (char *word = strtok(words[3], ","); word && strcmp(word, "-"); word = strtok(NULL, ","))
		fds[nfds++] = atoi(word);
	ret = send_fds(num(0), num(1), iov, n, fds, nfds, len ? &name : NULL, len);
	free_vectors(iov, n);
	return ret;
}

/* FD FLAGS LENGTH,LENGTH CONTROL: the bytes, the flags, the descriptors, the address */
static long do_recvmsg(void)
{
	struct iovec iov[16];
	struct received r;
	int n = vectors(words[2], false, iov), len = 0;
	long ret = receive_fds(num(0), num(1), iov, n, num(3), &r);

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	if (ret >= 0) {
		say_vectors(iov, n, ret < len ? ret : len);
		say(" %d ", r.flags);
		for (int i = 0; i < r.n; i++)
			say("%s%d", i ? "," : "", r.fds[i]);
		if (!r.n)
			say("-");
		say_bytes(&r.name, r.namelen);
	}
	free_vectors(iov, n);
	return ret;
}

/* FD N: so many descriptors, by as many messages as that takes */
static long do_receive_many(void)
{
	struct received r;
	long n = 0, ret;

	while (n < num(1)) {
		ret = receive_byte(num(0), 0, SCM_MAX, &r);
		if (ret <= 0 || !r.n || r.flags & MSG_CTRUNC)
			break;
		n += r.n;
	}
	return n;
}

#endif
