// SPDX-License-Identifier: GPL-2.0-only
/* ptrace(2): what strace and gdb do. */
#include "tap.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifdef __aarch64__

#define PC(r) ((r).pc)
#define NUMBER(r) ((r).regs[8])		/* of a system call, and its result */
#define RESULT(r) ((r).regs[0])
#define VECTOR(f) ((long *)((char *)(f).vregs + 7 * 16))
#define VECTOR_INSNS(between) "ldr q7, %1\n" between "str q7, %0" : "=m" (out) : "m" (in) : "v7"
#define BREAK_INSN 0xd4200000
#define LEFT_OF_BREAK 4		/* when it has stopped there */
#define BREAK_MASK 0xffffffffL

typedef struct user_fpsimd_struct fp_regs;

static long get_set(int request, pid_t pid, int set, void *p, size_t size)
{
	struct iovec v = { p, size };

	return ptrace(request, pid, (void *)(long)set, &v);
}

#define GET(pid, r) get_set(PTRACE_GETREGSET, pid, NT_PRSTATUS, r, sizeof(*(r)))
#define SET(pid, r) get_set(PTRACE_SETREGSET, pid, NT_PRSTATUS, r, sizeof(*(r)))
#define GET_FP(pid, f) get_set(PTRACE_GETREGSET, pid, NT_PRFPREG, f, sizeof(*(f)))
#define SET_FP(pid, f) get_set(PTRACE_SETREGSET, pid, NT_PRFPREG, f, sizeof(*(f)))

#else

#define PC(r) ((r).rip)
#define NUMBER(r) ((r).orig_rax)
#define RESULT(r) ((r).rax)
#define VECTOR(f) ((long *)((char *)(f).xmm_space + 7 * 16))
#define VECTOR_INSNS(between) "movups %1, %%xmm7\n" between "movups %%xmm7, %0" : "=m" (out) : "m" (in) : "xmm7"
#define BREAK_INSN 0xcc
#define LEFT_OF_BREAK 0
#define BREAK_MASK 0xffL

typedef struct user_fpregs_struct fp_regs;

#define GET(pid, r) ptrace(PTRACE_GETREGS, pid, 0, r)
#define SET(pid, r) ptrace(PTRACE_SETREGS, pid, 0, r)
#define GET_FP(pid, f) ptrace(PTRACE_GETFPREGS, pid, 0, f)
#define SET_FP(pid, f) ptrace(PTRACE_SETFPREGS, pid, 0, f)

#endif

static pid_t traced(void (*run)(void))
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(1);
		raise(SIGSTOP);
		run();
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
	return pid;
}

static void ends_well(pid_t pid)
{
	int st;

	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
}

static void stopped_by(pid_t pid, int sig)
{
	int st;

	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSTOPPED(st));
	EQ(WSTOPSIG(st), sig);
}

static void asks_for_its_parent(void)
{
	if (syscall(SYS_getppid) != 4711)
		_exit(2);
}

/* Every system call stops twice; the tracer sees its number and changes its result. */
static void system_calls(void)
{
	pid_t pid = traced(asks_for_its_parent);
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	do {
		EQ(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
		stopped_by(pid, SIGTRAP | 0x80);
		EQ(GET(pid, &r), 0);
	} while (NUMBER(r) != SYS_getppid);
#ifdef __aarch64__
	EQ(r.regs[7], 0);	/* 0 says that it begins, 1 that it ends */
#else
	EQ(r.rax, -ENOSYS);
#endif
	EQ(ptrace(PTRACE_SYSCALL, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP | 0x80);
	EQ(GET(pid, &r), 0);
	EQ(RESULT(r), getpid());
	RESULT(r) = 4711;
	EQ(SET(pid, &r), 0);
	ends_well(pid);
}

static volatile long shared_word = 1;

static void waits_for_memory(void)
{
	if (shared_word != 2)
		_exit(2);
}

static void memory(void)
{
	pid_t pid = traced(waits_for_memory);

	EQ(ptrace(PTRACE_PEEKDATA, pid, &shared_word, 0), 1);
	EQ(ptrace(PTRACE_POKEDATA, pid, &shared_word, 2), 0);
	EQ(shared_word, 1);
	ends_well(pid);
}

static void uses_a_vector(void)
{
	long in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, out[2];

	__asm__ volatile(VECTOR_INSNS(BREAK));
	if (out[0] != 0x0102030405060708 || out[1] != in[1])
		_exit(2);
}

static void vector_registers(void)
{
	pid_t pid = traced(uses_a_vector);
	struct user_regs_struct r;
	fp_regs f;

	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(GET_FP(pid, &f), 0);
	EQ(VECTOR(f)[0], 0x1122334455667788);
	EQ(VECTOR(f)[1], 0x99aabbccddeeff00);
#ifdef __aarch64__
	EQ(f.fpcr, FP_NORMAL);
#else
	EQ(f.mxcsr, FP_NORMAL);
#endif
	VECTOR(f)[0] = 0x0102030405060708;
	EQ(SET_FP(pid, &f), 0);
	EQ(GET(pid, &r), 0);
	PC(r) += LEFT_OF_BREAK;
	EQ(SET(pid, &r), 0);
	ends_well(pid);
}

#ifdef __aarch64__
static void single_steps(void)
{
	SKIP("a host thread cannot step itself on aarch64");
}

static void steps_through_the_vdso(void)
{
	SKIP("a host thread cannot step itself on aarch64");
}

static void debug_registers(void)
{
	SKIP("by a regset on aarch64");
}
#else
static void counts(void)
{
	for (volatile int i = 0; i < 10; i++)
		;
}

static void single_steps(void)
{
	pid_t pid = traced(counts);
	struct user_regs_struct r;
	unsigned long last = 0;
	int moved = 0;

	for (int i = 0; i < 50; i++) {
		EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		stopped_by(pid, SIGTRAP);
		EQ(GET(pid, &r), 0);
		moved += PC(r) != last;
		last = PC(r);
	}
	CHECK(moved > 40);
	ends_well(pid);
}

static void asks_the_time(void)
{
	struct timespec t;

	for (int i = 0; i < 3; i++)
		CHECK(!clock_gettime(CLOCK_MONOTONIC, &t));
}

/* All that it does there is in its maps: what the vDSO asks of the host is one step. */
static void steps_through_the_vdso(void)
{
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	pid_t pid = traced(asks_the_time);
	struct user_regs_struct r;
	int inside = 0, st = 0;

	for (int i = 0; i < 100000; i++) {
		EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
		EQ(waitpid(pid, &st, 0), pid);
		if (!WIFSTOPPED(st))
			break;
		EQ(WSTOPSIG(st), SIGTRAP);
		EQ(GET(pid, &r), 0);
		inside += PC(r) - vdso < 0x4000;
		CHECK(PC(r) < BOX_HOME || PC(r) >= BOX_HOME_END);
	}
	EQ(st, 0);
	CHECK(inside > 30);
}

/* Debuggers clear them whether they use them or not, gdb for each new thread. */
static void debug_registers(void)
{
	pid_t pid = traced(counts);

	for (int i = 0; i < 8; i++)
		if (i != 4 && i != 5)
			EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg[i]), 0), 0);
	errno = 0;
	EQ(ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg[7]), 0), 0);
	EQ(errno, 0);
	ends_well(pid);
}
#endif

static void __attribute__((noinline)) has_a_breakpoint(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

/* A breakpoint is an instruction written into private text; then the instruction is put back and run. */
static void breakpoint(void)
{
	pid_t pid = traced(has_a_breakpoint);
	struct user_regs_struct r;
	long text;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, pid, has_a_breakpoint, 0);
	EQ(errno, 0);
	EQ(ptrace(PTRACE_POKETEXT, pid, has_a_breakpoint, (text & ~BREAK_MASK) | BREAK_INSN), 0);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(GET(pid, &r), 0);
	EQ(PC(r), (long)has_a_breakpoint + PAST_BREAK);
	PC(r) -= PAST_BREAK;
	EQ(ptrace(PTRACE_POKETEXT, pid, has_a_breakpoint, text), 0);
	EQ(SET(pid, &r), 0);
	ends_well(pid);
}

static void __attribute__((noinline)) spins(volatile int *up)
{
	for (;;)
		*up = 1;
}

/* Attached while it runs user code, and let go of. */
static void attach_to_a_spinner(void)
{
	volatile int *up = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	struct user_regs_struct r;
	int st;

	if (!pid)
		spins(up);
	SOON(*up);
	EQ(ptrace(PTRACE_ATTACH, pid, 0, 0), 0);
	stopped_by(pid, SIGSTOP);
	EQ(GET(pid, &r), 0);
	CHECK(PC(r) - (unsigned long)spins < 64);
	EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
}

static const struct test tests[] = {
	T(system_calls), T(memory), T(vector_registers), T(single_steps), T(steps_through_the_vdso), T(debug_registers), T(breakpoint), T(attach_to_a_spinner),
};
MAIN(tests)
