// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many processes: rapid forks, many at once, forks from threads, deep chains, deaths in every
 * state.
 */
#include "tap.h"
#include <pthread.h>
#include <sched.h>

static void thousand_forks(void)
{
	for (int i = 0; i < 1000; i++) {
		pid_t pid = FORK();
		int st;

		if (!pid)
			_exit(i & 127);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, (i & 127) << 8);
	}
}

static void thousand_vforks(void)
{
	static volatile int seen;

	for (volatile int i = 0; i < 1000; i++) {
		pid_t pid = vfork();
		int st;

		if (!pid) {
			seen = i;
			_exit(i & 127);
		}
		CHECK(pid > 0);
		if (VFORK_SHARES)
			EQ(seen, i);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, (i & 127) << 8);
	}
}

static void sixty_four_at_once(void)
{
	int *n = map_anon(4096, MAP_SHARED);
	pid_t pid[64];
	int gate[2];

	EQ(pipe(gate), 0);
	for (int i = 0; i < 64; i++) {
		pid[i] = FORK();
		if (!pid[i]) {
			char *p = map_anon(65536, MAP_PRIVATE), c;

			close(gate[1]);
			memset(p, i, 65536);
			__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
			EQ(read(gate[0], &c, 1), 0);
			for (int j = 0; j < 65536; j++)
				EQ(p[j], i);
			_exit(i);
		}
	}
	while (__atomic_load_n(n, __ATOMIC_SEQ_CST) < 64)
		sched_yield();
	EQ(close(gate[1]), 0);
	for (int i = 63; i >= 0; i--) {
		int st;

		EQ(waitpid(pid[i], &st, 0), pid[i]);
		EQ(st, i << 8);
	}
	FAILS(wait(NULL), ECHILD);
}

static void waves(void)
{
	for (int wave = 0; wave < 30; wave++) {
		int sum = 0;

		for (int i = 0; i < 32; i++)
			if (!FORK())
				_exit(i);
		for (int i = 0; i < 32; i++) {
			int st;

			CHECK(wait(&st) > 0);
			CHECK(WIFEXITED(st));
			sum += WEXITSTATUS(st);
		}
		EQ(sum, 31 * 32 / 2);
	}
}

static void *fork_loop(void *arg)
{
	for (int i = 0; i < 50; i++) {
		pid_t pid = FORK();
		int st;

		if (!pid)
			_exit((long)arg * 16 + i % 16);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, ((long)arg * 16 + i % 16) << 8);
	}
	return arg;
}

static void forks_in_threads(void)
{
	pthread_t t[8];

	for (long i = 0; i < 8; i++)
		EQ(pthread_create(&t[i], NULL, fork_loop, (void *)i), 0);
	for (int i = 0; i < 8; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

static volatile int stop;

static void *count(void *arg)
{
	volatile long *n = arg;

	while (!stop)
		++*n;
	return NULL;
}

static void forks_beside_busy_threads(void)
{
	volatile long *n = map_anon(4096, MAP_PRIVATE);
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, count, (void *)(n + i * 8)), 0);
	fork_loop(NULL);
	stop = 1;
	for (int i = 0; i < 2; i++)
		EQ(pthread_join(t[i], NULL), 0);
	CHECK(n[0] + n[8] > 0);
}

static void chain_of_fifty(void)
{
	int fd[2], depth, st;
	pid_t pid;

	EQ(pipe(fd), 0);
	for (depth = 0; depth < 50; depth++) {
		pid = FORK();
		if (pid)
			break;
	}
	if (depth == 50) {
		pid_t me = getpid();

		EQ(write(fd[1], &me, sizeof(me)), sizeof(me));
		_exit(50);
	}
	EQ(waitpid(pid, &st, 0), pid);
	CHECK(WIFEXITED(st));
	EQ(WEXITSTATUS(st), depth == 49 ? 50 : depth + 1);
	if (depth)
		_exit(depth);
	EQ(read(fd[0], &pid, sizeof(pid)), sizeof(pid));
	FAILS(kill(pid, 0), ESRCH);
}

static void tree(int depth, int *n)
{
	__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST);
	if (!depth)
		return;
	for (int i = 0; i < 3; i++) {
		pid_t pid = FORK();

		if (!pid) {
			tree(depth - 1, n);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
}

static void tree_of_121(void)
{
	int *n = map_anon(4096, MAP_SHARED);

	tree(4, n);
	EQ(*n, 121);
}

static void kill_at_any_moment(void)
{
	for (int i = 0; i < 300; i++) {
		pid_t pid = FORK();
		int st;

		if (!pid)
			for (;;) {
				char *p = map_anon(16384, MAP_PRIVATE);

				p[0] = p[8192] = 1;
				munmap(p, 16384);
				getppid();
			}
		for (int j = 0; j < i % 50; j++)
			sched_yield();
		EQ(kill(pid, SIGKILL), 0);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, SIGKILL);
	}
}

static void kill_a_forking_group(void)
{
	for (int round = 0; round < 10; round++) {
		volatile int *n = map_anon(4096, MAP_SHARED);
		pid_t pid = FORK();
		int st;

		if (!pid) {
			setpgid(0, 0);
			for (;;) {
				pid_t child = fork();

				if (!child)
					_exit(0);
				++*n;
				if (child > 0)
					waitpid(child, NULL, 0);
			}
		}
		while (*n < 5 + round)
			sched_yield();
		EQ(kill(-pid, SIGKILL), 0);
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, SIGKILL);
	}
}

static void big_parent(void)
{
	size_t size = 32 << 20;
	char *p = map_anon(size, MAP_PRIVATE);

	memset(p, 1, size);
	for (int i = 0; i < 20; i++) {
		pid_t pid = FORK();

		if (!pid) {
			for (size_t j = i * 4096; j < size; j += 1 << 18) {
				EQ(p[j], 1);
				p[j] = 2;
			}
			_exit(0);
		}
		CHILD_OK(pid);
	}
	for (size_t j = 0; j < size; j += 4096)
		EQ(p[j], 1);
}

static void pipeline_of_forty(void)
{
	int in[2], next[2], st;
	char c;

	EQ(pipe(in), 0);
	int head = in[1], from = in[0];

	for (int i = 0; i < 40; i++) {
		EQ(pipe(next), 0);
		if (!FORK()) {
			close(head);
			close(next[0]);
			while (read(from, &c, 1) == 1) {
				c++;
				EQ(write(next[1], &c, 1), 1);
			}
			_exit(0);
		}
		close(from);
		close(next[1]);
		from = next[0];
	}
	for (int i = 0; i < 20; i++) {
		EQ(write(head, &(char) { i }, 1), 1);
		EQ(read(from, &c, 1), 1);
		EQ(c, i + 40);
	}
	close(head);
	EQ(read(from, &c, 1), 0);
	for (int i = 0; i < 40; i++) {
		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
}

static void process_limit(void)
{
	pid_t pid;

	if (getuid())
		SKIP("needs root");
	pid = FORK();
	if (!pid) {
		struct rlimit one = { 1, 1 };

		EQ(setrlimit(RLIMIT_NPROC, &one), 0);
		EQ(setresuid(54321, 54321, 54321), 0);
		FAILS(fork(), EAGAIN);
		_exit(0);
	}
	CHILD_OK(pid);
}

static const struct test tests[] = {
	T(thousand_forks), T(thousand_vforks), T(sixty_four_at_once), T(waves), T(forks_in_threads),
	T(forks_beside_busy_threads), T(chain_of_fifty), T(tree_of_121), T(kill_at_any_moment), T(kill_a_forking_group),
	T(big_parent), T(pipeline_of_forty), T(process_limit),
};
MAIN(tests)
