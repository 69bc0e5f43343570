/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STANDSTILL_PROCESSES_H
#define STANDSTILL_PROCESSES_H
/* Processes that start, end, talk to each other, and are stopped or traced. */
#include "standstill.h"
#include "standstill-registers.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

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
		EQ(ptrace(dice(2) ? PTRACE_CONT : dice(2) ? PTRACE_SYSCALL : PTRACE_SINGLESTEP, pid,
				NULL, NULL), 0);
	}
	EQ(kill(pid, SIGKILL), 0);
	do
		EQ(waitpid(pid, &st, 0), pid);
	while (WIFSTOPPED(st));
	EQ(st, SIGKILL);
}

#endif
