// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets of the host. In the guest each is a socket, of no protocol family that the guest's kernel
 * has: its calls are the host's, without waiting there. Descriptors in messages (SCM_RIGHTS) become
 * files of the guest, and those that are sent must be the host's.
 */
#include <linux/file.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/syscalls.h>
#include <linux/tcp.h>
#include <linux/uaccess.h>
#include <net/scm.h>
#include <net/sock.h>
#include <net/tcp_states.h>
#include <asm/ioctls.h>
#include "hostfd.h"

#define CHUNK		(64 << 10)
#define MESSAGE_MAX	(1 << 20)	/* of datagrams: what does not fit is cut off */
#define CONTROL_MAX	4096
#define OPTION_MAX	256

struct hostsock {
	struct sock sk;
	struct hostfd h;
};

static const struct proto_ops hostsock_ops;

static struct hostfd *of_socket(struct socket *sock)
{
	return &container_of(sock->sk, struct hostsock, sk)->h;
}

static int number_of(struct socket *sock)
{
	return host_number(of_socket(sock));
}

struct hostfd *hostfd_of_socket(struct file *file)
{
	struct socket *sock = sock_from_file(file);

	return sock && READ_ONCE(sock->ops) == &hostsock_ops && sock->sk ? of_socket(sock) : NULL;
}

static bool is_stream(struct socket *sock)
{
	return sock->type == SOCK_STREAM;
}

static int host_option(int fd, int name, int otherwise)
{
	int value, len = sizeof(value);

	return host_getsockopt(fd, SOL_SOCKET, name, &value, &len) ? otherwise : value;
}

static int hostsock_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	hostfd_end(of_socket(sock));
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

static int hostsock_bind(struct socket *sock, struct sockaddr *addr, int len)
{
	if (!kbox_boot->names || sock->sk->sk_family == AF_UNIX)
		return -EOPNOTSUPP;
	return host_bind(number_of(sock), addr, len);
}

/*
 * Names of AF_UNIX are the host's files, and a socket that was given is not to become one to
 * anybody else.
 */
static bool foreign_name(struct socket *sock, const struct sockaddr *addr)
{
	return !kbox_boot->names || sock->sk->sk_family == AF_UNIX || (is_stream(sock) && addr->sa_family == AF_UNSPEC);
}

static int connect_nonblock(int fd, struct sockaddr *addr, int len)
{
	long was = hostfd_nonblock(fd);
	int ret = host_connect(fd, addr, len);

	hostfd_restore(fd, was);
	return ret;
}

static int hostsock_connect(struct socket *sock, struct sockaddr *addr, int len, int flags)
{
	struct hostfd *h = of_socket(sock);
	struct hostfd_wait w = { .events = POLLOUT, .timeout = sock_sndtimeo(sock->sk, flags & O_NONBLOCK) };
	bool waited = false;
	int ret, err;

	if (len < sizeof(sa_family_t))
		return -EINVAL;
	if (foreign_name(sock, addr))
		return -EOPNOTSUPP;
	/*
	 * The call that comes after the wait has its result; one that a signal has interrupted is
	 * begun again like that.
	 */
	for (;;) {
		ret = connect_nonblock(host_number(h), addr, len);
		if (ret == -EISCONN && waited)
			return 0;
		if (ret != -EINPROGRESS && ret != -EALREADY)
			return ret;
		waited = true;
		err = hostfd_wait(h, &w);
		if (err)
			return err == -EAGAIN ? ret : err;
	}
}

static int hostsock_getname(struct socket *sock, struct sockaddr *addr, int peer)
{
	int len = sizeof(struct sockaddr_storage);
	int ret = peer ? host_getpeername(number_of(sock), addr, &len) : host_getsockname(number_of(sock), addr, &len);

	if (ret == -ENOTCONN && peer == 2) {	/* accept(2) of one that has gone again */
		addr->sa_family = sock->sk->sk_family;
		return sizeof(addr->sa_family);
	}
	return ret ?: min_t(int, len, sizeof(struct sockaddr_storage));
}

static int hostsock_listen(struct socket *sock, int backlog)
{
	int ret = host_listen(number_of(sock), backlog);

	if (!ret)
		WRITE_ONCE(sock->sk->sk_state, TCP_LISTEN);
	return ret;
}

static int hostsock_shutdown(struct socket *sock, int how)
{
	return host_shutdown(number_of(sock), how);
}

static __poll_t hostsock_poll(struct file *file, struct socket *sock, struct poll_table_struct *pt)
{
	return hostfd_poll_wait(of_socket(sock), pt);
}

static int hostsock_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	int n;

	if (cmd != FIONREAD && cmd != TIOCOUTQ && cmd != SIOCATMARK)
		return -ENOIOCTLCMD;
	return host_ioctl(number_of(sock), cmd, (unsigned long)&n) ?: put_user(n, (int __user *)arg);
}

/*
 * Options that say something of the connection, and nothing of other descriptors, devices,
 * processes or addresses. How long calls wait is the guest's kernel's business, and these are not
 * here.
 */
static bool safe_option(int level, int name)
{
	switch (level) {
	case SOL_SOCKET:
		switch (name) {
		case SO_REUSEADDR: case SO_TYPE: case SO_ERROR: case SO_DONTROUTE: case SO_BROADCAST: case SO_SNDBUF: case SO_RCVBUF:
		case SO_KEEPALIVE: case SO_OOBINLINE: case SO_PRIORITY: case SO_REUSEPORT: case SO_RCVLOWAT:
		case SO_ACCEPTCONN: case SO_PROTOCOL: case SO_DOMAIN: case SO_TIMESTAMP_OLD: case SO_TIMESTAMPNS_OLD:
			return true;
		}
		return false;
	case IPPROTO_TCP:
		return name > 0 && name <= TCP_MD5SIG ? name != TCP_MD5SIG : name == TCP_USER_TIMEOUT || name == TCP_FASTOPEN || name == TCP_NOTSENT_LOWAT;
	case IPPROTO_IP:
		return name == IP_TOS || name == IP_TTL || name == IP_PKTINFO || name == IP_RECVERR || name == IP_MTU_DISCOVER ||
		       name == IP_RECVTTL || name == IP_RECVTOS || name == IP_MTU || name == IP_MULTICAST_TTL || name == IP_MULTICAST_LOOP;
	case IPPROTO_IPV6:
		return name == IPV6_V6ONLY || name == IPV6_UNICAST_HOPS || name == IPV6_TCLASS || name == IPV6_RECVTCLASS ||
		       name == IPV6_RECVPKTINFO || name == IPV6_RECVHOPLIMIT || name == IPV6_RECVERR || name == IPV6_MTU_DISCOVER;
	}
	return false;
}

static bool kept_here(int level, int name)
{
	return level == SOL_SOCKET && (name == SO_RCVTIMEO_OLD || name == SO_SNDTIMEO_OLD || name == SO_RCVTIMEO_NEW ||
				       name == SO_SNDTIMEO_NEW || name == SO_PEERCRED || name == SO_PASSCRED || name == SO_LINGER);
}

/*
 * With a time to linger close would wait in the host; what is to be sent is sent without that, too.
 */
static int pass_linger(struct socket *sock)
{
	struct linger l = { sock_flag(sock->sk, SOCK_LINGER) && !sock->sk->sk_lingertime, 0 };

	return host_setsockopt(number_of(sock), SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static int hostsock_setsockopt(struct socket *sock, int level, int name, sockptr_t value, unsigned int len)
{
	char buf[OPTION_MAX] = { };

	if (kept_here(level, name))
		return sock_setsockopt(sock, level, name, value, len) ?: name == SO_LINGER ? pass_linger(sock) : 0;
	/* What does not wait gives what there is. */
	if (!safe_option(level, name) || (level == SOL_SOCKET && name == SO_RCVLOWAT))
		return -ENOPROTOOPT;
	if (len > sizeof(buf))
		return -EINVAL;
	if (copy_from_sockptr(buf, value, len))
		return -EFAULT;
	return host_setsockopt(number_of(sock), level, name, buf, len);
}

static int hostsock_getsockopt(struct socket *sock, int level, int name, char __user *value, int __user *len)
{
	char buf[OPTION_MAX] = { };
	int n, ret;

	if (!safe_option(level, name))
		return -ENOPROTOOPT;
	if (get_user(n, len))
		return -EFAULT;
	if (n < 0)
		return -EINVAL;
	n = min_t(int, n, sizeof(buf));
	ret = host_getsockopt(number_of(sock), level, name, buf, &n);
	if (!ret && (copy_to_user(value, buf, n) || put_user(n, len)))
		ret = -EFAULT;
	return ret;
}

/* The kernel's own answers for SOL_SOCKET itself, whatever kind of socket it is. */
SYSCALL_DEFINE5(kbox_getsockopt, int, fd, int, level, int, name, char __user *, value, int __user *, len)
{
	CLASS(fd, f)(fd);

	if (!fd_empty(f) && level == SOL_SOCKET && !kept_here(level, name) && hostfd_of_socket(fd_file(f)))
		return hostsock_getsockopt(sock_from_file(fd_file(f)), level, name, value, len);
	return __sys_getsockopt(fd, level, name, value, len);
}

/*
 * The files that a message of the guest sends, as the host's numbers. A file of the guest's own
 * means nothing there.
 */
static int host_numbers(struct cmsghdr *c, int *out, struct file **files, int room)
{
	int n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int), i;

	if (n > room)
		return -EINVAL;
	for (i = 0; i < n; i++) {
		struct file *file = fget(((int *)CMSG_DATA(c))[i]);

		if (!file)
			break;
		files[i] = file;
		out[i] = hostfd_number(file);
		if (out[i] < 0) {
			fput(file);
			break;
		}
	}
	if (i == n)
		return n;
	n = files[i] ? -EOPNOTSUPP : -EBADF;
	while (i--)
		fput(files[i]);
	return n;
}

struct sent_files { int count; struct file *files[SCM_MAX_FD]; };

static int add_control(struct sent_files *sent, struct cmsghdr *c, struct cmsghdr *to)
{
	int n;

	*to = *c;
	if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
		if (c->cmsg_level == SOL_SOCKET)
			return -EOPNOTSUPP;	/* a process or user of the guest is none there */
		memcpy(CMSG_DATA(to), CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
		return 0;
	}
	n = host_numbers(c, (int *)CMSG_DATA(to), sent->files + sent->count, SCM_MAX_FD - sent->count);
	if (n < 0)
		return n;
	sent->count += n;
	return 0;
}

/*
 * The control data for the host, allocated (NULL if there is none); the files in it are held until
 * put_sent().
 */
static int host_control(struct msghdr *msg, struct sent_files *sent, void **control)
{
	struct cmsghdr *c;
	void *to;
	int ret = 0;

	if (!msg->msg_controllen)
		return 0;
	to = kzalloc(msg->msg_controllen, GFP_KERNEL);
	if (!to)
		return -ENOMEM;
	for_each_cmsghdr(c, msg) {
		ret = CMSG_OK(msg, c) ? add_control(sent, c, to + ((void *)c - msg->msg_control)) : -EINVAL;
		if (ret)
			break;
	}
	*control = to;
	return ret;
}

static void put_sent(struct sent_files *sent)
{
	while (sent->count)
		fput(sent->files[--sent->count]);
}

/* One message, or the next piece of a stream; control goes with the first. */
static ssize_t send_some(struct socket *sock, struct msghdr *msg, void *buf, size_t n, void **control)
{
	struct host_iovec iov = { buf, n };
	struct host_msghdr host = {
		.name = msg->msg_name, .namelen = msg->msg_namelen, .iov = &iov, .iovlen = 1,
		.control = *control, .controllen = *control ? msg->msg_controllen : 0,
	};
	int flags = msg->msg_flags & (MSG_OOB | MSG_MORE | MSG_EOR | MSG_DONTROUTE | MSG_CONFIRM);
	struct hostfd_wait w = { .events = POLLOUT, .timeout = sock_sndtimeo(sock->sk, msg->msg_flags & MSG_DONTWAIT) };
	struct hostfd *h = of_socket(sock);
	ssize_t ret;

	do
		ret = host_sendmsg(host_number(h), &host, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	while (hostfd_try_again(h, &w, &ret));
	return ret;
}

static ssize_t send_all(struct socket *sock, struct msghdr *msg, size_t len, void *control)
{
	size_t done = 0, part, room = is_stream(sock) ? min(len, CHUNK) : len;
	void *buf = kvmalloc(max(room, 1), GFP_KERNEL), *rest = control;
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	do {
		part = min(len - done, room);
		ret = -EFAULT;
		if (!copy_from_iter_full(buf, part, &msg->msg_iter))
			break;
		ret = send_some(sock, msg, buf, part, &rest);
		if (ret < 0)
			break;
		iov_iter_revert(&msg->msg_iter, part - ret);
		done += ret;
		rest = NULL;
		cond_resched();
	} while (done < len && is_stream(sock));
	kvfree(buf);
	return done ?: ret;
}

static int hostsock_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	struct sent_files *sent = NULL;
	void *control = NULL;
	ssize_t ret = 0;

	if (!is_stream(sock) && len > MESSAGE_MAX)
		return -EMSGSIZE;
	if (msg->msg_namelen && foreign_name(sock, msg->msg_name))
		return -EOPNOTSUPP;
	if (msg->msg_controllen) {
		sent = kzalloc(sizeof(*sent), GFP_KERNEL);
		ret = sent ? host_control(msg, sent, &control) : -ENOMEM;
	}
	if (!ret)
		ret = send_all(sock, msg, len, control);
	if (sent)
		put_sent(sent);
	kfree(control);
	kfree(sent);
	if (ret == -EPIPE && is_stream(sock) && !(msg->msg_flags & MSG_NOSIGNAL))
		send_sig(SIGPIPE, current, 0);
	return ret;
}

/* Descriptors that the host has put into our table: files of the guest, or closed again. */
static void take_files(struct msghdr *msg, const int *fds, int n)
{
	struct scm_cookie scm = { .fp = kzalloc(sizeof(struct scm_fp_list), GFP_KERNEL) };
	struct file *file;
	int i = 0;

	for (; scm.fp && i < n; i++) {
		file = hostfd_file(fds[i], 0);
		if (IS_ERR(file))
			break;
		scm.fp->fp[scm.fp->count++] = file;
	}
	if (i < n)
		msg->msg_flags |= MSG_CTRUNC;
	for (i += !!scm.fp; i < n; i++)	/* the one that failed is closed */
		hostfd_close(fds[i]);
	if (!scm.fp)
		return;
	scm.fp->max = SCM_MAX_FD;
	scm.fp->user = get_uid(current_user());
	scm_detach_fds(msg, &scm);
}

static void take_control(struct msghdr *msg, struct host_msghdr *host)
{
	struct msghdr m = { .msg_control = host->control, .msg_controllen = host->controllen };
	struct cmsghdr *c;

	for_each_cmsghdr(c, &m) {
		if (!CMSG_OK(&m, c))
			break;
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			take_files(msg, (int *)CMSG_DATA(c), (c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_PIDFD)
			hostfd_close(*(int *)CMSG_DATA(c));	/* a process of the host is none here */
		else if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			put_cmsg(msg, c->cmsg_level, c->cmsg_type, c->cmsg_len - CMSG_LEN(0), CMSG_DATA(c));
	}
}

static ssize_t receive_some(struct socket *sock, struct msghdr *msg, struct host_msghdr *host, int flags)
{
	size_t controllen = host->controllen;
	/* What is out of band, or an error, is there or not. */
	bool now = flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE);
	struct hostfd_wait w = { .events = POLLIN, .timeout = sock_rcvtimeo(sock->sk, now) };
	struct hostfd *h = of_socket(sock);
	ssize_t ret;

	do {
		host->controllen = controllen;
		ret = host_recvmsg(host_number(h), host, (flags & ~MSG_WAITALL) | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (hostfd_try_again(h, &w, &ret));
	return ret;
}

/* As much as comes at once; a datagram's length is told even where it is cut off. */
static ssize_t receive_once(struct socket *sock, struct msghdr *msg, void *buf, size_t n, int flags)
{
	struct host_iovec iov = { buf, n };
	void *control = msg->msg_controllen ? kmalloc(CONTROL_MAX, GFP_KERNEL) : NULL;
	struct host_msghdr host = {
		.name = msg->msg_name, .namelen = msg->msg_name ? sizeof(struct sockaddr_storage) : 0,
		.iov = &iov, .iovlen = 1, .control = control,
		.controllen = control ? min_t(size_t, msg->msg_controllen, CONTROL_MAX) : 0,
	};
	ssize_t ret = receive_some(sock, msg, &host, flags);

	if (ret >= 0) {
		msg->msg_namelen = host.namelen;
		msg->msg_flags |= host.flags & (MSG_TRUNC | MSG_CTRUNC | MSG_OOB | MSG_EOR | MSG_ERRQUEUE);
		take_control(msg, &host);
	}
	kfree(control);
	/* TCP throws away, and writes nothing. */
	if (ret < 0 || (is_stream(sock) && flags & MSG_TRUNC))
		return ret;
	if (copy_to_iter(buf, min_t(size_t, ret, n), &msg->msg_iter) < min_t(size_t, ret, n))
		return -EFAULT;
	return ret;
}

static int hostsock_recvmsg(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	size_t room = min_t(size_t, len, is_stream(sock) ? CHUNK : MESSAGE_MAX), done = 0;
	void *buf = kvmalloc(max(room, 1), GFP_KERNEL);
	size_t control = msg->msg_controllen;
	ssize_t ret;

	if (!buf)
		return -ENOMEM;
	if (sock->sk->sk_family == AF_UNIX && is_stream(sock))
		flags &= ~MSG_TRUNC;	/* as the host has it */
	do {
		ret = receive_once(sock, msg, buf, min(len - done, room), flags);
		if (ret > 0)
			done += ret;
		cond_resched();
	} while (ret > 0 && is_stream(sock) && flags & MSG_WAITALL && !(flags & MSG_PEEK) && done < len &&
		 msg->msg_controllen == control);
	kvfree(buf);
	return done ?: ret;
}

static int begin(struct socket *sock, int fd);

static int accept_nonblock(int fd)
{
	long was = hostfd_nonblock(fd);
	int ret = host_accept(fd, SOCK_CLOEXEC);

	hostfd_restore(fd, was);
	return ret;
}

static int hostsock_accept(struct socket *sock, struct socket *newsock, struct proto_accept_arg *arg)
{
	struct hostfd *h = of_socket(sock);
	struct hostfd_wait w = { .events = POLLIN, .timeout = sock_rcvtimeo(sock->sk, arg->flags & O_NONBLOCK) };
	long fd, ret;

	do
		fd = accept_nonblock(host_number(h));
	while (hostfd_try_again(h, &w, &fd));
	if (fd < 0)
		return fd;
	ret = begin(newsock, fd);
	if (ret)
		hostfd_close(fd);
	else
		newsock->state = SS_CONNECTED;
	return ret;
}

static const struct proto_ops hostsock_ops = {
	.family = PF_UNSPEC, .owner = THIS_MODULE,
	.release = hostsock_release, .bind = hostsock_bind, .connect = hostsock_connect, .socketpair = sock_no_socketpair,
	.accept = hostsock_accept, .getname = hostsock_getname, .poll = hostsock_poll, .ioctl = hostsock_ioctl,
	.listen = hostsock_listen, .shutdown = hostsock_shutdown, .setsockopt = hostsock_setsockopt,
	.getsockopt = hostsock_getsockopt, .sendmsg = hostsock_sendmsg, .recvmsg = hostsock_recvmsg, .mmap = sock_no_mmap,
};

static struct proto hostsock_proto = { .name = "HOST", .owner = THIS_MODULE, .obj_size = sizeof(struct hostsock) };

/* The guest's socket is the host's from here on. */
static int begin(struct socket *sock, int fd)
{
	struct sock *sk;
	int ret = hostfd_watch(fd);

	if (ret < 0)
		return ret;
	sk = sk_alloc(&init_net, host_option(fd, SO_DOMAIN, AF_UNSPEC), GFP_KERNEL, &hostsock_proto, 0);
	if (!sk)
		return -ENOMEM;
	sock->type = host_option(fd, SO_TYPE, SOCK_STREAM);
	sock->ops = &hostsock_ops;
	sock_init_data(sock, sk);
	sk->sk_protocol = host_option(fd, SO_PROTOCOL, 0);
	set_bit(SOCK_CUSTOM_SOCKOPT, &sock->flags);
	if (host_option(fd, SO_ACCEPTCONN, 0))
		WRITE_ONCE(sk->sk_state, TCP_LISTEN);
	ret = hostfd_begin(of_socket(sock), sock->file, fd);
	if (ret) {
		sock_orphan(sk);
		sock->sk = NULL;
		sock_put(sk);
	}
	return ret;
}

struct file *hostfd_socket_file(int fd, int flags)
{
	struct socket *sock = sock_alloc();
	struct file *file;
	int ret;

	if (!sock)
		return ERR_PTR(-ENFILE);
	sock->ops = &hostsock_ops;
	flags |= hostfd_flags(fd);
	file = sock_alloc_file(sock, flags & O_NONBLOCK, "HOST");
	if (IS_ERR(file))
		return file;
	ret = begin(sock, fd);
	if (ret) {
		fput(file);
		return ERR_PTR(ret);
	}
	return file;
}

static int __init hostsock_init(void)
{
	return proto_register(&hostsock_proto, 1);
}
core_initcall(hostsock_init);
