// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-fork: what processes cost, as "name microseconds" lines: bench-test's rows that make some.
 * Static musl, calls by syscall(2). "exit" ends at once; "forks N", "execs N" and "pages N" do so
 * many, or touch N times 1,000 pages, and say nothing.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
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

static void forks(int n)
{
	while (n--) {
		long pid = fork_raw();

		if (!pid)
			syscall(SYS_exit_group, 0);
		reap(pid);
	}
}

static void execs(int n)
{
	char *argv[] = { "bench-fork", "exit", NULL }, *env[] = { NULL };

	while (n--) {
		long pid = fork_raw();

		if (!pid) {
			syscall(SYS_execve, "/proc/self/exe", argv, env);
			syscall(SYS_exit_group, 1);
		}
		reap(pid);
	}
}

static void pages(int n)
{
	size_t size = 1000 * sysconf(_SC_PAGESIZE);

	while (n--) {
		char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			fail("mmap");
		for (size_t at = 0; at < size; at += size / 1000)
			p[at] = 1;
		munmap(p, size);
	}
}

static void children(void)
{
	double t = now();

	forks(FORKS);
	row("fork+wait", t, FORKS);
	t = now();
	execs(FORKS);
	row("fork+exec", t, FORKS);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	if (argc > 2) {
		(*argv[1] == 'f' ? forks : *argv[1] == 'e' ? execs : pages)(atoi(argv[2]));
		return 0;
	}
	switches();
	children();
	return 0;
}
