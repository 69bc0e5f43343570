// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals to what is busy: by timers and by storms of kills, to loops without a system call, to
 * calls, to faults, and to threads.
 */
#include "signals.h"
#include <pthread.h>
#include <sched.h>

static void spin_on_timer(int which, int sig)
{
	struct itimerval t = { { 0, 2000 }, { 0, 2000 } }, off = { 0 };

	on_signal(sig, note, 0);
	EQ(setitimer(which, &t, NULL), 0);
	while (hits < 10)
		sink++;
	EQ(last.si_signo, sig);
	EQ(setitimer(which, &off, NULL), 0);
}

static void timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_REAL, SIGALRM);
}

static void virtual_timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_VIRTUAL, SIGVTALRM);
}

static void profile_timer_in_a_busy_loop(void)
{
	spin_on_timer(ITIMER_PROF, SIGPROF);
}

static void alarm_in_a_busy_loop(void)
{
	on_signal(SIGALRM, note, 0);
	EQ(alarm(1), 0);
	while (!hits)
		sink++;
	EQ(last.si_signo, SIGALRM);
	EQ(alarm(100), 0);
	CHECK(alarm(0) > 90);
}

static void posix_timer(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
			       .sigev_value.sival_int = 77 };
	struct itimerspec t = { { 0, 2000000 }, { 0, 2000000 } };
	timer_t id;

	on_signal(SIGRTMIN + 1, note, 0);
	EQ(timer_create(CLOCK_MONOTONIC, &ev, &id), 0);
	EQ(timer_settime(id, 0, &t, NULL), 0);
	while (hits < 10)
		sink++;
	EQ(timer_delete(id), 0);
	EQ(last.si_code, SI_TIMER);
	EQ(last.si_value.sival_int, 77);
}

static void calls_under_a_timer(void)
{
	struct itimerval t = { { 0, 500 }, { 0, 500 } }, off = { 0 };
	int fd[2];

	EQ(pipe(fd), 0);
	on_signal(SIGALRM, note, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int i = 0; i < 20000 || hits < 20; i++) {
		int got;

		EQ(write(fd[1], &i, sizeof(i)), sizeof(i));
		EQ(read(fd[0], &got, sizeof(got)), sizeof(got));
		EQ(got, i);
	}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void clobber(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	clobber_registers();
	getppid();
	hits++;
}

/* Every page the kernel reads or writes for us is new, while signals come. */
static void faults_under_a_timer(void)
{
	struct itimerval t = { { 0, 500 }, { 0, 500 } }, off = { 0 };

	on_signal(SIGALRM, clobber, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &t, NULL), 0);
	for (int round = 0; round < 20 || hits < 20; round++) {
		char *p = map_anon(1 << 20, MAP_PRIVATE);

		for (int i = 0; i < 1 << 20; i += 4096) {
			EQ(p[i], 0);
			p[i] = i >> 12;
		}
		for (int i = 0; i < 1 << 20; i += 4096)
			EQ(p[i], (char)(i >> 12));
		EQ(munmap(p, 1 << 20), 0);
	}
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
}

static void send_thousand(pid_t to)
{
	for (int i = 0; i < 1000; i++)
		while (sigqueue(to, SIGRTMIN, (union sigval) { .sival_int = i })) {
			EQ(errno, EAGAIN);
			sched_yield();
		}
}

static volatile int expected;
static volatile int out_of_order;

static void in_order(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	if (si->si_value.sival_int != expected++)
		out_of_order++;
}

static void thousand_each_way(void)
{
	pid_t me = getpid(), pid;
	sigset_t set, old;
	int st;

	on_signal(SIGRTMIN, in_order, SA_RESTART);
	pid = FORK();
	send_thousand(pid ? pid : me);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (expected < 1000)
		sigsuspend(&old);
	sigprocmask(SIG_SETMASK, &old, NULL);
	EQ(expected, 1000);
	EQ(out_of_order, 0);
	if (!pid)
		_exit(0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
}

static void ping_pong(void)
{
	pid_t me = getpid(), pid;
	sigset_t set, old;

	on_signal(SIGUSR1, note, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	pid = FORK();
	for (int i = 0; i < 1000; i++) {
		if (pid)
			EQ(kill(pid, SIGUSR1), 0);
		while (hits <= i)
			sigsuspend(&old);
		if (!pid)
			EQ(kill(me, SIGUSR1), 0);
	}
	EQ(hits, 1000);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
}

/* Plain kills from both sides, as fast as they go, at targets that only compute. */
static void storm_at_a_busy_loop(void)
{
	volatile int *done = map_anon(4096, MAP_SHARED);
	pid_t me = getpid(), pid;

	on_signal(SIGUSR1, clobber, SA_RESTART);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 1000; i++)
			EQ(kill(me, SIGUSR1), 0);
		done[0] = 1;
		while (!done[1] || !hits)	/* it comes while this runs, but not at once */
			sink++;
		CHECK(hits > 0);
		_exit(0);
	}
	for (int i = 0; i < 1000; i++)
		EQ(kill(pid, SIGUSR1), 0);
	done[1] = 1;
	while (!done[0] || !hits)
		sink++;
	wait_through(pid);
	CHECK(hits > 0);
}

static void *spin_forever(void *arg)
{
	volatile long *n = arg;

	for (;;)
		++*n;
	return NULL;
}

static void exit_group_stops_spinners(void)
{
	for (int round = 0; round < 20; round++) {
		pid_t pid = FORK();
		int st;

		if (!pid) {
			volatile long *n = map_anon(4096, MAP_PRIVATE);
			pthread_t t;

			for (int i = 0; i < 3; i++)
				EQ(pthread_create(&t, NULL, spin_forever, (void *)(n + i * 8)), 0);
			while (!n[0] || !n[8] || !n[16])
				sched_yield();
			_exit(round);
		}
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, round << 8);
	}
}

static void stop_continue_kill_spinners(void)
{
	volatile long *n = map_anon(4096, MAP_SHARED);
	pid_t pid = FORK();
	int st;

	if (!pid) {
		pthread_t t;

		EQ(pthread_create(&t, NULL, spin_forever, (void *)(n + 8)), 0);
		spin_forever((void *)n);
	}
	SOON(n[0] && n[8]);
	for (int i = 0; i < 10; i++) {
		long a, b;

		EQ(kill(pid, SIGSTOP), 0);
		EQ(waitpid(pid, &st, WUNTRACED), pid);
		CHECK(WIFSTOPPED(st));
		a = n[0];
		b = n[8];
		sleep_ms(20);
		EQ(n[0], a);
		EQ(n[8], b);
		EQ(kill(pid, SIGCONT), 0);
		EQ(waitpid(pid, &st, WCONTINUED), pid);
		CHECK(WIFCONTINUED(st));
		SOON(n[0] != a && n[8] != b);
	}
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(WTERMSIG(st), SIGKILL);
}

static void *catcher(void *arg)
{
	int sig;

	EQ(sigwait(arg, &sig), 0);
	return (void *)(long)sig;
}

static void process_signal_finds_the_open_thread(void)
{
	sigset_t set;
	pthread_t t;
	void *got;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	EQ(pthread_create(&t, NULL, catcher, &set), 0);
	EQ(kill(getpid(), SIGUSR1), 0);
	EQ(pthread_join(t, &got), 0);
	EQ((long)got, SIGUSR1);
}

static const struct test tests[] = {
	T(timer_in_a_busy_loop), T(virtual_timer_in_a_busy_loop), T(profile_timer_in_a_busy_loop),
	T(alarm_in_a_busy_loop), T(posix_timer), T(calls_under_a_timer), T(faults_under_a_timer), T(thousand_each_way),
	T(ping_pong), T(storm_at_a_busy_loop), T(exit_group_stops_spinners), T(stop_continue_kill_spinners),
	T(process_signal_finds_the_open_thread),
};
MAIN(tests)
