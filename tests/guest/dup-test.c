// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors: dup, dup2, dup3, F_DUPFD, close-on-exec, close_range, what is shared. */
#include "tap.h"
#include <pthread.h>
#include <sys/socket.h>

static int tmp(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	CHECK(fd >= 0);
	return fd;
}

static int cloexec(int fd)
{
	int f = fcntl(fd, F_GETFD);

	CHECK(f >= 0);
	return f & FD_CLOEXEC;
}

static void dup_lowest(void)
{
	int a = tmp(), b = dup(a), c;

	CHECK(b > a);
	c = dup(a);
	CHECK(c > b);
	EQ(close(b), 0);
	EQ(dup(a), b);
	EQ(close(a), 0);
	EQ(dup(c), a);
}

static void shared_offset(void)
{
	int a = tmp(), b = dup(a), other = open("f", O_RDWR);

	EQ(write(a, "hello", 5), 5);
	EQ(lseek(b, 0, SEEK_CUR), 5);
	EQ(lseek(other, 0, SEEK_CUR), 0);
	EQ(lseek(b, 2, SEEK_SET), 2);
	EQ(lseek(a, 0, SEEK_CUR), 2);
	EQ(close(a), 0);
	EQ(write(b, "X", 1), 1);
	EQ(pread(other, (char[1]) { 0 }, 1, 2), 1);
}

static void shared_flags(void)
{
	int a = tmp(), b = dup(a);

	EQ(fcntl(a, F_SETFL, O_APPEND | O_NONBLOCK), 0);
	EQ(fcntl(b, F_GETFL) & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
	EQ(fcntl(a, F_SETFD, FD_CLOEXEC), 0);
	EQ(cloexec(b), 0);
	EQ(fcntl(b, F_GETFL) & O_ACCMODE, O_RDWR);
}

static void dup2_replaces(void)
{
	int p[2], q[2];
	char c;

	EQ(pipe(p), 0);
	EQ(pipe(q), 0);
	EQ(dup2(p[1], q[1]), q[1]);
	EQ(read(q[0], &c, 1), 0);
	EQ(write(q[1], "x", 1), 1);
	EQ(read(p[0], &c, 1), 1);
	EQ(c, 'x');
	EQ(dup2(p[1], p[1]), p[1]);
	EQ(dup2(p[1], 200), 200);
	EQ(fcntl(200, F_GETFD), 0);
	FAILS(dup2(199, 201), EBADF);
	FAILS(dup2(199, 199), EBADF);
	FAILS(dup2(p[1], -1), EBADF);
	FAILS(dup2(p[1], 1 << 30), EBADF);
	FAILS(dup(-1), EBADF);
}

static void dup3_flags(void)
{
	int a = tmp();

	EQ(dup3(a, 100, O_CLOEXEC), 100);
	CHECK(cloexec(100));
	EQ(dup3(a, 100, 0), 100);
	CHECK(!cloexec(100));
	FAILS(dup3(a, a, 0), EINVAL);
	FAILS(syscall(SYS_dup3, a, 100, O_APPEND), EINVAL);
	FAILS(dup3(77, 100, 0), EBADF);
	EQ(fcntl(100, F_GETFD), 0);
}

static void duplicate_at_least(void)
{
	int a = tmp();

	EQ(fcntl(a, F_DUPFD, 50), 50);
	EQ(fcntl(a, F_DUPFD, 50), 51);
	CHECK(!cloexec(51));
	EQ(fcntl(a, F_DUPFD_CLOEXEC, 50), 52);
	CHECK(cloexec(52));
	EQ(close(51), 0);
	EQ(fcntl(a, F_DUPFD, 50), 51);
	FAILS(fcntl(a, F_DUPFD, -1), EINVAL);
	FAILS(fcntl(a, F_DUPFD, 1 << 30), EINVAL);
}

static void born_close_on_exec(void)
{
	int p[2], fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(cloexec(fd));
	EQ(pipe2(p, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK(cloexec(p[0]) && cloexec(p[1]));
	CHECK(fcntl(p[0], F_GETFL) & O_NONBLOCK);
	EQ(fcntl(fd, F_SETFD, 0), 0);
	CHECK(!cloexec(fd));
}

static void ranges(void)
{
	int a = tmp();

	for (int i = 100; i < 120; i++)
		EQ(dup2(a, i), i);
	EQ(syscall(SYS_close_range, 105, 109, 0), 0);
	for (int i = 100; i < 120; i++)
		EQ(fcntl(i, F_GETFD), i >= 105 && i <= 109 ? -1 : 0);
	EQ(syscall(SYS_close_range, 110, ~0U, 4 /* CLOEXEC */), 0);
	CHECK(!cloexec(104) && cloexec(110) && cloexec(119));
	FAILS(syscall(SYS_close_range, 9, 8, 0), EINVAL);
	EQ(syscall(SYS_close_range, 100, ~0U, 2 /* UNSHARE */), 0);
	FAILS(fcntl(100, F_GETFD), EBADF);
	EQ(fcntl(a, F_GETFD), 0);
}

/* Whether a program after exec has the descriptor: the shell looks for it. */
static int passed_on(int fd)
{
	char script[100];
	pid_t pid = FORK();
	int st;

	if (!pid) {
		snprintf(script, sizeof(script), "test -e /proc/$$/fd/%d", fd);
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(99);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st) && WEXITSTATUS(st) < 2);
	return !WEXITSTATUS(st);
}

static void closed_on_exec(void)
{
	int a = tmp();

	EQ(dup2(a, 50), 50);
	EQ(dup3(a, 51, O_CLOEXEC), 51);
	EQ(fcntl(a, F_DUPFD_CLOEXEC, 52), 52);
	EQ(dup2(52, 53), 53);
	EQ(dup2(a, 54), 54);
	EQ(fcntl(54, F_SETFD, FD_CLOEXEC), 0);
	EQ(fcntl(a, F_DUPFD_CLOEXEC, 500), 500);
	EQ(fcntl(a, F_DUPFD, 501), 501);
	CHECK(passed_on(50));
	CHECK(!passed_on(51));
	CHECK(!passed_on(52));
	CHECK(passed_on(53));
	CHECK(!passed_on(54));
	CHECK(!passed_on(500));
	CHECK(passed_on(501));
	EQ(fcntl(54, F_SETFD, 0), 0);
	CHECK(passed_on(54));
	EQ(fcntl(51, F_GETFD), FD_CLOEXEC);	/* here nothing was closed */
	FAILS(execl("/none", "none", (char *)NULL), ENOENT);
	EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	EQ(dup2(a, 51), 51);
	CHECK(passed_on(51));
	EQ(syscall(SYS_close_range, 50, ~0U, 4 /* CLOEXEC */), 0);
	CHECK(!passed_on(50) && !passed_on(53) && !passed_on(501));
}

static void *unsharing(void *arg)
{
	int a = *(int *)arg;

	EQ(syscall(SYS_close_range, 100, 110, 2 /* UNSHARE */), 0);
	FAILS(fcntl(105, F_GETFD), EBADF);
	EQ(fcntl(111, F_GETFD), 0);
	EQ(dup2(a, 300), 300);
	EQ(close(111), 0);
	EQ(lseek(a, 3, SEEK_SET), 3);
	return arg;
}

static void *sharing(void *arg)
{
	EQ(dup2(*(int *)arg, 301), 301);
	EQ(syscall(SYS_close_range, 106, 107, 0), 0);
	return arg;
}

/* A thread with a table of its own, and one that shares. */
static void ranges_in_threads(void)
{
	int a = tmp();
	pthread_t t;

	for (int i = 100; i < 120; i++)
		EQ(dup2(a, i), i);
	EQ(pthread_create(&t, NULL, unsharing, &a), 0);
	EQ(pthread_join(t, NULL), 0);
	for (int i = 100; i < 120; i++)
		EQ(fcntl(i, F_GETFD), 0);
	FAILS(fcntl(300, F_GETFD), EBADF);
	EQ(lseek(a, 0, SEEK_CUR), 3);
	EQ(pthread_create(&t, NULL, sharing, &a), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(fcntl(301, F_GETFD), 0);
	FAILS(fcntl(106, F_GETFD), EBADF);
	EQ(fcntl(108, F_GETFD), 0);
	EQ(syscall(SYS_close_range, 110, 112, 6 /* UNSHARE | CLOEXEC */), 0);
	CHECK(!cloexec(109) && cloexec(110) && cloexec(112) && !cloexec(113));
	EQ(syscall(SYS_close_range, 1000, 2000, 0), 0);
	FAILS(syscall(SYS_close_range, 0, ~0U, 8), EINVAL);
}

static void none_left(void)
{
	struct rlimit l;
	int a = tmp(), fd, last = -1;

	EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = 64;
	EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	while ((fd = dup(a)) >= 0)
		last = fd;
	EQ(errno, EMFILE);
	EQ(last, 63);
	FAILS(fcntl(a, F_DUPFD, 3), EMFILE);
	FAILS(fcntl(a, F_DUPFD_CLOEXEC, 63), EMFILE);
	FAILS(fcntl(a, F_DUPFD, 64), EINVAL);
	FAILS(dup2(a, 64), EBADF);
	FAILS(dup3(a, 64, 0), EBADF);
	EQ(dup2(a, 63), 63);
	EQ(dup3(a, 62, O_CLOEXEC), 62);
	EQ(close(40), 0);
	EQ(fcntl(a, F_DUPFD, 3), 40);
	EQ(close(63), 0);
	EQ(dup(a), 63);
}

/* The last copy closes what is behind it, and not one before it. */
static void last_copy(void)
{
	int p[2], copy[20];
	char c;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, p), 0);
	EQ(fcntl(p[0], F_SETFL, O_NONBLOCK), 0);
	for (int i = 0; i < 20; i++)
		copy[i] = dup(p[1]);
	EQ(close(p[1]), 0);
	for (int i = 0; i < 20; i++) {
		FAILS(read(p[0], &c, 1), EAGAIN);
		if (i % 2)
			EQ(close(copy[i]), 0);
		else
			EQ(dup2(0, copy[i]), copy[i]);
	}
	EQ(read(p[0], &c, 1), 0);
}

static void lowest_in_holes(void)
{
	int a = tmp(), top = 0, fd;

	for (int i = 0; i < 200; i++) {
		fd = dup(a);
		CHECK(fd > top);
		top = fd;
	}
	for (fd = top; fd > top - 100; fd -= 3)
		EQ(close(fd), 0);
	for (int want = top - 99; want <= top; want += 3)
		EQ(dup(a), want);
	CHECK(dup(a) > top);
}

static void child_has_its_own_table(void)
{
	int a = tmp();
	pid_t pid = FORK();

	if (!pid) {
		EQ(write(a, "child", 5), 5);
		EQ(close(a), 0);
		EQ(dup2(1, 90), 90);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(lseek(a, 0, SEEK_CUR), 5);
	FAILS(fcntl(90, F_GETFD), EBADF);
}

static void same_open_file(void)
{
	int a = tmp(), b = dup(a), c = open("f", O_RDWR);
	long r = syscall(SYS_kcmp, getpid(), getpid(), 0, a, b);

	if (r < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP("no kcmp here");
	EQ(r, 0);
	CHECK(syscall(SYS_kcmp, getpid(), getpid(), 0, a, c) > 0);
}

static void proc_fd(void)
{
	char path[50], link[300], want[300];
	int a = tmp();

	EQ(dup2(a, 123), 123);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", 123);
	link[readlink(path, link, sizeof(link) - 1)] = 0;
	CHECK(getcwd(want, sizeof(want) - 2));
	strcat(want, "/f");
	IS(link, want);
	EQ(close(123), 0);
	FAILS(readlink(path, link, sizeof(link)), ENOENT);
}

static const struct test tests[] = {
	T(dup_lowest), T(shared_offset), T(shared_flags), T(dup2_replaces), T(dup3_flags), T(duplicate_at_least),
	T(born_close_on_exec), T(ranges), T(ranges_in_threads), T(closed_on_exec), T(none_left), T(last_copy),
	T(lowest_in_holes), T(child_has_its_own_table), T(same_open_file), T(proc_fd),
};
MAIN(tests)
