// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-test [DIR]: what a system call costs, as "name microseconds" lines. Static musl; the calls
 * of a row are made by syscall(2), so that nothing a libc keeps or adds is measured. Only
 * open+close goes by libc's open() and close(), which are cancellation points. No process is made
 * here (bench-fork does that). The file is made in DIR (/tmp). "now" prints the time, "trap" what
 * the host takes for a SIGSYS, "loop NAME" goes on and on with one row's calls.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS	10000
#define PAGES	4096

static char file[4096];
static int fd;

static void stat_once(void)
{
	struct stat st;

	if (syscall(SYS_newfstatat, AT_FDCWD, file, &st, 0))
		fail("stat");
}

static void open_once(void)
{
	int f = open(file, O_RDONLY);

	if (f < 0 || close(f))
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

/*
 * "loop NAME": the calls of a row without end, for scripts/count-calls. A read has its lseek before
 * it.
 */
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
 * "trap": the host's part of a trapped call. A SIGSYS is delivered, and its frame left where it is:
 * there is no cheaper way back.
 */
static void *trap_sp;

static void trapped(int sig)
{
	(void)sig;
#ifdef __aarch64__
	__asm__ volatile("mov sp, %0; b trap_back" : : "r" (trap_sp));
#else
	__asm__ volatile("movq %0, %%rsp; jmp trap_back" : : "m" (trap_sp));
#endif
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
#ifdef __aarch64__
		/* Of x19 and x29 the handler knows nothing: x29 is the frame's. */
		__asm__ volatile("mov x8, %1; stp x19, x29, [sp, #-16]!; mov x9, sp; str x9, %0; svc #0\n"
				 ".globl trap_back; trap_back: ldp x19, x29, [sp], #16"
				 : "=m" (trap_sp) : "i" (SYS_getppid) :
				 "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
				 "x16", "x17", "x18", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "memory", "cc",
				 "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15",
				 "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29",
				 "v30", "v31");
#else
		long nr = SYS_getppid;

		__asm__ volatile("movq %%rsp, %1; syscall; trap_back:"
				 : "+a" (nr), "=m" (trap_sp) :
				 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
				   "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
				   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#endif
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

static void one_pipe(void)
{
	int p[2];
	double t;

	if (pipe(p))
		fail("pipe");
	t = now();
	for (int i = 0; i < CALLS; i++)
		if (put(p[1]) != 1 || get(p[0]) != 1)
			fail("pipe");
	row("pipe", t, CALLS);
}

/* Memory that nobody has had before, most of it, and then the same again. */
static void pages(void)
{
	for (int again = 0; again < 2; again++) {
		char *p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		double t;

		if (p == MAP_FAILED)
			fail("mmap");
		t = now();
		for (int i = 0; i < PAGES; i++)
			p[i * 4096] = 1;
		row(again ? "page-again" : "page", t, PAGES);
		munmap(p, PAGES * 4096);
	}
}

int main(int argc, char **argv)
{
	const char *looped;

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
	one_pipe();
	pages();
	unlink(file);
	return 0;
}
