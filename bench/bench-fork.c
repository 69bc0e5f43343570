// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-fork: what processes cost, as "name microseconds" lines: bench-test's rows that make some.
 * Static musl, calls by syscall(2). "exit" ends at once.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CALLS	10000
#define FORKS	200

static long put(int to)
{
	char c = 'x';

	return syscall(SYS_write, to, &c, 1);
}

static long get(int from)
{
	char c;

	return syscall(SYS_read, from, &c, 1);
}

static long fork_raw(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid < 0)
		fail("fork");
	return pid;
}

static void reap(long pid)
{
	int st;

	if (syscall(SYS_wait4, pid, &st, 0, 0) != pid || st)
		fail("child");
}

static void switches(void)
{
	int p[2], q[2];
	long pid;
	double t;

	if (pipe(p) || pipe(q))
		fail("pipe");
	pid = fork_raw();
	if (!pid) {
		close(p[1]);
		while (get(p[0]) == 1 && put(q[1]) == 1)
			;
		syscall(SYS_exit_group, 0);
	}
	t = now();
	for (int i = 0; i < CALLS; i++)
		if (put(p[1]) != 1 || get(q[0]) != 1)
			fail("switch");
	row("switch", t, CALLS * 2);
	close(p[1]);
	reap(pid);
}

static void children(void)
{
	char *argv[] = { "bench-fork", "exit", NULL }, *env[] = { NULL };
	double t = now();

	for (int i = 0; i < FORKS; i++) {
		long pid = fork_raw();

		if (!pid)
			syscall(SYS_exit_group, 0);
		reap(pid);
	}
	row("fork+wait", t, FORKS);
	t = now();
	for (int i = 0; i < FORKS; i++) {
		long pid = fork_raw();

		if (!pid) {
			syscall(SYS_execve, "/proc/self/exe", argv, env);
			syscall(SYS_exit_group, 1);
		}
		reap(pid);
	}
	row("fork+exec", t, FORKS);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	switches();
	children();
	return 0;
}
