/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP for the guest tests. A test runs in a process group and an empty directory of its own, with a
 * time limit, and passes when its function returns after at least one check: a stray exit(0) is a
 * failure. TESTDIR (/var/tmp) says where the directory is made; names on the command line pick
 * tests. The time limit is for what hangs: two minutes, times KBOX_SLOWNESS (tests/run), or
 * TAP_SECONDS. HOST_LACKS has tests that fail natively on this host, for what the host does to any
 * program.
 *
 * TAP_NO_FORK, defined before this is included: a program that has no instruction which makes a
 * process. It becomes itself again, by exec, for each test; its tests use neither FORK() nor
 * SIGRTMAX.
 */
#ifndef TAP_H
#define TAP_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { TAP_PASSED = 42, TAP_SKIPPED = 43 };

/* The addresses that a box keeps for itself, and where in them its kernel is. */
#include "../../kernel/arch/kbox/include/uapi/asm/layout.h"
#define BOX_HOME KBOX_HOME_START
#define BOX_KERNEL KBOX_PAGE_OFFSET
#define BOX_HOME_END KBOX_HOME_END

/*
 * Of the processor: how many bits a user address has at most. The control word of floating point in
 * the two settings that tests use, and FP_STATUS, which of its bits are none; instructions that
 * nobody has, and a breakpoint; how far behind it the program counter is when it has trapped.
 */
#ifdef __aarch64__
#define USER_BITS 48
#define ILLEGAL "udf #0\n"
#define BREAK "brk #0\n"
enum { FP_NORMAL = 0, FP_DOWN = 2 << 22, FP_STATUS = 0, PAST_BREAK = 0 };
#elif defined(__x86_64__)
#define USER_BITS 47
#define ILLEGAL "ud2\n"
#define BREAK "int3\n"
enum { FP_NORMAL = 0x1f80, FP_DOWN = 0x3f80, FP_STATUS = 0x3f, PAST_BREAK = 1 };
#else
#error "what the tests must know of this processor is not here"
#endif

/* musl's vfork() for aarch64 is a fork(). */
#if defined(__aarch64__) && !defined(__GLIBC__)
#define VFORK_SHARES 0
#else
#define VFORK_SHARES 1
#endif

static inline void set_fp_control(unsigned word)
{
#ifdef __aarch64__
	__asm__ volatile("msr fpcr, %x0" :: "r" (word));
#elif defined(__x86_64__)
	__asm__ volatile("ldmxcsr %0" :: "m" (word));
#endif
}

static inline unsigned fp_control(void)
{
	unsigned word;

#ifdef __aarch64__
	__asm__ volatile("mrs %x0, fpcr" : "=r" (word));
#elif defined(__x86_64__)
	__asm__ volatile("stmxcsr %0" : "=m" (word));
#endif
	return word;
}

struct test {
	const char *name;
	void (*run)(void);
};

#define T(f) { #f, f }

static int tap_checks, tap_number;
static const char *tap_name;

/* The end of a test's process. */
#ifdef TAP_NO_FORK
__attribute__((noreturn)) static void tap_end(int status);
#else
#define tap_end _exit
#endif

__attribute__((format(printf, 3, 4), noreturn, unused))
static void tap_fail(const char *file, int line, const char *format, ...)
{
	char text[900];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	dprintf(1, "# %s:%d: %s\n", file, line, text);
	tap_end(1);
}

#define CHECK(c) do {								\
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);			\
	if (!(c))								\
		tap_fail(__FILE__, __LINE__, "%s (errno %d)", #c, errno);	\
} while (0)

#define EQ(a, b) do {								\
	long long a_ = (long long)(a), b_ = (long long)(b);			\
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);			\
	if (a_ != b_)								\
		tap_fail(__FILE__, __LINE__, "%s is %lld (0x%llx), not %lld (0x%llx) (errno %d)",	\
			 #a, a_, a_, b_, b_, errno);				\
} while (0)

/* The call gives -1 and this errno. */
#define FAILS(call, e) do {							\
	long long r_;								\
	int e_;									\
	errno = 0;								\
	r_ = (long long)(call);							\
	e_ = errno;								\
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);			\
	if (r_ != -1 || e_ != (e))						\
		tap_fail(__FILE__, __LINE__, "%s gives %lld, errno %d, not -1, %d", #call, r_, e_, (e)); \
} while (0)

#define IS(a, b) do {								\
	const char *a_ = (a), *b_ = (b);					\
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);			\
	if (strcmp(a_, b_))							\
		tap_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, a_, b_);	\
} while (0)

#define SKIP(why) do {								\
	dprintf(1, "ok %d - %s # SKIP %s\n", tap_number, tap_name, (why));	\
	tap_end(TAP_SKIPPED);							\
} while (0)

static inline int in_box(void)
{
	return getenv("KBOX_HOST_PID") != NULL;
}

/* All of the text to a file that is there: 0, or -1 with errno. */
static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Natively it may be missing; in a box it is a fault. */
#define LACKING(what) do {							\
	if (in_box())								\
		tap_fail(__FILE__, __LINE__, "no %s (errno %d)", (what), errno);	\
	SKIP("the host has no " what);						\
} while (0)

/* The child ends with status 0: its own checks have passed. */
#define CHILD_OK(pid) do {							\
	pid_t pid_ = (pid);							\
	int st_;								\
	EQ(waitpid(pid_, &st_, 0), pid_);					\
	EQ(st_, 0);								\
} while (0)

static inline pid_t tap_fork(const char *file, int line)
{
	pid_t pid = fork();

	if (pid < 0)
		tap_fail(file, line, "fork: errno %d", errno);
	return pid;
}

#define FORK() tap_fork(__FILE__, __LINE__)

static inline double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static inline void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

/* How many times longer than on a plain host everything takes here. */
static inline int slowness(void)
{
	const char *s = getenv("KBOX_SLOWNESS");

	return s && atoi(s) > 1 ? atoi(s) : 1;
}

/* The time limit of a test. */
static inline int tap_seconds(void)
{
	const char *s = getenv("TAP_SECONDS");

	return s ? atoi(s) : 120 * slowness();
}

/* What comes soon where nothing is wrong, in milliseconds; and waits for a condition that does. */
#define SOON_MS (tap_seconds() * 500)

#define SOON(c) do {								\
	double end_ = seconds() + SOON_MS / 1e3;				\
	while (!(c) && seconds() < end_)					\
		sleep_ms(1);							\
	CHECK(c);								\
} while (0)

static inline size_t slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	if (fd < 0) {
		buf[0] = 0;
		return 0;
	}
	while (n < size - 1 && (r = read(fd, buf + n, size - 1 - n)) > 0)
		n += r;
	close(fd);
	buf[n] = 0;
	return n;
}

/*
 * Whether a task sleeps in a system call. Its state alone does not say so: it may be on its way
 * there, in a fault.
 */
static inline int sleeps_in_a_call(pid_t tid)
{
	char path[40], text[200];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	return slurp(path, text, sizeof(text)) && text[0] >= '0' && text[0] <= '9';
}

static inline void *map_anon(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tap_fail(__FILE__, __LINE__, "mmap of %zu: errno %d", size, errno);
	return p;
}

/* Sends SIGUSR1 until *stop, so that one of the signals finds its target asleep. */
static inline pid_t pester(pid_t target, volatile int *stop)
{
	pid_t pid = FORK();

	if (pid)
		return pid;
	while (!*stop) {
		kill(target, SIGUSR1);
		sleep_ms(2);
	}
	_exit(0);
}

static inline void wait_through(pid_t pid)
{
	int st;

	while (waitpid(pid, &st, 0) != pid)
		EQ(errno, EINTR);
	EQ(st, 0);
}

static inline void on_signal(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	if (sigaction(sig, &sa, NULL))
		tap_fail(__FILE__, __LINE__, "sigaction: errno %d", errno);
}

static int tap_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path), 0;
}

static int tap_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return argc < 2;
}

#ifndef TAP_NO_FORK
/* What tests/run says natively fails here, too: names with spaces between them. */
static int tap_lacks(const char *name)
{
	const char *lacks = getenv("HOST_LACKS");

	while (lacks && *lacks) {
		size_t n = strcspn(lacks, " ");

		if (n == strlen(name) && !memcmp(lacks, name, n))
			return 1;
		lacks += n + (lacks[n] == ' ');
	}
	return 0;
}

static void tap_child(const struct test *t, const char *dir, const sigset_t *mask)
{
	setpgid(0, 0);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (mkdir(dir, 0755) || chdir(dir))
		tap_fail(__FILE__, __LINE__, "%s: errno %d", dir, errno);
	t->run();
	if (!tap_checks)
		tap_fail(__FILE__, __LINE__, "nothing was checked");
	dprintf(1, "ok %d - %s\n", tap_number, t->name);
	_exit(TAP_PASSED);
}

static int tap_one(const struct test *t, const char *base)
{
	struct timespec limit = { tap_seconds(), 0 };
	sigset_t chld, old;
	char dir[200];
	int st, late;
	pid_t pid;

	tap_name = t->name;
	if (tap_lacks(t->name)) {
		dprintf(1, "ok %d - %s # SKIP it fails natively on this host\n", tap_number, t->name);
		return 0;
	}
	snprintf(dir, sizeof(dir), "%s/%s", base, t->name);
	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, &old);
	pid = fork();
	if (pid < 0)
		tap_fail(__FILE__, __LINE__, "fork: errno %d", errno);
	if (!pid)
		tap_child(t, dir, &old);
	do
		late = sigtimedwait(&chld, NULL, &limit) < 0 && errno == EAGAIN;
	while (!late && waitpid(pid, &st, WNOHANG) != pid);
	if (late)
		kill(-pid, SIGKILL), kill(pid, SIGKILL), waitpid(pid, &st, 0);
	kill(-pid, SIGKILL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	nftw(dir, tap_remove, 100, FTW_DEPTH | FTW_PHYS);
	if (!late && WIFEXITED(st) && (WEXITSTATUS(st) == TAP_PASSED || WEXITSTATUS(st) == TAP_SKIPPED))
		return 0;
	if (late)
		dprintf(1, "# no end after %d s\n", tap_seconds());
	else if (WIFSIGNALED(st))
		dprintf(1, "# killed by signal %d\n", WTERMSIG(st));
	else
		dprintf(1, "# exit status %d\n", WEXITSTATUS(st));
	dprintf(1, "not ok %d - %s\n", tap_number, t->name);
	return 1;
}

static int tap_main(int argc, char **argv, const struct test *tests, size_t n)
{
	const char *where = getenv("TESTDIR");
	char base[100];
	int bad = 0;

	snprintf(base, sizeof(base), "%s/kbox-test.XXXXXX", where ? where : "/var/tmp");
	if (!mkdtemp(base)) {
		dprintf(1, "Bail out! %s: errno %d\n", base, errno);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		tap_number += tap_wanted(tests[i].name, argc, argv);
	dprintf(1, "1..%d\n", tap_number);
	tap_number = 0;
	for (size_t i = 0; i < n; i++)
		if (tap_wanted(tests[i].name, argc, argv)) {
			tap_number++;
			bad += tap_one(&tests[i], base);
		}
	rmdir(base);
	return !!bad;
}

#else
static struct { int at, number, bad, pid; char base[100], **argv; } tap_state;

/* The next test, in a new program. */
__attribute__((noreturn)) static void tap_end(int status)
{
	char dir[200], text[200];

	if (syscall(SYS_getpid) != tap_state.pid)
		_exit(status);
	if (status != TAP_PASSED && status != TAP_SKIPPED) {
		dprintf(1, "not ok %d - %s\n", tap_number, tap_name);
		tap_state.bad = 1;
	}
	snprintf(dir, sizeof(dir), "%s/%s", tap_state.base, tap_name);
	if (!chdir("/"))
		nftw(dir, tap_remove, 100, FTW_DEPTH | FTW_PHYS);
	snprintf(text, sizeof(text), "%d %d %d %s", tap_state.at + 1, tap_number, tap_state.bad, tap_state.base);
	setenv("TAP_STATE", text, 1);
	execv("/proc/self/exe", tap_state.argv);
	dprintf(1, "Bail out! exec: errno %d\n", errno);
	_exit(1);
}

static void tap_dies(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	if (sig == SIGRTMAX)
		dprintf(1, "# no end after %d s\n", tap_seconds());
	else
		dprintf(1, "# killed by signal %d, code %d, address %p\n", sig, si->si_code, si->si_addr);
	tap_end(1);
}

static void tap_limit(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE, SIGSYS, SIGABRT };
	struct { struct timespec interval, value; } limit = { { 0, 0 }, { tap_seconds(), 0 } };
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMAX };
	sigset_t none;
	int id;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		on_signal(fatal[i], tap_dies, SA_NODEFER);
	on_signal(SIGRTMAX, tap_dies, 0);
	if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id) || syscall(SYS_timer_settime, id, 0, &limit, NULL))
		tap_fail(__FILE__, __LINE__, "timer: errno %d", errno);
}

static int tap_main(int argc, char **argv, const struct test *tests, size_t n)
{
	const char *where = getenv("TESTDIR"), *state = getenv("TAP_STATE");
	char *base = tap_state.base, dir[200];
	size_t at = 0;

	if (!state) {
		int all = 0;

		snprintf(base, sizeof(tap_state.base), "%s/kbox-test.XXXXXX", where ? where : "/var/tmp");
		if (!mkdtemp(base)) {
			dprintf(1, "Bail out! %s: errno %d\n", base, errno);
			return 1;
		}
		for (size_t i = 0; i < n; i++)
			all += tap_wanted(tests[i].name, argc, argv);
		dprintf(1, "1..%d\n", all);
	} else if (sscanf(state, "%zu %d %d %99s", &at, &tap_number, &tap_state.bad, base) != 4) {
		return 1;
	}
	while (at < n && !tap_wanted(tests[at].name, argc, argv))
		at++;
	if (at == n) {
		rmdir(base);
		return tap_state.bad;
	}
	tap_state.at = at;
	tap_state.argv = argv;
	tap_state.pid = getpid();
	tap_name = tests[at].name;
	tap_number++;
	tap_limit();
	snprintf(dir, sizeof(dir), "%s/%s", base, tap_name);
	if (mkdir(dir, 0755) || chdir(dir))
		tap_fail(__FILE__, __LINE__, "%s: errno %d", dir, errno);
	tests[at].run();
	if (!tap_checks)
		tap_fail(__FILE__, __LINE__, "nothing was checked");
	dprintf(1, "ok %d - %s\n", tap_number, tap_name);
	tap_end(TAP_PASSED);
}
#endif

#define MAIN(tests)								\
	int main(int argc, char **argv)						\
	{									\
		return tap_main(argc, argv, tests, ARRAY_SIZE(tests));		\
	}

#endif
