// SPDX-License-Identifier: GPL-2.0-only
/* ptrace(2): what strace and gdb do. */
#include "trace-child.h"
#include <stdbool.h>
#include <sys/auxv.h>

#ifdef __aarch64__
#define VECTOR_INSNS(between) "ldr q7, %1\n" between "str q7, %0" : "=m" (out) : "m" (in) : "v7"
#else
#define VECTOR_INSNS(between) "movups %1, %%xmm7\n" between "movups %%xmm7, %0" : "=m" (out) : "m" (in) : "xmm7"
#endif
#define VECTOR(f) ((long *)VECTOR7(f))

/* To the stop where this call begins, in the number of which the lower half counts. */
static struct user_regs_struct to_call(pid_t pid, int nr)
{
	struct user_regs_struct r;

	do {
		resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
		r = regs_of(pid);
	} while ((int)NR(r) != nr);
	return r;
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
	struct user_regs_struct r = to_call(pid, SYS_getppid);

	EQ(NR(r), SYS_getppid);
#ifdef __aarch64__
	EQ(r.regs[7], 0);	/* 0 says that it begins, 1 that it ends */
#else
	EQ(r.rax, -ENOSYS);
#endif
	resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
	EQ(GET(pid, &r), 0);
	EQ(RES(r), getpid());
	RES(r) = 4711;
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

	resume(PTRACE_CONT, pid, SIGTRAP);
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
	IP(r) += LEFT_OF_BREAK;
	EQ(SET(pid, &r), 0);
	ends_well(pid);
}

static void __attribute__((noinline)) counts(void)
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
		moved += IP(r) != last;
		last = IP(r);
	}
	CHECK(moved > 40);
	ends_well(pid);
}

/* It makes one step, which leads to these registers. False: it has ended, and well. */
static bool steps_on(pid_t pid, struct user_regs_struct *r)
{
	int st;

	EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, 0), 0);
	EQ(waitpid(pid, &st, 0), pid);
	if (!WIFSTOPPED(st)) {
		EQ(st, 0);
		return false;
	}
	EQ(WSTOPSIG(st), SIGTRAP);
	EQ(GET(pid, r), 0);
	return true;
}

static void asks_the_time(void)
{
	struct timespec t;

	for (int i = 0; i < 3; i++)
		CHECK(!clock_gettime(CLOCK_MONOTONIC, &t));
}

/*
 * All that it does there is in its maps: what the vDSO asks of the host is one step. Where steps
 * are slow, a tick comes between any two readings of its sequence count, and it reads anew for as
 * long as it is stepped (Documentation/locking/seqlock.rst): enough has been seen after a while.
 */
static void steps_through_the_vdso(void)
{
	enum { ENOUGH = 2000 };
	unsigned long vdso = getauxval(AT_SYSINFO_EHDR);
	pid_t pid = traced(asks_the_time);
	struct user_regs_struct r;
	bool goes_on = true;
	int inside = 0;

	for (int i = 0; i < 100000 && inside < ENOUGH && (goes_on = steps_on(pid, &r)); i++) {
		inside += IP(r) - vdso < 0x4000;
		CHECK(IP(r) < BOX_HOME || IP(r) >= BOX_HOME_END);
	}
	CHECK(inside > 30);
	CHECK(!goes_on || inside == ENOUGH);
	if (goes_on)
		ends_well(pid);
}

static volatile int handled;

static void __attribute__((noinline)) handler(int sig)
{
	handled = sig;
}

static void is_sent_a_signal(void)
{
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	if (handled != SIGUSR1)
		_exit(2);
}

/* A step into a handler ends at its first instruction; what it returns to goes on without steps. */
static void steps_into_a_handler(void)
{
	pid_t pid = traced(is_sent_a_signal);
	struct user_regs_struct r;

	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGUSR1);
	EQ(ptrace(PTRACE_SINGLESTEP, pid, 0, SIGUSR1), 0);
	stopped_by(pid, SIGTRAP);
	EQ(GET(pid, &r), 0);
	EQ(IP(r), (uintptr_t)handler);
#ifdef __x86_64__
	EQ(r.eflags & 0x100, 0);
#endif
	ends_well(pid);
}

#ifdef __aarch64__
static void debug_registers(void)
{
	pid_t pid = traced(asks_for_its_parent);
	struct { unsigned info, pad; } head;
	int st;

	/* However many there are: the debug architecture is 6 or later. */
	EQ(get_set(PTRACE_GETREGSET, pid, 0x402 /* NT_ARM_HW_BREAK */, &head, sizeof(head)), 0);
	CHECK(head.info >> 8 >= 6);
	EQ(get_set(PTRACE_GETREGSET, pid, 0x403 /* NT_ARM_HW_WATCH */, &head, sizeof(head)), 0);
	CHECK(head.info >> 8 >= 6);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
}

/*
 * Instructions that know where they are, each with what is to be seen of it in the sum; registers
 * 16 and 17 are none that may be used for it.
 */
__asm__(".text; .p2align 4; .globl all_kinds, signed_branches, loop_of_five\n"
	"all_kinds: stp x29, x30, [sp, #-16]!; mov x0, #0; mov x16, #5; mov x17, #7\n"
	"adr x1, 8f; ldr x1, [x1]; add x0, x0, x1\n"
	"adrp x1, 8f; add x1, x1, :lo12:8f; ldr w1, [x1, #4]; add x0, x0, x1\n"
	"ldr w1, 8f; add x0, x0, x1; ldr x1, 8f; eor x0, x0, x1; ldrsw x1, 8f + 8; add x0, x0, x1; prfm pldl1keep, 8f\n"
	"ldr s1, 8f; fmov w1, s1; add x0, x0, x1; ldr d1, 8f; fmov x1, d1; add x0, x0, x1\n"
	"ldr q1, 8f; umov x1, v1.d[1]; eor x0, x0, x1\n"
	"add x0, x0, x16; add x0, x0, x17, lsl #8; ldr x16, 8f; add x0, x0, x16; ldr w17, 8f; add x0, x0, x17\n"
	"mov x2, #0; cbz x2, 1f; brk #1; 1: cbnz x2, 9f; tbz x0, #63, 1f; 1: tbnz w2, #3, 9f; orr x2, x2, #1 << 40\n"
	"tbnz x2, #40, 1f; brk #1; 1: cbz w2, 1f; brk #1; 1: cbnz x2, 1f; brk #1\n"
	"1: cmp x16, x16; b.ne 9f; b.lt 9f; b.gt 9f; b.mi 9f; b.vs 9f; b.cc 9f; b.hi 9f; b.eq 1f; brk #1; 1: b.al 1f; brk #1\n"
	"1: mov x3, #-1; cmp x3, #1; b.ge 9f; b.ls 9f; b.pl 9f; b.lt 1f; brk #1; 1: b.hi 1f; brk #1\n"
	"1: bl 7f; adr x1, 7f; blr x1; adr x30, 7f; blr x30; adr x1, 1f; br x1; brk #1; 1: b 1f; brk #1\n"
	"1: ldp x29, x30, [sp], #16; ret\n"
	"7: add x0, x0, #3; ret x30\n"
	"9: brk #2\n"
	".p2align 3; 8: .quad 0x123456789abcdef, 0xfedcba9876543210\n"
	"signed_branches: .inst 0xd503233f\nstp x29, x30, [sp, #-16]!; mov x4, #77; mov x16, #6\n"	/* paciasp */
	"adr x3, 7f; .inst 0xdac10083; .inst 0xd73f0864; adr x3, 7f; .inst 0xdac127e3; .inst 0xd63f0c7f\n"	/* pacia x3, x4; blraa x3, x4; pacizb x3; blrabz x3 */
	"adr x16, 1f; mov x17, x16; .inst 0xdac10090; .inst 0xd71f0a04; brk #1\n"	/* pacia x16, x4; braa x16, x4 */
	"1: eor x0, x16, x17; lsl x0, x0, #16; lsr x0, x0, #16\n"
	"ldp x29, x30, [sp], #16; .inst 0xd65f0bff\n"	/* retaa */
	"7: ret\n"
	"loop_of_five: mov x1, #5; mov x0, #0; 1: add x0, x0, x1; subs x1, x1, #1; b.ne 1b; ret\n");
extern long all_kinds(void), signed_branches(void), loop_of_five(void);

static long (*stepped)(void);

static void does_it_twice(void)
{
	long once = stepped(), twice;

	__asm__ volatile(BREAK);
	twice = stepped();
	if (once != twice)
		_exit(2);
}

/* How many steps its instructions are. */
static int steps_in(long (*f)(void), uintptr_t size)
{
	struct user_regs_struct r;
	bool goes_on = true;
	int steps = 0;
	siginfo_t si;
	pid_t pid;

	stepped = f;
	pid = traced(does_it_twice);
	EQ(ptrace(PTRACE_CONT, pid, 0, 0), 0);
	stopped_by(pid, SIGTRAP);
	EQ(GET(pid, &r), 0);
	IP(r) += LEFT_OF_BREAK;
	EQ(SET(pid, &r), 0);
	for (int i = 0; i < 10000; i++) {
		steps += IP(r) - (uintptr_t)f < size;
		goes_on = steps_on(pid, &r);
		if (!goes_on)
			break;
		si = info_of(pid);
		if (IP(r) - (uintptr_t)f < size) {
			EQ(si.si_code, TRAP_TRACE);
			EQ((uintptr_t)si.si_addr, IP(r));
		}
	}
	CHECK(!goes_on);
	return steps;
}

static void steps_of_each_kind(void)
{
	EQ(steps_in(all_kinds, (uintptr_t)signed_branches - (uintptr_t)all_kinds), 75);
}

static void steps_by_signed_branches(void)
{
	if (!(getauxval(AT_HWCAP) & 1 << 30 /* PACA */))
		SKIP("no signatures of addresses");
	EQ(steps_in(signed_branches, (uintptr_t)loop_of_five - (uintptr_t)signed_branches), 21);
}

static void steps_of_a_loop(void)
{
	EQ(steps_in(loop_of_five, 24), 2 + 5 * 3 + 1);
}

static void has_a_thread_pointer(void)
{
	unsigned long old, tp;

	__asm__ volatile("mrs %0, tpidr_el0\nbrk #0\nmrs %1, tpidr_el0\nmsr tpidr_el0, %0" : "=&r" (old), "=&r" (tp));
	if (tp != 0x123456789)
		_exit(2);
}

static void thread_pointer(void)
{
	pid_t pid = traced(has_a_thread_pointer);
	unsigned long tp = 0x123456789, got;
	struct user_regs_struct r;

	resume(PTRACE_CONT, pid, SIGTRAP);
	EQ(get_set(PTRACE_SETREGSET, pid, 0x401 /* NT_ARM_TLS */, &tp, sizeof(tp)), 0);
	EQ(get_set(PTRACE_GETREGSET, pid, 0x401, &got, sizeof(got)), 0);
	EQ(got, tp);
	EQ(GET(pid, &r), 0);
	IP(r) += LEFT_OF_BREAK;
	EQ(SET(pid, &r), 0);
	/* Another exception level is refused. */
	r.pstate |= 4;
	FAILS(SET(pid, &r), EINVAL);
	ends_well(pid);
}
#else
#ifdef __x86_64__
/* add %bl, 0(%rbp), whose second byte is that of popf. */
static void adds(void)
{
	static char sum;

	asm volatile("pushq %%rbp; movq %0, %%rbp; .byte 0x00, 0x9d, 0, 0, 0, 0; popq %%rbp" : : "r" (&sum) : "memory", "cc");
}

/* It is no longer stepped when it goes on. */
static void step_like_popf(void)
{
	pid_t pid = traced(adds);
	struct user_regs_struct r;

	do {
		resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
		EQ(GET(pid, &r), 0);
	} while ((ptrace(PTRACE_PEEKTEXT, pid, IP(r), 0) & 0xffffffffffff) != 0x9d00);
	resume(PTRACE_SINGLESTEP, pid, SIGTRAP);
	ends_well(pid);
}
#endif

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

static long get_set(int request, pid_t pid, int set, void *p, size_t *size)
{
	struct iovec v = { p, *size };
	long ret = ptrace(request, pid, (void *)(long)set, &v);

	*size = v.iov_len;
	return ret;
}

/* Steps go from branch to branch: each ends where a branch has led to. */
static void block_steps(void)
{
	pid_t pid = traced(counts);
	struct user_regs_struct r;
	int st, steps = 0, inside = 0;

	for (;;) {
		unsigned long from;

		EQ(GET(pid, &r), 0);
		from = r.rip;
		EQ(ptrace(33 /* PTRACE_SINGLEBLOCK */, pid, 0, 0), 0);
		EQ(waitpid(pid, &st, 0), pid);
		if (!WIFSTOPPED(st))
			break;
		EQ(WSTOPSIG(st), SIGTRAP);
		EQ(GET(pid, &r), 0);
		EQ(r.eflags & 0x100, 0);
		steps++;
		inside += from - (uintptr_t)counts < 64 && r.rip - (uintptr_t)counts < 64;
	}
	EQ(st, 0);
	/* Of the loop's ten rounds; in some virtual machines the processor makes steps of them. */
	CHECK((inside >= 8 && inside <= 12) || (inside > 50 && !getenv("KBOX_HOST_PID")));
	CHECK(steps < 5000);
}

static long fs_word = 0x1111, gs_word = 0x2222;

static void has_bases(void)
{
	long fs, gs, old;

	/* libc needs its own back. */
	__asm__ volatile("movq %%fs:0, %2\nint3\nmovq %%fs:0, %0\nmovq %%gs:0, %1\nint3" : "=&r" (fs), "=&r" (gs), "=&r" (old));
	if (fs != 0x1111 || gs != 0x2222)
		_exit(2);
}

/* FS and GS bases, by each way there is. */
static void segment_bases(void)
{
	for (int way = 0; way < 4; way++) {
		struct user_regs_struct r, old;
		pid_t pid = traced(has_bases);
		unsigned long base;

		resume(PTRACE_CONT, pid, SIGTRAP);
		EQ(GET(pid, &old), 0);
		EQ(ptrace(PTRACE_ARCH_PRCTL, pid, &base, 0x1003 /* ARCH_GET_FS */), 0);
		EQ(base, old.fs_base);
		EQ(ptrace(PTRACE_ARCH_PRCTL, pid, &base, 0x1004 /* ARCH_GET_GS */), 0);
		EQ(base, old.gs_base);
		r = old;
		r.fs_base = (unsigned long)&fs_word;
		r.gs_base = (unsigned long)&gs_word;
		if (way == 0) {
			EQ(SET(pid, &r), 0);
		} else if (way == 1) {
			EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), &fs_word), 0);
			EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.gs_base), &gs_word), 0);
		} else if (way == 2) {
			EQ(ptrace(PTRACE_ARCH_PRCTL, pid, &fs_word, 0x1002 /* ARCH_SET_FS */), 0);
			EQ(ptrace(PTRACE_ARCH_PRCTL, pid, &gs_word, 0x1001 /* ARCH_SET_GS */), 0);
		} else {
			size_t size = sizeof(r);

			EQ(get_set(PTRACE_SETREGSET, pid, NT_PRSTATUS, &r, &size), 0);
		}
		resume(PTRACE_CONT, pid, SIGTRAP);
		EQ(GET(pid, &r), 0);
		EQ(r.fs_base, (unsigned long)&fs_word);
		EQ(r.gs_base, (unsigned long)&gs_word);
		FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.fs_base), -1L), EIO);
		FAILS(ptrace(PTRACE_ARCH_PRCTL, pid, -1L, 0x1002), EPERM);
		FAILS(ptrace(PTRACE_ARCH_PRCTL, pid, 0, 0x77), EINVAL);
		r.fs_base = old.fs_base;
		r.gs_base = old.gs_base;
		EQ(SET(pid, &r), 0);
		ends_well(pid);
	}
}

static void makes_a_call(void)
{
	__asm__ volatile("int3");
	syscall(SYS_getppid);
}

/* A base that is set at the stop before a call is there in it already. */
static void bases_in_a_call(void)
{
	pid_t pid = traced(makes_a_call);
	struct user_regs_struct r;
	unsigned long old;

	resume(PTRACE_CONT, pid, SIGTRAP);
	resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
	EQ(GET(pid, &r), 0);
	EQ(r.orig_rax, SYS_getppid);
	old = r.gs_base;
	/* The call becomes another one, which reads it. */
	r.gs_base = (unsigned long)&gs_word;
	r.orig_rax = SYS_arch_prctl;
	r.rdi = 0x1004;
	r.rsi = (unsigned long)&fs_word;
	EQ(SET(pid, &r), 0);
	resume(PTRACE_SYSCALL, pid, SIGTRAP | 0x80);
	EQ(ptrace(PTRACE_PEEKDATA, pid, &fs_word, 0), (long)&gs_word);
	EQ(GET(pid, &r), 0);
	EQ(r.rax, 0);
	r.gs_base = old;
	EQ(SET(pid, &r), 0);
	ends_well(pid);
}

static unsigned xgetbv(void)
{
	unsigned a, d;

	__asm__ volatile("xgetbv" : "=a" (a), "=d" (d) : "c" (0));
	return a;
}

static int has_xsave(void)
{
	unsigned a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a" (a), "=b" (b), "+c" (c), "=d" (d));
	return c >> 27 & 1;
}

static void uses_ymm(void)
{
	long in[4] = { 1, 2, 3, 4 }, out[4];

	__asm__ volatile("vmovdqu %1, %%ymm7\nint3\nvmovdqu %%ymm7, %0\nvzeroupper" : "=m" (out) : "m" (in) : "xmm7");
	if (out[0] != 1 || out[1] != 2 || out[2] != 3 || out[3] != 77)
		_exit(2);
	/* All is initial but this register. */
	__asm__ volatile("vmovdqu %1, %%ymm7\nint3\nvmovdqu %%ymm7, %0\nvzeroupper" : "=m" (out) : "m" (in) : "xmm7");
	if (out[0] || out[1] || out[2] || out[3])
		_exit(3);
}

/* The XSAVE image in its standard format: 2,696 bytes with AVX-512 and PKRU. */
static void xsave_image(void)
{
	static unsigned char x[16384] __attribute__((aligned(64)));
	unsigned long *word = (unsigned long *)x;
	size_t size = sizeof(x), full;
	pid_t pid;

	if (!has_xsave()) {
		pid = traced(counts);
		FAILS(get_set(PTRACE_GETREGSET, pid, NT_X86_XSTATE, x, &size), ENODEV);
		ends_well(pid);
		return;
	}
	if (!(xgetbv() & 4))
		SKIP("no AVX");
	pid = traced(uses_ymm);
	resume(PTRACE_CONT, pid, SIGTRAP);
	EQ(get_set(PTRACE_GETREGSET, pid, NT_X86_XSTATE, x, &size), 0);
	full = size;
	CHECK(size >= 832 && size % 8 == 0);
	EQ(word[464 / 8] & 7, xgetbv() & 7);
	EQ(word[512 / 8] & 6, 6);
	EQ(word[520 / 8], 0);
	EQ(word[(160 + 7 * 16) / 8], 1);
	EQ(word[(160 + 7 * 16) / 8 + 1], 2);
	EQ(word[(576 + 7 * 16) / 8], 3);
	EQ(word[(576 + 7 * 16) / 8 + 1], 4);
	/* Headers that XRSTOR would not take, and other sizes. */
	word[520 / 8] = 1UL << 63 | word[512 / 8];
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), EINVAL);
	word[520 / 8] = 0;
	word[568 / 8] = 1;
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), EINVAL);
	word[568 / 8] = 0;
	word[512 / 8] |= 1UL << 62;
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), EINVAL);
	word[512 / 8] &= ~(1UL << 62);
	x[27] = 0x80;
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), EINVAL);
	x[27] = 0;
	size = full - 8;
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), EFAULT);
	size = 576;
	EQ(get_set(PTRACE_GETREGSET, pid, NT_X86_XSTATE, x, &size), 0);
	EQ(size, 576);
	word[(576 + 7 * 16) / 8 + 1] = 77;
	size = full;
	EQ(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), 0);
	resume(PTRACE_CONT, pid, SIGTRAP);
	/* What is not in use is initial, whatever is there. */
	word[512 / 8] = 0;
	EQ(get_set(PTRACE_SETREGSET, pid, NT_X86_XSTATE, x, &size), 0);
	memset(x, 0xff, sizeof(x));
	EQ(get_set(PTRACE_GETREGSET, pid, NT_X86_XSTATE, x, &size), 0);
	EQ(word[512 / 8] & 7, 0);
	EQ(word[(160 + 7 * 16) / 8], 0);
	EQ(word[(576 + 7 * 16) / 8], 0);
	EQ(x[0] | x[1] << 8, 0x37f);
	EQ(*(unsigned *)(x + 24), FP_NORMAL);
	ends_well(pid);
}

/* Of SSE's control word the reserved bits are refused, and a part of the set is. */
static void fp_registers_refused(void)
{
	pid_t pid = traced(counts);
	size_t size = 256;
	fp_regs f;

	EQ(GET_FP(pid, &f), 0);
	f.mxcsr |= 1U << 31;
	FAILS(SET_FP(pid, &f), EINVAL);
	f.mxcsr &= 0xffff;
	FAILS(get_set(PTRACE_SETREGSET, pid, NT_PRFPREG, &f, &size), EINVAL);
	EQ(SET_FP(pid, &f), 0);
	ends_well(pid);
}

static void makes_odd_calls(void)
{
	long ret;

	__asm__ volatile("syscall" : "=a" (ret) : "0" (0x7700000000L | SYS_getppid) : "rcx", "r11", "memory");
	if (ret != getppid())
		_exit(2);
}

/* Of the number of a call the kernel reads the lower half, and shows all. */
static void upper_half_of_the_number(void)
{
	pid_t pid = traced(makes_odd_calls);

	EQ(NR(to_call(pid, SYS_getppid)), 0x7700000000L | SYS_getppid);
	ends_well(pid);
}

/* A frame of the host's on its kernel stack has addresses of that page. */
static void in_the_vsyscall_page(void)
{
	((int (*)(struct timeval *, void *))0xffffffffff600000)((struct timeval *)0x10, NULL);
}

static void stack_in_the_vsyscall_page(void)
{
	char path[40], text[20000];
	pid_t pid;

	slurp("/proc/self/maps", text, sizeof(text));
	if (!strstr(text, "[vsyscall]"))
		SKIP("the host has no vsyscall page");
	pid = traced(in_the_vsyscall_page);
	resume(PTRACE_CONT, pid, SIGSEGV);
	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	CHECK(slurp(path, text, sizeof(text)) || geteuid());
	EQ(ptrace(PTRACE_KILL, pid, 0, 0), 0);
}

/* A selector of another privilege is refused, and none for code or stack. */
static void selectors(void)
{
	pid_t pid = traced(counts);

	FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.cs), 0), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.ss), 0x28), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.ds), 0x10), EIO);
	EQ(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.es), 0), 0);
	FAILS(ptrace(PTRACE_PEEKUSER, pid, 4096, 0), EIO);
	FAILS(ptrace(PTRACE_POKEUSER, pid, 3, 0), EIO);
	ends_well(pid);
}
#endif

static void __attribute__((noinline)) has_a_breakpoint(void)
{
	__asm__ volatile("nop; nop; nop; nop");
}

/*
 * A breakpoint is an instruction written into private text; then the instruction is put back and
 * run.
 */
static void breakpoint(void)
{
	pid_t pid = traced(has_a_breakpoint);
	struct user_regs_struct r;
	long text;

	errno = 0;
	text = ptrace(PTRACE_PEEKTEXT, pid, has_a_breakpoint, 0);
	EQ(errno, 0);
	EQ(ptrace(PTRACE_POKETEXT, pid, has_a_breakpoint, (text & ~BREAK_MASK) | BREAK_INSN), 0);
	resume(PTRACE_CONT, pid, SIGTRAP);
	EQ(GET(pid, &r), 0);
	EQ(IP(r), (long)has_a_breakpoint + PAST_BREAK);
	IP(r) -= PAST_BREAK;
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
	CHECK(IP(r) - (unsigned long)spins < 64);
	EQ(ptrace(PTRACE_DETACH, pid, 0, 0), 0);
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
}

static const struct test tests[] = {
#ifndef __aarch64__
	T(step_like_popf), T(block_steps), T(segment_bases), T(bases_in_a_call), T(xsave_image), T(fp_registers_refused),
	T(upper_half_of_the_number), T(stack_in_the_vsyscall_page), T(selectors),
#else
	T(thread_pointer), T(steps_of_each_kind), T(steps_by_signed_branches), T(steps_of_a_loop),
#endif
	T(system_calls), T(memory), T(vector_registers), T(single_steps), T(steps_through_the_vdso), T(steps_into_a_handler), T(debug_registers), T(breakpoint), T(attach_to_a_spinner),
};
MAIN(tests)
