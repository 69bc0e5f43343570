// SPDX-License-Identifier: GPL-2.0-only
/* Bad pointers in system calls: EFAULT, partial transfers at the edge of a page, never a crash. */
#include "tap.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>

struct call {
	const char *name;
	long nr, v[6];
};

#define BAD -4096L		/* stands for the bad pointer of the round */

static int fd, pipes[2], sock[2], ep;

static long sub(long v, long bad)
{
	return v == BAD ? bad : v;
}

static void one(const struct call *c, long bad)
{
	long r;

	errno = 0;
	r = syscall(c->nr, sub(c->v[0], bad), sub(c->v[1], bad), sub(c->v[2], bad), sub(c->v[3], bad), sub(c->v[4], bad), sub(c->v[5], bad));
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);
	if (r != -1 || errno != EFAULT)
		tap_fail(__FILE__, __LINE__, "%s at %lx gives %ld, errno %d", c->name, bad, r, errno);
}

static void every_call(long bad, int writable_is_bad_only)
{
	const struct call out[] = {
#define C(name, ...) { #name, SYS_##name, { __VA_ARGS__ } }
		C(read, fd, BAD, 10), C(pread64, fd, BAD, 10, 0), C(fstat, fd, BAD), C(newfstatat, AT_FDCWD, (long)".", BAD, 0),
		C(getcwd, BAD, 100), C(readlinkat, AT_FDCWD, (long)"link", BAD, 10), C(getdents64, open(".", O_RDONLY), BAD, 1000),
		C(uname, BAD), C(pipe2, BAD, 0), C(clock_gettime, CLOCK_MONOTONIC, BAD), C(clock_getres, CLOCK_MONOTONIC, BAD),
		C(getrusage, 0, BAD), C(getrlimit, RLIMIT_NOFILE, BAD), C(prlimit64, 0, RLIMIT_NOFILE, 0, BAD), C(sysinfo, BAD),
		C(times, BAD), C(getitimer, 0, BAD), C(statfs, (long)".", BAD), C(fstatfs, fd, BAD), C(getrandom, BAD, 10, 0),
		C(socketpair, AF_UNIX, SOCK_STREAM, 0, BAD), C(getsockname, sock[0], BAD, BAD), C(getresuid, BAD, BAD, BAD),
		C(statx, AT_FDCWD, (long)".", 0, 0x7ff, BAD), C(sched_getaffinity, 0, 128, BAD), C(rt_sigpending, BAD, 8),
		C(timer_create, CLOCK_MONOTONIC, 0, BAD), C(sigaltstack, 0, BAD), C(getcpu, BAD, 0), C(capget, BAD, BAD),
		C(rt_sigaction, SIGUSR1, 0, BAD, 8), C(rt_sigprocmask, 0, 0, BAD, 8),
#ifdef __x86_64__
		C(stat, (long)".", BAD), C(pipe, BAD), C(readlink, (long)"link", BAD, 10),
#endif
	}, in[] = {
		C(write, pipes[1], BAD, 10), C(openat, AT_FDCWD, BAD, 0), C(execve, BAD, 0, 0), C(execve, (long)"/bin/sh", BAD, 0),
		C(execve, (long)"/bin/sh", 0, BAD), C(chdir, BAD), C(mkdirat, AT_FDCWD, BAD, 0755), C(unlinkat, AT_FDCWD, BAD, 0),
		C(renameat2, AT_FDCWD, BAD, AT_FDCWD, BAD, 0), C(symlinkat, BAD, AT_FDCWD, (long)"x"),
		C(linkat, AT_FDCWD, BAD, AT_FDCWD, (long)"x", 0), C(faccessat, AT_FDCWD, BAD, 0), C(fchmodat, AT_FDCWD, BAD, 0),
		C(truncate, BAD, 0), C(nanosleep, BAD, 0), C(clock_nanosleep, CLOCK_MONOTONIC, 0, BAD, 0),
		C(readv, fd, BAD, 1), C(writev, pipes[1], BAD, 1), C(ppoll, BAD, 1, 0, 0, 8), C(pselect6, 10, BAD, 0, 0, 0, 0),
		C(bind, sock[0], BAD, sizeof(struct sockaddr_un)), C(connect, sock[0], BAD, sizeof(struct sockaddr_un)),
		C(sendto, sock[0], BAD, 10, 0, 0, 0), C(sendmsg, sock[0], BAD, 0), C(recvmsg, sock[0], BAD, MSG_DONTWAIT),
		C(setsockopt, sock[0], SOL_SOCKET, SO_PASSCRED, BAD, 4), C(epoll_ctl, ep, EPOLL_CTL_ADD, pipes[0], BAD),
		C(rt_sigaction, SIGUSR1, BAD, 0, 8), C(rt_sigprocmask, SIG_BLOCK, BAD, 0, 8), C(rt_sigsuspend, BAD, 8),
		C(rt_sigtimedwait, BAD, 0, 0, 8), C(sigaltstack, BAD, 0), C(setrlimit, RLIMIT_CORE, BAD), C(setitimer, 0, BAD, 0),
		C(futex, BAD, 0, 0, 0, 0, 0), C(futex, BAD, 1 /* shared wake */, 1, 0, 0, 0), C(prctl, 15 /* PR_SET_NAME */, BAD),
		C(sched_setaffinity, 0, 128, BAD), C(utimensat, AT_FDCWD, BAD, 0, 0), C(mount, (long)"x", BAD, (long)"tmpfs", 0, 0),
		C(setgroups, 1, BAD), C(clone3, BAD, 88), C(rt_sigqueueinfo, getpid(), SIGUSR1, BAD), C(setxattr, (long)"f", BAD, BAD, 1, 0),
#ifdef __x86_64__
		C(open, BAD, 0), C(poll, BAD, 1, 0), C(access, BAD, 0), C(mkdir, BAD, 0),
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		one(&out[i], bad);
	if (!writable_is_bad_only)
		for (size_t i = 0; i < ARRAY_SIZE(in); i++)
			one(&in[i], bad);
}

static void prepare(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	fd = open("f", O_CREAT | O_RDWR, 0644);
	EQ(write(fd, "0123456789", 10), 10);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(symlink("target", "link"), 0);
	EQ(pipe(pipes), 0);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
	ep = epoll_create1(0);
	signal(SIGPIPE, SIG_IGN);
}

static void unmapped_page(void)
{
	char *p = map_anon(8192, MAP_PRIVATE);

	prepare();
	EQ(munmap(p, 8192), 0);
	every_call((long)p, 0);
}

static void forbidden_page(void)
{
	char *p = map_anon(8192, MAP_PRIVATE);

	prepare();
	EQ(mprotect(p, 8192, PROT_NONE), 0);
	every_call((long)p, 0);
}

static void low_address(void)
{
	prepare();
	every_call(4096, 0);
}

/* NULL, where it does not mean "none". */
static void no_address(void)
{
	char *const none[] = { NULL };

	prepare();
	FAILS(syscall(SYS_read, fd, NULL, 10), EFAULT);
	EQ(syscall(SYS_read, fd, NULL, 0), 0);
	FAILS(syscall(SYS_write, pipes[1], NULL, 10), EFAULT);
	FAILS(syscall(SYS_openat, AT_FDCWD, NULL, 0), EFAULT);
	FAILS(syscall(SYS_fstat, fd, NULL), EFAULT);
	FAILS(syscall(SYS_uname, NULL), EFAULT);
	FAILS(syscall(SYS_pipe2, NULL, 0), EFAULT);
	FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, NULL), EFAULT);
	FAILS(syscall(SYS_nanosleep, NULL, NULL), EFAULT);
	FAILS(syscall(SYS_getdents64, open(".", O_RDONLY), NULL, 1000), EFAULT);
	FAILS(syscall(SYS_readv, fd, NULL, 1), EFAULT);
	FAILS(syscall(SYS_execve, NULL, none, none), EFAULT);
	FAILS(syscall(SYS_symlinkat, NULL, AT_FDCWD, "x"), EFAULT);
	FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, NULL), EFAULT);
	FAILS(syscall(SYS_futex, NULL, 0, 0, NULL, NULL, 0), EFAULT);
	FAILS(syscall(SYS_getrandom, NULL, 10, 0), EFAULT);
#ifdef SYS_poll
	FAILS(syscall(SYS_poll, NULL, 1, 0), EFAULT);
#endif
	EQ(syscall(SYS_times, NULL) != -1, 1);
}

static void kernel_addresses(void)
{
	prepare();
	every_call((long)0xffff888000000000, 0);
	every_call((long)0xffffffff81000000, 0);
	every_call((1L << USER_BITS) - 0x2000 + 0x10000, 0);
}

/* Where a box keeps its kernel; elsewhere nothing is there. */
static void kernel_in_the_box(void)
{
	prepare();
	every_call(BOX_KERNEL + 0x1000, 0);
	every_call(BOX_KERNEL + 0x100000, 0);
	every_call(BOX_KERNEL + 0x600000, 0);
}

/*
 * The pages on both sides of what a box keeps for itself are a program's; nothing is between them.
 */
static void around_the_kernel(void)
{
	char *p = mmap((void *)(BOX_HOME - 4096), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000 /* no replace */, -1, 0);
	char *q = mmap((void *)BOX_HOME_END, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | 0x100000, -1, 0);

	prepare();
	EQ(p, BOX_HOME - 4096);
	EQ(q, BOX_HOME_END);
	memset(p, 'k', 4096);
	memset(q, 'k', 4096);
	EQ(pwrite(fd, p + 4086, 100, 0), 10);
	EQ(pread(fd, p + 4091, 10, 0), 5);
	FAILS(pwrite(fd, p + 4096, 100, 0), EFAULT);
	FAILS(pwrite(fd, q - 1, 100, 0), EFAULT);
	FAILS(pread(fd, q - 10, 100, 0), EFAULT);
	EQ(pwrite(fd, q, 10, 0), 10);
	FAILS(access(q - 1, F_OK), EFAULT);
	EQ(pwrite(fd, p + 4086, 10, 0), 10);
	FAILS(pread(fd, p + 4096, 10, 0), EFAULT);
	FAILS(access(p + 4000, F_OK), EFAULT);
	FAILS(syscall(SYS_uname, p + 4000), EFAULT);
}

static void not_canonical(void)
{
	prepare();
	every_call(0x0dead00000000000, 0);
	every_call((long)0x8000000000000000, 0);
}

static void past_the_end_of_a_file(void)
{
	char *p;

	prepare();
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	every_call((long)p + 4096, 0);
}

static void read_only_page(void)
{
	char *p = map_anon(4096, MAP_PRIVATE);

	prepare();
	memset(p, 0, 4096);
	EQ(mprotect(p, 4096, PROT_READ), 0);
	every_call((long)p, 1);
	EQ(p[0], 0);
}

static void read_only_file(void)
{
	char *p;

	prepare();
	EQ(ftruncate(fd, 4096), 0);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	every_call((long)p, 1);
}

/* Two pages, the second one gone. */
static char *edge(void)
{
	char *p = map_anon(8192, MAP_PRIVATE);

	EQ(munmap(p + 4096, 4096), 0);
	return p + 4096;
}

static void partial_transfers(void)
{
	char *end = edge(), buf[20] = { 0 };
#ifdef __aarch64__
	long got;
#endif

	prepare();
	memset(end - 5, 'e', 5);
	EQ(pwrite(fd, end - 5, 10, 0), 5);
	EQ(pread(fd, buf, 20, 0), 10);
	IS(buf, "eeeee56789");
	FAILS(write(pipes[1], end, 10), EFAULT);
	EQ(write(pipes[1], end - 5, 5), 5);
	EQ(read(pipes[0], buf, 20), 5);
	EQ(pread(fd, end - 3, 10, 0), 3);
	CHECK(!memcmp(end - 3, "eee", 3));
	FAILS(pread(fd, end, 10, 0), EFAULT);
	EQ(write(pipes[1], "abcdefgh", 8), 8);
#ifdef __aarch64__
	/*
	 * It copies by larger pieces, and one that meets the edge need not be copied to its last
	 * byte.
	 */
	got = syscall(SYS_getrandom, end - 7, 100, 0);
	CHECK(got > 0 && got <= 7);
#else
	EQ(syscall(SYS_getrandom, end - 7, 100, 0), 7);
#endif
}

static void strings_at_the_edge(void)
{
	char *end = edge();

	prepare();
	memcpy(end - 2, "f", 2);
	EQ(access(end - 2, F_OK), 0);
	memcpy(end - 1, "f", 1);
	FAILS(access(end - 1, F_OK), EFAULT);
	memset(end - 4096, 'a', 4096);
	FAILS(open(end - 100, O_RDONLY), EFAULT);
	for (int i = 1; i < 40; i++) {
		memset(end - i, '/', i - 1);
		end[-1] = 0;
		CHECK(access(end - i, F_OK) == (i > 1 ? 0 : -1));
	}
}

static void structures_over_the_edge(void)
{
	char *end = edge();

	prepare();
	EQ(fstat(fd, (struct stat *)(end - sizeof(struct stat))), 0);
	FAILS(syscall(SYS_newfstatat, AT_FDCWD, ".", end - sizeof(struct stat) + 8, 0), EFAULT);
	FAILS(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, end - 8), EFAULT);
	EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, end - 16), 0);
	FAILS(syscall(SYS_pipe2, end - 4, 0), EFAULT);
	FAILS(syscall(SYS_uname, end - 10), EFAULT);
}

static void vectors(void)
{
	char a[5], *end = edge();
	struct iovec v[2] = { { a, 5 }, { end, 5 } };

	prepare();
	EQ(readv(fd, v, 2), 5);
	v[0].iov_base = end;
	FAILS(readv(fd, v, 2), EFAULT);
	v[0] = (struct iovec) { a, (size_t)-1 };
	FAILS(readv(fd, v, 1), EINVAL);
	FAILS(syscall(SYS_readv, fd, v, 100000), EINVAL);
	FAILS(syscall(SYS_readv, fd, v, -1L), EINVAL);
	FAILS(syscall(SYS_readv, fd, end, 1), EFAULT);
	FAILS(syscall(SYS_writev, pipes[1], end - 16, 2), EFAULT);	/* the second one is not there */
	v[0] = (struct iovec) { a, 5 };
	FAILS(syscall(SYS_process_vm_readv, getpid(), v, 1L, end, 1L, 0L), EFAULT);
	v[1] = (struct iovec) { end - 2, 5 };
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(readv(fd, v, 2), 7);
	EQ(lseek(fd, 0, SEEK_CUR), 7);
	CHECK(!memcmp(a, "01234", 5) && !memcmp(end - 2, "56", 2));
	v[0].iov_base = (void *)(BOX_KERNEL + 0x1000);
	FAILS(writev(pipes[1], v, 1), EFAULT);
	v[0] = (struct iovec) { NULL, 0 };
	v[1] = (struct iovec) { a, 5 };
	EQ(writev(pipes[1], v, 2), 5);
	FAILS(syscall(SYS_vmsplice, pipes[1], end, 1L, 0), EFAULT);
}

static void messages(void)
{
	char a[5] = "msg", *end = edge();
	struct iovec v = { a, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
	struct msghdr *bad = (void *)(end - sizeof(m) + 8);

	prepare();
	EQ(sendmsg(sock[0], &m, 0), 3);
	FAILS(syscall(SYS_sendmsg, sock[0], bad, 0), EFAULT);
	m.msg_iov = (void *)(end - 8);
	FAILS(syscall(SYS_sendmsg, sock[0], &m, 0), EFAULT);
	FAILS(syscall(SYS_recvmsg, sock[1], &m, MSG_DONTWAIT), EFAULT);
	m.msg_iov = &v;
	m.msg_control = end;
	m.msg_controllen = CMSG_SPACE(sizeof(int));
	FAILS(syscall(SYS_sendmsg, sock[0], &m, 0), EFAULT);
	m.msg_control = NULL;
	m.msg_controllen = 0;
	m.msg_name = end;
	m.msg_namelen = 10;
	FAILS(syscall(SYS_sendmsg, sock[0], &m, 0), EFAULT);
	m.msg_name = NULL;
	m.msg_namelen = 0;
	v.iov_base = end;
	FAILS(syscall(SYS_recvmsg, sock[1], &m, MSG_DONTWAIT), EFAULT);
	v.iov_base = a;
	EQ(recvmsg(sock[1], &m, MSG_DONTWAIT), 3);	/* the one before did not eat it */
	FAILS(recvmsg(sock[1], &m, MSG_DONTWAIT), EAGAIN);
}

/* Calls that give a result and then cannot store it: what they made is gone or unchanged. */
static void results_with_nowhere_to_go(void)
{
	char *end = edge();
	struct epoll_event e = { .events = EPOLLOUT };
	int low, st;
	pid_t pid;

	prepare();
	low = dup(0);
	EQ(close(low), 0);
	FAILS(syscall(SYS_pipe2, end, 0), EFAULT);
	FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, end), EFAULT);
	EQ(dup(0), low);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, pipes[1], &e), 0);
	FAILS(syscall(SYS_epoll_pwait, ep, end, 1, 0, NULL, 8), EFAULT);
	EQ(epoll_wait(ep, &e, 1, 0), 1);
	pid = FORK();
	if (!pid)
		_exit(5);
	FAILS(syscall(SYS_wait4, pid, end, 0, NULL), EFAULT);
	FAILS(waitpid(pid, &st, 0), ECHILD);	/* Linux reaps it all the same */
}

static void strings_of_exec(void)
{
	char *end = edge(), *path = end - 8, *argv[] = { "sh", end, NULL }, **short_list = (char **)(end - 8);

	prepare();
	memcpy(path, "/bin/sh", 8);
	FAILS(execve(path, argv, NULL), EFAULT);
	*short_list = "sh";
	FAILS(execve("/bin/sh", short_list, NULL), EFAULT);
	memset(end - 5, 'x', 5);
	argv[1] = end - 5;
	FAILS(execve("/bin/sh", argv, NULL), EFAULT);
	argv[1] = (char *)(BOX_KERNEL + 0x1000);
	FAILS(execve("/bin/sh", argv, NULL), EFAULT);
	argv[1] = NULL;
	FAILS(execve("/bin/sh", argv, short_list), EFAULT);
}

static void lazily_mapped_memory_is_good(void)
{
	char *p = map_anon(1 << 20, MAP_PRIVATE), *big = map_anon(1 << 20, MAP_PRIVATE);
	pid_t pid;

	prepare();
	memset(big, 'b', 1 << 20);
	EQ(pwrite(fd, big, 1 << 20, 0), 1 << 20);
	EQ(pread(fd, p, 1 << 20, 0), 1 << 20);
	CHECK(!memcmp(p, big, 1 << 20));
	pid = FORK();
	if (!pid) {
		memset(big, 'c', 1 << 20);
		EQ(pwrite(fd, big, 1 << 20, 0), 1 << 20);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(pread(fd, p, 1 << 20, 0), 1 << 20);
	EQ(p[12345], 'c');
	EQ(big[12345], 'b');
	pid = FORK();
	if (!pid) {
		EQ(pread(fd, big, 1 << 20, 0), 1 << 20);
		EQ(big[12345], 'c');
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(big[12345], 'b');
}

#ifdef __aarch64__
#define BAD_SP "mov x9, #0x1000; mov sp, x9\n\t"
#define SIGRETURN "mov x8, #139; svc #0"
#define FAULT "mov x9, #0; str xzr, [x9]"
#else
#define BAD_SP "mov $0x1000, %%rsp\n\t"
#define SIGRETURN "mov $15, %%eax; syscall"
#define FAULT "movl $0, 0"
#endif

static void bad_frame(void)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		asm volatile(BAD_SP SIGRETURN ::: "memory");
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
	pid = FORK();
	if (!pid) {
		asm volatile(BAD_SP FAULT ::: "memory");
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGSEGV);
}

static void unknown_calls(void)
{
	static const long nrs[] = { -1, 400, 511, 512, 547, 600, 4096, 0x3fffffff };

	for (size_t i = 0; i < ARRAY_SIZE(nrs); i++)
		FAILS(syscall(nrs[i], 1, 2, 3, 4, 5, 6), ENOSYS);
}

static const struct test tests[] = {
	T(unmapped_page), T(forbidden_page), T(low_address), T(kernel_addresses), T(kernel_in_the_box),
	T(around_the_kernel), T(no_address), T(not_canonical), T(past_the_end_of_a_file),
	T(read_only_page), T(read_only_file), T(partial_transfers), T(strings_at_the_edge), T(structures_over_the_edge), T(vectors), T(messages),
	T(results_with_nowhere_to_go), T(strings_of_exec),
	T(lazily_mapped_memory_is_good), T(bad_frame), T(unknown_calls),
};
MAIN(tests)
