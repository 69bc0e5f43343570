// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals of faults and traps: what a handler is told of them, how it goes on behind them, and how
 * those end a program that does not handle them.
 */
#include "signals.h"
#ifdef __x86_64__
#include <cpuid.h>
#endif

#ifdef __aarch64__
#define FAULT_ADDRESS fault_context.uc_mcontext.fault_address

static int fault_was_write(void)
{
	uint64_t esr = *(uint64_t *)((char *)record_of(&fault_context, ESR_RECORD) + 8);

	EQ(esr >> 26, 0x24);	/* a data abort from user mode */
	return esr >> 6 & 1;
}
#else
#define REG(r) fault_context.uc_mcontext.gregs[r]
#define FAULT_ADDRESS REG(REG_CR2)

static int fault_was_write(void)
{
	EQ(REG(REG_TRAPNO), 14);
	EQ(REG(REG_ERR) & 4, 4);
	return REG(REG_ERR) >> 1 & 1;
}
#endif

static void segv(void)
{
	volatile char *p = map_anon(3 * 4096, MAP_PRIVATE);

	on_signal(SIGSEGV, jump_out, 0);
	EQ(munmap((void *)(p + 4096), 4096), 0);
	EQ(mprotect((void *)(p + 8192), 4096, PROT_READ), 0);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = p[4096 + 123]);
	CHECK(last.si_addr == p + 4096 + 123);
	EQ(FAULT_ADDRESS, (uintptr_t)p + 4096 + 123);
	EQ(fault_was_write(), 0);
	FAULTS(SIGSEGV, SEGV_MAPERR, p[4096] = 1);
	CHECK(last.si_addr == p + 4096);
	EQ(fault_was_write(), 1);
	sink = p[8192];
	FAULTS(SIGSEGV, SEGV_ACCERR, p[8192 + 9] = 1);
	CHECK(last.si_addr == p + 8192 + 9);
	EQ(fault_was_write(), 1);
	FAULTS(SIGSEGV, SEGV_MAPERR, read_low());
	CHECK(last.si_addr == (void *)8);
	EQ(mprotect((void *)p, 4096, PROT_NONE), 0);
	FAULTS(SIGSEGV, SEGV_ACCERR, sink = p[7]);
	CHECK(last.si_addr == p + 7);
	FAULTS(SIGSEGV, SEGV_ACCERR, ((void (*)(void))(uintptr_t)(p + 8192))());
	CHECK(last.si_addr == p + 8192);
	EQ(FAULT_PC, (uintptr_t)p + 8192);
	FAULTS(SIGSEGV, SEGV_MAPERR, ((void (*)(void))(uintptr_t)(p + 4096))());
	CHECK(last.si_addr == p + 4096);
}

static void segv_outside_user_space(void)
{
	on_signal(SIGSEGV, jump_out, 0);
#ifdef __aarch64__
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0x00f0000000001234);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0xfff0000000001234);
	on_signal(SIGILL, jump_out, 0);
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile("msr daifset, #2"));
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile("mrs x0, ttbr0_el1" ::: "x0"));
#else
	FAULTS(SIGSEGV, SI_KERNEL, sink = *(volatile char *)0x8000000000001234);
	CHECK(last.si_addr == NULL);
	FAULTS(SIGSEGV, SEGV_MAPERR, sink = *(volatile char *)0xffff800000001000);
	CHECK(last.si_addr == (void *)0xffff800000001000);
	FAULTS(SIGSEGV, SI_KERNEL, asm volatile("hlt"));
	FAULTS(SIGSEGV, SI_KERNEL, asm volatile("cli"));
#endif
}

static void thousand_segvs(void)
{
	volatile char *p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	on_signal(SIGSEGV, jump_out, 0);
	for (volatile int i = 0; i < 1000; i++)
		FAULTS(SIGSEGV, SEGV_ACCERR, sink = p[i]);
	EQ(hits, 1000);
}

static void bus_error(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	volatile char *p;

	CHECK(fd >= 0);
	EQ(ftruncate(fd, 8192), 0);
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[5000] = 3;
	EQ(ftruncate(fd, 4096), 0);
	on_signal(SIGBUS, jump_out, 0);
	FAULTS(SIGBUS, BUS_ADRERR, sink = p[5000]);
	CHECK(last.si_addr == p + 5000);
	FAULTS(SIGBUS, BUS_ADRERR, p[4096] = 1);
	p[10] = 4;
	EQ(ftruncate(fd, 8192), 0);
	EQ(p[5000], 0);
	EQ(p[10], 4);
}

#ifdef __x86_64__
/* qemu's own processor (TCG) notes exceptions of SSE arithmetic in MXCSR, but raises none. */
static int sse_raises_exceptions(void)
{
	unsigned a, b, c, d;

	__cpuid(1, a, b, c, d);
	if (!(c & 1U << 31))
		return 1;	/* no hypervisor */
	__cpuid(0x40000000, a, b, c, d);
	return memcmp(&b, "TCGT", 4);
}
#endif

static void fpe(void)
{
#ifdef __aarch64__
	SKIP("a division by zero is 0 here");
#else
	unsigned mxcsr = 0x1f80 & ~(1 << 9), normal = 0x1f80;
	double one = 1, zero = 0;

	on_signal(SIGFPE, jump_out, 0);
	FAULTS(SIGFPE, FPE_INTDIV, asm volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx"
						::: "eax", "ecx", "edx", "cc"));
	EQ((uintptr_t)last.si_addr, FAULT_PC);
	FAULTS(SIGFPE, FPE_INTDIV, asm volatile("mov $0x80000000, %%eax; cdq; mov $-1, %%ecx; idiv %%ecx"
						::: "eax", "ecx", "edx", "cc"));
	if (!sse_raises_exceptions())
		return;
	FAULTS(SIGFPE, FPE_FLTDIV, asm volatile("ldmxcsr %0; divsd %2, %1" :: "m" (mxcsr), "x" (one), "x" (zero)));
	asm volatile("ldmxcsr %0" :: "m" (normal));
#endif
}

static void ill(void)
{
	on_signal(SIGILL, jump_out, 0);
#ifdef __aarch64__
	FAULTS(SIGILL, ILL_ILLOPC, asm volatile(ILLEGAL));
	EQ(*(unsigned *)last.si_addr, 0);
#else
	FAULTS(SIGILL, ILL_ILLOPN, asm volatile(ILLEGAL));
	EQ(*(unsigned short *)last.si_addr, 0x0b0f);
#endif
	EQ((uintptr_t)last.si_addr, FAULT_PC);
}

static void step_over(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	last = *si;
	hits++;
#ifdef __aarch64__
	uc->uc_mcontext.pc += 4;
	uc->uc_mcontext.regs[0] = 0x1122334455667788;
#else
	if (sig == SIGILL)
		uc->uc_mcontext.gregs[REG_RIP] += 2;
	uc->uc_mcontext.gregs[REG_RAX] = 0x1122334455667788;
#endif
}

#ifdef __aarch64__
#define FIRST_REGISTER "x0"
#define TRAP_CODE TRAP_BRKPT
#define BREAK_INSN 0
#else
#define FIRST_REGISTER "rax"
#define TRAP_CODE SI_KERNEL
#define BREAK_INSN 0xcc
#endif

static void trap(void)
{
	register unsigned long first asm(FIRST_REGISTER) = 0;
	unsigned long got;
	unsigned char *insn;

	on_signal(SIGTRAP, step_over, 0);
	on_signal(SIGILL, step_over, 0);
	asm volatile(BREAK : "+r" (first));
	got = first;
	EQ(hits, 1);
	EQ(last.si_code, TRAP_CODE);
	EQ(got, 0x1122334455667788);
	first = 0;
	asm volatile(ILLEGAL : "+r" (first));
	got = first;
	EQ(hits, 2);
	EQ(got, 0x1122334455667788);
	on_signal(SIGTRAP, jump_out, 0);
	FAULTS(SIGTRAP, TRAP_CODE, asm volatile(BREAK));
	insn = (unsigned char *)FAULT_PC - PAST_BREAK;
	EQ(*insn, BREAK_INSN);
}

static void count_steps(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	last = *si;
	hits++;
}

static void single_step(void)
{
#ifdef __aarch64__
	(void)count_steps;
	SKIP("a program cannot step itself here");
#else
	on_signal(SIGTRAP, count_steps, 0);
	asm volatile("sub $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq\n"
		     "nop; nop; nop\n"
		     "pushfq; andq $~0x100, (%%rsp); popfq; add $128, %%rsp" ::: "memory", "cc");
	EQ(last.si_code, TRAP_TRACE);
	CHECK(hits >= 5 && hits <= 8);
#endif
}

static void unhandled_faults(void)
{
	static const struct { int sig, how; } kinds[] = {
		{ SIGSEGV, 0 }, { SIGSEGV, 1 }, { SIGSEGV, 2 }, { SIGILL, 0 }, { SIGILL, 1 }, { SIGTRAP, 0 }, { SIGTRAP, 1 },
#ifdef __x86_64__
		{ SIGFPE, 0 }, { SIGFPE, 2 },
#endif
	};

	no_core();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		pid_t pid = FORK();
		int st;

		if (!pid) {
			if (kinds[i].how == 1)
				block(SIG_BLOCK, kinds[i].sig);
			if (kinds[i].how == 2)
				signal(kinds[i].sig, SIG_IGN);
			if (kinds[i].sig == SIGSEGV)
				read_low();
			else if (kinds[i].sig == SIGILL)
				asm volatile(ILLEGAL);
			else if (kinds[i].sig == SIGTRAP)
				asm volatile(BREAK);
#ifdef __x86_64__
			else
				asm volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx", "cc");
#endif
			_exit(0);
		}
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSIGNALED(st));
		EQ(WTERMSIG(st), kinds[i].sig);
	}
}

static void bad_handler_stack(void)
{
	pid_t pid;
	int st;

	no_core();
	pid = FORK();
	if (!pid) {
		on_signal(SIGUSR1, note, 0);
#ifdef __aarch64__
		asm volatile("mov x8, #172; svc #0; mov x8, #129; mov x1, #10; mov x9, #4096\n"
			     "mov sp, x9; svc #0; udf #0" ::: "x0", "x1", "x8", "x9", "memory");
#else
		asm volatile("mov $39, %%eax; syscall; mov %%eax, %%edi; mov $62, %%eax; mov $10, %%esi\n"
			     "mov $4096, %%rsp; syscall; ud2" ::: "rax", "rcx", "rdi", "rsi", "r11", "memory");
#endif
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
}

static char altstack[65536] __attribute__((aligned(16)));

static void __attribute__((noinline)) dive(volatile char *above)
{
	volatile char buf[8192];

	buf[0] = above[0];
	hits = hits;
	if (buf[0] != 99)
		dive(buf);
	sink += buf[0];
}

static void stack_overflow_on_altstack(void)
{
	struct rlimit small = { 1 << 20, 1 << 20 };
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };
	char c = 0;
	pid_t pid;

	EQ(sigaltstack(&ss, NULL), 0);
	EQ(setrlimit(RLIMIT_STACK, &small), 0);
	pid = FORK();
	if (!pid) {
		on_signal(SIGSEGV, jump_out, SA_ONSTACK);
		for (volatile int i = 0; i < 3; i++)
			if (!sigsetjmp(jump, 1))
				dive(&c);
		EQ(hits, 3);
		EQ(last.si_code, SEGV_MAPERR);
		_exit(0);
	}
	CHILD_OK(pid);
}

#ifdef __x86_64__
/* No address, also where they have 57 bits, and no place to go to. */
#define NOWHERE 0x1000000000000000

static void go_nowhere(int sig, siginfo_t *si, void *context)
{
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] = NOWHERE;
	(void)sig;
	(void)si;
}

static void return_to_no_address(void)
{
	pid_t pid;
	int st;

	no_core();
	on_signal(SIGSEGV, jump_out, 0);
	on_signal(SIGUSR1, go_nowhere, 0);
	FAULTS(SIGSEGV, SI_KERNEL, kill(getpid(), SIGUSR1));
	EQ(FAULT_PC, NOWHERE);
	pid = FORK();
	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		kill(getpid(), SIGUSR1);
		_exit(0);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFSIGNALED(st));
	EQ(WTERMSIG(st), SIGSEGV);
}
#endif

static const struct test tests[] = {
	T(segv), T(segv_outside_user_space), T(thousand_segvs), T(bus_error), T(fpe), T(ill), T(trap), T(single_step),
	T(unhandled_faults), T(bad_handler_stack), T(stack_overflow_on_altstack),
#ifdef __x86_64__
	T(return_to_no_address),
#endif
};
MAIN(tests)
