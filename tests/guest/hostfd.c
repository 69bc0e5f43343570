// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors of the host in a box. Tests of what needs no more of the host than stdio: what an
 * open file of the guest is, and how many hold each descriptor of the host (/proc/hostfds), by a
 * random test against a naive model.
 *
 *	SEED, HOSTFD_OPS	of the random test
 *	HOSTFD_LOOP=A,B		two descriptors that are a pair of sockets of the host's: the random test sends by A, and gets by B
 *
 * With the name of an action and its arguments it is a tool, of tests/host/hostfd.py: it does that
 * to the descriptors that it was given, and says "RESULT WORDS...", where the result of what fails
 * is the negative errno. "agent" does what it reads, line by line.
 */
#include "hostfd-agent.h"
#include "hostfd-model.h"

static int stdio_type(mode_t type)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (!fstat(fd, &st) && (st.st_mode & S_IFMT) == type)
			return fd;
	return -1;
}

static void stdio_is_of_the_host(void)
{
	int holders[HOSTS], fd = open("/proc/hostfds", O_RDONLY), n = 0;

	if (fd < 0)
		SKIP("no box");
	EQ(read_hostfds(fd, holders), 0);
	close(fd);
	for (int i = 0; i < 3; i++)
		if (host_of(i) >= 0) {
			EQ(host_of(i), i);
			EQ(holders[i], 1);
			n++;
		}
	if (!n)
		SKIP("stdio is a terminal");
}

static void a_pipe_has_no_offset(void)
{
	int fd = stdio_type(S_IFIFO);
	bool out = fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
	char c = 0;

	if (fd < 0)
		SKIP("stdio is no pipe");
	FAILS(lseek(fd, 0, SEEK_CUR), ESPIPE);
	FAILS(lseek(fd, 0, SEEK_SET), ESPIPE);
	FAILS(out ? pwrite(fd, &c, 1, 0) : pread(fd, &c, 1, 0), ESPIPE);
	FAILS(ftruncate(fd, 0), EINVAL);
	FAILS(fsync(fd), EINVAL);
	FAILS(out ? read(fd, &c, 1) : write(fd, &c, 1), EBADF);
	EQ(isatty(fd), 0);
	CHECK(mmap(NULL, 1, PROT_NONE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK(errno == ENODEV || errno == EACCES);
}

static void the_null_device_is_one(void)
{
	int fd = stdio_type(S_IFCHR);
	struct stat st, null;
	char c;

	if (fd < 0 || fstat(fd, &st) || stat("/dev/null", &null) || st.st_rdev != null.st_rdev)
		SKIP("stdio is not /dev/null");
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY) {
		EQ(read(fd, &c, 1), 0);
		FAILS(write(fd, "x", 1), EBADF);
	} else {
		EQ(write(fd, "x", 1), 1);
	}
	EQ(isatty(fd), 0);
	EQ(lseek(fd, 0, SEEK_CUR), 0);
	FAILS(epoll_ctl(epoll_create1(0), EPOLL_CTL_ADD, fd, &(struct epoll_event) { .events = EPOLLIN }), EPERM);
}

static void the_access_mode_is_kept(void)
{
	struct stat a, b;
	int fd = of_host(), mode = fcntl(fd, F_GETFL) & O_ACCMODE, other = reopen(fd, mode);

	CHECK(other > 2);
	EQ(fcntl(other, F_GETFL) & O_ACCMODE, mode);
	if (mode == O_RDONLY)
		FAILS(reopen(fd, O_WRONLY), EACCES);
	if (mode == O_WRONLY)
		FAILS(reopen(fd, O_RDONLY), EACCES);
	EQ(fstat(fd, &a), 0);
	EQ(fstat(other, &b), 0);
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_mode, b.st_mode);
	EQ(a.st_rdev, b.st_rdev);
	EQ(fcntl(other, F_SETFL, O_NONBLOCK), 0);
	EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

static void opened_again_is_another_holder(void)
{
	int fd = of_host(), host = host_of(fd), mode = fcntl(fd, F_GETFL) & O_ACCMODE, had = holders_of(host), other[3];
	pid_t pid;

	for (int i = 0; i < 3; i++) {
		other[i] = reopen(fd, mode);
		CHECK(other[i] >= 0);
		EQ(host_of(other[i]), host);
		EQ(holders_of(host), had + i + 1);
	}
	EQ(close(other[0]), 0);
	EQ(holders_of(host), had + 2);
	pid = FORK();
	if (!pid) {
		char path[40];
		int of_parent;

		close(other[1]);
		EQ(holders_of(host), had + 2);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getppid(), fd);
		of_parent = open(path, mode);
		CHECK(of_parent >= 0);
		EQ(holders_of(host), had + 3);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(holders_of(host), had + 2);
	EQ(close(other[1]), 0);
	EQ(close(other[2]), 0);
	EQ(holders_of(host), had);
}

static void dev_stdout_opens_again(void)
{
	int host = host_of(1), had, fd;
	struct stat st;

	if (host < 0)
		SKIP("standard output is not of a host");
	had = holders_of(host);
	fd = open("/dev/stdout", O_WRONLY);
	CHECK(fd >= 0);
	EQ(holders_of(host), had + 1);
	/* In a file it would overwrite what has been said: it has an offset of its own. */
	EQ(fstat(fd, &st), 0);
	if (!S_ISREG(st.st_mode))
		EQ(write(fd, "# /dev/stdout\n", 14), 14);
	EQ(close(fd), 0);
	EQ(holders_of(host), had);
}

static void duplicates_are_no_holders(void)
{
	int fd = of_host(), host = host_of(fd), had = holders_of(host);
	pid_t pid;

	EQ(dup2(fd, 50), 50);
	EQ(fcntl(fd, F_DUPFD_CLOEXEC, 60), 60);
	EQ(holders_of(host), had);
	pid = FORK();
	if (!pid) {
		EQ(holders_of(host), had);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(close(50), 0);
	EQ(holders_of(host), had);
}

/* A new holder, by its only descriptor. */
static int new_one(int *host)
{
	int fd = of_host();

	*host = host_of(fd);
	return reopen(fd, fcntl(fd, F_GETFL) & O_ACCMODE);
}

static void in_flight_it_is_held(void)
{
	int host, fd = new_one(&host), sp[2], had = holders_of(host);
	struct received r;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	EQ(send_byte(sp[0], &fd, 1), 1);
	EQ(close(fd), 0);
	EQ(holders_of(host), had);
	EQ(receive_byte(sp[1], 0, 1, &r), 1);
	EQ(r.n, 1);
	EQ(host_of(r.fds[0]), host);
	EQ(holders_of(host), had);
	EQ(send_byte(sp[0], r.fds, 1), 1);
	EQ(close(r.fds[0]), 0);
	EQ(holders_of(host), had);
	close(sp[0]);
	EQ(holders_of(host), had);
	close(sp[1]);
	EQ(holders_of(host), had - 1);
}

static void cut_off_it_is_dropped(void)
{
	int host, fd = new_one(&host), sp[2], had = holders_of(host);
	struct received r;

	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sp), 0);
	EQ(send_byte(sp[0], &fd, 1), 1);
	EQ(close(fd), 0);
	EQ(receive_byte(sp[1], 0, 0, &r), 1);
	EQ(r.flags & MSG_CTRUNC, MSG_CTRUNC);
	EQ(holders_of(host), had - 1);
}

static void the_end_of_a_process_drops_it(void)
{
	int host, fd = of_host(), had = holders_of(host_of(fd)), p[2];
	pid_t pid;
	char c;

	EQ(pipe(p), 0);
	pid = FORK();
	if (!pid) {
		CHECK(new_one(&host) >= 0);
		EQ(holders_of(host), had + 1);
		EQ(write(p[1], "x", 1), 1);
		for (;;)
			pause();
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(holders_of(host_of(fd)), had + 1);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
	EQ(holders_of(host_of(fd)), had);
}

static void exec_drops_those_to_be_closed(void)
{
	int host, kept = new_one(&host), closed = new_one(&host), had = holders_of(host);
	char script[200];
	pid_t pid;

	CHECK(kept >= 0 && closed >= 0);
	EQ(fcntl(closed, F_SETFD, FD_CLOEXEC), 0);
	snprintf(script, sizeof(script), "grep -q '^%d %d$' /proc/hostfds && test -e /proc/self/fd/%d -a ! -e /proc/self/fd/%d",
		 host, had, kept, closed);
	pid = FORK();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(99);
	}
	CHILD_OK(pid);		/* we have the other one still */
	EQ(close(closed), 0);
	EQ(holders_of(host), had - 1);
}

/* The first process has taken all that was on offer. */
static void nothing_more_can_be_taken(void)
{
	int dev = open("/dev/kboxfd", O_RDWR);

	if (dev < 0)
		SKIP("no /dev/kboxfd that we may open");
	for (int host = 0; host < 300; host++)
		FAILS(ioctl(dev, KBOX_IOC_TAKE, host), EBADF);
	for (int shift = 8; shift < 32; shift++)
		FAILS(ioctl(dev, KBOX_IOC_TAKE, 1UL << shift), EBADF);
	FAILS(ioctl(dev, KBOX_IOC_TAKE, -1L), EBADF);
	FAILS(ioctl(dev, KBOX_IOC_TAKE + 1, 0), ENOTTY);
	FAILS(read(dev, (char[1]) { 0 }, 1), EINVAL);
}

static const struct test tests[] = {
	T(stdio_is_of_the_host), T(a_pipe_has_no_offset), T(the_null_device_is_one), T(the_access_mode_is_kept),
	T(opened_again_is_another_holder), T(dev_stdout_opens_again), T(duplicates_are_no_holders), T(in_flight_it_is_held),
	T(cut_off_it_is_dropped), T(the_end_of_a_process_drops_it), T(exec_drops_those_to_be_closed), T(nothing_more_can_be_taken),
	T(random_operations),
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "resumed"))
		return resumed(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "agent"))
		return agent();
	if (argc < 2 || !is_action(argv[1]))
		return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
	for (nwords = 0; nwords < argc - 1 && nwords < WORDS; nwords++)
		words[nwords] = argv[nwords + 1];
	return !act();
}
