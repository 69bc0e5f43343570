// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals at system call instructions that the kernel has rewritten: what a handler sees is the
 * program's own text and a state that a processor could have been in.
 */
#include "rewrite.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

enum { KINDS = 2 };
static const call_fn reads[KINDS] = { b_read, a_read };

/* The first addresses that a handler saw. */
static volatile uintptr_t seen[4096];
static volatile long seen_result[4096], seen_number[4096];
static volatile int seen_n, hits;

static void note_ip(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	if (seen_n < (int)ARRAY_SIZE(seen)) {
		seen_result[seen_n] = RESULT(uc);
		seen_number[seen_n] = NUMBER(uc);
		seen[seen_n++] = PC(uc);
	}
	hits++;
}

/* After a call with this result, or before one with this number. */
static int was_behind(call_fn f, long result)
{
	for (int i = 0; i < seen_n; i++)
		if (seen[i] == (uintptr_t)at_of(f) + CALL_LEN && seen_result[i] == result)
			return 1;
	return 0;
}

static int was_before(call_fn f, long nr)
{
	for (int i = 0; i < seen_n; i++)
		if (seen[i] == (uintptr_t)at_of(f) && seen_number[i] == nr)
			return 1;
	return 0;
}

/* poll() with no descriptors. */
#ifdef __aarch64__
#define b_poll b_ppoll
#define a_poll a_ppoll

static long poll_ms(call_fn f, long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	return f(0L, 0L, ms < 0 ? NULL : &t, 0L, 8L);
}
#else
static long poll_ms(call_fn f, long ms)
{
	return f(0L, 0L, ms);
}
#endif

static void all_in_text(void)
{
	for (int i = 0; i < seen_n; i++)
		if (!in_text(seen[i]))
			tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx", (long)seen[i]);
}

static void interrupted(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct timespec day = { 86400, 0 };
	int fd[2];
	pid_t pid;
	char c;

	note_text();
	EQ(pipe(fd), 0);
	warm(b_read), warm(a_read), warm(b_nanosleep), warm(a_nanosleep), warm(b_poll), warm(a_poll);
	on_signal(SIGUSR1, note_ip, 0);
	pid = pester(getpid(), stop);
	for (int i = 0; i < 20; i++)
		for (int k = 0; k < KINDS; k++) {
			seen_n = 0;
			EQ(reads[k]((long)fd[0], &c, 1L), -EINTR);
			CHECK(was_behind(reads[k], -EINTR));
			all_in_text();
		}
	on_signal(SIGUSR1, note_ip, SA_RESTART);
	for (int i = 0; i < 10; i++) {
		call_fn sleeps = i & 1 ? b_nanosleep : a_nanosleep, polls = i & 1 ? b_poll : a_poll;

		seen_n = 0;
		EQ(sleeps(&day, 0L), -EINTR);
		CHECK(was_behind(sleeps, -EINTR));
		seen_n = 0;
		EQ(poll_ms(polls, -1), -EINTR);
		CHECK(was_behind(polls, -EINTR));
		all_in_text();
	}
	*stop = 1;
	wait_through(pid);
}

static void restarted(void)
{
	note_text();
	warm(b_read), warm(a_read);
	for (int k = 0; k < KINDS; k++) {
		volatile int *stop = map_anon(4096, MAP_SHARED);
		pid_t pid;
		int fd[2];
		char c = 0;

		EQ(pipe(fd), 0);
		seen_n = hits = 0;
		on_signal(SIGUSR1, note_ip, SA_RESTART);
		pid = FORK();
		if (!pid) {
			for (int asleep = 0, written = 0; !*stop; ) {
				asleep += sleeps_in_a_call(getppid());
				kill(getppid(), SIGUSR1);
				sleep_ms(2);
				if (asleep >= 20 && !written) {
					EQ(write(fd[1], "z", 1), 1);
					written = 1;
				}
			}
			_exit(0);
		}
		EQ(reads[k]((long)fd[0], &c, 1L), 1);
		EQ(c, 'z');
		*stop = 1;
		wait_through(pid);
		CHECK(was_before(reads[k], SYS_read));
		for (int i = 0; i < seen_n; i++)
			if (seen[i] >= (uintptr_t)reads[k] && seen[i] < (uintptr_t)reads[k] + FN_LEN)
				CHECK(starts_insn(reads[k], seen[i]));
		all_in_text();
	}
}

static void sleeps_through_stops(void)
{
	pid_t pid = FORK();
	int st = 0;

	if (!pid) {
		for (int i = 0; i < 4; i++) {
			struct timespec t = { 0, 120000000 };
			double start = seconds();

			warm(i & 1 ? b_nanosleep : a_nanosleep);
			warm(i & 1 ? b_poll : a_poll);
			EQ(i < 2 ? (i & 1 ? b_nanosleep : a_nanosleep)(&t, 0L) : poll_ms(i & 1 ? b_poll : a_poll, 120), 0);
			CHECK(seconds() - start >= 0.11);
		}
		_exit(0);
	}
	for (int i = 0; i < 40; i++) {
		sleep_ms(7);
		if (kill(pid, SIGSTOP))
			break;
		EQ(waitpid(pid, &st, WUNTRACED), pid);
		if (!WIFSTOPPED(st))
			break;
		kill(pid, SIGCONT);
	}
	if (WIFSTOPPED(st))
		EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
}

/*
 * A timer as fast as it goes, while sites run. What the handler sees of a call is that it has not
 * been made (pc on the call, and its number) or that it has (pc behind it, and its result).
 */
static volatile uintptr_t bad_ip;
static volatile long bad_value;
static volatile int bad_why, in_site;
static pid_t me;

static const struct { call_fn f; long nr; } watched[] = {
	{ b_getpid, SYS_getpid }, { a_getpid, SYS_getpid }, { b_write, SYS_write }, { a_write, SYS_write },
	{ b_read, SYS_read }, { a_read, SYS_read },
};

static void bad(int why, uintptr_t ip, long value)
{
	if (bad_why)
		return;
	bad_ip = ip;
	bad_value = value;
	bad_why = why;
}

#ifdef __aarch64__
#define ONES(n) "movi v" #n ".16b, #255\n"

static void spoil_vectors(void)
{
	asm volatile(EACH16(ONES) "movi v16.16b, #255; movi v23.16b, #255; movi v31.16b, #255"
		     ::: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v23",
		     "v31", "memory");
}
#else
#define ONES(n) "pcmpeqd %%xmm" #n ", %%xmm" #n "\n"

static void spoil_vectors(void)
{
	asm volatile(EACH16(ONES) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
	if (__builtin_cpu_supports("avx"))
		asm volatile("vzeroupper" ::: "memory");
}
#endif

static void watch(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = PC(uc);
	long result = RESULT(uc), nr = NUMBER(uc);

	(void)sig, (void)si;
	hits++;
	if (!in_text(ip))
		bad(1, ip, result);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		call_fn f = watched[i].f;

		if (ip < (uintptr_t)f || ip >= (uintptr_t)f + FN_LEN)
			continue;
		in_site++;
		if (!starts_insn(f, ip))
			bad(2, ip, result);
		if (ip == (uintptr_t)at_of(f) && nr != watched[i].nr)
			bad(3, ip, nr);
#ifdef __x86_64__
		if (ip == (uintptr_t)at_of(f) + CALL_LEN && (uintptr_t)((ucontext_t *)uc)->uc_mcontext.gregs[REG_RCX] != ip)
			bad(6, ip, ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RCX]);
#endif
		if (ip == (uintptr_t)at_of(f) + CALL_LEN && watched[i].nr == SYS_getpid ? result != me : 0)
			bad(4, ip, result);
		if (ip == (uintptr_t)at_of(f) + CALL_LEN && watched[i].nr != SYS_getpid ? result != 4 : 0)
			bad(5, ip, result);
	}
	spoil_vectors();
	b_getppid();
	a_getppid();
}

static void watched_calls(int fd[2], int i)
{
	struct regs in, out;
	int got = 0;

	EQ(b_getpid(), me);
	EQ(a_getpid(), me);
	EQ((i & 1 ? b_write : a_write)((long)fd[1], &i, 4L), 4);
	EQ((i & 2 ? b_read : a_read)((long)fd[0], &got, 4L), 4);
	EQ(got, i);
	regs_fill(&in, i & 15);
	if (i & 16)
		in.flags |= DF;
	regs_call(i & 1 ? b_getpid : a_getpid, &in, &out);
	EQ(out.r[R_RESULT], me);
	regs_expect(&in);
	/* The last word is not below the stack pointer's 128 bytes when regs_call() gets there. */
	regs_same("getpid under a timer", &in, &out, CALL_CHANGES, STATUS | DF, 15);
}

static void report_bad(void)
{
	if (bad_why)
		tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx (+0x%lx), register 0x%lx: %d", (long)bad_ip,
			 (long)(bad_ip - (uintptr_t)b_getpid), (long)bad_value, bad_why);
}

static void timer_in_sites(void)
{
	struct itimerval tick = { { 0, 200 }, { 0, 200 } }, off = { 0 };
	double start = seconds();
	int fd[2];

	note_text();
	me = getpid();
	EQ(pipe(fd), 0);
	on_signal(SIGALRM, watch, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	for (int i = 0; seconds() < start + 1 || (hits < 200 && seconds() < start + SOON_MS / 1e3); i++)
		watched_calls(fd, i);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	CHECK(hits > 10);
	report_bad();
}

/*
 * The vDSO asks the host's for the time, of which a handler sees nothing; what it is in the middle
 * of begins again.
 */
static void timer_in_the_clock(void)
{
	struct itimerval tick = { { 0, 100 }, { 0, 100 } }, off = { 0 };
	struct timespec a = { 0 }, b;
	double start = seconds();
	long rounds[4] = { 0 };

	note_text();
	hits = 0;
	on_signal(SIGALRM, watch, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	do {
		EQ(clock_gettime(CLOCK_MONOTONIC, &b), 0);
		if (b.tv_sec < a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec < a.tv_nsec) || b.tv_nsec >= 1000000000)
			tap_fail(__FILE__, __LINE__, "from %ld.%09ld to %ld.%09ld", a.tv_sec, a.tv_nsec, b.tv_sec, b.tv_nsec);
		a = b;
		rounds[hits & 3]++;
	} while (b.tv_sec < start + 2 || (hits < 1000 && b.tv_sec < start + SOON_MS / 1e3));
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	CHECK(hits > 10);
	CHECK(rounds[0] && rounds[1] && rounds[2] && rounds[3]);
	report_bad();
}

/* The same by other threads, at any moment. */
static void *bombard(void *arg)
{
	while (!*(volatile int *)arg) {
		EQ(a_tgkill((long)me, (long)me, (long)SIGUSR1), 0);
		for (volatile int i = 0; i < 300; i++)
			;
	}
	return NULL;
}

static void threads_signal_sites(void)
{
	volatile int stop = 0;
	double start;
	pthread_t t;
	sigset_t set;
	int fd[2];

	note_text();
	me = getpid();
	EQ(pipe(fd), 0);
	on_signal(SIGUSR1, watch, SA_RESTART);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	EQ(pthread_create(&t, NULL, bombard, (void *)&stop), 0);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	start = seconds();
	for (int i = 0; seconds() < start + 1 || (hits < 200 && seconds() < start + SOON_MS / 1e3); i++)
		watched_calls(fd, i);
	stop = 1;
	EQ(pthread_join(t, NULL), 0);
	CHECK(hits > 10);
	report_bad();
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
	volatile int *stop = map_anon(4096, MAP_SHARED);
	sigset_t set;
	int fd[2];
	pid_t pid;
	char c;

	EQ(pipe(fd), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	on_signal(SIGUSR1, jump_out, SA_RESTART);
	warm(b_read), warm(a_read);
	pid = pester(getpid(), stop);
	for (volatile int i = 0; i < 60; i++)
		if (!sigsetjmp(jump, 1)) {
			sigprocmask(SIG_UNBLOCK, &set, NULL);
			reads[i & 1]((long)fd[0], &c, 1L);
			CHECK(0);
		}
	EQ(hits, 60);
	*stop = 1;
	wait_through(pid);
	EQ(write(fd[1], "q", 1), 1);
	EQ(a_read((long)fd[0], &c, 1L), 1);
}

/* A handler that sends its program elsewhere. */
#ifdef __aarch64__
#define PUSHED(name, set)									\
	".p2align 5; .globl " name "; .type " name ", %function\n" name ": str x19, [sp, #-16]!; " set "; svc #0; ldr x19, [sp], #16; ret\n"
asm(".text\n" PUSHED("pushed_b", "mov x8, #63; nop") PUSHED("pushed_a", "mov w9, #63; mov w8, w9")
    ".globl pushed_out; pushed_out: add x0, x0, x19; ldr x19, [sp], #16; ret\n");
#define PRESERVED(uc) ((ucontext_t *)uc)->uc_mcontext.regs[19]
#define FLAGS(uc) ((ucontext_t *)uc)->uc_mcontext.pstate
enum { BEHIND_B = 16, BEHIND_A = 16, FIRST_LEN = 4 };
#else
#define PUSHED(name, set)									\
	".p2align 5; .globl " name "; .type " name ", @function\n" name ": push %rbx; " set "; syscall; pop %rbx; ret; nop; nop\n"
asm(".text\n" PUSHED("pushed_b", "mov $0, %eax") PUSHED("pushed_a", "xor %eax, %eax")
    "pushed_out: add %rbx, %rax; pop %rbx; ret\n");
#define PRESERVED(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RBX]
#define FLAGS(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_EFL]
enum { BEHIND_B = 8, BEHIND_A = 5, FIRST_LEN = 1 };
#endif
extern long pushed_b(), pushed_a();
extern char pushed_out[];

static volatile int way;
static call_fn way_call;

static void redirect(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = PC(uc), after = (uintptr_t)way_call + (way_call == (call_fn)pushed_b ? BEHIND_B : BEHIND_A);

	(void)sig, (void)si;
	if (ip != after || (long)RESULT(uc) != -EINTR)
		return;
	hits++;
	switch (way) {
	case 0:
		PC(uc) = (uintptr_t)pushed_out;
		RESULT(uc) = 1000;
		PRESERVED(uc) = 234;
		break;
	case 1:
		PC(uc) = after - CALL_LEN;
		NUMBER(uc) = SYS_getpid;
		break;
	case 2:		/* behind pushed's first instruction, which has been executed */
		PC(uc) = (uintptr_t)way_call + FIRST_LEN;
		ARGUMENT(uc) = -1;
		break;
	case 3:
		RESULT(uc) = 0x123456789a;
		break;
	case 4:
		PC(uc) = (uintptr_t)pushed_out;
		RESULT(uc) = 5;
		PRESERVED(uc) = 6;
		FLAGS(uc) ^= STATUS;
		break;
	}
}

static void handler_changes_registers(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	long want[] = { 1234, getpid(), -EBADF, 0x123456789a, 11 };
	int fd[2];
	pid_t pid;
	char c;

	EQ(pipe(fd), 0);
	warm((call_fn)pushed_b), warm((call_fn)pushed_a);
	on_signal(SIGUSR1, redirect, 0);
	pid = pester(getpid(), stop);
	for (int i = 0; i < 40; i++) {
		way = i % 5;
		way_call = i & 1 ? (call_fn)pushed_b : (call_fn)pushed_a;
		EQ(way_call((long)fd[0], &c, 1L), want[way]);
	}
	CHECK(hits >= 40);
	*stop = 1;
	wait_through(pid);
}

static char altstack[65536] __attribute__((aligned(16)));
static volatile int off_stack, on_stack;

static void on_altstack(int sig, siginfo_t *si, void *uc)
{
	char *here = __builtin_frame_address(0);

	(void)sig, (void)si, (void)uc;
	if (here >= altstack && here < altstack + sizeof(altstack))
		on_stack++;
	else
		off_stack++;
	if (b_getpid() != a_getpid())
		off_stack++;
}

static void alternate_stack(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	volatile int *stop = map_anon(4096, MAP_SHARED);
	int fd[2];
	pid_t pid;
	char c;

	EQ(pipe(fd), 0);
	EQ(sigaltstack(&ss, NULL), 0);
	warm(b_read), warm(a_read);
	on_signal(SIGUSR1, on_altstack, SA_ONSTACK);
	pid = pester(getpid(), stop);
	for (int i = 0; i < 40; i++)
		EQ(reads[i & 1]((long)fd[0], &c, 1L), -EINTR);
	*stop = 1;
	wait_through(pid);
	CHECK(on_stack >= 40);
	EQ(off_stack, 0);
}

static volatile int unclean, checked;

#ifdef __aarch64__
/* A handler's vector registers and its FPCR are what they were. */
static struct regs float_in;

static void look_at_state(int sig, siginfo_t *si, void *uc)
{
	uintptr_t pc = ((ucontext_t *)uc)->uc_mcontext.pc;
	unsigned char v[4][16];
	uint64_t fpcr;

	(void)sig, (void)si;
	/* Elsewhere they are something else. */
	if (pc - (uintptr_t)b_read > FN_LEN && pc - (uintptr_t)a_read > FN_LEN)
		return;
	asm volatile("st1 {v7.16b}, [%0]; str q8, [%0, #16]; str q16, [%0, #32]; str q31, [%0, #48]" :: "r" (v) : "memory");
	asm volatile("mrs %0, fpcr" : "=r" (fpcr));
	unclean |= memcmp(v[1], float_in.v[8], 16) || memcmp(v[2], float_in.v[16], 16) || memcmp(v[3], float_in.v[31], 16) ? 1 : 0;
	unclean |= fpcr != float_in.fpcr ? 2 : 0;
	asm volatile("msr fpcr, %0; msr fpsr, %0" :: "r" (0L));
	spoil_vectors();
	checked++;
}
#else
/* A handler starts with a clean floating point unit, and what was in it comes back. */
asm(".text; .globl state_of; state_of: movups %xmm0, (%rdi); movups %xmm7, 16(%rdi); movups %xmm15, 32(%rdi)\n"
    "stmxcsr 48(%rdi); fnstcw 52(%rdi); movw $0, 54(%rdi); pushfq; pop %rax; ret\n");
long state_of(void *);

static void look_at_state(int sig, siginfo_t *si, void *uc)
{
	struct { unsigned long xmm[6]; unsigned int mxcsr, cw; } s;
	struct { unsigned short cw, a, sw, b, tag, c; unsigned int rest[4]; } env;
	long flags = state_of(&s);

	(void)sig, (void)si, (void)uc;
	asm volatile("fnstenv %0; fldenv %0" : "+m" (env));
	for (int i = 0; i < 6; i++)
		unclean |= s.xmm[i] != 0;
	if (s.mxcsr != 0x1f80 || s.cw != 0x37f || env.tag != 0xffff)
		unclean |= 2;
	if (flags & DF)
		unclean |= 4;
	s.mxcsr = 0x3f80;
	asm volatile("ldmxcsr %0; fld1; fld1" :: "m" (s.mxcsr));
	asm volatile(EACH16(ONES) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
	if (__builtin_cpu_supports("avx"))
		asm volatile("vpcmpeqd %%xmm3, %%xmm3, %%xmm3; vinsertf128 $1, %%xmm3, %%ymm3, %%ymm3\n"
			     "vinsertf128 $1, %%xmm3, %%ymm3, %%ymm15"
			     ::: "xmm3", "xmm15", "memory");
	checked++;
}

static struct regs float_in;
#endif

static void float_state(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct regs in, out;
	int fd[2];
	pid_t pid;
	char c;

	EQ(pipe(fd), 0);
	warm(b_read), warm(a_read);
	on_signal(SIGUSR1, look_at_state, 0);
	pid = pester(getpid(), stop);
	for (int i = 0; i < 40; i++) {
		regs_fill(&in, i);
		if (i & 4)
			in.flags |= DF;
		in.r[R_ARG0] = fd[0];
		in.r[R_ARG1] = (uintptr_t)&c;
		in.r[R_ARG2] = 1;
		float_in = in;
		regs_call(reads[i & 1], &in, &out);
		EQ(out.r[R_RESULT], -EINTR);
		regs_expect(&in);
		regs_same("read with a handler", &in, &out, CALL_CHANGES, STATUS | DF, 15);
	}
	*stop = 1;
	wait_through(pid);
	CHECK(checked >= 40);
	EQ(unclean, 0);
}

static volatile unsigned long want_vector;

static void sets_vector(int sig, siginfo_t *si, void *uc)
{
	char *v15;

	(void)sig, (void)si;
#ifdef __aarch64__
	v15 = (char *)((ucontext_t *)uc)->uc_mcontext.__reserved;
	if (*(uint32_t *)v15 != 0x46508001 /* FPSIMD_MAGIC */ || *(uint32_t *)(v15 + 4) != 528)
		unclean++;
	v15 += 16 + 15 * 16;
#else
	v15 = (char *)((ucontext_t *)uc)->uc_mcontext.fpregs + 160 + 15 * 16;
#endif
	if (*(volatile unsigned long *)v15 != want_vector)
		unclean++;
	memset(v15, 0x5a, 16);
	checked++;
}

/* What it finds and leaves in the frame is what the thread had and gets. */
static void float_state_in_the_frame(void)
{
	volatile int *stop = map_anon(4096, MAP_SHARED);
	struct regs in, out;
	sigset_t set, old;
	int fd[2];
	pid_t pid;
	char c;

	EQ(pipe(fd), 0);
	warm(b_read), warm(a_read);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (int i = 0; i < 20; i++) {
		regs_fill(&in, i);
		in.r[R_ARG0] = fd[0];
		in.r[R_ARG1] = (uintptr_t)&c;
		in.r[R_ARG2] = 1;
		memcpy((void *)&want_vector, in.v[15], 8);
		on_signal(SIGUSR1, sets_vector, SA_RESETHAND | SA_NODEFER);
		sigprocmask(SIG_BLOCK, &set, &old);
		pid = FORK();
		if (!pid) {
			/*
			 * Until the parent sleeps; a signal that comes too early would find other
			 * registers.
			 */
			SOON(*stop && sleeps_in_a_call(getppid()));
			kill(getppid(), SIGUSR1);
			_exit(0);
		}
		sigprocmask(SIG_SETMASK, &old, NULL);
		*stop = 1;
		regs_call(reads[i & 1], &in, &out);
		*stop = 0;
		EQ(out.r[R_RESULT], -EINTR);
		wait_through(pid);
		memset(in.v[15], 0x5a, 16);
		regs_expect(&in);
		regs_same("read with a handler that sets a register", &in, &out, CALL_CHANGES, STATUS | DF, 15);
	}
	EQ(checked, 20);
	EQ(unclean, 0);
}

#ifdef __aarch64__
enum { FORK_CHANGES = 0x31f };	/* its arguments, x8 and x9 */
#else
enum { FORK_CHANGES = CALL_CHANGES };
#endif

static void fork_has_registers(void)
{
	warm(b_read);
	for (int i = 0; i < 12; i++) {
		struct regs in, out;

		regs_fill(&in, i);
		regs_call(i & 1 ? b_fork : a_fork, &in, &out);
		regs_expect(&in);
		regs_same(out.r[R_RESULT] ? "fork, in the parent" : "fork, in the child", &in, &out, FORK_CHANGES, STATUS | DF, 16);
		if (!out.r[R_RESULT])
			_exit(0);
		CHILD_OK(out.r[R_RESULT]);
	}
}

/* Faults of the instructions behind a call, which the kernel may have moved. */
#ifdef __aarch64__
#define FAULTY(name, insn)										\
	".p2align 5; .globl f_" name ", f_" name "_at; f_" name ": mov w8, w0; mov x9, #8; f_" name "_at: svc #0; " insn "; nop; ret\n"
asm(".text\n" FAULTY("load", "ldr x10, [x9]") FAULTY("udf", "udf #0") FAULTY("priv", "mrs x10, sctlr_el1") FAULTY("brk", "brk #0")
    FAULTY("nop_load", "nop; ldrb w10, [x9, #1]") FAULTY("store", "strb w10, [x9, #3]"));
#define FAULTY_C(n) extern long f_##n(); extern char f_##n##_at[];
FAULTY_C(load) FAULTY_C(udf) FAULTY_C(priv) FAULTY_C(brk) FAULTY_C(nop_load) FAULTY_C(store)
#else
#define FAULTY(name, insn)										\
	".p2align 5; .globl f_" name ", f_" name "_at; f_" name ": mov %edi, %eax; f_" name "_at: syscall; " insn "; nop; nop; nop; ret\n"
asm(".text\n" FAULTY("load", "mov 8, %rcx") FAULTY("ud2", "ud2") FAULTY("hlt", "hlt") FAULTY("int3", "int3")
    FAULTY("nop_load", "nop; nop; movzbl 9, %ecx") FAULTY("short_load", "xor %ecx, %ecx; mov (%rcx), %eax")
    FAULTY("div", "xor %ecx, %ecx; div %cl") FAULTY("store", "xor %ecx, %ecx; movb $1, 3(%rcx)"));
#define FAULTY_C(n) extern long f_##n(); extern char f_##n##_at[];
FAULTY_C(load) FAULTY_C(ud2) FAULTY_C(hlt) FAULTY_C(int3) FAULTY_C(nop_load) FAULTY_C(short_load) FAULTY_C(div) FAULTY_C(store)
#endif

static volatile uintptr_t fault_ip, fault_addr;
static volatile int fault_sig, fault_skip;
static volatile long fault_result;

static void step_over(int sig, siginfo_t *si, void *uc)
{
	fault_sig = sig;
	fault_ip = PC(uc);
	fault_addr = (uintptr_t)si->si_addr;
	fault_result = RESULT(uc);
	PC(uc) += fault_skip;
}

static void faults_behind_a_call(void)
{
	static const struct { call_fn f; char *at; int off, sig, skip; long addr; } list[] = {
#ifdef __aarch64__
		{ f_load, f_load_at, 4, SIGSEGV, 4, 8 }, { f_udf, f_udf_at, 4, SIGILL, 4, -1 }, { f_priv, f_priv_at, 4, SIGILL, 4, -1 },
		{ f_brk, f_brk_at, 4, SIGTRAP, 4, -1 }, { f_nop_load, f_nop_load_at, 8, SIGSEGV, 4, 9 },
		{ f_store, f_store_at, 4, SIGSEGV, 4, 11 },
#else
		{ f_load, f_load_at, 2, SIGSEGV, 8, 8 }, { f_ud2, f_ud2_at, 2, SIGILL, 2, -1 }, { f_hlt, f_hlt_at, 2, SIGSEGV, 1, 0 },
		{ f_int3, f_int3_at, 3, SIGTRAP, 0, -2 }, { f_nop_load, f_nop_load_at, 4, SIGSEGV, 8, 9 },
		{ f_short_load, f_short_load_at, 4, SIGSEGV, 2, 0 }, { f_div, f_div_at, 4, SIGFPE, 2, -1 },
		{ f_store, f_store_at, 4, SIGSEGV, 4, 3 },
#endif
	};

	on_signal(SIGSEGV, step_over, 0);
	on_signal(SIGILL, step_over, 0);
	on_signal(SIGTRAP, step_over, 0);
	on_signal(SIGFPE, step_over, 0);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		for (int round = 0; round < 20; round++) {
			fault_sig = 0;
			fault_skip = list[i].skip;
			list[i].f((long)SYS_getpid);
			EQ(fault_sig, list[i].sig);
			EQ(fault_ip, list[i].at + list[i].off);
			if (list[i].sig != SIGFPE)
				EQ(fault_result, getpid());
			if (list[i].addr != -2)
				EQ(fault_addr, list[i].addr == -1 ? (long)fault_ip : list[i].addr);
		}
}

#ifdef __aarch64__
static void steps_itself(void)
{
	SKIP("x86_64 only");
}
#else
/*
 * The program single-steps itself through sites: no address is outside its text, none within an
 * instruction.
 */
static volatile int stray, stepped;
static const call_fn step_fns[] = { b_getpid, a_getpid, b_getppid, a_getppid };

static void step(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = PC(uc);

	(void)sig, (void)si;
	stepped++;
	if (!in_text(ip))
		bad(1, ip, RESULT(uc));
	for (size_t i = 0; i < ARRAY_SIZE(step_fns); i++)
		if (ip >= (uintptr_t)step_fns[i] && ip < (uintptr_t)step_fns[i] + FN_LEN && !starts_insn(step_fns[i], ip))
			bad(2, ip, RESULT(uc));
}

static long stepping(call_fn f)
{
	long r;

	asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq\n"
		     "call *%1\n"
		     "pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp"
		     : "=&a" (r) : "b" (f) : "rcx", "r10", "r11", "memory", "cc");
	return r;
}

static void steps_itself(void)
{
	note_text();
	on_signal(SIGTRAP, step, 0);
	for (int i = 0; i < 20; i++)
		for (size_t k = 0; k < ARRAY_SIZE(step_fns); k++) {
			stepped = 0;
			EQ(stepping(step_fns[k]), k < 2 ? getpid() : getppid());
			CHECK(stepped >= 5 && stepped <= 12);
			report_bad();
		}
}
#endif

static const struct test tests[] = {
	T(interrupted), T(restarted), T(sleeps_through_stops), T(timer_in_sites), T(timer_in_the_clock), T(threads_signal_sites), T(jumps_out),
	T(handler_changes_registers), T(alternate_stack), T(float_state), T(float_state_in_the_frame), T(fork_has_registers),
	T(faults_behind_a_call), T(steps_itself),
};
MAIN(tests)
