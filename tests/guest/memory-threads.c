// SPDX-License-Identifier: GPL-2.0-only
/* What one thread or process does to memory, another one that makes no call must feel. */
#include "mappings.h"
#include <pthread.h>
#include <sched.h>
#include <sys/uio.h>

static volatile char *area;
static volatile int stage, faulted;
static __thread sigjmp_buf thread_jump;

static void thread_fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	faulted = si->si_code;
	siglongjmp(thread_jump, 1);
}

static void *write_till_fault(void *arg)
{
	if (!sigsetjmp(thread_jump, 1))
		for (;;) {
			area[100]++;
			stage = 1;
		}
	return arg;
}

static void protect_under_a_thread(void)
{
	on_signal(SIGSEGV, thread_fault, 0);
	for (int i = 0; i < 50; i++) {
		pthread_t t;
		char seen;

		area = map_anon(PAGE, MAP_PRIVATE);
		stage = faulted = 0;
		EQ(pthread_create(&t, NULL, write_till_fault, NULL), 0);
		while (!stage)
			;
		EQ(mprotect((void *)area, PAGE, PROT_READ), 0);
		seen = area[100];
		for (int j = 0; j < 1000; j++)
			EQ(area[100], seen);
		EQ(pthread_join(t, NULL), 0);
		EQ(faulted, SEGV_ACCERR);
	}
}

static void unmap_under_a_thread(void)
{
	on_signal(SIGSEGV, thread_fault, 0);
	for (int i = 0; i < 50; i++) {
		pthread_t t;

		area = map_anon(PAGE, MAP_PRIVATE);
		stage = faulted = 0;
		EQ(pthread_create(&t, NULL, write_till_fault, NULL), 0);
		while (!stage)
			;
		EQ(munmap((void *)area, PAGE), 0);
		EQ(pthread_join(t, NULL), 0);
		EQ(faulted, SEGV_MAPERR);
	}
}

static void *copy_slot(void *arg)
{
	while (stage < 2)
		area[PAGE] = area[0];
	return arg;
}

static void discard_under_a_thread(void)
{
	pthread_t t;

	area = map_anon(2 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, copy_slot, NULL), 0);
	for (int i = 0; i < 200; i++) {
		area[0] = 7;
		while (area[PAGE] != 7)
			;
		EQ(madvise((void *)area, PAGE, MADV_DONTNEED), 0);
		while (area[PAGE] != 0)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
	CHECK(1);
}

static void replace_under_a_thread(void)
{
	pthread_t t;

	area = map_anon(2 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, copy_slot, NULL), 0);
	for (int i = 0; i < 200; i++) {
		char *p = map_anon(PAGE, MAP_PRIVATE);

		*p = i;
		CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area) == area);
		while (area[PAGE] != (char)i)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void *discard_much(void *arg)
{
	while (stage < 2) {
		memset((char *)area + PAGE, 1, 4095 * PAGE);
		if (madvise((char *)area, 4096 * PAGE, MADV_DONTNEED))
			break;
	}
	return arg;
}
/*
 * Two threads let go of the same page; one of them often while the other one is at it and at many
 * more, for a timer wakes it and it goes first.
 */
static void discard_beside_a_thread(void)
{
	struct sched_param first = { .sched_priority = 1 };
	double end = seconds() + 1.5;
	pthread_t t;

	area = map_anon(4096 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, discard_much, NULL), 0);
	EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first), 0);
	for (int i = 1; seconds() < end; i++) {
		area[0] = i % 100 + 1;
		usleep(i % 100);
		EQ(madvise((void *)area, PAGE, MADV_DONTNEED), 0);
		EQ(area[0], 0);
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void *count_up(void *arg)
{
	volatile long *n = arg;

	while (stage < 2)
		++*n;
	return arg;
}

static void fork_under_a_thread(void)
{
	volatile long *n = map_anon(PAGE, MAP_PRIVATE);
	pthread_t t;

	EQ(pthread_create(&t, NULL, count_up, (void *)n), 0);
	for (int i = 0; i < 30; i++) {
		long before = *n;
		pid_t pid;

		while (*n == before)
			;
		pid = FORK();
		if (!pid) {
			long seen = *n;

			for (int j = 0; j < 30; j++) {
				sched_yield();
				EQ(*n, seen);
			}
			_exit(0);
		}
		before = *n;
		CHILD_OK(pid);
		while (*n == before)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void truncate_under_a_process(void)
{
	volatile int *seen = map_anon(PAGE, MAP_SHARED);
	int fd = file_of("f", PAGE, 'a');
	volatile char *p = map(PAGE, RW, MAP_SHARED, fd);
	pid_t pid = FORK();

	if (!pid) {
		catch_faults();
		while (!read_fault(p))
			seen[0] = 1;
		EQ(fault_code, ADRERR);
		_exit(0);
	}
	while (!seen[0])
		sched_yield();
	EQ(ftruncate(fd, 0), 0);
	CHILD_OK(pid);
}

static void memory_of_a_busy_process(void)
{
	volatile int *seen = map_anon(PAGE, MAP_SHARED), *p = map_anon(PAGE, MAP_PRIVATE);
	int value = 1234;
	struct iovec mine = { &value, 4 }, theirs = { (void *)p, 4 };
	pid_t pid = FORK();

	if (!pid) {
		while (*p != 1234)
			seen[0] = 1;
		_exit(0);
	}
	while (!seen[0])
		sched_yield();
	EQ(syscall(SYS_process_vm_writev, pid, &mine, 1, &theirs, 1, 0), 4);
	CHILD_OK(pid);
	EQ(*p, 0);
}

static void *map_and_unmap(void *arg)
{
	for (int i = 0; i < 500; i++) {
		char *p = map_anon(4 * PAGE, MAP_PRIVATE);

		for (int j = 0; j < 4; j++) {
			EQ(p[j * PAGE], 0);
			p[j * PAGE] = (long)arg;
		}
		EQ(mprotect(p, PAGE, PROT_READ), 0);
		for (int j = 0; j < 4; j++)
			EQ(p[j * PAGE], (long)arg);
		EQ(munmap(p, 4 * PAGE), 0);
	}
	return NULL;
}

static void four_threads_map(void)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, map_and_unmap, (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static const struct test tests[] = {
	T(protect_under_a_thread), T(unmap_under_a_thread), T(discard_under_a_thread), T(discard_beside_a_thread),
	T(replace_under_a_thread), T(fork_under_a_thread), T(truncate_under_a_process), T(memory_of_a_busy_process),
	T(four_threads_map),
};
MAIN(tests)
