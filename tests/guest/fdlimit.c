// SPDX-License-Identifier: GPL-2.0-only
/* Running out of descriptors, and going on. */
#include "tap.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

/* The soft limit becomes n, the hard one too where it is lower and we may. */
static void limit(rlim_t n)
{
	struct rlimit l;

	EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = n;
	if (l.rlim_max < n) {
		l.rlim_max = n;
		if (setrlimit(RLIMIT_NOFILE, &l) && errno == EPERM)
			SKIP("the hard limit is too low");
	}
	EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
}

/* Descriptors that are open here and below n. */
static int open_below(int n)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

static int exhaust(void)
{
	int n = 0, fd, last = -1;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
		CHECK(fd > last);
		last = fd;
		n++;
	}
	EQ(errno, EMFILE);
	return n;
}

static void exhausted_and_recovered(void)
{
	int had, fd;

	limit(100);
	had = open_below(100);
	EQ(exhaust(), 100 - had);
	EQ(open_below(100), 100);
	EQ(close(77), 0);
	fd = open("/dev/null", O_RDONLY);
	EQ(fd, 77);
	FAILS(open("/dev/null", O_RDONLY), EMFILE);
	for (int i = 3; i < 100; i++)
		close(i);
	CHECK(exhaust() > 90);
}

static void every_maker_says_emfile(void)
{
	int p[2];

	limit(50);
	exhaust();
	FAILS(dup(0), EMFILE);
	FAILS(fcntl(0, F_DUPFD, 10), EMFILE);
	FAILS(pipe(p), EMFILE);
	FAILS(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE);
	FAILS(socketpair(AF_UNIX, SOCK_STREAM, 0, p), EMFILE);
	FAILS(epoll_create1(0), EMFILE);
	FAILS(eventfd(0, 0), EMFILE);
	FAILS(memfd_create("m", 0), EMFILE);
	FAILS(dup2(0, 50), EBADF);
	EQ(dup2(0, 49), 49);
	EQ(close(49), 0);
	FAILS(pipe(p), EMFILE);
	EQ(dup(0), 49);
}

static void limit_below_open_descriptors(void)
{
	char c;

	EQ(dup2(open("/dev/zero", O_RDONLY), 90), 90);
	limit(20);
	EQ(read(90, &c, 1), 1);
	FAILS(dup2(0, 90), EBADF);
	EQ(fcntl(90, F_GETFD), 0);
	EQ(close(90), 0);
}

static void zero(void)
{
	char c = 'x';
	int p[2];

	EQ(pipe(p), 0);
	limit(0);
	FAILS(open("/dev/null", O_RDONLY), EMFILE);
	EQ(write(p[1], &c, 1), 1);
	EQ(read(p[0], &c, 1), 1);
}

static void children_inherit(void)
{
	pid_t pid;

	limit(40);
	exhaust();
	pid = FORK();
	if (!pid) {
		FAILS(dup(0), EMFILE);
		EQ(close(20), 0);
		EQ(dup(0), 20);
		_exit(0);
	}
	CHILD_OK(pid);
	FAILS(dup(0), EMFILE);
	EQ(close(30), 0);
	pid = FORK();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "exec 2>/dev/null; test $(ulimit -n) = 40", (char *)NULL);
		_exit(99);
	}
	int st;

	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) != 0 && WEXITSTATUS(st) != 99);	/* no descriptor is left for the substitution */
	for (int i = 10; i < 30; i++)
		close(i);
	pid = FORK();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "test $(ulimit -n) = 40", (char *)NULL);
		_exit(99);
	}
	CHILD_OK(pid);
}

static void *open_and_close(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		int fd = open("/dev/null", O_RDONLY);

		if (fd >= 0)
			CHECK(!close(fd));
		else
			EQ(errno, EMFILE);
	}
	return arg;
}

static void threads_fight_for_the_last(void)
{
	int had, top = 0;
	pthread_t t[6];

	while (fcntl(top, F_GETFD) >= 0 || fcntl(top + 1, F_GETFD) >= 0)
		top++;
	limit(top + 3);
	had = open_below(top + 3);
	for (int i = 0; i < 6; i++)
		EQ(pthread_create(&t[i], NULL, open_and_close, NULL), 0);
	for (int i = 0; i < 6; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(open_below(top + 3), had);
	CHECK(exhaust() > 0);
}

static void fifteen_thousand(void)
{
	enum { N = 15000 };
	pid_t pid;
	int had;
	char c;

	limit(N);
	had = open_below(N);
	EQ(exhaust(), N - had);
	EQ(open_below(N), N);
	EQ(close(4000), 0);
	EQ(dup(0), 4000);
	EQ(read(N - 1, &c, 1), 0);
	pid = FORK();
	if (!pid) {
		EQ(open_below(N), N);
		EQ(close(N - 1), 0);
		EQ(dup(0), N - 1);
		EQ(close(N - 1), 0);
		EQ(dup2(4000, N - 1), N - 1);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(syscall(SYS_close_range, 3, ~0U, 0), 0);
	EQ(dup(0), 3);
}

/* Not only numbers: as many open files, sockets and pipes, every one of them of use. */
static void fifteen_thousand_in_use(void)
{
	enum { N = 15000 };
	struct epoll_event e = { .events = EPOLLIN }, got[100];
	int ep, n = 0, base, last[2], p[2];
	char c;

	limit(N);
	ep = epoll_create1(0);
	CHECK(ep >= 0);
	base = ep + 1;
	syscall(SYS_close_range, base, ~0U, 0);
	while (n < 7000 && !pipe2(p, O_NONBLOCK)) {
		EQ(p[0], base + 2 * n);
		e.data.u32 = n++;
		EQ(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e), 0);
		memcpy(last, p, sizeof(last));
	}
	EQ(n, 7000);
	while (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		n++;
	EQ(errno, EMFILE);
	EQ(n, N - base - 7000);
	EQ(epoll_wait(ep, got, 100, 0), 0);
	EQ(write(last[1], "x", 1), 1);
	EQ(write(base + 1, "y", 1), 1);
	EQ(epoll_wait(ep, got, 100, 0), 2);
	EQ(got[0].data.u32 + got[1].data.u32, 6999);
	EQ(read(last[0], &c, 1), 1);
	EQ(c, 'x');
	EQ(read(base, &c, 1), 1);
	EQ(c, 'y');
	EQ(syscall(SYS_close_range, base, ~0U, 0), 0);
	EQ(epoll_wait(ep, got, 100, 0), 0);
	EQ(pipe(p), 0);
	EQ(p[0], base);
}

static void high_numbers_only(void)
{
	struct rlimit l;
	long max = 0;
	char text[50];

	CHECK(slurp("/proc/sys/fs/nr_open", text, sizeof(text)) > 0);
	max = atol(text);
	CHECK(max >= 4096);
	limit(65536 < max ? 65536 : max);
	EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	EQ(dup2(0, l.rlim_cur - 1), (long)l.rlim_cur - 1);
	FAILS(dup2(0, l.rlim_cur), EBADF);
	EQ(close(l.rlim_cur - 1), 0);
	l.rlim_max = max + 1;
	FAILS(setrlimit(RLIMIT_NOFILE, &l), EPERM);
}

static void opened_and_closed_often(void)
{
	int first = dup(0);

	for (int i = 0; i < 20000; i++) {
		int p[2];

		CHECK(!pipe(p));
		CHECK(p[0] == first + 1 && p[1] == first + 2);
		CHECK(!close(p[0]) && !close(p[1]));
	}
}

static const struct test tests[] = {
	T(exhausted_and_recovered), T(every_maker_says_emfile), T(limit_below_open_descriptors), T(zero), T(children_inherit),
	T(threads_fight_for_the_last), T(fifteen_thousand), T(fifteen_thousand_in_use), T(high_numbers_only),
	T(opened_and_closed_often),
};
MAIN(tests)
