/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_THREADS_H
#define STANDSTILL_THREADS_H
/* Registers of threads that loop or wait in calls of all kinds, and what each thread has of its own. */
#include "standstill.h"
#include "standstill-registers.h"
#include <poll.h>
#include <sys/auxv.h>
#include <sys/epoll.h>

enum { FUTEX_WAIT, FUTEX_WAKE };

#define ROUNDS 300000	/* of a loop in user mode: less than a millisecond */

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
		EQ(full_call((struct held_call) { SYS_clock_nanosleep, { CLOCK_MONOTONIC,
				TIMER_ABSTIME, (long)&t }, 0 }), 0);
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
		long ret = full_call((struct held_call) { SYS_futex, { (long)&awaited.sent,
				FUTEX_WAIT, awaited.taken, (long)limit }, 0 });

		CHECK(ret == 0 || ret == -EAGAIN);
	}
	EQ(read(awaited.pipe[0], &c, 1), 1);
}

static void wait_poll(void)
{
	static const struct timespec long_time = { 1000000, 0 };
	struct pollfd p = { .fd = awaited.pipe[0], .events = POLLIN };
	struct timespec limit = long_time;

	EQ(full_call((struct held_call) { SYS_ppoll, { (long)&p, 1, dice(2) ? (long)&limit : 0, 0,
			8 }, 0 }), 1);
	EQ(p.revents, POLLIN);
#ifdef SYS_poll
	EQ(full_call((struct held_call) { SYS_poll, { (long)&p, 1, dice(2) ? 1000000 : -1 }, 0 }),
			1);
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
		ret = full_call((struct held_call) { SYS_epoll_pwait, { epoll_fd, (long)&e, 1,
				dice(2) ? 1000000000 : -1 }, 0 });
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

	__asm__ volatile("rdfsbase %[was]\n" "wrfsbase %[base]\n" "1: dec %[n]\n" "jnz 1b\n"
			 "syscall\n" "rdfsbase %[is]\n"
			 "wrfsbase %[was]\n"
			 : [was] "=&r" (was), [is] "=&r" (is), [n] "+r" (rounds),
			   "+a" (nr) : [base] "r" (base)
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
	uint64_t words[2][2] = { { 0x1111 * (uint64_t)(intptr_t)arg + 7 },
			{ 0x2222 * (uint64_t)(intptr_t)arg + 9 } }, is;

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

#endif
