// SPDX-License-Identifier: GPL-2.0-only
/*
 * pthread_cancel(): a handler compares the program counter that it has interrupted with the
 * addresses of libc's system call instructions, so a kernel that serves a call elsewhere must not
 * show it. Threads asleep in calls and about to make them, cleanup, and when cancelling is off.
 */
#include "tap.h"
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/socket.h>

#define OK(call) EQ(call, 0)
#define ROUNDS 30

#if defined(__GLIBC__) && __GLIBC__ * 100 + __GLIBC_MINOR__ < 241
#define LOSES 1
#else
#define LOSES 0
#endif

static int channel[2], sockets[2];
static volatile int cleaned, running;
static volatile pid_t tid;
static sem_t sem;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void clean(void *arg)
{
	cleaned += (long)arg;
}

static void unlock(void *arg)
{
	OK(pthread_mutex_unlock(arg));
	cleaned += 100;
}

static void in_read(void)
{
	char c;

	while (read(channel[0], &c, 1) == 1)
		;
}

static void in_nanosleep(void)
{
	nanosleep(&(struct timespec) { 1000, 0 }, NULL);
}

static void in_clock_nanosleep(void)
{
	clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec) { 1000, 0 }, NULL);
}

static void in_poll(void)
{
	struct pollfd p = { sockets[0], POLLIN, 0 };	/* there is nothing in it: a byte for the readers may be left in the pipe */

	poll(&p, 1, -1);
}

static void in_pause(void)
{
	pause();
}

static void in_recv(void)
{
	char c;

	recv(sockets[0], &c, 1, 0);
}

static void in_sem_wait(void)
{
	sem_wait(&sem);
}

static void in_sem_timedwait(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += 1000;
	sem_timedwait(&sem, &t);
}

static void in_cond_wait(void)
{
	OK(pthread_mutex_lock(&mutex));
	pthread_cleanup_push(unlock, &mutex);
	for (;;)
		pthread_cond_wait(&cond, &mutex);
	pthread_cleanup_pop(1);
}

static void in_wait(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigwait(&set, &sig);
}

static void in_testcancel(void)
{
	for (;;) {
		pthread_testcancel();
		sched_yield();
	}
}

static const struct { const char *name; void (*f)(void); int cleaned; } calls[] = {
	{ "read", in_read, 11 }, { "nanosleep", in_nanosleep, 11 }, { "clock_nanosleep", in_clock_nanosleep, 11 }, { "poll", in_poll, 11 },
	{ "pause", in_pause, 11 }, { "recv", in_recv, 11 }, { "sem_wait", in_sem_wait, 11 }, { "sem_timedwait", in_sem_timedwait, 11 },
	{ "pthread_cond_wait", in_cond_wait, 111 }, { "sigwait", in_wait, 11 }, { "pthread_testcancel", in_testcancel, 11 },
};

static void *caller(void *arg)
{
	void (*f)(void) = (void (*)(void))(uintptr_t)arg;

	tid = syscall(SYS_gettid);
	pthread_cleanup_push(clean, (void *)1);
	pthread_cleanup_push(clean, (void *)10);
	running = 1;
	f();
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void set_up(void)
{
	OK(pipe(channel));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	OK(sem_init(&sem, 0, 0));
}

static void cancelled(pthread_t t, const char *what, int expect)
{
	void *r = NULL;

	OK(pthread_cancel(t));
	OK(pthread_join(t, &r));
	if (r != PTHREAD_CANCELED || cleaned != expect)
		tap_fail(__FILE__, __LINE__, "%s: result %p, cleaned %d", what, r, cleaned);
}

static void asleep_in_a_call(void)
{
	set_up();
	for (size_t k = 0; k < ARRAY_SIZE(calls); k++)
		for (int i = 0; i < ROUNDS / 5; i++) {
			pthread_t t;

			cleaned = running = 0;
			OK(pthread_create(&t, NULL, caller, (void *)(uintptr_t)calls[k].f));
			SOON(running && (calls[k].f == in_testcancel || sleeps_in_a_call(tid)));
			if (i & 1)
				sleep_ms(1);
			cancelled(t, calls[k].name, calls[k].cleaned);
		}
	/* What a cancelled thread has held is free. */
	OK(pthread_mutex_trylock(&mutex));
}

/* At any time: before the call, in it, and while it is begun. */
static void at_any_time(void)
{
	set_up();
	for (size_t k = 0; k < ARRAY_SIZE(calls); k++)
		for (int i = 0; i < ROUNDS; i++) {
			pthread_t t;

			cleaned = running = 0;
			OK(pthread_create(&t, NULL, caller, (void *)(uintptr_t)calls[k].f));
			while (!running)
				sched_yield();
			for (volatile int j = 0; j < i * 300; j++)
				;
			if (calls[k].f == in_read && i & 1)
				OK(write(channel[1], "x", 1) != 1);
			/* Between the lock and its cleanup nothing cancels. */
			cancelled(t, calls[k].name, calls[k].cleaned);
		}
}

/* A byte that a call has taken is not lost: either the thread has it, or the next reader. */
static volatile long taken;

static void *takes(void *arg)
{
	char c;

	(void)arg;
	running = 1;
	for (;;) {
		if (read(channel[0], &c, 1) == 1)
			taken++;
	}
	return NULL;
}

static void nothing_is_lost(void)
{
	long written = 0;

	if (LOSES)
		SKIP("this libc loses what a call has done (sourceware bug 12683)");
	set_up();
	OK(fcntl(channel[1], F_SETFL, O_NONBLOCK));
	for (int i = 0; i < 100; i++) {
		pthread_t t;
		void *r;

		running = 0;
		OK(pthread_create(&t, NULL, takes, NULL));
		while (!running)
			sched_yield();
		for (int j = 0; j < i % 13; j++)
			written += write(channel[1], "x", 1) == 1;
		OK(pthread_cancel(t));
		for (int j = 0; j < i % 3; j++)
			written += write(channel[1], "x", 1) == 1;
		OK(pthread_join(t, &r));
		CHECK(r == PTHREAD_CANCELED);
	}
	OK(fcntl(channel[0], F_SETFL, O_NONBLOCK));
	for (char c; read(channel[0], &c, 1) == 1;)
		taken++;
	EQ(taken, written);
}

static volatile int go, reached;

static void *waits_then_reads(void *arg)
{
	char c = 0;

	(void)arg;
	pthread_cleanup_push(clean, (void *)5);
	running = 1;
	while (!go)
		;
	reached = 1;
	/* There is something to read, but the thread has been cancelled before. */
	read(channel[0], &c, 1);
	reached = 2;
	pthread_cleanup_pop(0);
	return NULL;
}

static void before_the_call(void)
{
	char buf[8];

	set_up();
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t t;
		void *r;

		cleaned = running = go = reached = 0;
		EQ(write(channel[1], "1", 1), 1);
		OK(pthread_create(&t, NULL, waits_then_reads, NULL));
		while (!running)
			sched_yield();
		OK(pthread_cancel(t));
		go = 1;
		OK(pthread_join(t, &r));
		CHECK(r == PTHREAD_CANCELED);
		EQ(reached, 1);
		EQ(cleaned, 5);
		EQ(read(channel[0], buf, 8), 1);
	}
}

static void *reads_undisturbed(void *arg)
{
	int old;
	char c = 0;

	(void)arg;
	pthread_cleanup_push(clean, (void *)1);
	OK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old));
	EQ(old, PTHREAD_CANCEL_ENABLE);
	tid = syscall(SYS_gettid);
	running = 1;
	EQ(read(channel[0], &c, 1), 1);
	EQ(c, 'u');
	EQ(nanosleep(&(struct timespec) { 0, 2000000 }, NULL), 0);
	pthread_testcancel();
	reached = 1;
	OK(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old));
	EQ(old, PTHREAD_CANCEL_DISABLE);
	read(channel[0], &c, 1);
	reached = 2;
	pthread_cleanup_pop(0);
	return NULL;
}

static void switched_off(void)
{
	set_up();
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t t;
		void *r;

		cleaned = running = reached = 0;
		OK(pthread_create(&t, NULL, reads_undisturbed, NULL));
		SOON(running && sleeps_in_a_call(tid));
		OK(pthread_cancel(t));
		if (i & 1)
			sleep_ms(2);
		EQ(reached, 0);
		EQ(write(channel[1], "u", 1), 1);
		OK(pthread_join(t, &r));
		CHECK(r == PTHREAD_CANCELED);
		EQ(reached, 1);
		EQ(cleaned, 1);
	}
}

static void *spins(void *arg)
{
	int old;

	(void)arg;
	pthread_cleanup_push(clean, (void *)3);
	OK(pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &old));
	EQ(old, PTHREAD_CANCEL_DEFERRED);
	running = 1;
	for (;;)
		;
	pthread_cleanup_pop(0);
	return NULL;
}

static void asynchronous(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t t;

		cleaned = running = 0;
		OK(pthread_create(&t, NULL, spins, NULL));
		while (!running)
			sched_yield();
		cancelled(t, "a loop", 3);
	}
}

/* Many at once, all asleep in the same place. */
static void *one_of_many(void *arg)
{
	char c;

	(void)arg;
	__atomic_fetch_add(&running, 1, __ATOMIC_RELAXED);
	read(channel[0], &c, 1);
	return NULL;
}

static void many(void)
{
	enum { N = 20 };

	set_up();
	for (int round = 0; round < 5; round++) {
		pthread_t t[N];

		running = 0;
		for (int i = 0; i < N; i++)
			OK(pthread_create(&t[i], NULL, one_of_many, NULL));
		SOON(running == N);
		for (int i = 0; i < N; i++)
			OK(pthread_cancel(t[(i * 7) % N]));
		for (int i = 0; i < N; i++) {
			void *r;

			OK(pthread_join(t[i], &r));
			CHECK(r == PTHREAD_CANCELED);
		}
	}
}

/* A thread cancels itself; and the only one that there is, which ends the process with 0. */
static void *itself(void *arg)
{
	(void)arg;
	pthread_cleanup_push(clean, (void *)9);
	OK(pthread_cancel(pthread_self()));
	nanosleep(&(struct timespec) { 1000, 0 }, NULL);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancels_itself(void)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t t;
		void *r;
		pid_t pid;

		cleaned = 0;
		OK(pthread_create(&t, NULL, itself, NULL));
		OK(pthread_join(t, &r));
		CHECK(r == PTHREAD_CANCELED);
		EQ(cleaned, 9);
		if (i % 6)
			continue;
		pid = FORK();
		if (!pid) {
			itself(NULL);
			_exit(1);
		}
		CHILD_OK(pid);
	}
}

/* A signal with a handler of the program's own comes first. */
static void on_usr1(int sig, siginfo_t *si, void *uc)
{
	char c = 'h';

	(void)sig, (void)si, (void)uc;
	EQ(write(sockets[1], &c, 1), 1);
	EQ(read(sockets[0], &c, 1), 1);
}

static void beside_signals(void)
{
	set_up();
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		on_signal(SIGUSR1, on_usr1, flags);
		for (int i = 0; i < ROUNDS; i++) {
			pthread_t t;
			void *r;

			running = 0;
			OK(pthread_create(&t, NULL, takes, NULL));
			while (!running)
				sched_yield();
			for (int j = 0; j < i % 5; j++)
				OK(pthread_kill(t, SIGUSR1));
			OK(pthread_cancel(t));
			OK(pthread_join(t, &r));
			CHECK(r == PTHREAD_CANCELED);
		}
	}
}

static const struct test tests[] = {
	T(asleep_in_a_call), T(at_any_time), T(nothing_is_lost), T(before_the_call), T(switched_off), T(asynchronous), T(many),
	T(cancels_itself), T(beside_signals),
};
MAIN(tests)
