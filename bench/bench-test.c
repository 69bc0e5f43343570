// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-test [DIR]: what a system call costs, as "name microseconds" lines. Static musl; the calls of a row are
 * made by syscall(2), so that nothing a libc keeps or adds is measured. The file is made in DIR
 * (/tmp). "exit" ends at once, "now" prints the time, "trap" what the host takes for a SIGSYS, "loop NAME"
 * goes on and on with one row's calls.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALLS	10000
#define FORKS	200
#define PAGES	4096

static char file[4096];
static int fd;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void row(const char *name, double start, int n)
{
	printf("%s %.3f\n", name, (now() - start) / n);
	fflush(stdout);
}

static void stat_once(void)
{
	struct stat st;

	if (syscall(SYS_newfstatat, AT_FDCWD, file, &st, 0))
		fail("stat");
}

static void open_once(void)
{
	long f = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY, 0);

	if (f < 0 || syscall(SYS_close, f))
		fail("open");
}

static void lseek_once(void)
{
	if (syscall(SYS_lseek, fd, 0, SEEK_SET))
		fail("lseek");
}

static void read_once(void)
{
	char buf[1];

	lseek_once();
	if (syscall(SYS_read, fd, buf, 1) != 1)
		fail("read");
}

static void write_once(void)
{
	if (syscall(SYS_write, fd, "x", 1) != 1)
		fail("write");
}

static void getpid_once(void)
{
	syscall(SYS_getpid);
}

/* Inlined, so that no row pays for a call through a pointer. */
static inline __attribute__((always_inline)) void calls_row(const char *name, void (*once)(void))
{
	double t = now();

	for (int i = 0; i < CALLS; i++)
		once();
	row(name, t, CALLS);
}

static void calls(void)
{
	calls_row("stat", stat_once);
	calls_row("open+close", open_once);
	calls_row("lseek+read", read_once);
	calls_row("write", write_once);
	calls_row("getpid", getpid_once);
}

/* "loop NAME": the calls of a row without end, for scripts/count-calls. A read has its lseek before it. */
static void loop(const char *name)
{
	static const struct { const char *name; void (*once)(void); } kinds[] = {
		{ "stat", stat_once }, { "open+close", open_once }, { "lseek", lseek_once }, { "read", read_once },
		{ "write", write_once }, { "getpid", getpid_once },
	};

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(name, kinds[i].name))
			continue;
		for (;;)
			kinds[i].once();
	}
	fprintf(stderr, "bench-test: no calls named %s\n", name);
	exit(1);
}

/*
 * "trap": the host's part of a trapped call. A SIGSYS is delivered, and its frame left where it is: there
 * is no cheaper way back.
 */
static void *trap_sp;

static void trapped(int sig)
{
	(void)sig;
	__asm__ volatile("movq %0, %%rsp; jmp trap_back" : : "m" (trap_sp));
}

static void trap(void)
{
	/* musl-gcc has no linux/filter.h: load nr; getppid? SECCOMP_RET_TRAP; SECCOMP_RET_ALLOW */
	static struct { unsigned short code; unsigned char jt, jf; unsigned k; } f[] = {
		{ 0x20, 0, 0, 0 }, { 0x15, 0, 1, SYS_getppid }, { 6, 0, 0, 0x30000 }, { 6, 0, 0, 0x7fff0000 },
	};
	struct { unsigned short n; void *f; } prog = { 4, f };
	struct sigaction sa = { .sa_handler = trapped, .sa_flags = SA_NODEFER | SA_ONSTACK };
	static char stack[32768];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	double t;

	if (sigaltstack(&ss, NULL) || sigaction(SIGSYS, &sa, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_seccomp, 1 /* SET_MODE_FILTER */, 4 /* SPEC_ALLOW */, &prog))
		fail("seccomp");
	t = now();
	for (int i = 0; i < CALLS; i++) {
		long nr = SYS_getppid;

		__asm__ volatile("movq %%rsp, %1; syscall; trap_back:"
				 : "+a" (nr), "=m" (trap_sp) :
				 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
				   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
				   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	}
	row("trap", t, CALLS);
}

static long put(int to)
{
	char c = 'x';

	return syscall(SYS_write, to, &c, 1);
}

static long get(int from)
{
	char c;

	return syscall(SYS_read, from, &c, 1);
}

static long fork_raw(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid < 0)
		fail("fork");
	return pid;
}

static void reap(long pid)
{
	int st;

	if (syscall(SYS_wait4, pid, &st, 0, 0) != pid || st)
		fail("child");
}

static void pipes(void)
{
	int p[2], q[2];
	long pid;
	double t;

	if (pipe(p) || pipe(q))
		fail("pipe");
	t = now();
	for (int i = 0; i < CALLS; i++)
		if (put(p[1]) != 1 || get(p[0]) != 1)
			fail("pipe");
	row("pipe", t, CALLS);
	pid = fork_raw();
	if (!pid) {
		close(p[1]);
		while (get(p[0]) == 1 && put(q[1]) == 1)
			;
		syscall(SYS_exit_group, 0);
	}
	t = now();
	for (int i = 0; i < CALLS; i++)
		if (put(p[1]) != 1 || get(q[0]) != 1)
			fail("switch");
	row("switch", t, CALLS * 2);
	close(p[1]);
	reap(pid);
}

static void children(void)
{
	char *argv[] = { "bench-test", "exit", NULL }, *env[] = { NULL };
	double t = now();

	for (int i = 0; i < FORKS; i++) {
		long pid = fork_raw();

		if (!pid)
			syscall(SYS_exit_group, 0);
		reap(pid);
	}
	row("fork+wait", t, FORKS);
	t = now();
	for (int i = 0; i < FORKS; i++) {
		long pid = fork_raw();

		if (!pid) {
			syscall(SYS_execve, "/proc/self/exe", argv, env);
			syscall(SYS_exit_group, 1);
		}
		reap(pid);
	}
	row("fork+exec", t, FORKS);
}

static void pages(void)
{
	double t;
	char *p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		fail("mmap");
	t = now();
	for (int i = 0; i < PAGES; i++)
		p[i * 4096] = 1;
	row("page", t, PAGES);
}

int main(int argc, char **argv)
{
	const char *looped;

	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	if (argc > 1 && !strcmp(argv[1], "now"))
		return printf("%.1f\n", now()) < 0;
	if (argc > 1 && !strcmp(argv[1], "trap"))
		return trap(), 0;
	looped = argc == 3 && !strcmp(argv[1], "loop") ? argv[2] : NULL;
	snprintf(file, sizeof(file), "%s/bench-XXXXXX", argc > 1 && !looped ? argv[1] : "/tmp");
	fd = mkstemp(file);
	if (fd < 0 || write(fd, "x", 1) != 1)
		fail(file);
	if (looped)
		loop(looped);
	calls();
	pipes();
	children();
	pages();
	unlink(file);
	return 0;
}
