// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads and processes at system call instructions that the kernel is just rewriting or has
 * rewritten: the first calls of a site from several threads at once, and calls from which two
 * return.
 */
#include "rewrite.h"
#include <pthread.h>
#include <sched.h>
#include <spawn.h>

#define OK(call) EQ(call, 0)
#define THREADS 4
#define SITE 16		/* bytes from one function of the code file to the next */
#define CODE_SIZE (4 * 4096)

extern char **environ;

/*
 * A file of functions that all give the caller's thread id; every second one can only be rewritten
 * from the syscall on.
 */
static int code_of_sites(void)
{
	static unsigned char code[CODE_SIZE];
#ifdef __aarch64__
	/* mov x8, #178; svc #0 or #0x1234; ret */
	static const uint32_t b[] = { 0xd2801648, 0xd4000001, 0xd65f03c0 }, a[] = { 0xd2801648, 0xd503201f, 0xd4024681, 0xd65f03c0 };
#else
	static const unsigned char b[] = { 0xb8, 186, 0, 0, 0, 0x0f, 0x05, 0xc3 },
		a[] = { 0xb9, 186, 0, 0, 0, 0x89, 0xc8, 0x0f, 0x05, 0x48, 0x85, 0xc0, 0xc3 };
#endif

	memset(code, 0xcc, sizeof(code));
	for (int i = 0; i < CODE_SIZE / SITE; i++)
		memcpy(code + i * SITE, i & 1 ? a : b, i & 1 ? sizeof(a) : sizeof(b));
	return code_file("sites", code, sizeof(code), CODE_SIZE);
}

static char *code;
static pthread_barrier_t barrier;

static long tid_by(int i)
{
	return ((long (*)(void))(uintptr_t)(code + i * SITE))();
}

/* Each thread takes another way through the sites, so that one patches what others run. */
static void *all_sites(void *arg)
{
	int n = CODE_SIZE / SITE, start = (long)arg * n / THREADS;
	long tid = syscall(SYS_gettid);

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < n; i++)
		EQ(tid_by((long)arg & 1 ? (start + i) % n : (start + n - i) % n), tid);
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < n; i++)
			EQ(tid_by(i), tid);
	return NULL;
}

/* And some run the same few all the time, from before they are rewritten. */
static void *same_sites(void *arg)
{
	long tid = syscall(SYS_gettid);

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 4000; i++)
		EQ(tid_by((i & 7) + (long)arg), tid);
	return NULL;
}

static void new_sites_in_threads(void)
{
	double start = seconds();
	int fd = code_of_sites();

	OK(pthread_barrier_init(&barrier, NULL, 2 * THREADS));
	/* One more round may take as long as all that were before. */
	for (int round = 0; round < 15 && (round < 2 || seconds() < start + tap_seconds() / 3); round++) {
		pthread_t t[2 * THREADS];

		code = map_code(fd, NULL, CODE_SIZE, MAP_PRIVATE);
		for (long i = 0; i < 2 * THREADS; i++)
			OK(pthread_create(&t[i], NULL, i & 1 ? all_sites : same_sites, (void *)(i & 1 ? i / 2 : i * 16)));
		for (int i = 0; i < 2 * THREADS; i++)
			OK(pthread_join(t[i], NULL));
		EQ(munmap(code, CODE_SIZE), 0);
	}
}

static volatile int stop, rounds;

static void *forever(void *arg)
{
	long tid = syscall(SYS_gettid);
	int n = CODE_SIZE / SITE;

	for (int i = (long)arg; !stop; i++) {
		EQ(tid_by(i % n), tid);
		rounds = i;
	}
	return NULL;
}

/* A child's copy of a process that was just rewriting is whole. */
static void forks_beside_new_sites(void)
{
	int fd = code_of_sites();

	for (int round = 0; round < 10; round++) {
		pthread_t t[2];

		code = map_code(fd, NULL, CODE_SIZE, MAP_PRIVATE);
		stop = 0;
		for (long i = 0; i < 2; i++)
			OK(pthread_create(&t[i], NULL, forever, (void *)(i * 500)));
		for (int i = 0; i < 4; i++) {
			pid_t pid = FORK();

			if (!pid) {
				for (int j = 0; j < CODE_SIZE / SITE; j++)
					EQ(tid_by(j), getpid());
				CHILD_OK(FORK() ?: (tid_by(i) == getpid() && tid_by(600 + i) == getpid() ? _exit(0) : _exit(1), 0));
				_exit(0);
			}
			CHILD_OK(pid);
		}
		stop = 1;
		for (int i = 0; i < 2; i++)
			OK(pthread_join(t[i], NULL));
		EQ(munmap(code, CODE_SIZE), 0);
	}
}

/*
 * raw_clone_KIND(flags, stack, words): a thread without thread-local storage; it calls gettid() by
 * two sites, writes what they give to words[0] and [1], its stack pointer to [2], and ends.
 * words[3] is its CHILD_CLEARTID word.
 */
#ifdef __aarch64__
#define RAW_CLONE(kind, number)									\
	".p2align 5; .globl raw_clone_" kind "; .type raw_clone_" kind ", %function\n"		\
	"raw_clone_" kind ": str x19, [sp, #-16]!; mov x19, x2; add x4, x2, #24; mov x2, #0; mov x3, #0\n"	\
	number "; svc #0; cbz x0, 1f; ldr x19, [sp], #16; ret\n"				\
	"1: mov x9, sp; str x9, [x19, #16]; mov x8, #178; svc #0; str x0, [x19]\n"		\
	"mov x9, #178; mov x8, x9; svc #1; str x0, [x19, #8]\n"				\
	"mov x0, #0; mov x8, #93; svc #0; udf #0\n"
asm(".text\n" RAW_CLONE("b", "mov x8, #220") RAW_CLONE("a", "mov w9, #220; mov w8, w9"));
#else
#define RAW_CLONE(kind, number)									\
	".p2align 5; .globl raw_clone_" kind "; .type raw_clone_" kind ", @function\n"		\
	"raw_clone_" kind ": push %r12; mov %rdx, %r12; lea 24(%rdx), %r10; xor %edx, %edx; xor %r8d, %r8d\n"	\
	number "; syscall; test %rax, %rax; jz 1f; pop %r12; ret\n"				\
	"1: mov %rsp, 16(%r12); mov $186, %eax; syscall; mov %rax, (%r12)\n"			\
	"mov $186, %ecx; mov %ecx, %eax; syscall; test %rax, %rax; mov %rax, 8(%r12)\n"		\
	"xor %edi, %edi; mov $60, %eax; syscall; ud2\n"
asm(".text\n" RAW_CLONE("b", "mov $56, %eax") RAW_CLONE("a", "mov $56, %ecx; mov %ecx, %eax"));
#endif
long raw_clone_b(long flags, void *stack, volatile long *words), raw_clone_a(long flags, void *stack, volatile long *words);

static void clone_with_a_stack(void)
{
	volatile long *words = map_anon(4096, MAP_PRIVATE);
	char *stack = map_anon(65536, MAP_PRIVATE);
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID |
		     CLONE_CHILD_SETTID;

	for (int i = 0; i < 40; i++) {
		long tid;

		memset((void *)words, 0, 64);
		words[3] = 1;
		tid = (i & 1 ? raw_clone_b : raw_clone_a)(flags, stack + 65536, words);
		CHECK(tid > 0);
		SOON(!(int)words[3]);
		EQ(words[0], tid);
		EQ(words[1], tid);
		EQ(words[2], stack + 65536);
	}
}

/* The same as processes of their own that share the memory, and as copies. */
static void clone_of_processes(void)
{
	volatile long *words = map_anon(4096, MAP_SHARED);
	char *stack = map_anon(65536, MAP_PRIVATE);
	int st;

	for (int i = 0; i < 24; i++) {
		long pid;

		memset((void *)words, 0, 64);
		pid = (i & 1 ? raw_clone_b : raw_clone_a)(SIGCHLD | (i & 2 ? CLONE_VM : 0), stack + 65536, words);
		CHECK(pid > 0);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, 0);
		EQ(words[0], pid);
		EQ(words[1], pid);
		EQ(words[2], stack + 65536);
	}
}

/* raw_vfork_KIND(words): the child shares the stack until it has ended with status 7. */
#ifdef __aarch64__
#define RAW_VFORK(kind, number)									\
	".p2align 5; .globl raw_vfork_" kind "; .type raw_vfork_" kind ", %function\n"		\
	"raw_vfork_" kind ": mov x9, x0; mov x0, #0x4111; mov x1, #0; mov x2, #0; mov x3, #0; mov x4, #0\n"	\
	number "; svc #0; cbz x0, 1f; ret\n"							\
	"1: mov x8, #172; svc #0; str x0, [x9]; mov x10, #173; mov x8, x10; svc #0\n"		\
	"str x0, [x9, #8]; mov x0, #7; mov x8, #94; svc #0; udf #0\n"
asm(".text\n" RAW_VFORK("b", "mov x8, #220") RAW_VFORK("a", "mov w10, #220; mov w8, w10"));
#else
#define RAW_VFORK(kind, number)									\
	".p2align 5; .globl raw_vfork_" kind "; .type raw_vfork_" kind ", @function\n"		\
	"raw_vfork_" kind ": mov %rdi, %rsi; " number "; syscall; test %eax, %eax; jz 1f; ret; nop\n"	\
	"1: mov $39, %eax; syscall; mov %rax, (%rsi); mov $110, %ecx; mov %ecx, %eax; syscall; test %eax, %eax\n"	\
	"mov %rax, 8(%rsi); mov $7, %edi; mov $231, %eax; syscall; ud2\n"
asm(".text\n" RAW_VFORK("b", "mov $58, %eax") RAW_VFORK("a", "mov $58, %ecx; mov %ecx, %eax"));
#endif
long raw_vfork_b(volatile long *words), raw_vfork_a(volatile long *words);

static void raw_vfork(void)
{
	volatile long words[2];

	for (int i = 0; i < 30; i++) {
		long pid;
		int st;

		words[0] = words[1] = 0;
		pid = (i & 1 ? raw_vfork_b : raw_vfork_a)(words);
		CHECK(pid > 0);
		EQ(words[0], pid);
		EQ(words[1], getpid());
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, 7 << 8);
	}
}

static void raw_fork(void)
{
	for (int i = 0; i < 30; i++) {
		int mark = i;
		long pid = (i & 1 ? b_fork : a_fork)();
		int st;

		CHECK(pid >= 0);
		if (!pid) {
			EQ(b_getppid(), a_getppid());
			EQ(b_gettid(), b_getpid());
			_exit(mark == i ? i : 99);
		}
		EQ((i & 1 ? b_wait4 : a_wait4)(pid, &st, 0L, 0L), pid);
		EQ(st, i << 8);
	}
}

/* A child of a child of a child, each by sites that its parent has rewritten. */
static void generations(void)
{
	warm(b_getpid), warm(a_getpid);
	for (int i = 0; i < 12; i++) {
		long pid = (i & 1 ? b_fork : a_fork)();

		CHECK(pid >= 0);
		if (pid) {
			CHILD_OK(pid);
			if (i)
				_exit(0);
			return;
		}
		for (int j = 0; j < WARM; j++)
			EQ(b_getpid(), a_getpid());
	}
	_exit(0);
}

static void execs(void)
{
	static char *const argv[] = { "/bin/true", NULL };

	warm(b_execve), warm(a_execve);
	for (int i = 0; i < 10; i++) {
		long pid = (i & 1 ? b_fork : a_fork)();

		if (!pid) {
			(i & 2 ? b_execve : a_execve)("/bin/true", argv, environ);
			_exit(99);
		}
		CHILD_OK(pid);
	}
}

static void spawns(void)
{
	static char *const argv[] = { "sh", "-c", "exit 5", NULL };

	for (int i = 0; i < 10; i++) {
		pid_t pid;
		int st;

		OK(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ));
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, 5 << 8);
		st = system("exit 6");
		EQ(st, 6 << 8);
	}
}

static void *exec_thread(void *arg)
{
	static char *const argv[] = { "/bin/true", NULL };

	(void)arg;
	sleep_ms(2);
	b_execve("/bin/true", argv, environ);
	return NULL;
}

/* A thread that is not the first execs, while others make calls. */
static void execs_beside_calls(void)
{
	int fd = code_of_sites();

	code = map_code(fd, NULL, CODE_SIZE, MAP_PRIVATE);
	for (int i = 0; i < 10; i++) {
		pid_t pid = FORK();

		if (!pid) {
			pthread_t t[3];

			OK(pthread_create(&t[0], NULL, forever, (void *)0));
			OK(pthread_create(&t[1], NULL, forever, (void *)300));
			OK(pthread_create(&t[2], NULL, exec_thread, NULL));
			forever((void *)600);
		}
		CHILD_OK(pid);
	}
}

/* The C library's own sites: cancellation compares addresses of a call's instructions. */
static int channel[2];

static void *reads(void *arg)
{
	char c;

	(void)arg;
	while (read(channel[0], &c, 1) == 1)
		;
	return NULL;
}

static void cancelled_in_read(void)
{
	OK(pipe(channel));
	for (int i = 0; i < 60; i++) {
		pthread_t t;
		void *r;

		OK(pthread_create(&t, NULL, reads, NULL));
		for (int j = 0; j < i % 7; j++)
			EQ(write(channel[1], "x", 1), 1);
		if (i & 1)
			sleep_ms(i % 5);
		OK(pthread_cancel(t));
		OK(pthread_join(t, &r));
		CHECK(r == PTHREAD_CANCELED);
	}
}

/* Two that wake each other by a futex, with a site of each kind. */
static volatile int turn;

static void *futex_turns(void *arg)
{
	int me = (long)arg;
	call_fn f = me ? b_futex : a_futex;

	for (int i = 0; i < 2000; i++) {
		long r;

		while (turn != me) {
			r = f(&turn, 0L /* FUTEX_WAIT */, (long)!me, 0L);
			CHECK(!r || r == -EAGAIN || r == -EINTR);
		}
		turn = !me;
		CHECK(f(&turn, 1L /* FUTEX_WAKE */, 1L, 0L) >= 0);
	}
	return NULL;
}

static void futexes(void)
{
	pthread_t t[2];

	for (long i = 0; i < 2; i++)
		OK(pthread_create(&t[i], NULL, futex_turns, (void *)i));
	for (int i = 0; i < 2; i++)
		OK(pthread_join(t[i], NULL));
}

static const struct test tests[] = {
	T(new_sites_in_threads), T(forks_beside_new_sites), T(clone_with_a_stack), T(clone_of_processes), T(raw_vfork), T(raw_fork),
	T(generations), T(execs), T(spawns), T(execs_beside_calls), T(cancelled_in_read), T(futexes),
};
MAIN(tests)
