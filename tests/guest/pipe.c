// SPDX-License-Identifier: GPL-2.0-only
/* Pipes, polling, event descriptors, local sockets, loopback. */
#include "tap.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

static void bytes_in_order(void)
{
	char c[3];
	int p[2];

	EQ(pipe(p), 0);
	EQ(write(p[1], "abcdef", 6), 6);
	EQ(read(p[0], c, 3), 3);
	CHECK(!memcmp(c, "abc", 3));
	EQ(read(p[0], c, 3), 3);
	CHECK(!memcmp(c, "def", 3));
	EQ(close(p[1]), 0);
	EQ(read(p[0], c, 3), 0);
	FAILS(lseek(p[0], 0, SEEK_CUR), ESPIPE);
}

static void full_pipe_blocks(void)
{
	static char buf[65536];
	int p[2], n = 0;
	pid_t pid;

	EQ(pipe(p), 0);
	EQ(fcntl(p[1], F_SETFL, O_NONBLOCK), 0);
	while (write(p[1], buf, 4096) > 0)
		n += 4096;
	EQ(errno, EAGAIN);
	EQ(n, 65536);
	EQ(ioctl(p[0], FIONREAD, &n), 0);
	EQ(n, 65536);
	EQ(fcntl(p[1], F_SETFL, 0), 0);
	pid = FORK();
	if (!pid) {
		EQ(write(p[1], buf, 65536), 65536);
		_exit(0);
	}
	sleep_ms(50);
	EQ(waitpid(pid, NULL, WNOHANG), 0);
	for (n = 0; n < 131072;) {
		ssize_t r = read(p[0], buf, sizeof(buf));

		CHECK(r > 0);
		n += r;
	}
	EQ(n, 131072);
	CHILD_OK(pid);
}

static volatile int signals, *all_signals;

static void counted(int sig)
{
	(void)sig;
	signals++;
	if (all_signals)
		++*all_signals;
}

/*
 * Signals while a read waits: EINTR, or it goes on; and a write that has put something in says how
 * much.
 */
static void interrupted(void)
{
	struct sigaction sa = { .sa_handler = counted };
	static char buf[100000];
	pid_t parent = getpid(), pid;
	int p[2];
	char c;

	all_signals = map_anon(4096, MAP_SHARED);
	EQ(pipe(p), 0);
	sigaction(SIGUSR1, &sa, NULL);
	pid = FORK();
	if (!pid)
		for (;;) {
			sleep_ms(20);
			kill(parent, SIGUSR1);
		}
	FAILS(read(p[0], &c, 1), EINTR);
	signals = 0;
	while (!signals)
		;
	EQ(write(p[1], buf, sizeof(buf)), 65536);
	FAILS(write(p[1], buf, 1), EINTR);
	sa.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &sa, NULL);
	EQ(read(p[0], buf, sizeof(buf)), 65536);
	signals = *all_signals = 0;
	if (!FORK()) {
		SOON(*all_signals >= 5);
		EQ(write(p[1], "z", 1), 1);
		_exit(0);
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(c, 'z');
	CHECK(signals >= 1);
	EQ(kill(pid, SIGKILL), 0);
}

static void small_writes_are_whole(void)
{
	enum { N = 200, SIZE = 4096 };
	static char buf[SIZE];
	int p[2], seen[4] = { 0 };

	EQ(pipe(p), 0);
	for (int w = 0; w < 4; w++)
		if (!FORK()) {
			memset(buf, 'a' + w, SIZE);
			for (int i = 0; i < N; i++)
				EQ(write(p[1], buf, SIZE), SIZE);
			_exit(0);
		}
	close(p[1]);
	for (int i = 0; i < 4 * N; i++) {
		for (ssize_t n = 0, r; n < SIZE; n += r) {
			r = read(p[0], buf + n, SIZE - n);
			CHECK(r > 0);
		}
		for (int j = 1; j < SIZE; j++)
			if (buf[j] != buf[0])
				EQ(buf[j], buf[0]);
		CHECK(buf[0] >= 'a' && buf[0] < 'e');
		seen[buf[0] - 'a']++;
	}
	for (int w = 0; w < 4; w++)
		EQ(seen[w], N);
	EQ(read(p[0], buf, 1), 0);
}

static void signal_of_arrival(void)
{
	struct sigaction sa = { .sa_handler = counted };
	int s[2];

	sigaction(SIGIO, &sa, NULL);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	EQ(fcntl(s[0], F_SETOWN, getpid()), 0);
	EQ(fcntl(s[0], F_SETFL, O_ASYNC), 0);
	EQ(signals, 0);
	EQ(write(s[1], "x", 1), 1);
	SOON(signals);
}

static void megabytes_through(void)
{
	enum { N = 8 << 20 };
	static unsigned buf[10000];
	unsigned next = 0;
	int p[2];
	pid_t pid;
	ssize_t r, have = 0;

	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		for (unsigned i = 0; i < N / 4;) {
			unsigned n = 1 + i % 9999, k;

			if (n > N / 4 - i)
				n = N / 4 - i;
			for (k = 0; k < n; k++)
				buf[k] = i++;
			EQ(write(p[1], buf, n * 4), n * 4);
		}
		_exit(0);
	}
	close(p[1]);
	while ((r = read(p[0], (char *)buf + have, sizeof(buf) - have)) > 0) {
		have += r;
		for (ssize_t i = 0; i < have / 4; i++)
			if (buf[i] != next++)
				EQ(buf[i], next - 1);
		memmove(buf, (char *)buf + have / 4 * 4, have % 4);
		have %= 4;
	}
	EQ(next, N / 4);
	CHILD_OK(pid);
}

static void broken_pipe(void)
{
	int p[2], st;
	pid_t pid;

	EQ(pipe(p), 0);
	close(p[0]);
	pid = FORK();
	if (!pid) {
		signal(SIGPIPE, SIG_DFL);
		write(p[1], "x", 1) == 1 ? _exit(1) : _exit(2);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(p[1], "x", 1), EPIPE);
}

static void pipe_size(void)
{
	int p[2];

	EQ(pipe(p), 0);
	EQ(fcntl(p[0], F_GETPIPE_SZ), 65536);
	EQ(fcntl(p[0], F_SETPIPE_SZ, 1 << 17), 1 << 17);
	EQ(fcntl(p[0], F_GETPIPE_SZ), 1 << 17);
}

static void packets(void)
{
	char buf[100];
	int p[2];

	EQ(pipe2(p, O_DIRECT), 0);
	EQ(write(p[1], "one", 3), 3);
	EQ(write(p[1], "three", 5), 5);
	EQ(read(p[0], buf, 100), 3);
	EQ(read(p[0], buf, 100), 5);
}

static void write_later(int fd, const char *s)
{
	if (FORK())
		return;
	sleep_ms(40);
	EQ(write(fd, s, strlen(s)), strlen(s));
	_exit(0);
}

static void polling(void)
{
	struct pollfd f[2];
	int p[2], q[2];
	double t;

	EQ(pipe(p), 0);
	EQ(pipe(q), 0);
	f[0] = (struct pollfd) { p[0], POLLIN, 0 };
	f[1] = (struct pollfd) { q[1], POLLIN | POLLOUT, 0 };
	EQ(poll(f, 2, -1), 1);
	EQ(f[0].revents, 0);
	EQ(f[1].revents, POLLOUT);
	t = seconds();
	EQ(poll(f, 1, 50), 0);
	CHECK(seconds() - t >= 0.049);
	write_later(p[1], "x");
	EQ(poll(f, 1, SOON_MS), 1);
	EQ(f[0].revents, POLLIN);
	close(p[1]);
	close(q[0]);
	EQ(wait(NULL) > 0, 1);
	EQ(poll(f, 2, 0), 2);
	EQ(f[0].revents, POLLIN | POLLHUP);
	CHECK(f[1].revents & POLLERR);
	f[0].fd = 999;
	EQ(poll(f, 1, 0), 1);
	EQ(f[0].revents, POLLNVAL);
}

static void noted(int sig)
{
	(void)sig;
}

static void ppoll_and_pselect_masks(void)
{
	struct sigaction sa = { .sa_handler = noted };
	struct pollfd f;
	sigset_t block, none;
	fd_set set;
	int p[2];

	EQ(pipe(p), 0);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigprocmask(SIG_BLOCK, &block, NULL);
	f = (struct pollfd) { p[0], POLLIN, 0 };
	raise(SIGUSR1);
	FAILS(ppoll(&f, 1, NULL, &none), EINTR);
	raise(SIGUSR1);
	FD_ZERO(&set);
	FD_SET(p[0], &set);
	FAILS(pselect(p[0] + 1, &set, NULL, NULL, NULL, &none), EINTR);
	EQ(sigprocmask(SIG_BLOCK, NULL, &none), 0);
	EQ(sigismember(&none, SIGUSR1), 1);
}

static void selecting(void)
{
	struct timeval tv = { 0, 30000 };
	fd_set r, w;
	int p[2];

	EQ(pipe(p), 0);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	EQ(select(p[1] + 1, &r, &w, NULL, NULL), 1);
	CHECK(!FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	FD_SET(p[0], &r);
	EQ(select(p[0] + 1, &r, NULL, NULL, &tv), 0);
	write_later(p[1], "x");
	FD_SET(p[0], &r);
	EQ(select(p[0] + 1, &r, NULL, NULL, NULL), 1);
	CHECK(FD_ISSET(p[0], &r));
	FD_SET(60, &r);
	FAILS(select(61, &r, NULL, NULL, NULL), EBADF);
}

static void epolling(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = 7 }, got[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];
	char c;

	CHECK(ep >= 0);
	EQ(pipe(p), 0);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), EEXIST);
	FAILS(epoll_ctl(ep, EPOLL_CTL_MOD, p[1], &e), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e), EINVAL);
	EQ(epoll_wait(ep, got, 4, 20), 0);
	write_later(p[1], "x");
	EQ(epoll_wait(ep, got, 4, SOON_MS), 1);
	EQ(got[0].data.u32, 7);
	EQ(got[0].events, EPOLLIN);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	e.events = EPOLLIN | EPOLLET;
	EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), 0);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	EQ(epoll_wait(ep, got, 4, 0), 0);
	EQ(write(p[1], "y", 1), 1);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	e.events = EPOLLIN | EPOLLONESHOT;
	EQ(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &e), 0);
	EQ(epoll_wait(ep, got, 4, 0), 1);
	EQ(epoll_wait(ep, got, 4, 0), 0);
	EQ(read(p[0], &c, 1), 1);
	EQ(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), ENOENT);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, open("/etc/passwd", O_RDONLY), &e), EPERM);
}

static void epoll_hangup_and_nesting(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.u32 = 1 }, got[4];
	int in = epoll_create1(0), out = epoll_create1(0), s[2], copy;
	sigset_t none;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	EQ(epoll_ctl(in, EPOLL_CTL_ADD, s[0], &e), 0);
	e.events = EPOLLIN;
	e.data.u32 = 2;
	EQ(epoll_ctl(out, EPOLL_CTL_ADD, in, &e), 0);
	FAILS(epoll_ctl(in, EPOLL_CTL_ADD, out, &e), ELOOP);
	EQ(epoll_wait(out, got, 4, 0), 0);
	write_later(s[1], "x");
	EQ(epoll_wait(out, got, 4, SOON_MS), 1);
	EQ(got[0].data.u32, 2);
	EQ(epoll_wait(in, got, 4, 0), 1);
	EQ(got[0].events, EPOLLIN);
	EQ(shutdown(s[1], SHUT_WR), 0);
	EQ(epoll_wait(in, got, 4, 0), 1);
	EQ(got[0].events, EPOLLIN | EPOLLRDHUP);
	CHECK(wait(NULL) > 0);
	EQ(close(s[1]), 0);
	EQ(epoll_wait(in, got, 4, 0), 1);
	EQ(got[0].events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
	copy = dup(s[0]);
	EQ(close(s[0]), 0);		/* the copy keeps the watch */
	EQ(epoll_wait(in, got, 4, 0), 1);
	EQ(close(copy), 0);
	EQ(epoll_wait(in, got, 4, 0), 0);
	sigemptyset(&none);
	FAILS(epoll_pwait(in, got, 0, 0, &none), EINVAL);
}

static int woken, the_epoll;

static void *epoll_waiter(void *arg)
{
	struct epoll_event got;

	EQ(epoll_wait(the_epoll, &got, 1, SOON_MS), 1);
	__atomic_fetch_add(&woken, 1, __ATOMIC_SEQ_CST);
	return arg;
}

/* With an edge, one event wakes one of several threads. */
static void epoll_of_threads(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	pthread_t t[4];
	int fd[4];

	the_epoll = epoll_create1(0);
	for (int i = 0; i < 4; i++) {
		fd[i] = eventfd(0, EFD_NONBLOCK);
		EQ(epoll_ctl(the_epoll, EPOLL_CTL_ADD, fd[i], &e), 0);
		EQ(pthread_create(&t[i], NULL, epoll_waiter, NULL), 0);
	}
	for (int i = 0; i < 4; i++) {
		uint64_t one = 1;

		sleep_ms(20);
		EQ(__atomic_load_n(&woken, __ATOMIC_SEQ_CST), i);
		EQ(write(fd[i], &one, 8), 8);
		SOON(__atomic_load_n(&woken, __ATOMIC_SEQ_CST) == i + 1);
	}
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void epoll_many(void)
{
	struct epoll_event e = { .events = EPOLLIN }, got[64];
	int ep = epoll_create1(0), w[200], n = 0;

	for (int i = 0; i < 200; i++) {
		int p[2];

		EQ(pipe(p), 0);
		w[i] = p[1];
		e.data.u32 = i;
		EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
	}
	for (int i = 0; i < 200; i += 7)
		EQ(write(w[i], "x", 1), 1);
	n = epoll_wait(ep, got, 64, 0);
	EQ(n, 29);
	for (int i = 0; i < n; i++)
		EQ(got[i].data.u32 % 7, 0);
}

static void event_descriptor(void)
{
	int fd = eventfd(3, EFD_NONBLOCK), sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	uint64_t v = 4;

	EQ(write(fd, &v, 8), 8);
	EQ(read(fd, &v, 8), 8);
	EQ(v, 7);
	FAILS(read(fd, &v, 8), EAGAIN);
	FAILS(read(fd, &v, 4), EINVAL);
	v = ~0ULL;
	FAILS(write(fd, &v, 8), EINVAL);
	EQ(read(sem, &v, 8), 8);
	EQ(v, 1);
	EQ(read(sem, &v, 8), 8);
	FAILS(read(sem, &v, 8), EAGAIN);
	fd = eventfd(0, 0);
	if (!FORK()) {
		sleep_ms(20);
		v = 9;
		_exit(write(fd, &v, 8) != 8);
	}
	EQ(read(fd, &v, 8), 8);
	EQ(v, 9);
}

static void timer_descriptor(void)
{
	struct itimerspec its = { { 0, 10000000 }, { 0, 20000000 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	struct pollfd f = { fd, POLLIN, 0 };
	double t = seconds();
	uint64_t n, sum = 0;

	CHECK(fd >= 0);
	EQ(timerfd_settime(fd, 0, &its, NULL), 0);
	EQ(poll(&f, 1, SOON_MS), 1);
	CHECK(seconds() - t >= 0.0199);
	while (sum < 10) {
		EQ(read(fd, &n, 8), 8);
		sum += n;
	}
	CHECK(seconds() - t >= 0.02 + 0.0899);
	sleep_ms(50);
	EQ(read(fd, &n, 8), 8);
	CHECK(n >= 4);
	EQ(timerfd_gettime(fd, &its), 0);
	EQ(its.it_interval.tv_nsec, 10000000);
}

static void signal_descriptor(void)
{
	struct signalfd_siginfo si;
	sigset_t mask;
	int fd;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	fd = signalfd(-1, &mask, SFD_NONBLOCK);
	CHECK(fd >= 0);
	FAILS(read(fd, &si, sizeof(si)), EAGAIN);
	kill(getpid(), SIGUSR1);
	EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EQ(si.ssi_signo, SIGUSR1);
	EQ(si.ssi_pid, getpid());
	sigqueue(getpid(), SIGRTMIN, (union sigval) { .sival_int = 42 });
	EQ(read(fd, &si, sizeof(si)), sizeof(si));
	EQ(si.ssi_int, 42);
}

static void splicing(void)
{
	int p[2], q[2], in, out;
	char buf[20] = { 0 };
	loff_t at = 2;

	EQ(pipe(p), 0);
	EQ(pipe(q), 0);
	in = open("in", O_CREAT | O_RDWR, 0644);
	out = open("out", O_CREAT | O_RDWR, 0644);
	EQ(write(in, "0123456789", 10), 10);
	EQ(splice(in, &at, p[1], NULL, 5, 0), 5);
	EQ(at, 7);
	EQ(tee(p[0], q[1], 5, 0), 5);
	EQ(splice(p[0], NULL, out, NULL, 5, 0), 5);
	EQ(pread(out, buf, 20, 0), 5);
	IS(buf, "23456");
	EQ(read(q[0], buf, 20), 5);
	IS(buf, "23456");
	EQ(vmsplice(p[1], &(struct iovec) { "vm", 2 }, 1, 0), 2);
	EQ(read(p[0], buf, 20), 2);
	CHECK(!memcmp(buf, "vm", 2));
	FAILS(splice(in, NULL, out, NULL, 5, 0), EINVAL);
}

static void socket_pair(void)
{
	char buf[20] = { 0 };
	int s[2];

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	EQ(send(s[0], "ping", 4, 0), 4);
	EQ(recv(s[1], buf, 4, MSG_PEEK), 4);
	EQ(recv(s[1], buf, 20, 0), 4);
	IS(buf, "ping");
	EQ(write(s[1], "pong", 4), 4);
	EQ(read(s[0], buf, 20), 4);
	IS(buf, "pong");
	FAILS(recv(s[0], buf, 1, MSG_DONTWAIT), EAGAIN);
	EQ(shutdown(s[0], SHUT_WR), 0);
	EQ(read(s[1], buf, 20), 0);
	EQ(close(s[1]), 0);
	FAILS(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s), 0);
	EQ(write(s[0], "one", 3), 3);
	EQ(write(s[0], "three", 5), 5);
	EQ(read(s[1], buf, 20), 3);
	EQ(read(s[1], buf, 20), 5);
}

static void descriptors_over_a_socket(void)
{
	union { char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))]; struct cmsghdr h; } u = { 0 };
	struct iovec io = { "x", 1 };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = u.buf, .msg_controllen = CMSG_SPACE(sizeof(int)) };
	struct cmsghdr *c;
	int s[2], fd = -1, creds = 0, on = 1;
	char buf[20] = { 0 };
	pid_t pid;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	EQ(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	pid = FORK();
	if (!pid) {
		fd = open("f", O_CREAT | O_RDWR, 0644);
		EQ(write(fd, "passed", 6), 6);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
		EQ(sendmsg(s[1], &m, 0), 1);
		_exit(0);
	}
	CHILD_OK(pid);
	io.iov_base = buf;
	m.msg_controllen = sizeof(u.buf);
	EQ(recvmsg(s[0], &m, 0), 1);
	for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS)
			memcpy(&fd, CMSG_DATA(c), sizeof(int));
		if (c->cmsg_type == SCM_CREDENTIALS)
			creds = ((struct ucred *)CMSG_DATA(c))->pid == pid;
	}
	CHECK(creds);
	CHECK(fd > 2);
	EQ(pread(fd, buf, 20, 0), 6);
	IS(buf, "passed");
}

static void unix_names(void)
{
	struct sockaddr_un a = { AF_UNIX, "sock" };
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c;
	char buf[10];
	pid_t pid;

	EQ(bind(l, (void *)&a, sizeof(a)), 0);
	EQ(listen(l, 5), 0);
	pid = FORK();
	if (!pid) {
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		EQ(connect(c, (void *)&a, sizeof(a)), 0);
		EQ(write(c, "hi", 2), 2);
		_exit(0);
	}
	c = accept(l, NULL, NULL);
	CHECK(c >= 0);
	EQ(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &len), 0);
	EQ(cred.pid, pid);
	EQ(read(c, buf, 10), 2);
	CHILD_OK(pid);
	close(l);
	FAILS(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&a, sizeof(a)), ECONNREFUSED);
	l = socket(AF_UNIX, SOCK_DGRAM, 0);
	a.sun_path[0] = 0;
	memcpy(a.sun_path + 1, "kbox-abstract", 13);
	EQ(bind(l, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 14), 0);
	c = socket(AF_UNIX, SOCK_DGRAM, 0);
	EQ(sendto(c, "d", 1, 0, (void *)&a, offsetof(struct sockaddr_un, sun_path) + 14), 1);
	EQ(recv(l, buf, 10, 0), 1);
}

static void *echo(void *arg)
{
	int l = *(int *)arg, c = accept(l, NULL, NULL);
	char buf[3000];
	ssize_t n;

	while ((n = read(c, buf, sizeof(buf))) > 0)
		CHECK(write(c, buf, n) == n);
	close(c);
	return NULL;
}

static void loopback_tcp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c, n = 0;
	static char out[200000], in[200000];
	pthread_t t;
	pid_t pid;

	if (l < 0 || bind(l, (void *)&a, sizeof(a)))
		SKIP("no loopback network");
	EQ(listen(l, 5), 0);
	EQ(getsockname(l, (void *)&a, &len), 0);
	CHECK(a.sin_port);
	c = socket(AF_INET, SOCK_STREAM, 0);
	EQ(connect(c, (void *)&a, len), 0);
	EQ(pthread_create(&t, NULL, echo, &l), 0);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = i * 7;
	pid = FORK();
	if (!pid) {
		EQ(write(c, out, sizeof(out)), sizeof(out));
		EQ(shutdown(c, SHUT_WR), 0);
		_exit(0);
	}
	for (ssize_t r; (r = read(c, in + n, sizeof(in) - n)) > 0;)
		n += r;
	EQ(n, sizeof(in));
	CHECK(!memcmp(in, out, sizeof(in)));
	CHILD_OK(pid);
	EQ(pthread_join(t, NULL), 0);
	close(l);
	FAILS(connect(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, len), ECONNREFUSED);
}

static void loopback_without_blocking(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int l = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), c, s, on = 1, err = -1;
	struct timeval tv = { 0, 30000 };
	struct linger hard = { 1, 0 };
	socklen_t len = sizeof(a);
	struct pollfd f;
	double t;
	char buf[100];

	if (l < 0 || bind(l, (void *)&a, sizeof(a)))
		SKIP("no loopback network");
	EQ(listen(l, 5), 0);
	EQ(getsockname(l, (void *)&a, &len), 0);
	FAILS(accept(l, NULL, NULL), EAGAIN);
	FAILS(bind(socket(AF_INET, SOCK_STREAM, 0), (void *)&a, len), EADDRINUSE);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connect(c, (void *)&a, len))
		EQ(errno, EINPROGRESS);
	f = (struct pollfd) { c, POLLOUT, 0 };
	EQ(poll(&f, 1, SOON_MS), 1);
	len = sizeof(err);
	EQ(getsockopt(c, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	EQ(err, 0);
	f = (struct pollfd) { l, POLLIN, 0 };
	EQ(poll(&f, 1, SOON_MS), 1);
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC);
	CHECK(s >= 0);
	CHECK(fcntl(s, F_GETFD) & FD_CLOEXEC);
	CHECK(!(fcntl(s, F_GETFL) & O_NONBLOCK));
	EQ(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	EQ(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	t = seconds();
	FAILS(read(s, buf, 10), EAGAIN);
	CHECK(seconds() - t >= 0.0259);	/* in ticks, of which the first is over at any time */
	tv.tv_usec = 0;
	EQ(setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	FAILS(read(c, buf, 10), EAGAIN);
	EQ(write(c, "question", 8), 8);
	EQ(recv(s, buf, 8, MSG_WAITALL), 8);
	CHECK(!memcmp(buf, "question", 8));
	write_later(s, "answer");
	f = (struct pollfd) { c, POLLIN, 0 };
	EQ(poll(&f, 1, SOON_MS), 1);
	EQ(read(c, buf, 100), 6);
	EQ(setsockopt(s, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	CHECK(wait(NULL) > 0);
	EQ(close(s), 0);
	EQ(poll(&f, 1, SOON_MS), 1);
	FAILS(read(c, buf, 1), ECONNRESET);
}

static void loopback_udp(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }, from;
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_DGRAM, 0), c = socket(AF_INET, SOCK_DGRAM, 0);
	char buf[2000];

	if (s < 0 || bind(s, (void *)&a, sizeof(a)))
		SKIP("no loopback network");
	EQ(getsockname(s, (void *)&a, &len), 0);
	memset(buf, 'u', sizeof(buf));
	EQ(sendto(c, buf, 1500, 0, (void *)&a, len), 1500);
	EQ(recvfrom(s, buf, sizeof(buf), 0, (void *)&from, &len), 1500);
	EQ(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
	EQ(sendto(s, "back", 4, 0, (void *)&from, len), 4);
	EQ(recv(c, buf, sizeof(buf), 0), 4);
}

static const struct test tests[] = {
	T(bytes_in_order), T(full_pipe_blocks), T(megabytes_through), T(small_writes_are_whole), T(interrupted), T(broken_pipe), T(pipe_size), T(packets), T(polling),
	T(ppoll_and_pselect_masks), T(selecting), T(epolling), T(epoll_hangup_and_nesting), T(epoll_of_threads),
	T(epoll_many), T(event_descriptor), T(timer_descriptor),
	T(signal_descriptor), T(splicing), T(socket_pair), T(descriptors_over_a_socket), T(unix_names), T(loopback_tcp),
	T(loopback_without_blocking), T(loopback_udp), T(signal_of_arrival),
};
MAIN(tests)
