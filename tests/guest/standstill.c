// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing is lost where the whole guest stands still at any moment and goes on, be it with other
 * host processes and threads below it (kbox snapshot). All parts are at work at the same time, each
 * in a process of its own: for about two seconds, or STANDSTILL_SECONDS, or, with STANDSTILL_FILE,
 * until there is a file of that name. In the last case "# at work" is said each time when every part
 * has done something more.
 */
#include "tap.h"
#include "iouring.h"
#include "standstill-registers.h"
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <setjmp.h>
#include <sys/auxv.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>

enum { FUTEX_WAIT, FUTEX_WAKE };

#define ROUNDS 300000	/* of a loop in user mode: less than a millisecond */

static void registers_in_loops(void), registers_in_sleep(void), registers_in_futex(void), registers_in_read(void),
	registers_in_poll(void), registers_in_epoll(void), control_words(void), thread_pointers(void), segment_bases(void),
	handlers_jump(void), programs_start(void), vforks(void), pipes_in_a_ring(void), shared_mutex(void), mappings(void),
	waiting(void), clocks(void), timers(void), stopped_child(void), traced_child(void), terminal(void), uring(void),
	uring_polled(void);

#define PARTS(f)								\
	f(registers_in_loops) f(registers_in_sleep) f(registers_in_futex) f(registers_in_read) f(registers_in_poll)	\
	f(registers_in_epoll) f(control_words) f(thread_pointers) f(segment_bases) f(handlers_jump) f(programs_start)	\
	f(vforks) f(pipes_in_a_ring) f(shared_mutex) f(mappings) f(waiting) f(clocks) f(timers) f(stopped_child)	\
	f(traced_child) f(terminal) f(uring) f(uring_polled)
#define PART(f) { #f, f },

static const struct test parts[] = { PARTS(PART) };

#define NPARTS ARRAY_SIZE(parts)

/* Of all processes. */
static struct shared {
	volatile int stop;
	struct {
		volatile int pid, status;	/* status is -1 while it is at work */
		volatile unsigned long rounds;	/* that it has done */
		char lacks[100];		/* why it can do none */
	} part[NPARTS];
} *shared;

static size_t me;	/* the part that this process is */

static int goes_on(void)
{
	__atomic_fetch_add(&shared->part[me].rounds, 1, __ATOMIC_RELAXED);
	return !shared->stop;
}

__attribute__((noreturn)) static void lacks(const char *why)
{
	snprintf(shared->part[me].lacks, sizeof(shared->part[me].lacks), "%s", why);
	_exit(TAP_SKIPPED);
}

static unsigned dice(unsigned n)
{
	static __thread uint64_t state;

	if (!state)
		state = (uintptr_t)&state ^ (uint64_t)getpid() << 32 ^ (uint64_t)(seconds() * 1e9);
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % n;
}

static void sleep_us(long us)
{
	struct timespec t = { 0, us * 1000 };

	EQ(nanosleep(&t, NULL), 0);
}

/* n of them, until all have ended. */
static void threads(int n, void *(*f)(void *))
{
	pthread_t t[20];

	for (int i = 0; i < n; i++)
		EQ(pthread_create(&t[i], NULL, f, (void *)(intptr_t)i), 0);
	for (int i = 0; i < n; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static void *loops(void *arg)
{
	struct held_call loop = { .rounds = ROUNDS };
	int same;

	for (uint64_t seed = (uint64_t)(intptr_t)arg << 32; goes_on(); seed++) {
		hold_vectors(&loop, seed, &same);
		CHECK(same);
		CHECK(general_registers_keep(ROUNDS, seed * 0x9e3779b97f4a7c15));
		if (!dice(4))
			sleep_us(500);
	}
	return NULL;
}

static void registers_in_loops(void)
{
	threads(3, loops);
}

/* A system call with full vector registers; its result. */
static long full_call(struct held_call c)
{
	static __thread uint64_t seed;
	long ret;
	int same;

	if (!seed)
		seed = (uint64_t)syscall(SYS_gettid) << 32;
	ret = hold_vectors(&c, seed++, &same);
	CHECK(same);
	return ret;
}

static void *sleeps(void *arg)
{
	(void)arg;
	while (goes_on()) {
		struct timespec t = { 0, dice(5000000) }, now;

		EQ(full_call((struct held_call) { SYS_nanosleep, { (long)&t }, 0 }), 0);
		clock_gettime(CLOCK_MONOTONIC, &now);
		t.tv_sec = now.tv_sec + (now.tv_nsec + t.tv_nsec) / 1000000000;
		t.tv_nsec = (now.tv_nsec + t.tv_nsec) % 1000000000;
		EQ(full_call((struct held_call) { SYS_clock_nanosleep, { CLOCK_MONOTONIC, TIMER_ABSTIME, (long)&t }, 0 }), 0);
	}
	return NULL;
}

static void registers_in_sleep(void)
{
	threads(3, sleeps);
}

/* What a waiter waits for: one thing at a time, which another thread sends after a while. */
static struct {
	int pipe[2];
	uint32_t sent;			/* a futex as well */
	volatile uint32_t taken;
	volatile int ended;
} awaited;

static void *sends(void *arg)
{
	(void)arg;
	while (!awaited.ended) {
		if (awaited.taken == awaited.sent) {
			sleep_us(dice(3000));
			EQ(write(awaited.pipe[1], "x", 1), 1);
			__atomic_fetch_add(&awaited.sent, 1, __ATOMIC_SEQ_CST);
			syscall(SYS_futex, &awaited.sent, FUTEX_WAKE, 100, NULL, NULL, 0);
		} else {
			sleep_us(100);
		}
	}
	return NULL;
}

/* wait_once() until the end. */
static void with_sender(void (*wait_once)(void))
{
	pthread_t t;

	EQ(pipe(awaited.pipe), 0);
	EQ(pthread_create(&t, NULL, sends, NULL), 0);
	while (goes_on()) {
		wait_once();
		awaited.taken++;
	}
	awaited.ended = 1;
	EQ(pthread_join(t, NULL), 0);
}

static void take_byte(void)
{
	char c = 0;

	EQ(full_call((struct held_call) { SYS_read, { awaited.pipe[0], (long)&c, 1 }, 0 }), 1);
	EQ(c, 'x');
}

static void wait_futex(void)
{
	static const struct timespec long_time = { 1000000, 0 };
	char c;

	while (__atomic_load_n(&awaited.sent, __ATOMIC_SEQ_CST) == awaited.taken) {
		const struct timespec *limit = dice(2) ? &long_time : NULL;
		long ret = full_call((struct held_call) { SYS_futex, { (long)&awaited.sent, FUTEX_WAIT, awaited.taken, (long)limit }, 0 });

		CHECK(ret == 0 || ret == -EAGAIN);
	}
	EQ(read(awaited.pipe[0], &c, 1), 1);
}

static void wait_poll(void)
{
	static const struct timespec long_time = { 1000000, 0 };
	struct pollfd p = { .fd = awaited.pipe[0], .events = POLLIN };
	struct timespec limit = long_time;

	EQ(full_call((struct held_call) { SYS_ppoll, { (long)&p, 1, dice(2) ? (long)&limit : 0, 0, 8 }, 0 }), 1);
	EQ(p.revents, POLLIN);
#ifdef SYS_poll
	EQ(full_call((struct held_call) { SYS_poll, { (long)&p, 1, dice(2) ? 1000000 : -1 }, 0 }), 1);
#endif
	take_byte();
}

static int epoll_fd;

/* Also natively it is one of those that give EINTR after a stop without a handler: signal(7). */
static void wait_epoll(void)
{
	struct epoll_event e = { 0 };
	long ret;

	do
		ret = full_call((struct held_call) { SYS_epoll_pwait, { epoll_fd, (long)&e, 1, dice(2) ? 1000000000 : -1 }, 0 });
	while (ret == -EINTR);
	EQ(ret, 1);
	EQ(e.data.u64, 0x123456789abcdef0);
	take_byte();
}

static void registers_in_futex(void)
{
	with_sender(wait_futex);
}

static void registers_in_read(void)
{
	with_sender(take_byte);
}

static void registers_in_poll(void)
{
	with_sender(wait_poll);
}

/* The pipe is there when the first wait begins. */
static void first_wait_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 0x123456789abcdef0 };

	if (!epoll_fd) {
		epoll_fd = epoll_create1(0);
		EQ(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, awaited.pipe[0], &e), 0);
	}
	wait_epoll();
}

static void registers_in_epoll(void)
{
	with_sender(first_wait_epoll);
}

static long short_sleep(void)
{
	static const struct timespec t = { 0, 1000000 };

	return syscall(SYS_nanosleep, &t, NULL);
}

static void *words(void *arg)
{
	for (unsigned seed = (intptr_t)arg; goes_on(); seed++) {
		CHECK(control_words_keep(ROUNDS, seed));
		CHECK(control_words_keep_over(short_sleep, seed));
	}
	return NULL;
}

static void control_words(void)
{
	threads(3, words);
}

static __thread uint64_t own[4];

static void *own_variables(void *arg)
{
	uint64_t mine = (uint64_t)(intptr_t)arg * 0x1000100010001;

	for (int i = 0; i < 4; i++)
		own[i] = mine + i;
	for (int n = 0; goes_on(); n++) {
		errno = 1000 + (int)(intptr_t)arg;
		for (volatile int i = 0; i < 20000; i++)
			;
		if (n % 2) {
			EQ(errno, 1000 + (intptr_t)arg);
			syscall(SYS_close, -1);
			EQ(errno, EBADF);
		}
		sleep_us(dice(2000));
		for (int i = 0; i < 4; i++)
			EQ(own[i], mine + i);
		EQ(n % 2 ? EBADF : 1000 + (intptr_t)arg, errno);
	}
	return NULL;
}

static void thread_pointers(void)
{
	threads(16, own_variables);
}

#ifdef __x86_64__
#define ARCH_SET_GS 0x1001
#define ARCH_GET_GS 0x1004
#define FSGSBASE 2	/* of AT_HWCAP2 */

static uint64_t at_gs(void)
{
	uint64_t v;

	__asm__ volatile("mov %%gs:0, %0" : "=r" (v));
	return v;
}

/* With another base than the thread's for as long as it takes: nothing of libc's may run there. */
static int fs_keeps(uint64_t base, long rounds)
{
	uint64_t was, is, nr = SYS_sched_yield;

	__asm__ volatile("rdfsbase %[was]\n" "wrfsbase %[base]\n" "1: dec %[n]\n" "jnz 1b\n" "syscall\n" "rdfsbase %[is]\n"
			 "wrfsbase %[was]\n"
			 : [was] "=&r" (was), [is] "=&r" (is), [n] "+r" (rounds), "+a" (nr) : [base] "r" (base)
			 : "memory", "cc", "rcx", "r11");
	return is == base;
}

static void gs_by_instruction(uint64_t *words)
{
	uint64_t is;

	__asm__ volatile("wrgsbase %0" :: "r" (words));
	for (volatile int i = 0; i < 20000; i++)
		;
	sleep_us(dice(1000));
	EQ(at_gs(), words[0]);
	__asm__ volatile("rdgsbase %0" : "=r" (is));
	EQ(is, (uintptr_t)words);
	CHECK(fs_keeps(0x10000 * dice(1000), ROUNDS / 4));
}

static void *bases(void *arg)
{
	uint64_t words[2][2] = { { 0x1111 * (uint64_t)(intptr_t)arg + 7 }, { 0x2222 * (uint64_t)(intptr_t)arg + 9 } }, is;

	for (int n = 0; goes_on(); n = !n) {
		EQ(syscall(SYS_arch_prctl, ARCH_SET_GS, words[n]), 0);
		for (volatile int i = 0; i < 20000; i++)
			;
		EQ(at_gs(), words[n][0]);
		sleep_us(dice(1000));
		EQ(at_gs(), words[n][0]);
		EQ(syscall(SYS_arch_prctl, ARCH_GET_GS, &is), 0);
		EQ(is, (uintptr_t)words[n]);
		if (getauxval(AT_HWCAP2) & FSGSBASE)
			gs_by_instruction(words[!n]);
	}
	return NULL;
}

static void segment_bases(void)
{
	threads(3, bases);
}
#else
static void segment_bases(void)
{
	lacks("a processor without segments");
}
#endif

static char *alternate;
static sigjmp_buf back;
static volatile sig_atomic_t jumps, handled;

/* It has vectors of its own. */
static void jump(int sig, siginfo_t *si, void *uc)
{
	struct held_call loop = { .rounds = 10 };
	int same;

	(void)sig, (void)si, (void)uc;
	hold_vectors(&loop, handled++, &same);
	CHECK(same);
	CHECK((char *)&loop >= alternate && (char *)&loop < alternate + 65536);
	if (jumps)
		siglongjmp(back, 5);
}

static void handlers_jump(void)
{
	struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	struct held_call loop = { .rounds = ROUNDS };
	volatile uint64_t mark, copy;
	volatile int n = 0;
	sigset_t mask;
	stack_t st;
	int same;

	alternate = map_anon(65536, MAP_PRIVATE);
	EQ(sigaltstack(&(stack_t) { .ss_sp = alternate, .ss_size = 65536 }, NULL), 0);
	on_signal(SIGALRM, jump, SA_ONSTACK);
	EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (goes_on()) {
		mark = copy = dice(1 << 30);
		if (n++ % 2 && !sigsetjmp(back, 1)) {
			for (jumps = 1;;) {
				hold_vectors(&loop, mark, &same);
				CHECK(same);
			}
		}
		jumps = 0;
		EQ(mark, copy);
		EQ(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
		EQ(sigismember(&mask, SIGALRM), 0);
		for (int before = handled; before == handled;) {
			hold_vectors(&loop, mark, &same);
			CHECK(same);
		}
		EQ(sigaltstack(NULL, &st), 0);
		CHECK(st.ss_sp == alternate && !(st.ss_flags & SS_ONSTACK));
	}
	EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
}

#define EXITS "--exits"

static void exec_self(int status)
{
	char text[20];

	snprintf(text, sizeof(text), "%d", status);
	execl("/proc/self/exe", "standstill", EXITS, text, NULL);
	_exit(200);
}

static void programs_start(void)
{
	while (goes_on()) {
		int want = dice(100), st;
		pid_t pid = FORK();

		if (!pid)
			exec_self(want);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, want << 8);
	}
}

static void vforks(void)
{
	while (goes_on()) {
		volatile int want = dice(100), program = dice(2);
		pid_t pid = vfork();
		int st;

		CHECK(pid >= 0);
		if (!pid && program)
			exec_self(want);
		if (!pid)
			_exit(want);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, want << 8);
	}
}

enum { RING = 4 };

static void pass_on(int from, int to)
{
	uint64_t n;
	ssize_t got;

	while ((got = read(from, &n, sizeof(n))) > 0) {
		EQ(got, sizeof(n));
		n++;
		EQ(write(to, &n, sizeof(n)), sizeof(n));
	}
	EQ(got, 0);
	_exit(0);
}

static void pipes_in_a_ring(void)
{
	int p[RING + 1][2];
	pid_t pids[RING];
	uint64_t n = 0, got;

	for (int i = 0; i <= RING; i++)
		EQ(pipe(p[i]), 0);
	for (int i = 0; i < RING; i++) {
		pids[i] = FORK();
		if (pids[i])
			continue;
		for (int j = 0; j <= RING; j++) {
			if (j != i)
				close(p[j][0]);
			if (j != i + 1)
				close(p[j][1]);
		}
		pass_on(p[i][0], p[i + 1][1]);
	}
	for (int i = 1; i <= RING; i++)
		close(p[i][1]);
	while (goes_on()) {
		n += dice(1000);
		EQ(write(p[0][1], &n, sizeof(n)), sizeof(n));
		EQ(read(p[RING][0], &got, sizeof(got)), sizeof(got));
		EQ(got, n + RING);
	}
	close(p[0][1]);
	for (int i = 0; i < RING; i++)
		CHILD_OK(pids[i]);
}

struct counted {
	pthread_mutex_t mutex;
	unsigned long a, b, by[3];
};

static void count(struct counted *c, int who)
{
	while (goes_on()) {
		EQ(pthread_mutex_lock(&c->mutex), 0);
		EQ(c->a, c->b);
		c->a++;
		if (!dice(8))
			sleep_us(dice(500));
		c->by[who]++;
		c->b++;
		EQ(pthread_mutex_unlock(&c->mutex), 0);
		if (!dice(8))
			sleep_us(dice(500));
	}
}

static void shared_mutex(void)
{
	struct counted *c = map_anon(sizeof(*c), MAP_SHARED);
	pthread_mutexattr_t a;
	pid_t pids[2];

	pthread_mutexattr_init(&a);
	EQ(pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED), 0);
	EQ(pthread_mutex_init(&c->mutex, &a), 0);
	for (int i = 0; i < 2; i++) {
		pids[i] = FORK();
		if (!pids[i]) {
			count(c, i);
			_exit(0);
		}
	}
	count(c, 2);
	CHILD_OK(pids[0]);
	CHILD_OK(pids[1]);
	EQ(c->a, c->by[0] + c->by[1] + c->by[2]);
	EQ(c->a, c->b);
}

/* Mappings that stay for a while. Each page begins with a word of its own. */
enum { PAGE = 4096, SLOTS = 32, SLOT_PAGES = 32 };

static struct slot {
	char *at;
	size_t pages;
	uint64_t seed;
} slots[SLOTS];

static void fill(struct slot *s, size_t from)
{
	for (size_t i = from; i < s->pages; i++)
		for (size_t w = 0; w < PAGE; w += 512)
			*(uint64_t *)(s->at + i * PAGE + w) = s->seed * (i + 1) + w;
}

static void verify(const struct slot *s)
{
	for (size_t i = 0; i < s->pages; i++)
		for (size_t w = 0; w < PAGE; w += 512)
			EQ(*(uint64_t *)(s->at + i * PAGE + w), s->seed * (i + 1) + w);
}

static void churn_slot(struct slot *s)
{
	size_t was = s->pages;

	if (!s->at) {
		*s = (struct slot) { .pages = 1 + dice(SLOT_PAGES), .seed = dice(1u << 31) };
		s->at = map_anon(s->pages * PAGE, MAP_PRIVATE);
		fill(s, 0);
		if (dice(2))
			EQ(mprotect(s->at, s->pages * PAGE, PROT_READ), 0);
		return;
	}
	verify(s);
	switch (dice(4)) {
	case 0:
		EQ(munmap(s->at, s->pages * PAGE), 0);
		s->at = NULL;
		break;
	case 1:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_NONE), 0);
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ), 0);
		break;
	case 2:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
		EQ(madvise(s->at, s->pages * PAGE, MADV_DONTNEED), 0);
		for (size_t i = 0; i < s->pages; i++)
			EQ(s->at[i * PAGE], 0);
		s->seed++;
		fill(s, 0);
		break;
	case 3:
		EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
		s->pages = 1 + dice(SLOT_PAGES);
		s->at = mremap(s->at, was * PAGE, s->pages * PAGE, MREMAP_MAYMOVE);
		CHECK(s->at != MAP_FAILED);
		fill(s, was);
	}
}

/* What a child writes to its copies is not seen here. */
static void copy_slots(void)
{
	pid_t pid = FORK();

	if (pid) {
		CHILD_OK(pid);
		return;
	}
	for (struct slot *s = slots; s < slots + SLOTS; s++)
		if (s->at) {
			EQ(mprotect(s->at, s->pages * PAGE, PROT_READ | PROT_WRITE), 0);
			verify(s);
			s->seed++;
			fill(s, 0);
			verify(s);
		}
	_exit(0);
}

static void churn_file(int fd, char *map, size_t pages)
{
	size_t at = dice(pages) * PAGE + dice(PAGE);
	unsigned char byte = dice(256), got;

	if (dice(2))
		map[at] = byte;
	else
		EQ(pwrite(fd, &byte, 1, at), 1);
	EQ(pread(fd, &got, 1, at), 1);
	EQ(got, byte);
	EQ((unsigned char)map[at], byte);
	if (!dice(16))
		EQ(msync(map, pages * PAGE, dice(2) ? MS_ASYNC : MS_SYNC), 0);
}

static void mappings(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600);
	char *map;

	EQ(ftruncate(fd, 16 * PAGE), 0);
	map = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (unsigned n = 1; goes_on(); n++) {
		churn_slot(&slots[dice(SLOTS)]);
		churn_file(fd, map, 16);
		if (n % 64 == 0)
			copy_slots();
	}
	for (struct slot *s = slots; s < slots + SLOTS; s++)
		if (s->at)
			verify(s);
}

static void end_of_one(pid_t *pids, int n)
{
	siginfo_t si = { 0 };
	int st, i = 0;
	pid_t pid;

	if (dice(2)) {
		EQ(waitid(P_ALL, 0, &si, WEXITED | WNOWAIT), 0);
		pid = waitpid(si.si_pid, &st, 0);
		EQ(pid, si.si_pid);
	} else {
		pid = waitpid(-1, &st, 0);
	}
	while (i < n && pids[i] != pid)
		i++;
	CHECK(i < n);
	EQ(st, (i + 30) << 8);
	pids[i] = 0;
}

static void waiting(void)
{
	pid_t pids[4];
	int st;

	while (goes_on()) {
		for (int i = 0; i < 4; i++) {
			pids[i] = FORK();
			if (!pids[i]) {
				sleep_us(dice(5000));
				_exit(i + 30);
			}
		}
		for (int i = 0; i < 4; i++)
			end_of_one(pids, 4);
		FAILS(waitpid(-1, &st, 0), ECHILD);
	}
}

static uint64_t by_call(clockid_t clock)
{
	struct timespec t;

	EQ(syscall(SYS_clock_gettime, clock, &t), 0);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static uint64_t by_library(clockid_t clock)
{
	struct timespec t;

	EQ(clock_gettime(clock, &t), 0);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* As late as anybody has seen it. */
static uint64_t *latest;

static void look(clockid_t clock, uint64_t (*by)(clockid_t))
{
	uint64_t before = __atomic_load_n(&latest[clock], __ATOMIC_SEQ_CST), now = by(clock);

	if (now < before)
		tap_fail(__FILE__, __LINE__, "clock %d %s: %llu after %llu", clock, by == by_call ? "by the call" : "by the vDSO",
			 (unsigned long long)now, (unsigned long long)before);
	while (before < now && !__atomic_compare_exchange_n(&latest[clock], &before, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
}

static void look_at_all(void)
{
	static const clockid_t all[] = { CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_COARSE };

	while (goes_on()) {
		for (size_t i = 0; i < ARRAY_SIZE(all); i++)
			for (int n = 0; n < 50; n++) {
				look(all[i], by_library);
				if (n % 8 == 0)
					look(all[i], by_call);
			}
		look(CLOCK_MONOTONIC, by_call);
		sleep_us(dice(2000));
	}
}

static void clocks(void)
{
	uint64_t cpu = 0;
	pid_t pid;

	latest = map_anon(4096, MAP_SHARED);
	pid = FORK();
	look_at_all();
	CHECK(by_call(CLOCK_PROCESS_CPUTIME_ID) >= cpu);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

static void timers(void)
{
	const uint64_t interval = 3000000;
	struct itimerspec often = { { 0, interval }, { 0, interval } }, once = { 0 };
	int repeated = timerfd_create(CLOCK_MONOTONIC, 0), single = timerfd_create(CLOCK_BOOTTIME, 0);
	uint64_t begun = by_library(CLOCK_MONOTONIC), all = 0, n;

	EQ(timerfd_settime(repeated, 0, &often, NULL), 0);
	while (goes_on()) {
		uint64_t at = by_library(CLOCK_BOOTTIME) + dice(4000000);

		EQ(read(repeated, &n, sizeof(n)), sizeof(n));
		CHECK(n > 0);
		all += n;
		CHECK(all <= (by_library(CLOCK_MONOTONIC) - begun) / interval);
		once.it_value = (struct timespec) { at / 1000000000, at % 1000000000 };
		EQ(timerfd_settime(single, TFD_TIMER_ABSTIME, &once, NULL), 0);
		EQ(read(single, &n, sizeof(n)), sizeof(n));
		EQ(n, 1);
		CHECK(by_library(CLOCK_BOOTTIME) >= at);
	}
}

static void stopped_child(void)
{
	volatile unsigned long *n = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	int st;

	while (!pid)
		(*n)++;
	while (goes_on()) {
		unsigned long was;

		sleep_us(dice(2000));
		EQ(kill(pid, SIGSTOP), 0);
		EQ(waitpid(pid, &st, WUNTRACED), pid);
		CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGSTOP);
		was = *n;
		sleep_us(dice(8000));
		EQ(*n, was);
		EQ(waitpid(pid, &st, WNOHANG | WUNTRACED), 0);
		EQ(kill(pid, SIGCONT), 0);
		EQ(waitpid(pid, &st, WCONTINUED), pid);
		CHECK(WIFCONTINUED(st));
		SOON(*n != was);
	}
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, SIGKILL);
}

struct traced_state {
	char general[1024], fp[4096];
	size_t n, nfp;
	unsigned long count;
	uint64_t word;
};

enum { GENERAL = 1, FP = 2 };	/* NT_PRSTATUS, NT_PRFPREG */

static struct traced {
	volatile unsigned long count;
	uint64_t word;
} *traced;

static void look_at_traced(pid_t pid, struct traced_state *s)
{
	struct iovec general = { s->general, sizeof(s->general) }, fp = { s->fp, sizeof(s->fp) };

	memset(s, 0, sizeof(*s));
	EQ(ptrace(PTRACE_GETREGSET, pid, (void *)GENERAL, &general), 0);
	EQ(ptrace(PTRACE_GETREGSET, pid, (void *)FP, &fp), 0);
	s->n = general.iov_len;
	s->nfp = fp.iov_len;
	s->count = traced->count;
	errno = 0;
	s->word = ptrace(PTRACE_PEEKDATA, pid, &traced->word, NULL);
	EQ(errno, 0);
}

static void traced_program(void)
{
	struct held_call loop = { .rounds = 20000 };
	int same;

	EQ(ptrace(PTRACE_TRACEME, 0, NULL, NULL), 0);
	raise(SIGSTOP);
	for (uint64_t seed = 1;; seed++) {
		traced->count++;
		hold_vectors(&loop, seed, &same);
		CHECK(same);
		raise(SIGSTOP);
	}
}

static void traced_child(void)
{
	struct traced_state before, after;
	pid_t pid;
	int st;

	traced = map_anon(4096, MAP_SHARED);
	pid = FORK();
	if (!pid)
		traced_program();
	while (goes_on()) {
		uint64_t word = dice(1 << 30);

		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSTOPPED(st) && (WSTOPSIG(st) == SIGSTOP || WSTOPSIG(st) == SIGTRAP));
		EQ(ptrace(PTRACE_POKEDATA, pid, &traced->word, word), 0);
		look_at_traced(pid, &before);
		EQ(before.word, word);
		sleep_us(dice(4000));
		look_at_traced(pid, &after);
		CHECK(!memcmp(&before, &after, sizeof(before)));
		EQ(ptrace(dice(2) ? PTRACE_CONT : dice(2) ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
	}
	EQ(kill(pid, SIGKILL), 0);
	do
		EQ(waitpid(pid, &st, 0), pid);
	while (WIFSTOPPED(st));
	EQ(st, SIGKILL);
}

static void answer(int terminal)
{
	unsigned long n, last = 0;
	char text[40];
	ssize_t got;

	while ((got = read(terminal, text, sizeof(text) - 1)) > 0) {
		text[got] = 0;
		n = strtoul(text, NULL, 10);
		EQ(n, last + 1);
		last = n;
		EQ(dprintf(terminal, "<%lu>\n", n), strlen(text) + 2);
	}
	EQ(got, 0);
	_exit(0);
}

static void terminal(void)
{
	int master, slave;
	struct termios t;
	unsigned long n = 0;
	pid_t pid;

	if (openpty(&master, &slave, NULL, NULL, NULL))
		lacks("no pseudo terminals");
	EQ(tcgetattr(slave, &t), 0);
	t.c_lflag &= ~ECHO;
	t.c_oflag &= ~OPOST;
	EQ(tcsetattr(slave, TCSANOW, &t), 0);
	pid = FORK();
	if (!pid) {
		close(master);
		answer(slave);
	}
	while (goes_on()) {
		char want[40], got[40];
		int len = snprintf(want, sizeof(want), "<%lu>\n", ++n), have = 0;

		sleep_us(dice(2000));
		CHECK(dprintf(master, "%lu\n", n) > 0);
		while (have < len) {
			ssize_t r = read(master, got + have, len - have);

			CHECK(r > 0);
			have += r;
		}
		CHECK(!memcmp(want, got, len));
	}
	EQ(write(master, "\4", 1), 1);	/* the end of input */
	CHILD_OK(pid);
}

/* io_uring as iouring.c has it, in short. */
enum { URING_NOP = 0, URING_TIMEOUT = 11, URING_READ = 22 };
enum { SQPOLL = 2, GETEVENTS = 1, WAKEUP = 2, NEEDS_WAKEUP = 1, ASYNC = 16 };

static struct params par;
static int ring;
static char *sq, *cq;
static struct sqe *sqes;

#define SQ(f) (*(volatile uint32_t *)(sq + par.sq.f))
#define CQ(f) (*(volatile uint32_t *)(cq + par.cq.f))

static void *map_ring(size_t size, off_t what)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, what);

	CHECK(p != MAP_FAILED);
	return p;
}

static void setup_ring(unsigned flags)
{
	par.flags = flags;
	par.thread_idle = 5;
	ring = syscall(SYS_io_uring_setup, 8, &par);
	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		lacks("no io_uring");
	CHECK(ring >= 0);
	sq = map_ring(par.sq.array + par.sq_entries * 4, 0);
	cq = map_ring(par.cq.cqes + par.cq_entries * sizeof(struct cqe), 0x8000000);
	sqes = map_ring(par.sq_entries * sizeof(struct sqe), 0x10000000);
}

static void submit(struct sqe s)
{
	uint32_t tail = SQ(tail), i = tail & SQ(mask), polled = par.flags & SQPOLL;
	long ret;

	sqes[i] = s;
	((volatile uint32_t *)(sq + par.sq.array))[i] = i;
	__atomic_store_n(&SQ(tail), tail + 1, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (polled && !(SQ(flags) & NEEDS_WAKEUP))
		return;
	do
		ret = syscall(SYS_io_uring_enter, ring, 1, 0, polled ? WAKEUP : 0, NULL, 0);
	while (ret < 0 && errno == EINTR);
	EQ(ret, 1);
}

static struct cqe complete(void)
{
	uint32_t head = CQ(head);
	struct cqe c;

	while (__atomic_load_n(&CQ(tail), __ATOMIC_ACQUIRE) == head)
		if (syscall(SYS_io_uring_enter, ring, 0, 1, GETEVENTS, NULL, 0) < 0)
			EQ(errno, EINTR);
	c = ((struct cqe *)(cq + par.cq.cqes))[head & CQ(mask)];
	__atomic_store_n(&CQ(head), head + 1, __ATOMIC_RELEASE);
	return c;
}

static void complete_all(uint64_t first, int n, const int *res)
{
	unsigned seen = 0;

	while (seen != (1u << n) - 1) {
		struct cqe c = complete();

		CHECK(c.user_data >= first && c.user_data < first + n && !(seen & 1u << (c.user_data - first)));
		EQ(c.res, res[c.user_data - first]);
		seen |= 1u << (c.user_data - first);
	}
}

/* A timeout, a read that another task does, and one that does nothing. */
static void use_ring(unsigned flags)
{
	int p[2], res[] = { -ETIME, 1, 0 };
	uint64_t data = 1;
	char c;

	setup_ring(flags);
	EQ(pipe(p), 0);
	for (; goes_on(); data += 3) {
		struct { int64_t sec, nsec; } t = { 0, dice(3000000) };

		c = 0;
		submit((struct sqe) { .opcode = URING_TIMEOUT, .fd = -1, .addr = (uintptr_t)&t, .len = 1, .user_data = data });
		submit((struct sqe) { .opcode = URING_READ, .flags = dice(2) ? ASYNC : 0, .fd = p[0], .addr = (uintptr_t)&c, .len = 1,
				      .off = -1, .user_data = data + 1 });
		submit((struct sqe) { .opcode = URING_NOP, .user_data = data + 2 });
		sleep_us(dice(2000));
		EQ(write(p[1], "u", 1), 1);
		complete_all(data, 3, res);
		EQ(c, 'u');
	}
}

static void uring(void)
{
	use_ring(0);
}

static void uring_polled(void)
{
	use_ring(SQPOLL);
}

static void begin(size_t i)
{
	pid_t pid;
	int st;

	shared->part[i].status = -1;
	if (FORK())
		return;
	pid = FORK();
	if (!pid) {
		me = i;
		setpgid(0, 0);
		if (mkdir(parts[i].name, 0755) || chdir(parts[i].name))
			tap_fail(__FILE__, __LINE__, "%s: errno %d", parts[i].name, errno);
		parts[i].run();
		_exit(TAP_PASSED);
	}
	shared->part[i].pid = pid;
	EQ(waitpid(pid, &st, 0), pid);
	kill(-pid, SIGKILL);
	shared->part[i].status = st;
	_exit(0);
}

static int all_have_done_more(unsigned long *before)
{
	for (size_t i = 0; i < NPARTS; i++)
		if (shared->part[i].status == -1 && shared->part[i].rounds <= before[i])
			return 0;
	for (size_t i = 0; i < NPARTS; i++)
		before[i] = shared->part[i].rounds;
	return 1;
}

/* Says when all are to end. */
static void conduct(void)
{
	const char *s = getenv("STANDSTILL_SECONDS"), *file = getenv("STANDSTILL_FILE");
	double until = seconds() + (s ? atof(s) : 2);
	unsigned long before[NPARTS] = { 0 };

	while (file ? access(file, F_OK) : seconds() < until) {
		sleep_ms(20);
		if (file && all_have_done_more(before))
			dprintf(1, "# at work\n");
	}
	shared->stop = 1;
	_exit(0);
}

/* A test is the end of what is at work already. */
static void ended(void)
{
	size_t i = 0;
	int st;

	while (strcmp(parts[i].name, tap_name))
		i++;
	while ((st = shared->part[i].status) == -1)
		sleep_ms(10);
	if (WIFEXITED(st) && WEXITSTATUS(st) == TAP_SKIPPED)
		SKIP(shared->part[i].lacks);
	if (!WIFEXITED(st))
		tap_fail(__FILE__, __LINE__, "killed by signal %d", WTERMSIG(st));
	EQ(WEXITSTATUS(st), TAP_PASSED);
	CHECK(shared->part[i].rounds > 0);
}

#define ENDED(f) { #f, ended },

int main(int argc, char **argv)
{
	static const struct test ends[] = { PARTS(ENDED) };
	const char *where = getenv("TESTDIR"), *s = getenv("STANDSTILL_SECONDS");
	char base[100], limit[20];
	int ret;

	if (argc == 3 && !strcmp(argv[1], EXITS))
		return atoi(argv[2]);
	shared = map_anon(sizeof(*shared), MAP_SHARED);
	snprintf(limit, sizeof(limit), "%d", tap_seconds() + (s ? atoi(s) : 2));
	setenv("TAP_SECONDS", limit, 1);
	snprintf(base, sizeof(base), "%s/kbox-still.XXXXXX", where ? where : "/var/tmp");
	if (!mkdtemp(base) || chdir(base)) {
		dprintf(1, "Bail out! %s: errno %d\n", base, errno);
		return 1;
	}
	for (size_t i = 0; i < NPARTS; i++)
		if (tap_wanted(parts[i].name, argc, argv) && !tap_lacks(parts[i].name))
			begin(i);
	if (!FORK())
		conduct();
	ret = tap_main(argc, argv, ends, NPARTS);
	for (size_t i = 0; i < NPARTS; i++)
		if (shared->part[i].status == -1 && shared->part[i].pid)
			kill(-shared->part[i].pid, SIGKILL);
	nftw(base, tap_remove, 100, FTW_DEPTH | FTW_PHYS);
	return ret;
}
