// SPDX-License-Identifier: GPL-2.0-only
/* clone3: its structure, its flags and its refusals. */
#include "tap.h"
#include <poll.h>
#include <sched.h>

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#define CLEAR_SIGHAND 0x100000000ULL

static long clone3(struct args *a, size_t size)
{
	return syscall(SYS_clone3, a, size);
}

static void like_fork(void)
{
	struct args a = { .exit_signal = SIGCHLD };
	pid_t me = getpid();
	long pid = clone3(&a, sizeof(a));

	CHECK(pid >= 0);
	if (!pid) {
		CHECK(syscall(SYS_getppid) == me);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void first_size(void)
{
	struct args a = { .exit_signal = SIGCHLD };
	long pid = clone3(&a, 64);

	CHECK(pid >= 0);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

static void pidfd(void)
{
	volatile int *go = map_anon(4096, MAP_SHARED);
	int fd = -1, st;
	struct args a = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD };
	struct pollfd p = { .events = POLLIN };
	long pid = clone3(&a, sizeof(a));

	CHECK(pid >= 0);
	if (!pid) {
		SOON(*go);
		usleep(30000);
		_exit(4);
	}
	CHECK(fd > 2);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	p.fd = fd;
	EQ(poll(&p, 1, 0), 0);
	*go = 1;
	EQ(poll(&p, 1, SOON_MS), 1);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 4 << 8);
}

static void tids(void)
{
	volatile int *t = map_anon(4096, MAP_SHARED);
	struct args a = { .flags = CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, .parent_tid = (uintptr_t)&t[0],
		.child_tid = (uintptr_t)&t[1], .exit_signal = SIGCHLD };
	long pid = clone3(&a, sizeof(a));

	CHECK(pid >= 0);
	if (!pid) {
		EQ(t[1], syscall(SYS_getpid));
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(t[0], pid);
	EQ(t[1], pid);
}

/* A thread without a libc: it stores 1 into *word on a stack of its own, and exits. */
static long raw_thread(struct args *a, volatile int *word)
{
#ifdef __aarch64__
	register long r asm("x0") = (long)a, size asm("x1") = sizeof(*a), nr asm("x8") = SYS_clone3;

	asm volatile("mov x9, %3\n\t"
		     "svc #0\n\t"
		     "cbnz x0, 1f\n\t"
		     "mov x8, #1\n\t"
		     "str x8, [sp, #-16]!\n\t"
		     "ldr x8, [sp], #16\n\t"
		     "str w8, [x9]\n\t"
		     "mov x8, %4\n\t"
		     "svc #0\n\t"
		     "1:"
		     : "+r" (r) : "r" (size), "r" (nr), "r" (word), "i" (SYS_exit) : "x9", "memory");
	return r;
#else
	long r;

	asm volatile("mov %3, %%r12\n\t"
		     "syscall\n\t"
		     "test %%rax, %%rax\n\t"
		     "jnz 1f\n\t"
		     "push $1\n\t"
		     "pop %%rax\n\t"
		     "mov %%eax, (%%r12)\n\t"
		     "mov %4, %%eax\n\t"
		     "xor %%edi, %%edi\n\t"
		     "syscall\n\t"
		     "1:"
		     : "=a" (r) : "0" (SYS_clone3), "D" (a), "r" (word), "i" (SYS_exit), "S" (sizeof(*a))
		     : "rcx", "r11", "r12", "memory");
	return r;
#endif
}

static void thread(void)
{
	static volatile int word, tid = -1;
	char *stack = map_anon(65536, MAP_PRIVATE);
	struct args a = {
		.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID |
			 CLONE_CHILD_CLEARTID,
		.parent_tid = (uintptr_t)&tid, .child_tid = (uintptr_t)&tid, .stack = (uintptr_t)stack, .stack_size = 65536,
	};
	long r = raw_thread(&a, &word);

	CHECK(r > 0);
	CHECK(r != getpid());
	SOON(tid == 0);
	EQ(word, 1);
}

static void clear_handlers(void)
{
	struct args a = { .flags = CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	struct sigaction sa;
	long pid;

	on_signal(SIGUSR1, (void (*)(int, siginfo_t *, void *))(void *)exit, 0);
	signal(SIGUSR2, SIG_IGN);
	pid = clone3(&a, sizeof(a));
	CHECK(pid >= 0);
	if (!pid) {
		sigaction(SIGUSR1, NULL, &sa);
		CHECK(sa.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &sa);
		CHECK(sa.sa_handler == SIG_IGN);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void like_vfork(void)
{
	static volatile int word;
	struct args a = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };
	char *stack = map_anon(65536, MAP_PRIVATE);
	long pid;

	a.stack = (uintptr_t)stack;
	a.stack_size = 65536;
	pid = raw_thread(&a, &word);
	CHECK(pid > 0);
	EQ(word, 1);
	CHILD_OK(pid);
}

static void files_shared(void)
{
	struct args a = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	long pid = clone3(&a, sizeof(a));

	CHECK(pid >= 0);
	if (!pid) {
		EQ(dup2(1, 77), 77);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(fcntl(77, F_GETFD), 0);
}

static void chosen_pid(void)
{
	int want = 31000;
	struct args a = { .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1 };
	long pid;

	if (geteuid())
		SKIP("needs root");
	while (!kill(want, 0))
		want++;
	pid = clone3(&a, sizeof(a));
	CHECK(pid >= 0);
	if (!pid) {
		EQ(syscall(SYS_getpid), want);
		_exit(0);
	}
	EQ(pid, want);
	FAILS(clone3(&a, sizeof(a)), EEXIST);
	CHILD_OK(pid);
}

static void refusals(void)
{
	struct args a = { .exit_signal = SIGCHLD };
	struct { struct args a; uint64_t more; } big = { .a = { .exit_signal = SIGCHLD }, .more = 1 };
	long pid;

	FAILS(clone3(&a, 63), EINVAL);
	FAILS(clone3(&a, 5000), E2BIG);
	FAILS(clone3(NULL, sizeof(a)), EFAULT);
	FAILS(syscall(SYS_clone3, &big, sizeof(big)), E2BIG);
	big.more = 0;
	pid = syscall(SYS_clone3, &big, sizeof(big));
	CHECK(pid >= 0);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
	a.exit_signal = 1000;
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .flags = CLONE_THREAD, .exit_signal = SIGCHLD };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .flags = CLONE_SIGHAND };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .flags = CLONE_SIGHAND | CLONE_VM | CLEAR_SIGHAND };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .flags = 1ULL << 60 };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .stack = (uintptr_t)&a };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	a = (struct args) { .stack_size = 4096 };
	FAILS(clone3(&a, sizeof(a)), EINVAL);
	FAILS(waitpid(-1, NULL, 0), ECHILD);
}

static void two_hundred(void)
{
	for (int i = 0; i < 200; i++) {
		struct args a = { .exit_signal = SIGCHLD };
		long pid = clone3(&a, sizeof(a));
		int st;

		CHECK(pid >= 0);
		if (!pid)
			_exit(i);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, i << 8);
	}
}

static const struct test tests[] = {
	T(like_fork), T(first_size), T(pidfd), T(tids), T(thread), T(clear_handlers), T(like_vfork), T(files_shared), T(chosen_pid),
	T(refusals), T(two_hundred),
};
MAIN(tests)
