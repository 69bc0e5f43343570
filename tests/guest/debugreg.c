// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debug registers of x86_64 as a tracer sets them: breakpoints and watchpoints of the hardware.
 */
#include "trace-child.h"
#include <pthread.h>

#ifdef __aarch64__
static void none(void)
{
	SKIP("x86_64 only");
}

static const struct test tests[] = { T(none) };
#else
#define DR(n) offsetof(struct user, u_debugreg[n])
#define FIXED 0xffff0ff0L
#define SINGLE_STEP 0x4000
#define RF 0x10000
enum { EXEC, WRITE, ACCESS = 3 };
enum { LEN1, LEN2, LEN8, LEN4 };
enum { TRACE = 2, HWBKPT = 4 };
#define CONTROL(i, type, len) (1L << (2 * (i)) | (long)(type) << (16 + 4 * (i)) | (long)(len) << (18 + 4 * (i)))

static struct { char page[4096]; } area[3] __attribute__((aligned(4096)));
#define WATCHED ((volatile long *)&area[1].page[2048])

static void set_dr(pid_t pid, int n, unsigned long v)
{
	EQ(ptrace(PTRACE_POKEUSER, pid, DR(n), v), 0);
}

static unsigned long dr(pid_t pid, int n)
{
	unsigned long v;

	errno = 0;
	v = ptrace(PTRACE_PEEKUSER, pid, DR(n), 0);
	EQ(errno, 0);
	return v;
}

static void watch(pid_t pid, int i, const volatile void *addr, int type, int len)
{
	set_dr(pid, i, (unsigned long)addr);
	set_dr(pid, 7, dr(pid, 7) | CONTROL(i, type, len));
}

static void hits(pid_t pid, int i)
{
	resume(PTRACE_CONT, pid, SIGTRAP);
	EQ(info_of(pid).si_code, HWBKPT);
	EQ(dr(pid, 6), FIXED | 1 << i);
}

static void writes(void)
{
	int fds[2];

	WATCHED[1] = 4;
	WATCHED[-1] = 4;
	if (WATCHED[0] != 0)
		_exit(2);
	WATCHED[0] = 1;
	WATCHED[0] = 1;
	/* The kernel's writes stop nobody. */
	if (pipe(fds) || write(fds[1], "abcdefgh", 8) != 8 || read(fds[0], (void *)WATCHED, 8) != 8)
		_exit(3);
	*(volatile char *)WATCHED = 7;
	area[0].page[4095] = area[2].page[0] = 1;
}

static void writes_are_hits(void)
{
	pid_t pid = traced(writes);

	watch(pid, 0, WATCHED, WRITE, LEN8);
	EQ(dr(pid, 0), WATCHED);
	EQ(dr(pid, 7), CONTROL(0, WRITE, LEN8));
	for (int i = 0; i < 2; i++) {
		hits(pid, 0);
		EQ(peek(pid, WATCHED), 1);
		EQ(regs_of(pid).eflags & 0x100, 0);
	}
	hits(pid, 0);
	EQ(peek(pid, WATCHED), 0x6867666564636207);
	EQ(peek(pid, WATCHED + 1), 4);
	ends_well(pid);
}

static void switched_off(void)
{
	pid_t pid = traced(writes);

	watch(pid, 2, WATCHED, WRITE, LEN4);
	hits(pid, 2);
	set_dr(pid, 6, 0);
	EQ(dr(pid, 6), 0);
	set_dr(pid, 7, 0);
	ends_well(pid);
}

/*
 * Each accesses memory at rdi, which the test places before what is watched: where does it reach
 * to?
 */
#define INSNS(I)								\
	I("movb (%%rdi), %%al", 1, 0) I("movw (%%rdi), %%ax", 2, 0) I("movl (%%rdi), %%eax", 4, 0) I("movq (%%rdi), %%rax", 8, 0)	\
	I("movb %%al, (%%rdi)", 1, 1) I("movw %%ax, (%%rdi)", 2, 1) I("movl %%eax, (%%rdi)", 4, 1) I("movq %%rax, (%%rdi)", 8, 1)	\
	I("movzbl (%%rdi), %%eax", 1, 0) I("movzwl (%%rdi), %%eax", 2, 0) I("movslq (%%rdi), %%rax", 4, 0) I("addb $1, (%%rdi)", 1, 1)	\
	I("addw $1, (%%rdi)", 2, 1) I("addl $1, (%%rdi)", 4, 1) I("incq (%%rdi)", 8, 1) I("lock; xaddl %%eax, (%%rdi)", 4, 1)		\
	I("xchgb %%al, (%%rdi)", 1, 1) I("lock; cmpxchgq %%rax, (%%rdi)", 8, 1) I("cmpl $3, (%%rdi)", 4, 0) I("testb $3, (%%rdi)", 1, 0)	\
	I("movups (%%rdi), %%xmm0", 16, 0) I("movups %%xmm0, (%%rdi)", 16, 1) I("movdqu (%%rdi), %%xmm0", 16, 0) I("movss (%%rdi), %%xmm0", 4, 0)	\
	I("movsd %%xmm0, (%%rdi)", 8, 1) I("movq (%%rdi), %%xmm0", 8, 0) I("movd (%%rdi), %%xmm0", 4, 0) I("addsd (%%rdi), %%xmm0", 8, 0)	\
	I("cvtsi2sdl (%%rdi), %%xmm0", 4, 0) I("movhps (%%rdi), %%xmm0", 8, 0) I("movlps %%xmm0, (%%rdi)", 8, 1) I("fldl (%%rdi); fstp %%st", 8, 0)	\
	I("flds (%%rdi); fstp %%st", 4, 0) I("fildll (%%rdi); fstp %%st", 8, 0) I("fldz; fstpt (%%rdi)", 10, 1) I("fnstcw (%%rdi)", 2, 1)	\
	I("stmxcsr (%%rdi)", 4, 1) I("sete (%%rdi)", 1, 1) I("cmovel (%%rdi), %%eax", 4, 0) I("pushq (%%rdi); popq %%rax", 8, 0)	\
	I("pushq %%rax; popq (%%rdi)", 8, 1) I("imulw $3, (%%rdi), %%ax", 2, 0) I("btsl $2, (%%rdi)", 4, 1) I("movntil %%eax, (%%rdi)", 4, 1)	\
	I("prefetcht0 (%%rdi)", 0, 0) I("nopl (%%rdi)", 0, 0) I("leaq (%%rdi), %%rax", 0, 0) I("popcntl (%%rdi), %%eax", 4, 0)	\
	I("movq %%rdi, %%rsi; lodsb", 1, 0) I("movq %%rdi, %%rsi; lodsq", 8, 0) I("stosl; subq $4, %%rdi", 4, 1) I("scasw", 2, 0)	\
	I("movq %%rdi, %%rsi; leaq -64(%%rdi), %%rdi; movsl", 4, 0) I("leaq -64(%%rdi), %%rsi; movsq", 8, 1) I("leaq -64(%%rdi), %%rsi; cmpsb", 1, 0)

#define NAME(text, size, writes) { text, size, writes },
static const struct { const char *text; int size, writes; } insns[] = { INSNS(NAME) };

static void __attribute__((noinline)) execute(int i, void *at)
{
	int n = 0;

#define RUN(text, size, writes)							\
	if (n++ == i) {								\
		void *to = at;							\
		__asm__ volatile(text "\nnop\nnop" : "+D" (to) : : "rax", "rsi", "xmm0", "memory", "cc");	\
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
	WATCHED[0] = 1;
}

static void reach(int type)
{
	pid_t pid = traced(executes);
	int seen[ARRAY_SIZE(insns)][4] = { };

	watch(pid, 1, WATCHED, type, LEN4);
	for (int i; hits(pid, 1), i = (int)peek(pid, &at_insn), i >= 0;)
		seen[i][(int)peek(pid, &at_distance)] = 1;
	for (int i = 0; i < (int)ARRAY_SIZE(insns); i++)
		for (int k = 0; k < 4; k++) {
			int hit = insns[i].size && !(k & 1) && (type == ACCESS || insns[i].writes);

			if (seen[i][k] != hit)
				tap_fail(__FILE__, __LINE__, "%s, %d: %d, not %d", insns[i].text, k, seen[i][k], hit);
		}
	ends_well(pid);
}

static void reach_of_accesses(void)
{
	reach(ACCESS);
}

static void reach_of_writes(void)
{
	reach(WRITE);
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

	watch(pid, 3, (void *)(uintptr_t)called, EXEC, LEN1);
	for (int i = 0; i < 3; i++) {
		hits(pid, 3);
		EQ(regs_of(pid).rip, (uintptr_t)called);
		EQ(regs_of(pid).eflags & RF, RF);
		EQ(peek(pid, (void *)(uintptr_t)called) & 0xff, *(unsigned char *)(uintptr_t)called);
	}
	ends_well(pid);
}

/*
 * A breakpoint at the function's first instruction, and one of the tracer's own there: the
 * hardware's is first.
 */
static void breakpoint_at_a_breakpoint(void)
{
	pid_t pid = traced(calls);
	long text = peek(pid, (void *)(uintptr_t)called);

	watch(pid, 0, (void *)(uintptr_t)called, EXEC, LEN1);
	hits(pid, 0);
	EQ(ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)called, (text & ~BREAK_MASK) | BREAK_INSN), 0);
	resume(PTRACE_CONT, pid, SIGTRAP);
	EQ(info_of(pid).si_code, SI_KERNEL);
	EQ(regs_of(pid).rip, (uintptr_t)called + 1);
	EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), (uintptr_t)called), 0);
	EQ(ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)called, text), 0);
	set_dr(pid, 7, 0);
	ends_well(pid);
}

static void writes_by_steps(void)
{
	__asm__ volatile("nop; movl $1, %0; nop" : "=m" (*WATCHED));
}

/* A step and a hit are one trap. */
static void steps_and_hits(void)
{
	pid_t pid = traced(writes_by_steps);
	int both = 0;

	watch(pid, 0, WATCHED, WRITE, LEN4);
	for (int i = 0; i < 2000 && !both; i++) {
		resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
		/* A step over a system call says so by another code, and leaves DR6 alone. */
		if (info_of(pid).si_code != TRACE)
			continue;
		both = dr(pid, 6) & 1;
		EQ(dr(pid, 6), FIXED | SINGLE_STEP | both);
		EQ((int)peek(pid, WATCHED), both);
	}
	EQ(both, 1);
	ends_well(pid);
}

static void validation(void)
{
	pid_t pid = traced(writes);

	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(4), 0), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(5), 0), EIO);
	EQ(dr(pid, 4), 0);
	EQ(dr(pid, 7), 0);
	set_dr(pid, 0, (unsigned long)WATCHED + 2);
	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(7), CONTROL(0, WRITE, LEN4)), EINVAL);
	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(7), CONTROL(0, 2, LEN1)), EINVAL);
	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(7), CONTROL(0, EXEC, LEN4)), EINVAL);
	EQ(dr(pid, 7), 0);
	set_dr(pid, 7, CONTROL(0, WRITE, LEN2));
	FAILS(ptrace(PTRACE_POKEUSER, pid, DR(0), (long)WATCHED + 1), EINVAL);
	EQ(dr(pid, 0), (unsigned long)WATCHED + 2);
	set_dr(pid, 7, 0);
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
	WATCHED[0] = 1;
	if (!pid)
		_exit(WATCHED[0] != 1);
	CHILD_OK(pid);
}

/* A child of fork has none, and its page is another. */
static void not_inherited(void)
{
	pid_t pid = traced(forks);

	watch(pid, 0, WATCHED, WRITE, LEN8);
	hits(pid, 0);
	ends_well(pid);
}

enum { THREADS = 4, ROUNDS = 100 };

static pthread_barrier_t all_there;

static void *adds(void *arg)
{
	volatile long *mine = (long *)&area[1].page[0] + (long)arg;

	pthread_barrier_wait(&all_there);
	for (int i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < 20; j++)
			++*mine;
		__atomic_fetch_add(WATCHED, 1, __ATOMIC_RELAXED);
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
	if (WATCHED[0] != THREADS * ROUNDS)
		_exit(3);
}

/* Of threads that run at the same time, no access is lost, and each is that of one thread. */
static void threads(void)
{
	pid_t pid = traced(threads_add), tid;
	int adds = 0, calls = 0, st;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE), 0);
	watch(pid, 0, WATCHED, WRITE, LEN8);
	watch(pid, 1, (void *)(uintptr_t)called, EXEC, LEN1);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	while ((tid = waitpid(-1, &st, __WALL)) > 0) {
		if (!WIFSTOPPED(st)) {
			EQ(st, 0);
			if (tid == pid)
				break;
			continue;
		}
		if (WSTOPSIG(st) == SIGSTOP) {
			watch(tid, 0, WATCHED, WRITE, LEN8);
			watch(tid, 1, (void *)(uintptr_t)called, EXEC, LEN1);
		} else if (!(st >> 16)) {
			EQ(WSTOPSIG(st), SIGTRAP);
			EQ(info_of(tid).si_code, HWBKPT);
			adds += dr(tid, 6) == (FIXED | 1);
			calls += dr(tid, 6) == (FIXED | 2);
			EQ(regs_of(tid).rip == (uintptr_t)called, dr(tid, 6) == (FIXED | 2));
		}
		EQ(ptrace(PTRACE_CONT, tid, 0, 0), 0);
	}
	EQ(adds, THREADS * ROUNDS);
	EQ(calls, THREADS * ROUNDS);
}

static const struct test tests[] = {
	T(writes_are_hits), T(switched_off), T(reach_of_accesses), T(reach_of_writes), T(breakpoints), T(breakpoint_at_a_breakpoint),
	T(steps_and_hits), T(validation), T(not_inherited), T(threads),
};
#endif
MAIN(tests)
