// SPDX-License-Identifier: GPL-2.0-only
/* The breakpoints and watchpoints of aarch64's hardware as a tracer sets them. */
#include "trace-child.h"
#include <pthread.h>

#ifndef __aarch64__
static void none(void)
{
	SKIP("aarch64 only");
}

static const struct test tests[] = { T(none) };
#else
enum { BREAK_SET = 0x402, WATCH_SET };			/* NT_ARM_HW_* */
enum { LOADS = 1, STORES };
enum { TRACE = 2, HWBKPT = 4 };
#define CONTROL(type, bytes) (1U | 2 << 1 | (unsigned)(type) << 3 | (unsigned)(bytes) << 5)
#define ALL CONTROL(LOADS | STORES, 0xff)

struct debug_state {
	unsigned info, pad;
	struct { unsigned long addr; unsigned ctrl, pad; } reg[16];
};

static struct { char page[4096]; } area[3] __attribute__((aligned(4096)));
#define WATCHED ((volatile long *)&area[1].page[2048])

static struct debug_state state_of(pid_t pid, int set)
{
	struct debug_state s;

	EQ(get_set(PTRACE_GETREGSET, pid, set, &s, sizeof(s)), 0);
	return s;
}

/* The register i, and those before it as they were. */
static long try(pid_t pid, int set, int i, const volatile void *addr, unsigned ctrl)
{
	struct debug_state s = state_of(pid, set);

	s.reg[i].addr = (unsigned long)addr;
	s.reg[i].ctrl = ctrl;
	return get_set(PTRACE_SETREGSET, pid, set, &s, 8 + (i + 1) * sizeof(s.reg[0]));
}

static void watch(pid_t pid, int set, int i, const volatile void *addr, unsigned ctrl)
{
	EQ(try(pid, set, i, addr, ctrl), 0);
}

static void breakpoint_at(pid_t pid, int i, void (*f)(void))
{
	watch(pid, BREAK_SET, i, (void *)(uintptr_t)f, CONTROL(0, 0xf));
}

/* It stops before an access to this address, or before the instruction there. */
static void hits(pid_t pid, const volatile void *at)
{
	siginfo_t si;

	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	si = info_of(pid);
	EQ(si.si_code, HWBKPT);
	EQ((uintptr_t)si.si_addr, (uintptr_t)at);
}

/* As a debugger goes on from a hit: a step with all registers off. */
static void step_over(pid_t pid)
{
	struct debug_state s[2] = { state_of(pid, BREAK_SET), state_of(pid, WATCH_SET) }, off = { };
	unsigned long pc = regs_of(pid).pc;

	for (int i = 0; i < 2; i++)
		EQ(get_set(PTRACE_SETREGSET, pid, BREAK_SET + i, &off, 8 + 4 * sizeof(off.reg[0])), 0);
	EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(info_of(pid).si_code, TRACE);
	CHECK(regs_of(pid).pc != pc);
	for (int i = 0; i < 2; i++)
		EQ(get_set(PTRACE_SETREGSET, pid, BREAK_SET + i, &s[i], 8 + 4 * sizeof(off.reg[0])), 0);
}

static void writes(void)
{
	int fds[2];

	WATCHED[1] = 4;
	WATCHED[-1] = 4;
	if (WATCHED[0] != 0)
		_exit(2);
	WATCHED[0] = 1;
	WATCHED[0] = 2;
	/* The kernel's writes stop nobody. */
	if (pipe(fds) || write(fds[1], "abcdefgh", 8) != 8 || read(fds[0], (void *)WATCHED, 8) != 8)
		_exit(3);
	*(volatile char *)WATCHED = 7;
	area[0].page[4095] = area[2].page[0] = 1;
}

static void writes_are_hits(void)
{
	pid_t pid = traced(writes);

	watch(pid, WATCH_SET, 0, WATCHED, CONTROL(STORES, 0xff));
	EQ(state_of(pid, WATCH_SET).reg[0].addr, (uintptr_t)WATCHED);
	EQ(state_of(pid, WATCH_SET).reg[0].ctrl, CONTROL(STORES, 0xff));
	for (int i = 0; i < 2; i++) {
		hits(pid, WATCHED);
		EQ(peek(pid, WATCHED), i);
		step_over(pid);
		EQ(peek(pid, WATCHED), i + 1);
	}
	hits(pid, WATCHED);
	EQ(peek(pid, WATCHED), 0x6867666564636261);
	/* Who does not step over it is there again. */
	hits(pid, WATCHED);
	step_over(pid);
	EQ(peek(pid, WATCHED), 0x6867666564636207);
	EQ(peek(pid, WATCHED + 1), 4);
	ends_well(pid);
}

static void switched_off(void)
{
	pid_t pid = traced(writes);

	watch(pid, WATCH_SET, 2, WATCHED, ALL);
	hits(pid, WATCHED);
	watch(pid, WATCH_SET, 2, WATCHED, 0);
	ends_well(pid);
}

/*
 * Each accesses memory at x0, which the test places before what is watched: where does it reach to,
 * and how?
 */
#define INSNS(I)								\
	I("ldrb w1, [x0]", 1, 1) I("ldrh w1, [x0]", 2, 1) I("ldr w1, [x0]", 4, 1) I("ldr x1, [x0]", 8, 1) I("ldrsw x1, [x0]", 4, 1)	\
	I("strb w1, [x0]", 1, 2) I("strh w1, [x0]", 2, 2) I("str w1, [x0]", 4, 2) I("str x1, [x0]", 8, 2) I("ldur x1, [x0]", 8, 1)	\
	I("ldp w1, w2, [x0]", 8, 1) I("ldp x1, x2, [x0]", 16, 1) I("stp w1, w2, [x0]", 8, 2) I("stp x1, x2, [x0]", 16, 2) I("ldpsw x1, x2, [x0]", 8, 1)	\
	I("ldr b1, [x0]", 1, 1) I("ldr h1, [x0]", 2, 1) I("ldr s1, [x0]", 4, 1) I("ldr d1, [x0]", 8, 1) I("ldr q1, [x0]", 16, 1) I("str q1, [x0]", 16, 2)	\
	I("ldp q1, q2, [x0]", 32, 1) I("stp d1, d2, [x0]", 16, 2) I("ld1 {v1.16b, v2.16b}, [x0]", 32, 1) I("st1 {v1.8b}, [x0]", 8, 2)	\
	I("ld2 {v1.s, v2.s}[1], [x0]", 8, 1) I("ld1r {v1.8h}, [x0]", 2, 1) I("st1 {v1.d}[1], [x0]", 8, 2) I("ldr x1, [x0], #0", 8, 1)	\
	I("prfm pldl1keep, [x0]", 0, 0) I("add x1, x0, #4", 0, 0)

#define NAME(text, size, how) { text, size, how },
static const struct { const char *text; int size, how; } insns[] = { INSNS(NAME) };

static void __attribute__((noinline)) execute(int i, void *at)
{
	int n = 0;

#define RUN(text, size, how)							\
	if (n++ == i) {								\
		register void *to __asm__("x0") = at;				\
		__asm__ volatile(text : "+r" (to) : : "x1", "x2", "v1", "v2", "memory", "cc");	\
	}
	INSNS(RUN)
}

static volatile int at_insn, at_distance;

/*
 * Each at such a distance that it just reaches the watched bytes, and that it just does not; and at
 * and behind them.
 */
static void executes(void)
{
	for (int i = 0; i < (int)ARRAY_SIZE(insns); i++)
		for (int k = 0; k < 4; k++) {
			at_insn = i;
			at_distance = k;
			execute(i, (char *)WATCHED + (k == 0 ? 1 - insns[i].size : k == 1 ? -insns[i].size : k == 2 ? 0 : 4));
		}
	at_insn = -1;
	execute(3, (void *)WATCHED);
	execute(8, (void *)WATCHED);
}

static void reach(int how)
{
	int seen[ARRAY_SIZE(insns)][4] = { };
	pid_t pid = traced(executes);

	watch(pid, WATCH_SET, 1, WATCHED, CONTROL(how, 0xf));
	for (;;) {
		int i, k;

		hits(pid, WATCHED);
		i = (int)peek(pid, &at_insn);
		k = (int)peek(pid, &at_distance);
		step_over(pid);
		if (i < 0)
			break;
		seen[i][k]++;
	}
	for (int i = 0; i < (int)ARRAY_SIZE(insns); i++)
		for (int k = 0; k < 4; k++)
			if (seen[i][k] != (insns[i].size && !(k & 1) && insns[i].how & how))
				tap_fail(__FILE__, __LINE__, "%s, %d: %d", insns[i].text, k, seen[i][k]);
	watch(pid, WATCH_SET, 1, WATCHED, 0);
	ends_well(pid);
}

static void reach_of_loads(void)
{
	reach(LOADS);
}

static void reach_of_stores(void)
{
	reach(STORES);
}

static void reach_of_both(void)
{
	reach(LOADS | STORES);
}

static void __attribute__((noinline)) called(void)
{
	__asm__ volatile("nop; nop");
}

static void __attribute__((noinline, aligned(64))) calls(void)
{
	for (int i = 0; i < 3; i++)
		called();
	for (volatile int i = 0; i < 100000; i++)
		;
}

static void breakpoints(void)
{
	pid_t pid = traced(calls);
	long text = *(long *)(uintptr_t)called;

	breakpoint_at(pid, 3, called);
	for (int i = 0; i < 3; i++) {
		hits(pid, (void *)(uintptr_t)called);
		EQ(regs_of(pid).pc, (uintptr_t)called);
		EQ(peek(pid, (void *)(uintptr_t)called), text);
		step_over(pid);
		EQ(regs_of(pid).pc, (uintptr_t)called + 4);
	}
	ends_well(pid);
}

/* The hardware's is before one of the tracer's own at the same place. */
static void breakpoint_at_a_breakpoint(void)
{
	pid_t pid = traced(calls);
	long text = peek(pid, (void *)(uintptr_t)called);

	breakpoint_at(pid, 0, called);
	EQ(ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)called, (text & ~0xffffffffL) | 0xd4200000), 0);
	hits(pid, (void *)(uintptr_t)called);
	watch(pid, BREAK_SET, 0, NULL, 0);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(info_of(pid).si_code, TRAP_BRKPT);
	EQ(regs_of(pid).pc, (uintptr_t)called);
	EQ(ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)called, text), 0);
	ends_well(pid);
}

/* A step that would go on at a breakpoint ends there, and the next one goes no farther. */
static void steps_to_a_breakpoint(void)
{
	pid_t pid = traced(calls);
	int steps = 0;

	breakpoint_at(pid, 1, called);
	do {
		EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		stopped_by(pid, SIGTRAP);
	} while (regs_of(pid).pc != (uintptr_t)called && steps++ < 2000);
	EQ(info_of(pid).si_code, TRACE);
	EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(info_of(pid).si_code, HWBKPT);
	EQ(regs_of(pid).pc, (uintptr_t)called);
	watch(pid, BREAK_SET, 1, NULL, 0);
	ends_well(pid);
}

static void validation(void)
{
	pid_t pid = traced(writes);
	struct debug_state s;

	for (int set = BREAK_SET; set <= WATCH_SET; set++) {
		s = state_of(pid, set);
		EQ(s.info & 0xff, 4);
		CHECK(s.info >> 8 >= 6);
		for (int i = 0; i < 16; i++)
			EQ(s.reg[i].addr | s.reg[i].ctrl, 0);
		FAILS(try(pid, set, 4, NULL, 0), ENOSPC);
	}
	FAILS(try(pid, BREAK_SET, 0, WATCHED, CONTROL(STORES, 0xf)), EINVAL);
	FAILS(try(pid, WATCH_SET, 0, WATCHED, CONTROL(0, 0xf)), EINVAL);
	FAILS(try(pid, WATCH_SET, 0, WATCHED, CONTROL(STORES, 0)), EINVAL);
	FAILS(try(pid, WATCH_SET, 0, WATCHED, CONTROL(STORES, 5)), EINVAL);
	FAILS(try(pid, WATCH_SET, 0, (char *)WATCHED + 1, CONTROL(STORES, 0xff)), EINVAL);
	FAILS(try(pid, WATCH_SET, 0, (void *)-8L, CONTROL(STORES, 0xff)), EINVAL);
	watch(pid, WATCH_SET, 0, (char *)WATCHED + 2, CONTROL(LOADS, 3 << 1));
	s = state_of(pid, WATCH_SET);
	EQ(s.reg[0].addr, (uintptr_t)WATCHED);
	EQ(s.reg[0].ctrl, CONTROL(LOADS, 3 << 3));
	watch(pid, WATCH_SET, 0, NULL, 0);
	ends_well(pid);
}

static void forks(void)
{
	sigset_t chld;
	pid_t pid;

	sigemptyset(&chld);
	sigaddset(&chld, SIGCHLD);
	sigprocmask(SIG_BLOCK, &chld, NULL);
	pid = fork();
	if (!pid) {
		WATCHED[0] = 1;
		_exit(WATCHED[0] != 1);
	}
	CHILD_OK(pid);
	WATCHED[0] = 1;
}

/* A child of fork has none, and its page is another. */
static void not_inherited(void)
{
	pid_t pid = traced(forks);

	watch(pid, WATCH_SET, 0, WATCHED, ALL);
	hits(pid, WATCHED);
	watch(pid, WATCH_SET, 0, WATCHED, 0);
	ends_well(pid);
}

/* Adds by an exclusive load and store. */
static void add_exclusively(volatile long *p, long n)
{
	long old;
	int failed;

	do
		__asm__ volatile("ldxr %0, %2\nadd %0, %0, %3\nstxr %w1, %0, %2"
				 : "=&r" (old), "=&r" (failed), "+Q" (*p) : "r" (n));
	while (failed);
}

static void adds_beside(void)
{
	for (int i = 0; i < 50; i++)
		add_exclusively(WATCHED + 8, 1);
	if (WATCHED[8] != 50)
		_exit(2);
	WATCHED[0] = 1;
}

/* What is watched is near by, but is not what an exclusive store would write to. */
static void exclusive_beside_a_watchpoint(void)
{
	for (int how = LOADS; how <= (LOADS | STORES); how++) {
		pid_t pid = traced(adds_beside);

		watch(pid, WATCH_SET, 0, WATCHED, CONTROL(how, 0xff));
		if (how & STORES) {
			hits(pid, WATCHED);
			step_over(pid);
		}
		ends_well(pid);
	}
}

enum { THREADS = 4, ROUNDS = 25 };

static pthread_barrier_t all_there;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *adds(void *arg)
{
	volatile long *mine = (long *)&area[1].page[0] + (long)arg;

	pthread_barrier_wait(&all_there);
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < 20; j++)
			++*mine;
		pthread_mutex_lock(&mutex);
		WATCHED[0]++;
		pthread_mutex_unlock(&mutex);
		add_exclusively(WATCHED + 9, 1);
		called();
	}
	return NULL;
}

static void threads_add(void)
{
	pthread_t t[THREADS];

	pthread_barrier_init(&all_there, NULL, THREADS);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, adds, (void *)i))
			_exit(2);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	if (WATCHED[0] != THREADS * ROUNDS || WATCHED[9] != THREADS * ROUNDS)
		_exit(3);
}

/* Of threads that run at the same time, no access is lost, and each is that of one thread. */
static void threads(void)
{
	pid_t pid = traced(threads_add), tid;
	int writes = 0, calls = 0, st;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE), 0);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	while ((tid = waitpid(-1, &st, __WALL)) > 0) {
		if (!WIFSTOPPED(st)) {
			EQ(st, 0);
			if (tid == pid)
				break;
			continue;
		}
		if (WSTOPSIG(st) == SIGSTOP) {
			watch(tid, WATCH_SET, 0, WATCHED, CONTROL(STORES, 0xff));
			breakpoint_at(tid, 1, called);
		} else if (!(st >> 16)) {
			siginfo_t si = info_of(tid);

			EQ(WSTOPSIG(st), SIGTRAP);
			EQ(si.si_code, HWBKPT);
			writes += (uintptr_t)si.si_addr == (uintptr_t)WATCHED;
			calls += (uintptr_t)si.si_addr == (uintptr_t)called;
			step_over(tid);
		}
		EQ(ptrace(PTRACE_CONT, tid, 0, 0), 0);
	}
	EQ(writes, THREADS * ROUNDS);
	EQ(calls, THREADS * ROUNDS);
}

static const struct test tests[] = {
	T(writes_are_hits), T(switched_off), T(reach_of_loads), T(reach_of_stores), T(reach_of_both), T(breakpoints),
	T(breakpoint_at_a_breakpoint), T(steps_to_a_breakpoint), T(validation), T(not_inherited), T(exclusive_beside_a_watchpoint), T(threads),
};
#endif
MAIN(tests)
