// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose memory is it after fork? Small areas may be copied at once, large ones when somebody writes;
 * a program cannot tell. And what a program's data begins with, whoever has run it before.
 */
#include "tap.h"
#include <pthread.h>

#define PAGE 4096

static void fill(char *p, int pages, int with)
{
	for (int i = 0; i < pages; i++)
		memset(p + i * PAGE, with + i, PAGE);
}

static int differ(const char *p, int pages, int with)
{
	for (int i = 0; i < pages; i++)
		if (p[i * PAGE] != (char)(with + i) || p[i * PAGE + PAGE - 1] != (char)(with + i))
			return i + 1;
	return 0;
}

/* Parent and child write to areas of many sizes, each before the other, and see their own. */
static void each_has_its_own(void)
{
	static const int sizes[] = { 1, 2, 31, 32, 33, 64, 127, 129, 300 };
	char *p[ARRAY_SIZE(sizes)];
	int turn[2], done[2];
	char c;
	pid_t pid;

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		p[i] = map_anon((sizes[i] + 1) * PAGE, MAP_PRIVATE);
		EQ(munmap(p[i] + sizes[i] * PAGE, PAGE), 0);
		fill(p[i], sizes[i], i);
	}
	EQ(pipe(turn), 0);
	EQ(pipe(done), 0);
	pid = FORK();
	if (!pid) {
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
			EQ(differ(p[i], sizes[i], i), 0);
			if (i % 2)
				fill(p[i], sizes[i], 100 + i);
		}
		EQ(write(done[1], "x", 1), 1);
		EQ(read(turn[0], &c, 1), 1);
		for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
			EQ(differ(p[i], sizes[i], i % 2 ? 100 + i : i), 0);
		_exit(0);
	}
	EQ(read(done[0], &c, 1), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		EQ(differ(p[i], sizes[i], i), 0);
		fill(p[i], sizes[i], 50 + i);
	}
	EQ(write(turn[1], "x", 1), 1);
	CHILD_OK(pid);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
		EQ(differ(p[i], sizes[i], 50 + i), 0);
}

/* Many forks with few and many pages written to in between; each child has the last state. */
static void fork_after_fork(void)
{
	enum { PAGES = 200, ROUNDS = 60 };
	unsigned *p = map_anon(PAGES * PAGE, MAP_PRIVATE);
	static unsigned state[PAGES];

	for (unsigned round = 1; round <= ROUNDS; round++) {
		unsigned n = round % 3 ? round % 7 + 1 : PAGES;
		pid_t pid;

		for (unsigned i = 0; i < n; i++) {
			unsigned at = (i * 37 + round * 11) % PAGES;

			state[at] = p[at * PAGE / sizeof(*p)] = round * 1000 + i;
		}
		pid = FORK();
		if (!pid) {
			for (int i = 0; i < PAGES; i++) {
				EQ(p[i * PAGE / sizeof(*p)], state[i]);
				p[i * PAGE / sizeof(*p)]++;
			}
			/* And its own child has what it has made of it. */
			pid = FORK();
			if (!pid) {
				for (int i = 0; i < PAGES; i++)
					EQ(p[i * PAGE / sizeof(*p)], state[i] + 1);
				_exit(0);
			}
			CHILD_OK(pid);
			_exit(0);
		}
		CHILD_OK(pid);
		for (int i = 0; i < PAGES; i++)
			EQ(p[i * PAGE / sizeof(*p)], state[i]);
	}
}

/* What is shared, left out, wiped, or has other rights than when it was written to. */
static void areas_of_all_kinds(void)
{
	char *shared = map_anon(4 * PAGE, MAP_SHARED), *out = map_anon(4 * PAGE, MAP_PRIVATE), *wiped = map_anon(4 * PAGE, MAP_PRIVATE);
	char *fixed = map_anon(4 * PAGE, MAP_PRIVATE), *locked = map_anon(4 * PAGE, MAP_PRIVATE);
	unsigned char there;
	pid_t pid;

	fill(shared, 4, 1);
	fill(out, 4, 2);
	fill(wiped, 4, 3);
	fill(fixed, 4, 4);
	fill(locked, 4, 5);
	EQ(madvise(out, 4 * PAGE, MADV_DONTFORK), 0);
	EQ(madvise(wiped, 4 * PAGE, MADV_WIPEONFORK), 0);
	EQ(mprotect(fixed, 2 * PAGE, PROT_READ), 0);
	EQ(mlock(locked, PAGE), 0);
	pid = FORK();
	if (!pid) {
		EQ(mincore(out, PAGE, &there), -1);
		EQ(errno, ENOMEM);
		for (int i = 0; i < 4 * PAGE; i++)
			EQ(wiped[i], 0);
		EQ(differ(fixed, 4, 4), 0);
		EQ(read(open("/dev/zero", O_RDONLY), fixed, 1), -1);
		EQ(errno, EFAULT);
		fixed[2 * PAGE] = 'x';
		EQ(differ(locked, 4, 5), 0);
		fill(shared, 4, 77);
		fill(locked, 4, 78);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(differ(shared, 4, 77), 0);
	EQ(differ(out, 4, 2), 0);
	EQ(differ(wiped, 4, 3), 0);
	EQ(differ(fixed, 4, 4), 0);
	EQ(differ(locked, 4, 5), 0);
}

static volatile int stop;

/* Two words of a page, written one after the other: a copy has the first at most one ahead. */
static void *count_up(void *page)
{
	volatile unsigned long *p = page;

	for (unsigned long n = 1; !stop; n++) {
		p[0] = n;
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		p[100] = n;
	}
	return NULL;
}

static void a_thread_writes_meanwhile(void)
{
	unsigned long *p = map_anon(8 * PAGE, MAP_PRIVATE), last = 0;
	pthread_t t;

	EQ(pthread_create(&t, NULL, count_up, p), 0);
	for (int i = 0; i < 100; i++) {
		pid_t pid = FORK();

		if (!pid) {
			unsigned long first = p[0], second = p[100];

			CHECK(first - second <= 1);
			CHECK(first >= last);
			usleep(1000);
			/* It is nobody else's. */
			EQ(p[0], first);
			EQ(p[100], second);
			_exit(0);
		}
		last = *(volatile unsigned long *)&p[100];
		CHILD_OK(pid);
	}
	stop = 1;
	EQ(pthread_join(t, NULL), 0);
	EQ(p[0], p[100]);
}

/* Data of the file, more than a page table has, and less; what runs of it before have written is theirs. */
#define PAGE_OF(n) [(n) * PAGE / 4] = (n) + 1, [(n) * PAGE / 4 + PAGE / 4 - 1] = ~(n)
#define PAGES_8(n) PAGE_OF(n), PAGE_OF(n + 1), PAGE_OF(n + 2), PAGE_OF(n + 3), PAGE_OF(n + 4), PAGE_OF(n + 5), PAGE_OF(n + 6), PAGE_OF(n + 7)
#define PAGES_64(n) PAGES_8(n), PAGES_8(n + 8), PAGES_8(n + 16), PAGES_8(n + 24), PAGES_8(n + 32), PAGES_8(n + 40), PAGES_8(n + 48), PAGES_8(n + 56)
enum { DATA = 192 };
static int data[DATA * PAGE / 4] __attribute__((aligned(PAGE))) = { PAGES_64(0), PAGES_64(64), PAGES_64(128) };

static int data_is_new(void)
{
	for (int i = 0; i < DATA; i++)
		if (data[i * PAGE / 4] != i + 1 || data[i * PAGE / 4 + PAGE / 4 - 1] != ~i)
			return 0;
	return 1;
}

static void data_of_a_new_program(void)
{
	const char *run = getenv("FORK_MEMORY_RUN");

	if (run) {
		int n = atoi(run);
		pid_t pid;

		/* Some write first, others read. */
		if (n & 1)
			data[(n * 13 % DATA) * PAGE / 4 + 5] = n;
		CHECK(data_is_new());
		for (int i = n % 5; i < DATA; i += n % 7 + 1)
			data[i * PAGE / 4] = -n;
		pid = FORK();
		if (!pid) {
			for (int i = n % 5; i < DATA; i += n % 7 + 1)
				EQ(data[i * PAGE / 4], -n);
			memset(data, 1, sizeof(data));
			_exit(0);
		}
		CHILD_OK(pid);
		for (int i = n % 5; i < DATA; i += n % 7 + 1)
			EQ(data[i * PAGE / 4], -n);
		return;
	}
	for (int i = 0; i < 40; i++) {
		char number[12];
		pid_t pid = FORK();

		if (!pid) {
			snprintf(number, sizeof(number), "%d", i);
			setenv("FORK_MEMORY_RUN", number, 1);
			if (!freopen("/dev/null", "w", stdout))
				_exit(1);
			execl("/proc/self/exe", "fork-memory", "data_of_a_new_program", NULL);
			_exit(1);
		}
		CHILD_OK(pid);
	}
}

static const struct test tests[] = {
	T(each_has_its_own), T(fork_after_fork), T(areas_of_all_kinds), T(a_thread_writes_meanwhile), T(data_of_a_new_program),
};
MAIN(tests)
