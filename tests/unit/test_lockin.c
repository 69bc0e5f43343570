// SPDX-License-Identifier: GPL-2.0-only
/* What a process can still do that has locked itself in, in a child of ours, and what ends it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"
#include "landlock.h"
#include "lockin.h"

/* Not _exit(2), before which a sanitizer looks for leaks. */
static void leave(int status)
{
	syscall(SYS_exit_group, status);
}

static struct lockin who;
static bool broker;		/* the child is one of volumes */
static int null_fd, dir_fd = -1;
static pid_t other;		/* another process, which is not the box's */
static char *page;
static int other_epoll;

/* The wait status of a child that locks itself in and does it; a result of its own is 77. */
static int after_lock(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		who.self = getpid();
		if (broker) {
			setenv("KBOX_HIDE", "landlock", 1);
			read_hidden();
			who.broker_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY);
		}
		if (!lock_in(&who))
			_exit(77);
		fn();
		leave(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void opens(void) { open("/dev/null", O_RDONLY); }
static void opens_at(void) { syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY); }
static void executes(void) { char *argv[] = { "/bin/true", NULL }; execve(argv[0], argv, argv + 1); }
static void forks(void) { syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL); }
static void clones(void) { char args[88] = { 0 }; syscall(SYS_clone3, args, sizeof(args)); }
static void makes_socket(void) { socket(AF_UNIX, SOCK_STREAM, 0); }
static void makes_memory_file(void) { memfd_create("x", 0); }
static void maps_code(void) { mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }
static void makes_code(void) { mprotect(page, 4096, PROT_READ | PROT_EXEC); }
static void makes_writable_code(void) { mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC); }
static void kills_other(void) { kill(other, 0); }
static void kills_all(void) { kill(-1, 0); }
static void kills_by_thread(void) { syscall(SYS_tkill, other, 0); }
static void types(void) { ioctl(0, TIOCSTI, "x"); }
static void takes_terminal(void) { ioctl(0, TIOCSCTTY, 1); }
static void changes_itself(void) { prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }
static void traces(void) { syscall(SYS_ptrace, 0, 0, 0, 0); }
static void reads_others_memory(void) { syscall(SYS_process_vm_readv, other, NULL, 0, NULL, 0, 0); }
static void takes_others_descriptor(void) { syscall(SYS_pidfd_open, other, 0); }
static void removes(void) { syscall(SYS_unlinkat, AT_FDCWD, "/nonexistent", 0); }
static void removes_file(void) { syscall(SYS_unlinkat, dir_fd, "file", 0); }
static void removes_elsewhere(void) { syscall(SYS_unlinkat, null_fd, "x", 0); }
static void renames(void) { syscall(SYS_renameat2, AT_FDCWD, "/nonexistent", AT_FDCWD, "/none", 0); }
static void changes_limits(void) { struct rlimit r = { 1, 1 }; syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, &r, NULL); }
static void uses_ring(void) { syscall(SYS_io_uring_setup, 1, NULL); }
static void filters(void) { syscall(SYS_seccomp, 0, 0, NULL); }
static void owns(void) { fcntl(null_fd, F_SETOWN, getpid()); }
static void changes_others_epoll(void) { epoll_ctl(other_epoll, EPOLL_CTL_DEL, 0, NULL); }
#ifdef __x86_64__
static void calls_as_x32(void) { syscall(0x40000000 | SYS_write, null_fd, "x", 1); }
static void calls_as_i386(void) { asm volatile("int $0x80" : : "a"(20) : "memory"); }
#endif

static void each_is_killed(void (*const fn[])(void), size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int status = after_lock(fn[i]);

		print_message("# %zu: %x\n", i, status);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static void forbidden(void **state)
{
	static void (*const all[])(void) = {
		opens, opens_at, executes, forks, clones, makes_socket, makes_memory_file, maps_code, makes_code,
		makes_writable_code, kills_other, kills_all, kills_by_thread, types, takes_terminal, changes_itself, traces,
		reads_others_memory, takes_others_descriptor, removes, removes_elsewhere, renames, changes_limits, uses_ring,
		filters, owns, changes_others_epoll,
#ifdef __x86_64__
		calls_as_x32, calls_as_i386,
#endif
	};

	(void)state;
	each_is_killed(all, sizeof(all) / sizeof(all[0]));
}

static void check(bool ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "# line %d: %s\n", line, strerror(errno));
	leave(1);
}

#define CHECK(x) check(x, __LINE__)

static void works_on(void)
{
	struct pollfd p = { null_fd, POLLOUT, 0 };
	struct timespec moment = { 0, 1000 };
	struct termios t;
	char *m;

	CHECK(write(null_fd, "x", 1) == 1);
	CHECK(pwrite(null_fd, "x", 1, 0) == 1);
	CHECK(poll(&p, 1, -1) == 1);
	CHECK(epoll_ctl(who.loop, EPOLL_CTL_DEL, other_epoll, NULL) && errno == ENOENT);
	CHECK(!nanosleep(&moment, NULL));
	CHECK(!kill(getpid(), 0));
	CHECK(!kill(-who.box, 0));
	CHECK(!kill(who.box, 0));
	CHECK(!raise(SIGWINCH));
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	CHECK(tcgetattr(null_fd, &t) && errno == ENOTTY);
	CHECK(tcsetattr(null_fd, TCSANOW, &t) && errno == ENOTTY);
	CHECK(tcgetpgrp(null_fd) < 0 && errno == ENOTTY);
	CHECK(getpgrp() > 0);
	/* Little and much: from the heap, and mapped. */
	for (size_t size = 1 << 10; size <= 64 << 20; size <<= 4) {
		m = malloc(size);
		CHECK(m && memset(m, 1, size));
		m = realloc(m, size * 2);
		CHECK(m);
		free(m);
	}
	fprintf(stderr, "# a number: %d, %.1f\n", 7, 1.5);
}

static void allowed(void **state)
{
	int status;

	(void)state;
	status = after_lock(works_on);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void aborts(void)
{
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);	/* as abort(3) does, around which a sanitizer has calls of its own */
}

static void abort_is_one(void **state)
{
	int status;

	(void)state;
	status = after_lock(aborts);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static int go[2];

static void *open_when_told(void *arg)
{
	char c;

	(void)arg;
	if (read(go[0], &c, 1) == 1)
		syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
	leave(3);
	return NULL;
}

/* A thread that was there before, and that makes no call but this. */
static void in_thread(void)
{
	(void)!write(go[1], "x", 1);
	for (;;)
		sched_yield();
}

static void other_threads(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid) {
		pthread_t t;

		pthread_create(&t, NULL, open_when_told, NULL);
		who.self = getpid();
		if (!lock_in(&who))
			_exit(77);
		in_thread();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static char outside[64];

static void removes_in_group(void)
{
	CHECK(!syscall(SYS_unlinkat, dir_fd, "empty", AT_REMOVEDIR));
	/* Landlock, where it is, bounds it to that directory. */
	CHECK(syscall(SYS_unlinkat, dir_fd, outside, AT_REMOVEDIR) < 0);
}

/* Where there is a control group, its directory can be removed, and no other. */
static void group_directory(void **state)
{
	char name[] = "/tmp/kbox-unit.XXXXXX";
	int status, killed;

	(void)state;
	if (!landlock_abi())
		skip();
	snprintf(outside, sizeof(outside), "/tmp/kbox-outside.%d", getpid());
	assert_non_null(mkdtemp(name));
	assert_int_equal(mkdir(outside, 0700), 0);
	dir_fd = open(name, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(dir_fd, "empty", 0700), 0);
	close(openat(dir_fd, "file", O_WRONLY | O_CREAT, 0600));
	who.group_dir = dir_fd;
	status = after_lock(removes_in_group);
	killed = after_lock(removes_file);
	who.group_dir = -1;
	unlinkat(dir_fd, "file", 0);
	unlinkat(dir_fd, "empty", AT_REMOVEDIR);
	rmdir(name);
	rmdir(outside);
	assert_true(WIFSIGNALED(killed));
	assert_int_equal(WTERMSIG(killed), SIGSYS);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int root_fd;
static const uint64_t naming[3] = { O_PATH | O_CLOEXEC };	/* struct open_how */

static void names_in_volume(void) { syscall(SYS_openat2, root_fd, "etc", naming, sizeof(naming)); }
static void names_elsewhere(void) { syscall(SYS_openat2, AT_FDCWD, "etc", naming, sizeof(naming)); }
static void asks_elsewhere(void) { syscall(SYS_statx, AT_FDCWD, "/", 0, 0, NULL); }
static void changes_mode(void) { syscall(SYS_fchmodat, root_fd, "nonexistent", 0); }
static void opens_in_volume(void) { syscall(SYS_openat, root_fd, "etc", O_RDONLY); }
static void links_elsewhere(void) { syscall(SYS_linkat, AT_FDCWD, "nonexistent", root_fd, "nonexistent", 0); }

static void opens_again(void)
{
	int fd = syscall(SYS_openat2, root_fd, "etc", naming, sizeof(naming));
	char number[16];

	CHECK(fd >= 0);
	snprintf(number, sizeof(number), "%d", fd);
	CHECK(syscall(SYS_openat, who.broker_fds, number, O_RDONLY) >= 0);
}

/* Where it opens the files of volumes it has a descriptor for each directory. */
static void as_broker(void **state)
{
	static void (*const never[])(void) = {
		opens_at, names_elsewhere, asks_elsewhere, changes_mode, opens_in_volume, links_elsewhere, removes, renames,
		executes, forks, makes_socket, maps_code,
	};
	int status;

	(void)state;
	status = after_lock(names_in_volume);
	assert_true(WIFSIGNALED(status));
	broker = true;
	each_is_killed(never, sizeof(never) / sizeof(never[0]));
	status = after_lock(opens_again);
	broker = false;
	assert_int_equal(status, 0);
}

static int listening, elsewhere;	/* the socket of a box's name, and another one that listens */

static int new_listener(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	/* It gets a name of the host's choice. */
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un.sun_family)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void hears_clients(void)
{
	struct msghdr m = { 0 };
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (accept4(listening, NULL, NULL, SOCK_CLOEXEC) >= 0 || errno != EAGAIN)
		leave(1);
	if (getsockopt(listening, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		leave(2);
	if (recvmsg(listening, &m, 0) >= 0 || sendmsg(listening, &m, 0) >= 0)
		leave(3);
}

static void accepts_elsewhere(void) { accept4(elsewhere, NULL, NULL, SOCK_CLOEXEC); }
static void asks_options(void) { int n; socklen_t len = sizeof(n); getsockopt(listening, SOL_SOCKET, SO_TYPE, &n, &len); }
static void connects(void) { connect(elsewhere, NULL, 0); }

/* With a name it has clients, who come by one socket. */
static void with_name(void **state)
{
	static void (*const never[])(void) = {
		accepts_elsewhere, asks_options, connects, opens, executes, forks, makes_socket,
	};
	int status;

	(void)state;
	listening = new_listener();
	elsewhere = new_listener();
	status = after_lock(hears_clients);
	assert_true(WIFSIGNALED(status));
	who.control = listening;
	each_is_killed(never, sizeof(never) / sizeof(never[0]));
	status = after_lock(hears_clients);
	who.control = -1;
	assert_int_equal(status, 0);
}

static void hidden(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (!pid) {
		setenv("KBOX_HIDE", "lock-in", 1);
		read_hidden();
		_exit(lock_in(&who) ? 1 : open("/dev/null", O_RDONLY) < 0 ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forbidden), cmocka_unit_test(allowed), cmocka_unit_test(abort_is_one),
		cmocka_unit_test(other_threads), cmocka_unit_test(group_directory), cmocka_unit_test(as_broker),
		cmocka_unit_test(with_name), cmocka_unit_test(hidden),
	};
	int failed;

	null_fd = open("/dev/null", O_RDWR);
	root_fd = open("/", O_PATH | O_DIRECTORY);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	who = (struct lockin) { 0, fork(), 0, 0, -1, epoll_create1(0), -1, -1 };
	other_epoll = epoll_create1(0);
	if (!who.box) {
		setsid();
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	while (kill(-who.box, 0))
		sched_yield();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	kill(other, SIGKILL);
	kill(who.box, SIGKILL);
	return failed;
}
