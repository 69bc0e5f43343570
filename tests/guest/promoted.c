// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of libc's cancellation wrapper that the kernel serves in its place
 * (docs/cancel-wrapper.md): static musl on aarch64. That they are is seen only in maps and in the
 * first test; elsewhere, and with --no-cancel-promote, the same tests are of the wrapper. This
 * program has no instruction that makes a process, or nothing in it would be promoted.
 */
#define TAP_NO_FORK
#include "tap.h"
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <ucontext.h>

#ifdef __aarch64__
#define PC(uc) (((ucontext_t *)(uc))->uc_mcontext.pc)
#define SP(uc) (((ucontext_t *)(uc))->uc_mcontext.sp)
#else
#define PC(uc) (((ucontext_t *)(uc))->uc_mcontext.gregs[REG_RIP])
#define SP(uc) (((ucontext_t *)(uc))->uc_mcontext.gregs[REG_RSP])
#endif
#if defined(__aarch64__) && !defined(__GLIBC__)
#define OWN_SITES 1
#else
#define OWN_SITES 0
#endif

static long timer_of(int sig)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = sig };
	int id;

	EQ(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id), 0);
	return id;
}

static void after_ms(long id, long ms, long again_ms)
{
	struct { struct timespec interval, value; } t = {
		{ again_ms / 1000, again_ms % 1000 * 1000000 }, { ms / 1000, ms % 1000 * 1000000 },
	};

	EQ(syscall(SYS_timer_settime, id, 0, &t, NULL), 0);
}

/* [kbox] in maps: where it begins and ends. */
static inline int slot_area(uintptr_t *start, uintptr_t *end)
{
	static char buf[1 << 16];
	char *p;

	slurp("/proc/self/maps", buf, sizeof(buf));
	p = strstr(buf, "[kbox]");
	if (!p)
		return 0;
	while (p > buf && p[-1] != '\n')
		p--;
	return sscanf(p, "%lx-%lx", start, end) == 2;
}

#if OWN_SITES
/*
 * Sites of the test's own, which look as those of musl do; NAME(a, b, c, d, e, f). NAME_at is the
 * bl. (The symbol is musl's own, but it is in the same program.)
 */
#define SITE(name, nr)										\
	".p2align 4; .globl " name ", " name "_at; .type " name ", %function\n" name ":\n"	\
	"stp x29, x30, [sp, #-16]!; mov x29, sp\n"						\
	"mov x6, x5; mov x5, x4; mov x4, x3; mov x3, x2; mov x2, x1; mov x1, x0; mov x0, #" nr "\n"	\
	name "_at: bl __syscall_cp\n"								\
	"ldp x29, x30, [sp], #16; ret\n"
asm(".text\n" SITE("cp_read", "63") SITE("cp_write", "64") SITE("cp_none", "1000") SITE("cp_getpid", "172") SITE("cp_ppoll", "73"));
extern long cp_read(), cp_write(), cp_none(), cp_getpid(), cp_ppoll();
extern char cp_read_at[], cp_write_at[], cp_ppoll_at[];

/*
 * Does the instruction call something in [kbox]? The program sees the jumps that have been written
 * into its text.
 */
static int goes_to_slots(const void *at)
{
	uintptr_t start, end, to;
	uint32_t w;

	memcpy(&w, at, 4);
	to = (uintptr_t)at + ((int32_t)(w << 6) >> 4);
	return w >> 26 == 0x25 && slot_area(&start, &end) && to >= start && to < end;
}

/* Any of the first instructions of a function of libc's. */
static int is_promoted(const void *f)
{
	for (int i = 0; i < 24; i++)
		if (goes_to_slots((const char *)f + 4 * i))
			return 1;
	return 0;
}
#endif

static void promoted(void)
{
#if OWN_SITES
	uintptr_t start, end;

	if (!slot_area(&start, &end))
		SKIP("nothing is rewritten");
	CHECK(is_promoted((void *)(uintptr_t)read));
	CHECK(is_promoted((void *)(uintptr_t)write));
	CHECK(is_promoted((void *)(uintptr_t)close));
	CHECK(goes_to_slots(cp_read_at));
	CHECK(goes_to_slots(cp_write_at));
	CHECK(goes_to_slots(cp_ppoll_at));
#else
	SKIP("nothing is promoted in this program");
#endif
}

static void errors(void)
{
	char buf[16], *hole = map_anon(8192, MAP_PRIVATE);
	void *volatile nowhere = (void *)8;
	struct timespec t = { 0, 1000000000 };
	int p[2];

	EQ(munmap(hole + 4096, 4096), 0);
	EQ(pipe2(p, O_NONBLOCK), 0);
	for (int i = 0; i < 20; i++) {
		FAILS(read(-1, buf, 1), EBADF);
		FAILS(read(1000000, buf, 1), EBADF);
		FAILS(read(INT_MAX, buf, 1), EBADF);
		FAILS(read(INT_MIN, buf, 1), EBADF);
		FAILS(write(-1, buf, 1), EBADF);
		FAILS(close(-1), EBADF);
		FAILS(read(p[0], buf, 16), EAGAIN);
		EQ(write(p[1], "abc", 3), 3);
		FAILS(read(p[0], nowhere, 3), EFAULT);
		EQ(read(p[0], buf, 16), 3);
		CHECK(!memcmp(buf, "abc", 3));
		FAILS(write(p[1], nowhere, 3), EFAULT);
		FAILS(write(p[1], hole + 4096, 3), EFAULT);
		FAILS(write(p[0], buf, 1), EBADF);
		FAILS(open("nothing", O_RDONLY), ENOENT);
		FAILS(open(nowhere, O_RDONLY), EFAULT);
		FAILS(open("/etc/passwd/x", O_RDONLY), ENOTDIR);
		FAILS(open(".", O_RDWR), EISDIR);
		FAILS(nanosleep(&t, NULL), EINVAL);
		FAILS(nanosleep(nowhere, NULL), EFAULT);
		EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL), EINVAL);
		EQ(clock_nanosleep(99, 0, &t, NULL), EINVAL);
		FAILS(wait4(-1, NULL, 0, NULL), ECHILD);
		FAILS(fsync(p[0]), EINVAL);
		FAILS(recv(p[0], buf, 1, 0), ENOTSOCK);
		FAILS(accept(p[0], NULL, NULL), ENOTSOCK);
	}
#if OWN_SITES
	for (int i = 0; i < 20; i++) {
		EQ(cp_none(1L, 2L, 3L, 4L, 5L, 6L), -ENOSYS);
		EQ(cp_getpid(), getpid());
		EQ(cp_read(-1L, buf, 1L), -EBADF);
		EQ(cp_read(p[0] + (1L << 32), buf, 16L), -EAGAIN);
		EQ(cp_read((long)p[0], buf, -1L), -EFAULT);
	}
#endif
}

static void files(void)
{
	char got[64], big[10000];
	int fd, high;

	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = i * 7 + i / 256;
	for (int i = 0; i < 10; i++) {
		struct iovec v[2] = { { big + 5000, 2500 }, { big + 7500, 2500 } };

		fd = open("f", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
		CHECK(fd >= 0);
		EQ(write(fd, big, 5000), 5000);
		EQ(writev(fd, v, 2), 5000);
		EQ(lseek(fd, 0, SEEK_CUR), 10000);
		for (off_t at = 0; at < 9900; at += 997) {
			EQ(pread(fd, got, sizeof(got), at), 64);
			CHECK(!memcmp(got, big + at, 64));
		}
		EQ(pread(fd, got, 64, 9990), 10);
		EQ(pread(fd, got, 64, 1LL << 40), 0);
		EQ(pwrite(fd, "x", 1, 1LL << 33), 1);
		EQ(lseek(fd, 0, SEEK_END), (1LL << 33) + 1);
		v[0] = (struct iovec) { got, 3 };
		v[1] = (struct iovec) { got + 32, 5 };
		EQ(preadv(fd, v, 2, 1234), 8);
		CHECK(!memcmp(got, big + 1234, 3) && !memcmp(got + 32, big + 1237, 5));
		EQ(pwritev(fd, v, 2, (1LL << 34) + 2), 8);
		EQ(pread(fd, big + 9000, 8, (1LL << 34) + 2), 8);
		CHECK(!memcmp(big + 9000, big + 1234, 8));
		EQ(fsync(fd), 0);
		EQ(fdatasync(fd), 0);
		EQ(fcntl(fd, F_SETLKW, &(struct flock) { .l_type = F_WRLCK, .l_whence = SEEK_SET }), 0);
		high = fcntl(fd, F_DUPFD, 1000);
		CHECK(high >= 1000);
		EQ(pread(high, got, 64, 77), 64);
		CHECK(!memcmp(got, big + 77, 64));
		EQ(close(high), 0);
		FAILS(close(high), EBADF);
		EQ(close(fd), 0);
		EQ(openat(AT_FDCWD, "f", O_RDONLY | O_CLOEXEC), fd);
		FAILS(write(fd, "x", 1), EBADF);
		EQ(close(fd), 0);
	}
}

/* Each argument has an effect. */
static void six_arguments(void)
{
	struct sockaddr_un from, to = { .sun_family = AF_UNIX, .sun_path = "b" }, at = { .sun_family = AF_UNIX, .sun_path = "a" };
	struct { long type; char text[16]; } m = { 5, "message" };
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0), q, ep;
	struct timespec ms = { 0, 20000000 }, left;
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1122334455667788 };
	sigset_t set;
	char buf[32];

	CHECK(a >= 0 && b >= 0);
	EQ(bind(a, (void *)&at, sizeof(at)), 0);
	EQ(bind(b, (void *)&to, sizeof(to)), 0);
	ep = epoll_create1(0);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, b, &ev), 0);
	q = msgget(IPC_PRIVATE, 0600);
	for (int i = 0; i < 20; i++) {
		struct pollfd p = { b, POLLIN, 0 };
		socklen_t n = sizeof(from);
		double start = seconds();
		fd_set rd;

		FD_ZERO(&rd);
		FD_SET(b, &rd);
		sigfillset(&set);
		EQ(ppoll(&p, 1, &ms, &set), 0);
		CHECK(seconds() - start >= 0.019);
		EQ(epoll_pwait(ep, &ev, 1, 10, &set), 0);
		EQ(pselect(b + 1, &rd, NULL, NULL, &ms, &set), 0);
		FAILS(recvfrom(b, buf, sizeof(buf), MSG_DONTWAIT, (void *)&from, &n), EAGAIN);
		EQ(sendto(a, "0123456789", 5 + i % 5, MSG_NOSIGNAL, (void *)&to, sizeof(to)), 5 + i % 5);
		FAILS(sendto(a, "x", 1, 0, (void *)&to, 1), EINVAL);
		p.revents = 0;
		EQ(ppoll(&p, 1, NULL, NULL), 1);
		EQ(p.revents, POLLIN);
		FD_SET(b, &rd);
		EQ(pselect(b + 1, &rd, NULL, NULL, NULL, NULL), 1);
		memset(&ev, 0, sizeof(ev));
		EQ(epoll_pwait(ep, &ev, 1, -1, NULL), 1);
		EQ(ev.data.u64, 0x1122334455667788);
		memset(&from, 0, sizeof(from));
		EQ(recvfrom(b, buf, sizeof(buf), MSG_PEEK, NULL, NULL), 5 + i % 5);
		EQ(recvfrom(b, buf, 3, MSG_TRUNC, (void *)&from, &n), 5 + i % 5);
		CHECK(!memcmp(buf, "012", 3));
		IS(from.sun_path, "a");
		EQ(n, offsetof(struct sockaddr_un, sun_path) + 2);
		left.tv_sec = 77;
		EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec) { 5, 5 }, &left), 0);
		EQ(left.tv_sec, 77);
		if (q >= 0) {
			m.type = 5 + i;
			EQ(msgsnd(q, &m, 8, 0), 0);
			FAILS(msgrcv(q, &m, 8, 3, IPC_NOWAIT), ENOMSG);
			EQ(msgrcv(q, &m, 16, 5 + i, IPC_NOWAIT | MSG_NOERROR), 8);
			EQ(m.type, 5 + i);
		}
	}
	if (q >= 0)
		msgctl(q, IPC_RMID, NULL);
}

static volatile int hits, answer_to = -1, bad;
static uintptr_t text_start, text_end, bad_pc;
static uintptr_t stack_at;

/* The program's own text, and the vDSO. */
static int in_text(uintptr_t pc)
{
	return (pc >= text_start && pc < text_end) || pc - getauxval(AT_SYSINFO_EHDR) < 0x4000;
}

static void note_text(void)
{
	static char buf[1 << 16];
	uintptr_t start, end, here = (uintptr_t)note_text;

	slurp("/proc/self/maps", buf, sizeof(buf));
	for (char *line = buf; *line; line = strchr(line, '\n') + 1)
		if (sscanf(line, "%lx-%lx", &start, &end) == 2 && here >= start && here < end)
			text_start = start, text_end = end;
	CHECK(text_start);
	stack_at = (uintptr_t)__builtin_frame_address(0);
}

static void interrupts(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	hits++;
	if (text_start && OWN_SITES && !in_text(PC(uc))) {
		bad++;
		bad_pc = PC(uc);
	}
	if (text_start && (uintptr_t)SP(uc) - stack_at + 65536 > 131072)
		bad++;
	if (answer_to >= 0 && hits % 3 == 0 && write(answer_to, "z", 1) != 1)
		bad++;
	errno = 99;
}

static void interrupted(void)
{
	long t = timer_of(SIGUSR1);
	int p[2], s[2];
	char buf[16], c;

	note_text();
	EQ(pipe(p), 0);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	on_signal(SIGUSR1, interrupts, 0);
	for (int i = 0; i < 20; i++) {
		after_ms(t, 10, 10);
		FAILS(read(p[0], &c, 1), EINTR);
		after_ms(t, 10, 10);
		FAILS(recv(s[0], buf, 16, 0), EINTR);
		after_ms(t, 10, 10);
		FAILS(poll(&(struct pollfd) { p[0], POLLIN, 0 }, 1, -1), EINTR);
	}
	after_ms(t, 0, 0);
	CHECK(hits >= 60);
	if (bad)
		tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx", (long)bad_pc);
}

static void restarted(void)
{
	long t = timer_of(SIGUSR1);
	int p[2], s[2];
	char buf[16];

	note_text();
	EQ(pipe(p), 0);
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
	on_signal(SIGUSR1, interrupts, SA_RESTART);
	after_ms(t, 5, 5);
	for (int i = 0; i < 20; i++) {
		answer_to = p[1];
		EQ(read(p[0], buf, 1), 1);
		EQ(buf[0], 'z');
		answer_to = s[1];
		memset(buf, 0, 16);
		CHECK(recvfrom(s[0], buf, 16, 0, NULL, NULL) >= 1);
		EQ(buf[0], 'z');
		answer_to = -1;
		/* Never restarted. */
		FAILS(poll(NULL, 0, -1), EINTR);
		FAILS(ppoll(NULL, 0, NULL, NULL), EINTR);
		FAILS(select(0, NULL, NULL, NULL, NULL), EINTR);
		FAILS(pause(), EINTR);
	}
	if (bad)
		tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx", (long)bad_pc);
}

static void sleeps(void)
{
	struct timespec day = { 86400, 5 }, left, now;
	long t = timer_of(SIGUSR1), stop = timer_of(SIGSTOP), go = timer_of(SIGCONT);
	double start;

	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		on_signal(SIGUSR1, interrupts, flags);
		for (int i = 0; i < 10; i++) {
			after_ms(t, 10, 10);
			left = (struct timespec) { 0, 0 };
			FAILS(nanosleep(&day, &left), EINTR);
			CHECK(left.tv_sec > 80000 && left.tv_sec < 86400);
			after_ms(t, 10, 10);
			left = (struct timespec) { 0, 0 };
			EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &day, &left), EINTR);
			CHECK(left.tv_sec > 80000 && left.tv_sec < 86400);
			left = (struct timespec) { 1, 1 };
			clock_gettime(CLOCK_MONOTONIC, &now);
			now.tv_sec += 100;
			after_ms(t, 10, 10);
			EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &now, &left), EINTR);
			EQ(left.tv_sec, 1);
		}
	}
	after_ms(t, 0, 0);
	/* A stop, and no handler: the sleep goes on where it was. */
	for (int i = 0; i < 8; i++) {
		after_ms(go, 60, 60);	/* once would be lost where it comes first */
		after_ms(stop, 20, 0);
		start = seconds();
		left = (struct timespec) { 3, 3 };
		switch (i % 4) {
		case 0: EQ(nanosleep(&(struct timespec) { 0, 200000000 }, &left), 0); break;
		case 1: EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec) { 0, 200000000 }, &left), 0); break;
		case 2: EQ(poll(NULL, 0, 200), 0); break;
		case 3: EQ(select(0, NULL, NULL, NULL, &(struct timeval) { 0, 200000 }), 0); break;
		}
		CHECK(seconds() - start > 0.19);
	}
	after_ms(go, 0, 0);
	/* One that is ignored. */
	signal(SIGUSR1, SIG_IGN);
	after_ms(t, 5, 5);
	start = seconds();
	EQ(nanosleep(&(struct timespec) { 0, 100000000 }, NULL), 0);
	CHECK(seconds() - start > 0.099);
}

static void waits_for_signals(void)
{
	struct timespec s = { 20, 0 };
	long t = timer_of(SIGUSR1);
	sigset_t set, none, got;
	siginfo_t si;

	on_signal(SIGUSR1, interrupts, SA_RESTART);
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int i = 0; i < 20; i++) {
		int had = hits;

		EQ(sigprocmask(SIG_BLOCK, &set, NULL), 0);
		after_ms(t, 1, 0);
		EQ(sigtimedwait(&set, &si, &s), SIGUSR1);
		EQ(si.si_code, SI_TIMER);
		after_ms(t, 1, 0);
		EQ(sigwaitinfo(&set, &si), SIGUSR1);
		FAILS(sigtimedwait(&set, &si, &(struct timespec) { 0, 1000 }), EAGAIN);
		EQ(hits, had);
		after_ms(t, 1, 0);
		FAILS(sigsuspend(&none), EINTR);
		EQ(hits, had + 1);
		after_ms(t, 1, 0);
		FAILS(ppoll(NULL, 0, &s, &none), EINTR);
		EQ(hits, had + 2);
		after_ms(t, 1, 0);
		FAILS(pselect(0, NULL, NULL, NULL, &s, &none), EINTR);
		EQ(hits, had + 3);
		/* Pending before. */
		raise(SIGUSR1);
		EQ(hits, had + 3);
		FAILS(sigsuspend(&none), EINTR);
		EQ(hits, had + 4);
		EQ(sigprocmask(SIG_SETMASK, NULL, &got), 0);
		CHECK(sigismember(&got, SIGUSR1) && !sigismember(&got, SIGUSR2));
		EQ(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	}
}

static sigjmp_buf jump;

static void jump_out(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	hits++;
	siglongjmp(jump, sig);
}

static void jumps_out(void)
{
	long t = timer_of(SIGUSR1);
	int p[2];
	char c;

	EQ(pipe(p), 0);
	for (volatile int i = 0; i < 60; i++) {
		on_signal(SIGUSR1, jump_out, i & 1 ? SA_RESTART : 0);
		if (!sigsetjmp(jump, 1)) {
			after_ms(t, 3, 0);
			if (i & 2)
				read(p[0], &c, 1);
			else
				nanosleep(&(struct timespec) { 1000, 0 }, NULL);
			tap_fail(__FILE__, __LINE__, "it returned");
		}
		EQ(hits, i + 1);
		EQ(write(p[1], "q", 1), 1);
		EQ(read(p[0], &c, 1), 1);
	}
}

static char altstack[65536] __attribute__((aligned(16)));

static void on_altstack(int sig, siginfo_t *si, void *uc)
{
	char *here = __builtin_frame_address(0);

	(void)sig, (void)si, (void)uc;
	bad += here < altstack || here >= altstack + sizeof(altstack);
	bad += write(answer_to, "a", 1) != 1;
	hits++;
}

static void alternate_stack(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	long t = timer_of(SIGUSR1);
	int p[2];
	char c;

	EQ(pipe(p), 0);
	EQ(sigaltstack(&ss, NULL), 0);
	on_signal(SIGUSR1, on_altstack, SA_ONSTACK | SA_RESTART);
	answer_to = p[1];
	for (int i = 0; i < 40; i++) {
		after_ms(t, 2, 0);
		EQ(read(p[0], &c, 1), 1);
		EQ(c, 'a');
	}
	EQ(bad, 0);
	EQ(hits, 40);
}

#ifdef __aarch64__
/*
 * regs_over(f, args, in, out): f() with these in x0 to x5, and in in x19 to x28, then v0 to v31;
 * out has them as they are after it, and how far sp is from where it was. One of its own stack
 * pointers is 8 bytes off if args[6] says so.
 */
struct over {
	uint64_t x[10], sp, pad;
	uint8_t v[32][16];
};

#define EACH16P(op) op(0, 1) op(2, 3) op(4, 5) op(6, 7) op(8, 9) op(10, 11) op(12, 13) op(14, 15)			\
	op(16, 17) op(18, 19) op(20, 21) op(22, 23) op(24, 25) op(26, 27) op(28, 29) op(30, 31)
#define VLOAD(a, b) "ldp q" #a ", q" #b ", [x9, #16 * " #a "]\n"
#define VSAVE(a, b) "stp q" #a ", q" #b ", [x9, #16 * " #a "]\n"
asm(".text; .p2align 4; .globl regs_over; .type regs_over, %function; regs_over:\n"
    "stp x29, x30, [sp, #-192]!; mov x29, sp\n"
    "stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]; stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]\n"
    "stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]; stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]\n"
    "stp x3, x0, [sp, #160]\n"
    "add x9, x2, #96\n" EACH16P(VLOAD)
    "ldp x19, x20, [x2]; ldp x21, x22, [x2, #16]; ldp x23, x24, [x2, #32]; ldp x25, x26, [x2, #48]; ldp x27, x28, [x2, #64]\n"
    "mov x16, x0; mov x9, x1; ldp x0, x1, [x9]; ldp x2, x3, [x9, #16]; ldp x4, x5, [x9, #32]\n"
    "blr x16\n"
    "ldr x10, [x29, #160]; mov x9, sp; sub x9, x9, x29; str x9, [x10, #80]\n"
    "stp x19, x20, [x10]; stp x21, x22, [x10, #16]; stp x23, x24, [x10, #32]; stp x25, x26, [x10, #48]; stp x27, x28, [x10, #64]\n"
    "add x9, x10, #96\n" EACH16P(VSAVE)
    "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]; ldp x25, x26, [sp, #64]; ldp x27, x28, [sp, #80]\n"
    "ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]; ldp d14, d15, [sp, #144]\n"
    "ldp x29, x30, [sp], #192; ret\n");
long regs_over(long (*f)(), const long args[6], const struct over *in, struct over *out);

static void same(const char *what, long (*f)(), const long args[6], long want, unsigned int seed, int all)
{
	struct over in, out;
	uint8_t *b = (uint8_t *)&in;

	for (size_t i = 0; i < sizeof(in); i++)
		b[i] = i * 13 + seed * 7 + i / 97;
	memset(&out, 0, sizeof(out));
	EQ(regs_over(f, args, &in, &out), want);
	EQ(out.sp, 0);
	for (int i = 0; i < 10; i++)
		if (in.x[i] != out.x[i])
			tap_fail(__FILE__, __LINE__, "%s: x%d is 0x%llx, not 0x%llx", what, 19 + i, (long long)out.x[i], (long long)in.x[i]);
	for (int i = 0; i < 32; i++)
		if (all ? memcmp(in.v[i], out.v[i], 16) : i >= 8 && i < 16 && memcmp(in.v[i], out.v[i], 8))
			tap_fail(__FILE__, __LINE__, "%s: v%d", what, i);
}

static void spoils_registers(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	hits++;
	asm volatile("movi v0.16b, #255; movi v1.16b, #255; movi v7.16b, #255; movi v8.16b, #255; movi v15.16b, #255; movi v16.16b, #255\n"
		     "movi v31.16b, #255; mov x19, #-1; mov x20, #-1; mov x28, #-1"
		     ::: "v0", "v1", "v7", "v8", "v15", "v16", "v31", "x19", "x20", "x28");
	if (answer_to >= 0 && write(answer_to, "z", 1) != 1)
		bad++;
}
#endif

static void registers(void)
{
#ifdef __aarch64__
	long t = timer_of(SIGUSR1);
	int p[2], quick[2];
	char c;

	EQ(pipe(p), 0);
	EQ(pipe2(quick, O_NONBLOCK), 0);
	for (int i = 0; i < 200; i++) {
		long rd[6] = { quick[0], (long)&c, 1 }, wr[6] = { quick[1], (long)"w", 1 };

		same("write()", (long (*)())write, wr, 1, i, 0);
		same("read()", (long (*)())read, rd, 1, i, 0);
		same("read() of nothing", (long (*)())read, rd, -1, i, 0);
#if OWN_SITES
		same("write", cp_write, wr, 1, i, 1);
		same("read", cp_read, rd, 1, i, 1);
		same("read of nothing", cp_read, rd, -EAGAIN, i, 1);
		same("no call", cp_none, wr, -ENOSYS, i, 1);
#endif
	}
	for (int i = 0; i < 60; i++) {
		long rd[6] = { p[0], (long)&c, 1 }, pp[6] = { 0, 0, (long)&(struct timespec) { 0, 2000000 }, 0, 8 };

		answer_to = i & 1 ? p[1] : -1;
		on_signal(SIGUSR1, spoils_registers, i & 1 ? SA_RESTART : 0);
		after_ms(t, 3, i & 1 ? 0 : 3);
		same("read(), and a signal", (long (*)())read, rd, i & 1 ? 1 : -1, i, 0);
#if OWN_SITES
		after_ms(t, 3, i & 1 ? 0 : 3);
		same("read, and a signal", cp_read, rd, i & 1 ? 1 : -EINTR, i, 1);
		after_ms(t, 0, 0);
		same("ppoll that sleeps", cp_ppoll, pp, 0, i, 1);
#else
		(void)pp;
#endif
	}
	EQ(bad, 0);
#else
	SKIP("aarch64 only");
#endif
}

#if OWN_SITES
/*
 * A stack pointer that nothing may be stored by: neither the wrapper nor the kernel in its place
 * does.
 */
asm(".text; .p2align 4; .globl cp_odd_sp; .type cp_odd_sp, %function; cp_odd_sp:\n"
    "stp x29, x30, [sp, #-16]!; mov x29, sp; mov x6, #0; mov x5, #0; mov x4, #0; mov sp, x3; mov x3, x2; mov x2, x1; mov x1, x0\n"
    "mov x0, #63; bl __syscall_cp; mov x9, sp; mov sp, x29; ldp x29, x30, [sp], #16\n"
    "adrp x10, odd_sp_after; str x9, [x10, :lo12:odd_sp_after]; ret\n");
long cp_odd_sp(long fd, void *buf, long n, void *sp);
long odd_sp_after;
#endif

static void odd_stack_pointers(void)
{
#if OWN_SITES
	char *m = map_anon(12288, MAP_PRIVATE), c;
	long t = timer_of(SIGUSR1), sp[] = { (long)m + 4096, (long)m + 4104, 16, 0, -16, (long)m + 8191 };
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	int p[2];

	EQ(pipe(p), 0);
	EQ(mprotect(m, 4096, PROT_NONE), 0);
	EQ(sigaltstack(&ss, NULL), 0);
	on_signal(SIGUSR1, on_altstack, SA_ONSTACK | SA_RESTART);
	answer_to = p[1];
	for (int i = 0; i < 60; i++) {
		if (i & 1)
			after_ms(t, 3, 0);
		else
			EQ(write(p[1], "a", 1), 1);
		c = 0;
		EQ(cp_odd_sp(p[0], &c, 1, (void *)sp[i % 6]), 1);
		EQ(odd_sp_after, sp[i % 6]);
		EQ(c, 'a');
	}
	EQ(bad, 0);
#else
	SKIP("no site of its own");
#endif
}

static volatile int ticks;

static void tick(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	ticks++;
	if (OWN_SITES && !in_text(PC(uc))) {
		bad++;
		bad_pc = PC(uc);
	}
}

/* Calls that a timer interrupts at any place: each is made once. */
static void counts(void)
{
	struct itimerval fast = { { 0, 1000 }, { 0, 1000 } }, off = { { 0, 0 }, { 0, 0 } };
	double start = seconds();
	long n = 0;
	int p[2];

	note_text();
	EQ(pipe(p), 0);
	on_signal(SIGALRM, tick, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &fast, NULL), 0);
	while (n < 1000000 && (seconds() < start + 5 || ticks < 100)) {
		for (int i = 0; i < 100; i++, n++) {
			long got = -1;

			EQ(write(p[1], &n, sizeof(n)), sizeof(n));
			EQ(read(p[0], &got, sizeof(got)), sizeof(got));
			EQ(got, n);
		}
	}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	CHECK(ticks > 10);
	if (bad)
		tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx", (long)bad_pc);
}

/* What there is to see of that everything works, with and without promotion. */
static void all_works(void)
{
	struct timespec day = { 86400, 0 };
	long t = timer_of(SIGUSR1);
	char buf[8];
	int fd, p[2], q[2];

	EQ(pipe(p), 0);
	for (int i = 0; i < 5; i++) {
		EQ(write(p[1], "hello", 5), 5);
		EQ(read(p[0], buf, 8), 5);
		CHECK(!memcmp(buf, "hello", 5));
		FAILS(read(-1, buf, 8), EBADF);
		fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
		CHECK(fd >= 0);
		EQ(pread(fd, buf, 4, 0), 4);
		EQ(close(fd), 0);
		on_signal(SIGUSR1, interrupts, 0);
		after_ms(t, 3, 3);
		FAILS(read(p[0], buf, 8), EINTR);
		FAILS(nanosleep(&day, NULL), EINTR);
		after_ms(t, 0, 0);
		on_signal(SIGUSR1, interrupts, SA_RESTART);
		hits = 0;
		EQ(pipe(q), 0);
		answer_to = q[1];
		after_ms(t, 2, 2);
		EQ(read(q[0], buf, 1), 1);
		after_ms(t, 0, 0);
		answer_to = -1;
		EQ(close(q[0]), 0);
		EQ(close(q[1]), 0);
		EQ(nanosleep(&(struct timespec) { 0, 1000 }, NULL), 0);
	}
	EQ(close(p[0]), 0);
	EQ(close(p[1]), 0);
	EQ(syscall(SYS_timer_delete, t), 0);
}

/* Numbers that no reader of this text finds. */
static volatile long nr_clone = SYS_clone, nr_sigaction = SYS_rt_sigaction;

static void makes_processes(void)
{
	int st;

	all_works();
	for (int i = 0; i < 4; i++) {
		long pid = syscall(nr_clone, SIGCHLD, 0, 0, 0, 0);

		CHECK(pid >= 0);
		if (!pid) {
			all_works();
			if (i == 3) {
				pid = syscall(nr_clone, SIGCHLD, 0, 0, 0, 0);
				if (!pid) {
					all_works();
					_exit(11);
				}
				EQ(wait4(pid, &st, 0, NULL), pid);
				EQ(st, 11 << 8);
			}
			_exit(20 + i);
		}
		if (i & 1)
			all_works();
		EQ(wait4(pid, &st, 0, NULL), pid);
		EQ(st, (20 + i) << 8);
		all_works();
	}
#if OWN_SITES
	CHECK(!is_promoted((void *)(uintptr_t)read));
	CHECK(!goes_to_slots(cp_read_at));
#endif
}

/* While a promoted call is what the handler has interrupted. */
static void clones(int sig, siginfo_t *si, void *uc)
{
	long pid = syscall(nr_clone, SIGCHLD, 0, 0, 0, 0);
	int st;

	(void)sig, (void)si, (void)uc;
	if (!pid)
		_exit(write(answer_to, "c", 1) == 1 ? 5 : 6);
	bad += wait4(pid, &st, 0, NULL) != pid || st != 5 << 8;
	hits++;
}

static void makes_a_process_in_a_handler(void)
{
	long t = timer_of(SIGUSR1);
	int p[2];
	char c;

	EQ(pipe(p), 0);
	answer_to = p[1];
	on_signal(SIGUSR1, clones, SA_RESTART);
	for (int i = 0; i < 3; i++) {
		after_ms(t, 5, 0);
		EQ(read(p[0], &c, 1), 1);
		EQ(c, 'c');
		EQ(hits, i + 1);
	}
	EQ(bad, 0);
	on_signal(SIGUSR1, clones, 0);
	/* It may come before the call. */
	for (int i = 0; i < 20; i++) {
		after_ms(t, 100, 0);
		if (read(p[0], &c, 1) < 0)
			break;
	}
	EQ(errno, EINTR);
	EQ(read(p[0], &c, 1), 1);
	EQ(bad, 0);
	all_works();
}

struct kernel_sigaction { void (*handler)(int); unsigned long flags; void (*restorer)(void); unsigned long mask; };

static inline void cancels(int sig)
{
	(void)sig;
	hits += 100;
}

/* pthread_cancel() does this before anything else. */
static void handler_for_cancelling(void)
{
	struct kernel_sigaction old = { 0 }, sa = { 0 };

	all_works();
	/* Looking does no harm. */
	EQ(syscall(nr_sigaction, 33, NULL, &old, 8), 0);
#if OWN_SITES
	{
		uintptr_t start, end;

		if (slot_area(&start, &end))
			CHECK(is_promoted((void *)(uintptr_t)read));
	}
#endif
#ifdef __aarch64__
	sa.handler = cancels;
#else
	sa.handler = SIG_IGN;	/* would need a restorer */
#endif
	EQ(syscall(nr_sigaction, 33, &sa, NULL, 8), 0);
#if OWN_SITES
	CHECK(!is_promoted((void *)(uintptr_t)read));
	CHECK(!goes_to_slots(cp_read_at));
#endif
	all_works();
#ifdef __aarch64__
	hits = 0;
	EQ(syscall(SYS_kill, syscall(SYS_getpid), 33), 0);
	EQ(hits, 100);
#endif
	EQ(syscall(nr_sigaction, 33, &sa, NULL, 8), 0);
	all_works();
}

/* exec promotes again what was undone. */
static void exec_promotes_again(void)
{
#if OWN_SITES
	uintptr_t start, end;

	if (!slot_area(&start, &end))
		SKIP("nothing is rewritten");
	CHECK(is_promoted((void *)(uintptr_t)read));
	all_works();
#else
	SKIP("nothing is promoted in this program");
#endif
}

/* musl-gcc has no <linux/...>. */
struct sock_filter {
	uint16_t code;
	uint8_t jt, jf;
	uint32_t k;
};

struct sock_fprog {
	unsigned short len;
	struct sock_filter *filter;
};

#define LOAD(offset) { 0x20, 0, 0, offset }
#define EQUAL(v, yes, no) { 0x15, yes, no, (uint32_t)(v) }
#define GIVE(v) { 0x06, 0, 0, (uint32_t)(v) }
#define ARG(n) (16 + 8 * (n))
enum { RET_ERRNO = 0x50000, RET_ALLOW = 0x7fff0000 };

/* The last, for a filter remains. It has nothing against anything else. */
static void filtered(void)
{
	static struct sock_filter code[] = {
		LOAD(0), EQUAL(SYS_openat, 0, 3), LOAD(ARG(0)), EQUAL(-12345, 0, 11), GIVE(RET_ERRNO | 77),
		EQUAL(SYS_read, 0, 5), LOAD(ARG(2)), EQUAL(4711, 0, 7), LOAD(ARG(0)), EQUAL(900, 0, 5), GIVE(RET_ERRNO | 78),
		EQUAL(SYS_sendto, 0, 3), LOAD(ARG(5)), EQUAL(54321, 0, 1), GIVE(RET_ERRNO | 79),
		GIVE(RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	static char buf[5000];
	int fd;

	for (int i = 0; i < 5; i++) {
		fd = openat(-12345, "/etc/passwd", O_RDONLY);
		CHECK(fd >= 0);
		close(fd);
		FAILS(read(900, buf, 4711), EBADF);
		FAILS(sendto(901, buf, 1, 0, NULL, 54321), EBADF);
	}
	EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	if (prctl(PR_SET_SECCOMP, 2, &prog))
		SKIP("no seccomp filters");
	for (int i = 0; i < 20; i++) {
		FAILS(openat(-12345, "/etc/passwd", O_RDONLY), 77);
		FAILS(open("nothing", O_RDONLY), ENOENT);
		FAILS(read(900, buf, 4711), 78);
		FAILS(read(900, buf, 4710), EBADF);
		FAILS(read(901, buf, 4711), EBADF);
		FAILS(sendto(901, buf, 1, 0, NULL, 54321), 79);
		FAILS(sendto(901, buf, 1, 0, NULL, 54322), EBADF);
	}
#if OWN_SITES
	EQ(cp_read(900L, buf, 4711L), -78);
#endif
	all_works();
}

static const struct test tests[] = {
	T(promoted), T(errors), T(files), T(six_arguments), T(interrupted), T(restarted), T(sleeps), T(waits_for_signals), T(jumps_out),
	T(alternate_stack), T(registers), T(odd_stack_pointers), T(counts), T(makes_processes), T(makes_a_process_in_a_handler),
	T(handler_for_cancelling), T(exec_promotes_again), T(filtered),
};
MAIN(tests)
