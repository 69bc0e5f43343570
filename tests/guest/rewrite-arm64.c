// SPDX-License-Identifier: GPL-2.0-only
/*
 * What svc leaves alone on aarch64, where a site is one instruction and the way to the kernel and
 * back needs registers that the program does not give: all of them, stacks that nothing can be
 * stored by, thread pointers of any kind. (rewrite.c and the others have what both architectures
 * have.)
 */
#include "rewrite.h"

#ifdef __aarch64__
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

#define PAGE 4096L
#define NR(name) "mov x8, #" #name "\n"

/*
 * all_KIND(in, out): the number and all other registers but the stack pointer from in, and to out
 * what they are behind the svc. Its own stack has what it needs to come back.
 */
#define ALL(kind, insn)										\
	".p2align 4; .globl all_" kind ", all_" kind "_at; .type all_" kind ", %function; all_" kind ":\n"	\
	RC_SAVE_C "sub sp, sp, #48; stp x0, x1, [sp]; mov x9, sp; str x9, [sp, #24]\n"		\
	"mov x30, x0; add x9, x0, #288\n" EACH_VECTORS(RC_LOADV) RC_FLAGS_IN("x30")		\
	EACH_PAIR(RC_LOAD) "ldr x30, [x30, #240]\n"						\
	"all_" kind "_at: " insn "\n"								\
	"str x30, [sp, #32]; ldr x30, [sp, #8]\n" EACH_PAIR(RC_STORE)				\
	"ldr x9, [sp, #32]; str x9, [x30, #240]\n" RC_FLAGS_OUT					\
	"ldr x9, [sp, #24]; mov x10, sp; sub x9, x10, x9; str x9, [x30, #272]\n"		\
	"add x9, x30, #288\n" EACH_VECTORS(RC_STOREV) "add sp, sp, #48\n" RC_RESTORE_C
asm(".text\n" ALL("0", "svc #0") ALL("1", "svc #1") ALL("max", "svc #0xffff") ALL("far", "b 1f; .p2align 12; 1: svc #0x8000"));
void all_0(const struct regs *in, struct regs *out), all_1(const struct regs *in, struct regs *out);
void all_max(const struct regs *in, struct regs *out), all_far(const struct regs *in, struct regs *out);
static void (*const alls[])(const struct regs *, struct regs *) = { all_0, all_1, all_max, all_far };

static void every(const char *what, int k, unsigned int seed, long nr, long a0, long a1, long a2, long a3, long a4, long want)
{
	struct regs in, out;

	regs_fill(&in, seed);
	in.r[8] = nr;
	in.r[0] = a0;
	in.r[1] = a1;
	in.r[2] = a2;
	in.r[3] = a3;
	in.r[4] = a4;
	switch (seed % 5) {
	case 1: in.r[16] = in.r[17] = in.r[29] = in.r[30] = 0; break;
	case 2: in.r[16] = in.r[17] = in.r[29] = in.r[30] = -1; break;
	case 3: in.r[16] = in.r[30] = (uintptr_t)alls[k]; in.r[17] = in.r[29] = 0x700000000000; break;
	}
	memset(&out, 0x77, sizeof(out));
	alls[k](&in, &out);
	if ((long)out.r[0] != want)
		tap_fail(__FILE__, __LINE__, "%s (%d, %u) gives 0x%llx", what, k, seed, (long long)out.r[0]);
	regs_same(what, &in, &out, 0, STATUS, 0);
	if (in.r[30] != out.r[30])
		tap_fail(__FILE__, __LINE__, "%s (%d, %u): x30 is 0x%llx, not 0x%llx", what, k, seed, (long long)out.r[30], (long long)in.r[30]);
}

static void every_call(unsigned int seed)
{
	static struct timespec ms = { 0, 300000 };
	static int word = 5;

	for (int k = 0; k < (int)ARRAY_SIZE(alls); k++) {
		every("getpid", k, seed, SYS_getpid, 1, 2, 3, 4, 5, getpid());
		every("no call", k, seed, 1000, 1, 2, 3, 4, 5, -ENOSYS);
		every("getppid, upper half", k, seed, SYS_getppid | 0x5500000000, 1, 2, 3, 4, 5, getppid());
		every("read", k, seed, SYS_read, -1, 2, 3, 4, 5, -EBADF);
		every("sched_yield", k, seed, SYS_sched_yield, 1, 2, 3, 4, 5, 0);
		every("futex", k, seed, SYS_futex, (long)&word, 0, 6, 0, 0, -EAGAIN);
		if (!(seed & 7))
			every("nanosleep", k, seed, SYS_nanosleep, (long)&ms, 0, 3, 4, 5, 0);
	}
}

static void all_registers(void)
{
	for (unsigned int seed = 0; seed < 200; seed++)
		every_call(seed);
}


static void call_minus_1(void)
{
	for (unsigned int seed = 0; seed < 20; seed++)
		for (int k = 0; k < (int)ARRAY_SIZE(alls); k++)
			every("call -1", k, seed, -1, 1, 2, 3, 4, 5, -ENOSYS);
}

/* Others make other calls meanwhile, and signals come. */
static volatile int stop, hits, bad;

static void *calls(void *arg)
{
	long tid = syscall(SYS_gettid);

	for (unsigned int i = (long)arg; !stop; i++) {
		EQ(b_gettid(), tid);
		EQ(a_gettid(), tid);
		every("gettid", i & 3, i & 15, SYS_gettid, 1, 2, 3, 4, 5, tid);
	}
	return NULL;
}

static void all_registers_beside_threads(void)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		EQ(pthread_create(&t[i], NULL, calls, (void *)i), 0);
	for (unsigned int seed = 0; seed < 60; seed++)
		every_call(seed);
	stop = 1;
	for (int i = 0; i < 3; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void spoils(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	bad += !in_text(PC(uc));
	asm volatile("mov x16, #-1; mov x17, #-1; movi v0.16b, #255; movi v9.16b, #255; movi v31.16b, #255; msr nzcv, xzr"
		     ::: "x16", "x17", "v0", "v9", "v31", "cc");
	bad += b_getppid() != a_getppid();
	hits++;
}

static void all_registers_under_a_timer(void)
{
	struct itimerval tick = { { 0, 700 }, { 0, 700 } }, off = { { 0, 0 }, { 0, 0 } };
	double start = seconds();

	note_text();
	on_signal(SIGALRM, spoils, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	for (unsigned int seed = 0; seconds() < start + 2 || (hits < 100 && seconds() < start + SOON_MS / 1e3); seed++)
		for (int k = 0; k < (int)ARRAY_SIZE(alls); k++) {
			every("getpid", k, seed, SYS_getpid, 1, 2, 3, 4, 5, getpid());
			every("read", k, seed, SYS_read, -1, 2, 3, 4, 5, -EBADF);
		}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	EQ(bad, 0);
	CHECK(hits > 10);
}

/* at_sp(nr, a0, a1, a2, sp): with this stack pointer; odd_sp becomes what it is behind the svc. */
#define AT_SP(name, insn)									\
	".p2align 4; .globl " name "; .type " name ", %function; " name ": stp x29, x30, [sp, #-32]!; str x19, [sp, #16]\n"	\
	"mov x29, sp; mov x8, x0; mov x0, x1; mov x1, x2; mov x2, x3; mov x19, sp; mov sp, x4\n"	\
	insn "\n"										\
	"mov x9, sp; mov sp, x19; adrp x10, odd_sp; str x9, [x10, :lo12:odd_sp]; ldr x19, [sp, #16]; ldp x29, x30, [sp], #32; ret\n"
asm(".text\n" AT_SP("at_sp", "svc #0") AT_SP("at_sp_2", "svc #2"));
long at_sp(long nr, long a0, long a1, long a2, void *sp), at_sp_2(long nr, long a0, long a1, long a2, void *sp);
void *odd_sp;

static char altstack[65536] __attribute__((aligned(16)));

static void counts(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	hits++;
}

static void calls_at(char *sp)
{
	static struct timespec ms = { 0, 1000000 };
	char c = 'x';
	int p[2];

	EQ(pipe(p), 0);
	for (int i = 0; i < 12; i++) {
		EQ((i & 1 ? at_sp : at_sp_2)(SYS_getpid, 1, 2, 3, sp), getpid());
		CHECK(odd_sp == sp);
		EQ((i & 1 ? at_sp : at_sp_2)(SYS_gettid, 1, 2, 3, sp), syscall(SYS_gettid));
		CHECK(odd_sp == sp);
		EQ(at_sp(SYS_write, p[1], (long)&c, 1, sp), 1);
		EQ(at_sp_2(SYS_read, p[0], (long)&c, 1, sp), 1);
		EQ(at_sp(SYS_read, -1, (long)&c, 1, sp), -EBADF);
		EQ(at_sp(1000, 0, 0, 0, sp), -ENOSYS);
		if (i < 2)
			EQ(at_sp(SYS_nanosleep, (long)&ms, 0, 0, sp), 0);
		CHECK(odd_sp == sp);
	}
	close(p[0]);
	close(p[1]);
}

static void no_signals(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) };

	EQ(sigaltstack(&ss, NULL), 0);
	on_signal(SIGSEGV, counts, SA_ONSTACK | SA_RESETHAND);
	on_signal(SIGBUS, counts, SA_ONSTACK | SA_RESETHAND);
}

/*
 * Nothing may be stored below the stack pointer, or at it, and it may be anything: svc does not
 * look.
 */
static void stacks_without_room(void)
{
	char *m = map_anon(3 * PAGE, MAP_PRIVATE);

	no_signals();
	calls_at(m + PAGE);
	EQ(mprotect(m, PAGE, PROT_NONE), 0);
	calls_at(m + PAGE);
	calls_at(m + PAGE + 16);
	calls_at(m + PAGE + 32);
	calls_at(m + PAGE - 64);
	EQ(mprotect(m, PAGE, PROT_READ), 0);
	calls_at(m + PAGE);
	calls_at(m + PAGE + 16);
	EQ(munmap(m, PAGE), 0);
	calls_at(m + PAGE);
	calls_at(m + PAGE + 16);
	calls_at(m);
	EQ(hits, 0);
}

static void odd_stacks(void)
{
	char *m = map_anon(3 * PAGE, MAP_PRIVATE);

	no_signals();
	calls_at(m + PAGE + 8);
	calls_at(m + PAGE + 1);
	calls_at(m + 2 * PAGE - 4);
	EQ(mprotect(m, PAGE, PROT_NONE), 0);
	calls_at(m + PAGE + 8);
	calls_at(NULL);
	calls_at((char *)16);
	calls_at((char *)8);
	calls_at((char *)-16);
	calls_at((char *)0x1234567890123450);
	calls_at((char *)calls_at);
	EQ(hits, 0);
}

/* Pages of a stack that have not been there yet. */
static void fresh_stacks(void)
{
	char here, *m;

	no_signals();
	for (int i = 1; i < 20; i++)
		calls_at((char *)(((uintptr_t)&here & -PAGE) - i * 5 * PAGE));
	for (int i = 0; i < 10; i++) {
		m = map_anon(4 * PAGE, MAP_PRIVATE);
		EQ(at_sp(SYS_getpid, 0, 0, 0, m + 2 * PAGE), getpid());
		EQ(at_sp(SYS_getpid, 0, 0, 0, m + 3 * PAGE + 16), getpid());
		EQ(munmap(m, 4 * PAGE), 0);
		EQ(at_sp(SYS_getpid, 0, 0, 0, m + 3 * PAGE), getpid());
	}
	EQ(hits, 0);
}

/* What is above the stack pointer, and farther than 32 bytes below it. */
static void memory_around_the_stack(void)
{
	static unsigned char m[512] __attribute__((aligned(16)));

	for (int i = 0; i < 20; i++) {
		for (size_t j = 0; j < sizeof(m); j++)
			m[j] = j * 3 + i;
		EQ(at_sp(SYS_getpid, 0, 0, 0, m + 256), getpid());
		for (size_t j = 0; j < sizeof(m); j++)
			if ((j < 256 - 32 || j >= 256) && m[j] != (unsigned char)(j * 3 + i))
				tap_fail(__FILE__, __LINE__, "byte %d", (int)j - 256);
	}
}

/*
 * raw_thread(flags, stack, words, size): a thread that takes gettid() words[4] times, from sites
 * without and with words[5] in its TPIDR_EL0, if that is not 0; counts in words[1] those that are
 * not words[0], its CHILD_SETTID word; unmaps size bytes of stack from words[6] on, if size is not
 * 0, and ends, by a svc each. words[3] is its CHILD_CLEARTID word.
 */
asm(".text; .p2align 4; .globl raw_thread; .type raw_thread, %function; raw_thread:\n"
    "stp x19, x20, [sp, #-16]!; mov x19, x2; mov x20, x3; mov x3, #0; add x4, x2, #24; mov x2, #0\n"
    NR(220) "svc #0; cbz x0, 1f; ldp x19, x20, [sp], #16; ret\n"
    "1: ldr x21, [x19, #32]; ldr x22, [x19, #40]; ldr w23, [x19, #24]; str x23, [x19]\n"
    "2: cbz x22, 3f; msr tpidr_el0, x22\n"
    "3:" NR(178) "svc #3; cmp x0, x23; b.eq 4f; ldr x9, [x19, #8]; add x9, x9, #1; str x9, [x19, #8]\n"
    "4:" NR(178) "nop; svc #0; cmp x0, x23; b.eq 5f; ldr x9, [x19, #8]; add x9, x9, #1; str x9, [x19, #8]\n"
    "5: add x22, x22, #16; ldr x9, [x19, #40]; cbnz x9, 6f; mov x22, #0\n"
    "6: subs x21, x21, #1; b.gt 2b\n"
    "cbz x20, 7f; ldr x0, [x19, #48]; mov x1, x20;" NR(215) "svc #0; str x0, [x19, #16]\n"
    "7:" NR(178) "svc #0; mov x0, #0;" NR(93) "svc #0; udf #0\n");
long raw_thread(long flags, void *stack, volatile long *words, long size);

#define RAW_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)

static long raw(volatile long *words, void *stack, long rounds, unsigned long tp, void *unmap, long size)
{
	words[0] = words[1] = 0;
	words[2] = 1;
	words[3] = -1;
	words[4] = rounds;
	words[5] = tp;
	words[6] = (long)unmap;
	return raw_thread(RAW_THREAD, stack, words, size);
}

static void unmaps_its_stack(void)
{
	volatile long *words = map_anon(PAGE, MAP_PRIVATE);

	for (int i = 0; i < 40; i++) {
		char *m = map_anon(3 * PAGE, MAP_PRIVATE), *stack = m + (i & 1 ? 2 * PAGE : PAGE + 32 * (i % 4));
		long tid;

		EQ(mprotect(m, PAGE, PROT_NONE), 0);
		tid = raw(words, stack, 5, 0, m, 3 * PAGE);
		CHECK(tid > 0);
		SOON(!(int)words[3]);
		EQ(words[0], tid);
		EQ(words[1], 0);
		EQ(words[2], 0);
		FAILS(msync(m, PAGE, MS_ASYNC), ENOMEM);
	}
}

/* Threads that have the thread pointer of the one that made them, all at the same time. */
enum { RAW = 6 };

static void threads_without_a_pointer(void)
{
	volatile long (*words)[8] = map_anon(PAGE, MAP_PRIVATE);
	char *stacks = map_anon(RAW * 2 * PAGE, MAP_PRIVATE);
	long tid = syscall(SYS_gettid);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < RAW; i++)
			CHECK(raw(words[i], stacks + (i + 1) * 2 * PAGE, 300, 0, NULL, 0) > 0);
		for (int i = 0, left = RAW; left; i++) {
			EQ(b_gettid(), tid);
			EQ(a_gettid(), tid);
			left = 0;
			for (int j = 0; j < RAW; j++)
				left += !!(int)words[j][3];
		}
		for (int i = 0; i < RAW; i++)
			EQ(words[i][1], 0);
	}
}

/* And that change it at each call; the numbers may be those of others, too, at other times. */
static void changing_pointers(void)
{
	volatile long (*words)[8] = map_anon(PAGE, MAP_PRIVATE);
	char *stacks = map_anon(RAW * 2 * PAGE, MAP_PRIVATE), *tps = map_anon(1 << 20, MAP_PRIVATE);
	long tid = syscall(SYS_gettid);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < RAW; i++)
			CHECK(raw(words[i], stacks + (i + 1) * 2 * PAGE, 300, (uintptr_t)tps + (i << 16) + 16, NULL, 0) > 0);
		for (int left = RAW; left;) {
			EQ(b_gettid(), tid);
			left = 0;
			for (int j = 0; j < RAW; j++)
				left += !!(int)words[j][3];
		}
		for (int i = 0; i < RAW; i++)
			EQ(words[i][1], 0);
	}
}

/* with_tp(tp, nr, a0, a1, a2): the call while this is in TPIDR_EL0. */
asm(".text; .p2align 4; .globl with_tp; .type with_tp, %function; with_tp:\n"
    "mrs x9, tpidr_el0; msr tpidr_el0, x0; mov x8, x1; mov x0, x2; mov x1, x3; mov x2, x4; svc #0; mrs x10, tpidr_el0\n"
    "msr tpidr_el0, x9; adrp x11, tp_after; str x10, [x11, :lo12:tp_after]; ret\n");
long with_tp(unsigned long tp, long nr, long a0, long a1, long a2);
volatile unsigned long tp_after;

static void odd_pointers(void)
{
	static const unsigned long tps[] = { 0, 1, 8, -1, 0x1000, 0x7000000000, 0xffff000000000000, 0x123456789abcdef0 };
	pthread_t t;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 200; i++) {
			EQ(with_tp(tps[i % 8], SYS_getpid, 0, 0, 0), getpid());
			CHECK(tp_after == tps[i % 8]);
			EQ(with_tp(tps[i % 8], SYS_read, -1, 0, 0), -EBADF);
			EQ(b_gettid(), a_gettid());
		}
		if (!round)
			EQ(pthread_create(&t, NULL, calls, (void *)1), 0);
	}
	stop = 1;
	EQ(pthread_join(t, NULL), 0);
}

/* One that has the pointer of another, which sleeps or makes calls itself. */
static volatile unsigned long other_tp;
static int channel[2];

static unsigned long own_tp(void)
{
	unsigned long tp;

	asm volatile("mrs %0, tpidr_el0" : "=r" (tp));
	return tp;
}

static void *sleeps(void *arg)
{
	char c;

	(void)arg;
	warm(b_read);
	for (int i = 0; i < 20; i++)
		EQ(b_gettid(), a_gettid());
	other_tp = own_tp();
	EQ(b_read((long)channel[0], &c, 1L), 1);
	EQ(b_gettid(), a_gettid());
	return NULL;
}

static void pointer_of_a_sleeper(void)
{
	long tid = syscall(SYS_gettid);
	pthread_t t;

	EQ(pipe(channel), 0);
	EQ(pthread_create(&t, NULL, sleeps, NULL), 0);
	SOON(other_tp);
	sleep_ms(20);
	for (int i = 0; i < 200; i++) {
		EQ(with_tp(other_tp, SYS_gettid, 0, 0, 0), tid);
		EQ(b_gettid(), tid);
	}
	EQ(b_write((long)channel[1], "x", 1L), 1);
	EQ(pthread_join(t, NULL), 0);
}

/* Many threads, and signals to all of them. */
enum { MANY = 64 };
static volatile int tids[MANY];

static void *one_of_many(void *arg)
{
	long tid = syscall(SYS_gettid), me = (long)arg;

	tids[me] = tid;
	for (unsigned int i = me; !stop; i++) {
		EQ(b_gettid(), tid);
		EQ(a_gettid(), tid);
		if (!(i & 7))
			every("gettid", i & 3, i & 15, SYS_gettid, 1, 2, 3, 4, 5, tid);
		if (!(i & 15))
			sched_yield();
	}
	return NULL;
}

static void many_threads_and_signals(void)
{
	double start = seconds();
	pthread_t t[MANY];

	note_text();
	on_signal(SIGUSR1, spoils, SA_RESTART);
	for (long i = 0; i < MANY; i++)
		EQ(pthread_create(&t[i], NULL, one_of_many, (void *)i), 0);
	for (int i = 0; seconds() < start + 4 || (hits < 200 && seconds() < start + SOON_MS / 1e3); i++)
		if (tids[i % MANY])
			EQ(a_tgkill((long)getpid(), (long)tids[i % MANY], (long)SIGUSR1), 0);
	stop = 1;
	for (int i = 0; i < MANY; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(bad, 0);
	CHECK(hits > 10);
}

/* A breakpoint on a site, a jump to one, and one at the end of a page. */
asm(".text; .p2align 4; .globl land; .type land, %function; land: mov x8, x1; br x0\n"
    ".p2align 12; .skip 4096 - 8; .globl border; .type border, %function; border: mov x8, #172; svc #0; ret; .p2align 12\n");
extern long land(void *at, long nr), border(void);

static void landing(void)
{
	for (int i = 0; i < 20; i++) {
		EQ(land(b_getpid_at, SYS_getppid), getppid());
		EQ(land(a_getpid_at, SYS_gettid), syscall(SYS_gettid));
		EQ(land(b_getpid_at, 1000), -ENOSYS);
		EQ(land(b_getpid_at + 4, 1000), (long)(b_getpid_at + 4));
		EQ(border(), getpid());
	}
}

static sigjmp_buf jump;
static volatile uintptr_t broke_at;

static void broke(int sig, siginfo_t *si, void *uc)
{
	(void)si;
	broke_at = PC(uc);
	siglongjmp(jump, sig);
}

static void breakpoint_on_a_site(void)
{
	uint32_t *at = (void *)b_getpid_at;
	void *page = (void *)((uintptr_t)at & -PAGE);

	on_signal(SIGTRAP, broke, 0);
	for (int i = 0; i < 8; i++) {
		for (int j = 0; j < WARM; j++)
			EQ(b_getpid(), getpid());
		EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
		*at = 0xd4200000;
		__builtin___clear_cache((char *)at, (char *)(at + 1));
		if (i & 1)
			EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
		if (!sigsetjmp(jump, 1)) {
			b_getpid();
			tap_fail(__FILE__, __LINE__, "no breakpoint");
		}
		EQ(broke_at, at);
		EQ(a_getpid(), getpid());
		EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
		*at = 0xd4000001;
		__builtin___clear_cache((char *)at, (char *)(at + 1));
		EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
	}
}

static const struct test tests[] = {
	T(all_registers), T(all_registers_beside_threads), T(all_registers_under_a_timer), T(stacks_without_room), T(odd_stacks),
	T(fresh_stacks), T(memory_around_the_stack), T(unmaps_its_stack), T(threads_without_a_pointer), T(changing_pointers),
	T(odd_pointers), T(many_threads_and_signals), T(landing), T(breakpoint_on_a_site), T(call_minus_1), T(pointer_of_a_sleeper),
};

#else

static void svc(void)
{
	SKIP("aarch64 only");
}

static const struct test tests[] = { T(svc) };

#endif

MAIN(tests)
