// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals at system call instructions that the kernel has rewritten: what a handler sees is the program's own text and a
 * state that a processor could have been in.
 */
#include "rewrite.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <ucontext.h>

#define REG(r) ((ucontext_t *)uc)->uc_mcontext.gregs[r]
enum { KINDS = 2 };
static const call_fn reads[KINDS] = { b_read, a_read };

/* The first addresses that a handler saw. */
static volatile uintptr_t seen[4096];
static volatile long seen_rax[4096];
static volatile int seen_n, hits;

static void note_ip(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	if (seen_n < (int)ARRAY_SIZE(seen)) {
		seen_rax[seen_n] = REG(REG_RAX);
		seen[seen_n++] = REG(REG_RIP);
	}
	hits++;
}

static int was_at(void *ip, long rax)
{
	for (int i = 0; i < seen_n; i++)
		if (seen[i] == (uintptr_t)ip && seen_rax[i] == rax)
			return 1;
	return 0;
}

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
			CHECK(was_at(at_of(reads[k]) + 2, -EINTR));
			all_in_text();
		}
	on_signal(SIGUSR1, note_ip, SA_RESTART);
	for (int i = 0; i < 10; i++) {
		call_fn sleeps = i & 1 ? b_nanosleep : a_nanosleep, polls = i & 1 ? b_poll : a_poll;

		seen_n = 0;
		EQ(sleeps(&day, 0L), -EINTR);
		CHECK(was_at(at_of(sleeps) + 2, -EINTR));
		seen_n = 0;
		EQ(polls(0L, 0L, -1L), -EINTR);
		CHECK(was_at(at_of(polls) + 2, -EINTR));
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
			for (int i = 0; !*stop && i < 3000; i++) {
				kill(getppid(), SIGUSR1);
				sleep_ms(2);
				if (i == 20)
					EQ(write(fd[1], "z", 1), 1);
			}
			_exit(0);
		}
		EQ(reads[k]((long)fd[0], &c, 1L), 1);
		EQ(c, 'z');
		*stop = 1;
		wait_through(pid);
		CHECK(was_at(at_of(reads[k]), SYS_read));
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
			EQ((i < 2 ? i & 1 ? b_nanosleep : a_nanosleep : i & 1 ? b_poll : a_poll)(i < 2 ? &t : NULL, 0L, 120L), 0);
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
 * A timer as fast as it goes, while sites run. What the handler sees of a call is that it has not been made (rip on syscall, the
 * number in rax) or that it has (rip behind it, its result in rax).
 */
static volatile uintptr_t bad_ip;
static volatile long bad_rax;
static volatile int bad_why, in_site;
static pid_t me;

static const struct { call_fn f; long nr; } watched[] = {
	{ b_getpid, SYS_getpid }, { a_getpid, SYS_getpid }, { b_write, SYS_write }, { a_write, SYS_write },
	{ b_read, SYS_read }, { a_read, SYS_read },
};

static void bad(int why, uintptr_t ip, long rax)
{
	if (bad_why)
		return;
	bad_ip = ip;
	bad_rax = rax;
	bad_why = why;
}

static void watch(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = REG(REG_RIP);
	long rax = REG(REG_RAX);

	(void)sig, (void)si;
	hits++;
	if (!in_text(ip))
		bad(1, ip, rax);
	for (size_t i = 0; i < ARRAY_SIZE(watched); i++) {
		call_fn f = watched[i].f;

		if (ip < (uintptr_t)f || ip >= (uintptr_t)f + FN_LEN)
			continue;
		in_site++;
		if (!starts_insn(f, ip))
			bad(2, ip, rax);
		if (ip == (uintptr_t)at_of(f) && rax != watched[i].nr)
			bad(3, ip, rax);
		if (ip == (uintptr_t)at_of(f) + 2 && watched[i].nr == SYS_getpid ? rax != me : 0)
			bad(4, ip, rax);
		if (ip == (uintptr_t)at_of(f) + 2 && watched[i].nr != SYS_getpid ? rax != 4 : 0)
			bad(5, ip, rax);
	}
#define ONES(n) "pcmpeqd %%xmm" #n ", %%xmm" #n "\n"
	asm volatile(EACH16(ONES) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory");
	if (__builtin_cpu_supports("avx"))
		asm volatile("vzeroupper" ::: "memory");
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
	EQ(out.r[RAX], me);
	in.r[R10] = in.r[RCX];
	/* The last word is not below the stack pointer's 128 bytes when regs_call() gets there. */
	regs_same("getpid under a timer", &in, &out, 0, STATUS | DF, 15);
}

static void report_bad(void)
{
	if (bad_why)
		tap_fail(__FILE__, __LINE__, "a handler saw 0x%lx (+0x%lx), rax 0x%lx: %d", (long)bad_ip,
			 (long)(bad_ip - (uintptr_t)b_getpid), (long)bad_rax, bad_why);
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
	for (int i = 0; seconds() < start + 1 || (seconds() < start + 10 && hits < 200); i++)
		watched_calls(fd, i);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	CHECK(hits > 10);
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
	for (int i = 0; seconds() < start + 1 || (seconds() < start + 10 && hits < 200); i++)
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
#define PUSHED(name, set)									\
	".p2align 5; .globl " name "; .type " name ", @function\n" name ": push %rbx; " set "; syscall; pop %rbx; ret; nop; nop\n"
asm(".text\n" PUSHED("pushed_b", "mov $0, %eax") PUSHED("pushed_a", "xor %eax, %eax")
    "pushed_out: add %rbx, %rax; pop %rbx; ret\n");
extern long pushed_b(), pushed_a();
extern char pushed_out[];

static volatile int way;
static call_fn way_call;

static void redirect(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = REG(REG_RIP), after = (uintptr_t)way_call + (way_call == (call_fn)pushed_b ? 8 : 5);

	(void)sig, (void)si;
	if (ip != after || REG(REG_RAX) != -EINTR)
		return;
	hits++;
	switch (way) {
	case 0:
		REG(REG_RIP) = (uintptr_t)pushed_out;
		REG(REG_RAX) = 1000;
		REG(REG_RBX) = 234;
		break;
	case 1:
		REG(REG_RIP) = after - 2;
		REG(REG_RAX) = SYS_getpid;
		break;
	case 2:		/* through pushed's start: another push */
		REG(REG_RIP) = (uintptr_t)way_call + 1;
		REG(REG_RDI) = -1;
		break;
	case 3:
		REG(REG_RAX) = 0x123456789a;
		break;
	case 4:
		REG(REG_RIP) = (uintptr_t)pushed_out;
		REG(REG_RAX) = 5;
		REG(REG_RBX) = 6;
		REG(REG_EFL) ^= STATUS;
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

/* A handler starts with a clean floating point unit, and what was in it comes back. */
static volatile int unclean, checked;
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
		in.r[RDI] = fd[0];
		in.r[RSI] = (uintptr_t)&c;
		in.r[RDX] = 1;
		regs_call(reads[i & 1], &in, &out);
		EQ(out.r[RAX], -EINTR);
		in.r[R10] = in.r[RCX];
		regs_same("read with a handler", &in, &out, 0, STATUS | DF, 15);
	}
	*stop = 1;
	wait_through(pid);
	CHECK(checked >= 40);
	EQ(unclean, 0);
}

static volatile unsigned long want_xmm;

static void sets_xmm(int sig, siginfo_t *si, void *uc)
{
	char *fp = (char *)((ucontext_t *)uc)->uc_mcontext.fpregs;

	(void)sig, (void)si;
	if (!fp || *(volatile unsigned long *)(fp + 160 + 15 * 16) != want_xmm)
		unclean++;
	memset(fp + 160 + 15 * 16, 0x5a, 16);
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
		in.r[RDI] = fd[0];
		in.r[RSI] = (uintptr_t)&c;
		in.r[RDX] = 1;
		memcpy((void *)&want_xmm, in.v[15], 8);
		on_signal(SIGUSR1, sets_xmm, SA_RESETHAND | SA_NODEFER);
		sigprocmask(SIG_BLOCK, &set, &old);
		pid = FORK();
		if (!pid) {
			char path[64], text[400];

			/* Until the parent sleeps; a signal that comes too early would find other registers. */
			snprintf(path, sizeof(path), "/proc/%d/stat", getppid());
			for (int j = 0; j < 2000; j++) {
				char *p;

				slurp(path, text, sizeof(text));
				p = strrchr(text, ')');
				if (*stop && p && p[2] == 'S')
					break;
				sleep_ms(1);
			}
			sleep_ms(5);
			kill(getppid(), SIGUSR1);
			_exit(0);
		}
		sigprocmask(SIG_SETMASK, &old, NULL);
		*stop = 1;
		regs_call(reads[i & 1], &in, &out);
		*stop = 0;
		EQ(out.r[RAX], -EINTR);
		wait_through(pid);
		memset(in.v[15], 0x5a, 16);
		in.r[R10] = in.r[RCX];
		regs_same("read with a handler that sets a register", &in, &out, 0, STATUS | DF, 15);
	}
	EQ(checked, 20);
	EQ(unclean, 0);
}

static void fork_has_registers(void)
{
	warm(b_read);
	for (int i = 0; i < 12; i++) {
		struct regs in, out;

		regs_fill(&in, i);
		regs_call(i & 1 ? b_fork : a_fork, &in, &out);
		in.r[R10] = in.r[RCX];
		regs_same(out.r[RAX] ? "fork, in the parent" : "fork, in the child", &in, &out, 0, STATUS | DF, 16);
		if (!out.r[RAX])
			_exit(0);
		CHILD_OK(out.r[RAX]);
	}
}

/* Faults of the instructions behind a call, which the kernel may have moved. */
#define FAULTY(name, insn)										\
	".p2align 5; .globl f_" name ", f_" name "_at; f_" name ": mov %edi, %eax; f_" name "_at: syscall; " insn "; nop; nop; nop; ret\n"
asm(".text\n" FAULTY("load", "mov 8, %rcx") FAULTY("ud2", "ud2") FAULTY("hlt", "hlt") FAULTY("int3", "int3")
    FAULTY("nop_load", "nop; nop; movzbl 9, %ecx") FAULTY("short_load", "xor %ecx, %ecx; mov (%rcx), %eax")
    FAULTY("div", "xor %ecx, %ecx; div %cl") FAULTY("store", "xor %ecx, %ecx; movb $1, 3(%rcx)"));
#define FAULTY_C(n) extern long f_##n(); extern char f_##n##_at[];
FAULTY_C(load) FAULTY_C(ud2) FAULTY_C(hlt) FAULTY_C(int3) FAULTY_C(nop_load) FAULTY_C(short_load) FAULTY_C(div) FAULTY_C(store)

static volatile uintptr_t fault_ip, fault_addr;
static volatile int fault_sig, fault_skip;
static volatile long fault_rax;

static void step_over(int sig, siginfo_t *si, void *uc)
{
	fault_sig = sig;
	fault_ip = REG(REG_RIP);
	fault_addr = (uintptr_t)si->si_addr;
	fault_rax = REG(REG_RAX);
	REG(REG_RIP) += fault_skip;
}

static void faults_behind_a_call(void)
{
	static const struct { call_fn f; char *at; int off, sig, skip; long addr; } list[] = {
		{ f_load, f_load_at, 2, SIGSEGV, 8, 8 }, { f_ud2, f_ud2_at, 2, SIGILL, 2, -1 }, { f_hlt, f_hlt_at, 2, SIGSEGV, 1, 0 },
		{ f_int3, f_int3_at, 3, SIGTRAP, 0, -2 }, { f_nop_load, f_nop_load_at, 4, SIGSEGV, 8, 9 },
		{ f_short_load, f_short_load_at, 4, SIGSEGV, 2, 0 }, { f_div, f_div_at, 4, SIGFPE, 2, -1 },
		{ f_store, f_store_at, 4, SIGSEGV, 4, 3 },
	};

	on_signal(SIGSEGV, step_over, 0);
	on_signal(SIGILL, step_over, 0);
	on_signal(SIGTRAP, step_over, 0);
	on_signal(SIGFPE, step_over, 0);
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		for (int round = 0; round < 20; round++) {
			fault_sig = 0;
			fault_skip = list[i].skip;
			list[i].f(39L);
			EQ(fault_sig, list[i].sig);
			EQ(fault_ip, list[i].at + list[i].off);
			if (list[i].sig != SIGFPE)
				EQ(fault_rax, getpid());
			if (list[i].addr != -2)
				EQ(fault_addr, list[i].addr == -1 ? (long)fault_ip : list[i].addr);
		}
}

/* The program single-steps itself through sites: no address is outside its text, none within an instruction. */
static volatile int stray, stepped;
static const call_fn step_fns[] = { b_getpid, a_getpid, b_getppid, a_getppid };

static void step(int sig, siginfo_t *si, void *uc)
{
	uintptr_t ip = REG(REG_RIP);

	(void)sig, (void)si;
	stepped++;
	if (!in_text(ip))
		bad(1, ip, REG(REG_RAX));
	for (size_t i = 0; i < ARRAY_SIZE(step_fns); i++)
		if (ip >= (uintptr_t)step_fns[i] && ip < (uintptr_t)step_fns[i] + FN_LEN && !starts_insn(step_fns[i], ip))
			bad(2, ip, REG(REG_RAX));
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

static const struct test tests[] = {
	T(interrupted), T(restarted), T(sleeps_through_stops), T(timer_in_sites), T(threads_signal_sites), T(jumps_out),
	T(handler_changes_registers), T(alternate_stack), T(float_state), T(float_state_in_the_frame), T(fork_has_registers),
	T(faults_behind_a_call), T(steps_itself),
};
MAIN(tests)
