// SPDX-License-Identifier: GPL-2.0-only
/*
 * What handlers, system calls and switches between tasks keep: registers, flags, and the red zone
 * below the stack pointer.
 */
#include "signals.h"
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>

/*
 * regs_spin(in, out, flag, nr): loads every register it can from fixed patterns and
 * in[512], then spins until *flag, making system call nr each time round when
 * nr >= 0. What the vector registers hold then goes to out; the result is a bit mask of
 * the general registers, the red zone and the flags that changed.
 */
#ifdef __aarch64__
#define LOAD_PAIR(n, m) "ldp q" #n ", q" #m ", [x0, #16 * " #n "]\n"
#define STORE_PAIR(n, m) "stp q" #n ", q" #m ", [x8, #16 * " #n "]\n"
/* x0 to x3 are the arguments, x8 the number. */
#define PATTERNED "1,4,5,6,7,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30"

asm(".text\n"
    ".globl regs_spin\n.type regs_spin, @function\nregs_spin:\n"
    "stp x29, x30, [sp, #-176]!; stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]\n"
    "stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]; stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]\n"
    "stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]; stp x1, x18, [sp, #160]\n"
    EACH_PAIR(LOAD_PAIR)
    ".irp n," PATTERNED "\n mov x\\n, #\\n * 0x111; movk x\\n, #0xabcd, lsl #48\n .endr\n"
    "mov x8, #0xa0000000; msr nzcv, x8\n"
    "1: tbnz x3, #63, 2f; mov x8, x3; svc #0\n"
    "2: ldr w8, [x2]; cbz w8, 1b\n"
    "mrs x8, nzcv; lsr x8, x8, #28; mov x0, #0; cmp x8, #0xa; b.eq 3f; orr x0, x0, #1; 3:\n"
    ".irp n," PATTERNED "\n mov x8, #\\n * 0x111; movk x8, #0xabcd, lsl #48\n"
    "cmp x\\n, x8; b.eq 3f; orr x0, x0, #1 << \\n; 3:\n .endr\n"
    "ldp x8, x18, [sp, #160]\n"
    EACH_PAIR(STORE_PAIR)
    "ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]; ldp x25, x26, [sp, #64]\n"
    "ldp x27, x28, [sp, #80]; ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]\n"
    "ldp d14, d15, [sp, #144]; ldp x29, x30, [sp], #176; ret\n"
    ".size regs_spin, . - regs_spin\n");

long regs_spin(const void *in, void *out, volatile int *flag, long nr);

static int is_kept(int i)
{
	return i < 512;
}

#else
#define LOAD_YMM(n) "vmovdqu 32*" #n "(%rdi), %ymm" #n "\n"
#define STORE_YMM(n) "vmovdqu %ymm" #n ", 32*" #n "(%rsi)\n"
#define LOAD_XMM(n) "movdqu 32*" #n "(%rdi), %xmm" #n "\n"
#define STORE_XMM(n) "movdqu %xmm" #n ", 32*" #n "(%rsi)\n"
#define SPIN(name, load, store, after)						\
	".globl " name "\n.type " name ", @function\n" name ":\n"		\
	"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"	\
	EACH_YMM(load)								\
	"mov %rcx, %r8\n"							\
	"mov $0x1111111111111111, %rbx; mov $0x2222222222222222, %rbp\n"	\
	"mov $0x3333333333333333, %r9; mov $0x4444444444444444, %r10\n"		\
	"mov $0x5555555555555555, %r12; mov $0x6666666666666666, %r13\n"	\
	"mov $0x7777777777777777, %r14; mov $0x1234567887654321, %r15\n"	\
	"mov %rbx, -8(%rsp); mov %rbp, -64(%rsp); mov %r9, -128(%rsp)\n"	\
	"std\n"									\
	"1: test %r8, %r8; js 2f; mov %r8, %rax; syscall\n"			\
	"2: cmpl $0, (%rdx); je 1b\n"						\
	"xor %eax, %eax\n"							\
	"mov $0x1111111111111111, %rcx; cmp %rcx, %rbx; je 3f; or $1, %eax; 3:\n"	\
	"cmp %rcx, -8(%rsp); je 3f; or $2, %eax; 3:\n"				\
	"mov $0x2222222222222222, %rcx; cmp %rcx, %rbp; je 3f; or $4, %eax; 3:\n"	\
	"cmp %rcx, -64(%rsp); je 3f; or $8, %eax; 3:\n"				\
	"mov $0x3333333333333333, %rcx; cmp %rcx, %r9; je 3f; or $16, %eax; 3:\n"	\
	"cmp %rcx, -128(%rsp); je 3f; or $32, %eax; 3:\n"			\
	"mov $0x4444444444444444, %rcx; cmp %rcx, %r10; je 3f; or $64, %eax; 3:\n"	\
	"mov $0x5555555555555555, %rcx; cmp %rcx, %r12; je 3f; or $128, %eax; 3:\n"	\
	"mov $0x6666666666666666, %rcx; cmp %rcx, %r13; je 3f; or $256, %eax; 3:\n"	\
	"mov $0x7777777777777777, %rcx; cmp %rcx, %r14; je 3f; or $512, %eax; 3:\n"	\
	"mov $0x1234567887654321, %rcx; cmp %rcx, %r15; je 3f; or $1024, %eax; 3:\n"	\
	"pushfq; pop %rcx; test $0x400, %ecx; jne 3f; or $2048, %eax; 3:\n"	\
	"cld\n"									\
	EACH_YMM(store)								\
	after									\
	"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n"	\
	".size " name ", . - " name "\n"

asm(".text\n"
    SPIN("regs_spin_avx", LOAD_YMM, STORE_YMM, "vzeroupper\n")
    SPIN("regs_spin_sse", LOAD_XMM, STORE_XMM, ""));

long regs_spin_avx(const void *in, void *out, volatile int *flag, long nr);
long regs_spin_sse(const void *in, void *out, volatile int *flag, long nr);

static long regs_spin(const void *in, void *out, volatile int *flag, long nr)
{
	return (__builtin_cpu_supports("avx") ? regs_spin_avx : regs_spin_sse)(in, out, flag, nr);
}

/* Without AVX half of each register's 32 bytes is all there is. */
static int is_kept(int i)
{
	return __builtin_cpu_supports("avx") || i % 32 < 16;
}

#endif

static volatile int spin_flag, spin_wanted;
#ifdef __x86_64__
static volatile int handler_df, handler_mxcsr;
#endif

static void clobber(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
#ifdef __x86_64__
	handler_df |= __builtin_ia32_readeflags_u64() & 0x400;
	handler_mxcsr = fp_control();
#endif
	clobber_registers();
	getppid();
	if (++hits >= spin_wanted)
		spin_flag = 1;
}

static void spin_with(long nr, int wanted, int seed)
{
	struct itimerval t = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	unsigned char in[512], out[512];

	for (int i = 0; i < 512; i++)
		in[i] = i * 7 + seed;
	memset(out, 0, sizeof(out));
	on_signal(SIGALRM, clobber, 0);
	hits = spin_flag = 0;
	spin_wanted = wanted;
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	EQ(regs_spin(in, out, &spin_flag, nr), 0);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
#ifdef __x86_64__
	EQ(handler_df, 0);
#endif
	for (int i = 0; i < 512; i++)
		if (is_kept(i))
			EQ(out[i], in[i]);
}

static void registers_across_handlers(void)
{
	spin_with(-1, 50, 3);
}

static void registers_across_calls(void)
{
	spin_with(SYS_getppid, 50, 5);
	spin_with(SYS_sched_yield, 20, 6);
	spin_with(1000, 20, 7);
}

static void registers_across_switches(void)
{
	for (int i = 0; i < 4; i++)
		if (!FORK()) {
			spin_with(SYS_sched_yield, 30, i * 31);
			spin_with(-1, 30, i * 17 + 2);
			_exit(0);
		}
	for (int i = 0; i < 4; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
}

static void *regs_thread(void *arg)
{
	unsigned char in[512], out[512];

	for (int i = 0; i < 512; i++)
		in[i] = i * 3 + (long)arg;
	EQ(regs_spin(in, out, &spin_flag, SYS_gettid), 0);
	for (int i = 0; i < 512; i++)
		if (is_kept(i))
			EQ(out[i], in[i]);
	return NULL;
}

static void registers_of_threads(void)
{
	struct itimerval t = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	pthread_t id[4];

	on_signal(SIGALRM, clobber, SA_RESTART);
	spin_wanted = 100;
	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&id[i], NULL, regs_thread, (void *)(i * 50)), 0);
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(id[i], NULL), 0);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void float_control_words(void)
{
	unsigned got;
#ifdef __x86_64__
	unsigned short cw = 0x027f, old = 0x037f, got_cw;

	asm volatile("fldcw %0" :: "m" (cw));
#endif
	on_signal(SIGUSR1, clobber, 0);
	set_fp_control(FP_DOWN);
	raise(SIGUSR1);
	getppid();
	sched_yield();
	got = fp_control();
	set_fp_control(FP_NORMAL);
	EQ(got & ~FP_STATUS, FP_DOWN);
#ifdef __x86_64__
	asm volatile("fnstcw %0; fldcw %1" : "=m" (got_cw) : "m" (old));
	EQ(got_cw, cw);
	EQ(handler_mxcsr & ~FP_STATUS, FP_NORMAL);
#endif
}

static void set_vector(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)si;
#ifdef __aarch64__
	memset((char *)record_of(uc, FPSIMD_RECORD) + 16 + 15 * 16, 0x5a, 16);
	uc->uc_mcontext.pc += 4;
#else
	CHECK(uc->uc_mcontext.fpregs);
	memset((char *)uc->uc_mcontext.fpregs + 160 + 15 * 16, 0x5a, 16);
#endif
}

static void handler_sets_vector_register(void)
{
	unsigned long out[2];

	on_signal(SIGTRAP, set_vector, 0);
#ifdef __aarch64__
	asm volatile("movi v15.2d, #0; brk #0; str q15, %0" : "=m" (out) :: "v15");
#else
	asm volatile("pxor %%xmm15, %%xmm15; int3; movdqu %%xmm15, %0" : "=m" (out) :: "xmm15");
#endif
	EQ(out[0], 0x5a5a5a5a5a5a5a5a);
	EQ(out[1], 0x5a5a5a5a5a5a5a5a);
}

#ifdef __x86_64__
#define NT 0x4000

/* With NT an iret is something else. A program may set it, and keeps it. */
static void nested_task_flag(void)
{
	on_signal(SIGUSR1, note, 0);
	on_signal(SIGSEGV, jump_out, 0);
	for (int i = 1; i <= 20; i++) {
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() | NT);
		EQ(kill(getpid(), SIGUSR1), 0);
		FAULTS(SIGSEGV, SEGV_MAPERR, read_low());
		CHECK(__builtin_ia32_readeflags_u64() & NT);
		__builtin_ia32_writeeflags_u64(__builtin_ia32_readeflags_u64() & ~(unsigned long)NT);
	}
}

/*
 * By the instruction, so without the kernel's knowledge; also such as its own code would not use.
 */
static void own_gs_base(void)
{
	/*
	 * The last ones are where a box's kernel has what it finds by GS (x86_64/gate.S), and
	 * beside it.
	 */
	static const unsigned long bases[] = {
		-1UL, ~0x100000UL, 0xffff800000000000, 1, ~BOX_KERNEL, BOX_KERNEL, BOX_KERNEL + 0x200000, BOX_KERNEL + 0x82000000000,
		BOX_KERNEL + 0x82000200000, BOX_KERNEL + 0x82000001000, 0x7ffffffff000,
	};

	if (!(getauxval(AT_HWCAP2) & 2))
		SKIP("no FSGSBASE");
	for (int i = 0; i < 40; i++) {
		unsigned long got;
		pid_t pid;

		asm volatile("wrgsbase %0" :: "r" (bases[i % ARRAY_SIZE(bases)]));
		pid = getppid();
		asm volatile("rdgsbase %0" : "=r" (got));
		EQ(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0), 0);
		EQ(pid, getppid());
		EQ(got, bases[i % ARRAY_SIZE(bases)]);
	}
}
#endif

static const struct test tests[] = {
	T(registers_across_handlers), T(registers_across_calls), T(registers_across_switches), T(registers_of_threads),
	T(float_control_words), T(handler_sets_vector_register),
#ifdef __x86_64__
	T(nested_task_flag), T(own_gs_base),
#endif
};
MAIN(tests)
