// SPDX-License-Identifier: GPL-2.0-only
/*
 * slowness [-v]: how many times longer than on a plain host everything takes on this one now, as
 * a whole number from 1 to 10. The tests' time limits are so many times longer (KBOX_SLOWNESS).
 * What is timed is what boxes ask of a host: processes, page faults, signals, processes that wake
 * each other. A host that is busy is slow, too: the time is that of a clock. More than ten times
 * is how busy it is at this moment, and limits of hours would serve nobody.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST 10
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(2);
}

static void forks(int n)
{
	while (n--) {
		pid_t pid = fork();

		need(pid >= 0, "fork");
		if (!pid)
			_exit(0);
		need(waitpid(pid, NULL, 0) == pid, "waitpid");
	}
}

static void faults(int n)
{
	size_t page = sysconf(_SC_PAGESIZE), size = n * page;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	need(p != MAP_FAILED, "mmap");
	madvise(p, size, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < size; i += page)
		*(volatile char *)(p + i) = 1;
	munmap(p, size);
}

static void handler(int sig)
{
	(void)sig;
}

static void signals(int n)
{
	pid_t pid = getpid();

	signal(SIGUSR1, handler);
	while (n--)
		syscall(SYS_kill, pid, SIGUSR1);
}

/* A byte there and back. */
static void wakes(int n)
{
	int there[2], back[2];
	char c = 0;
	pid_t pid;

	need(!pipe(there) && !pipe(back), "pipe");
	pid = fork();
	need(pid >= 0, "fork");
	if (!pid) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
			;
		_exit(0);
	}
	while (n--)
		need(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
	close(there[0]), close(there[1]), close(back[0]), close(back[1]);
	waitpid(pid, NULL, 0);
}

/* How often each is done, and what one takes on a plain host, in microseconds. */
static const struct {
	const char *name;
	void (*run)(int n);
	int n;
	double plain;
} parts[] = {
	{ "fork+wait", forks, 200, 100 },
	{ "fault", faults, 20000, 0.7 },
	{ "signal", signals, 10000, 1.2 },
	{ "wake", wakes, 1000, 12 },
};

int main(int argc, char **argv)
{
	double took = 0, plain = 0;
	int verbose = argc > 1 && !strcmp(argv[1], "-v");

	for (size_t i = 0; i < COUNT(parts); i++) {
		double start = now(), us;

		parts[i].run(parts[i].n);
		us = now() - start;
		if (verbose)
			fprintf(stderr, "%-10s %8.2f us, on a plain host %.2f\n",
				parts[i].name, us / parts[i].n, parts[i].plain);
		took += us;
		plain += parts[i].n * parts[i].plain;
	}
	took = took / plain + 0.5;
	printf("%d\n", took < 1 ? 1 : took > MOST ? MOST : (int)took);
	return 0;
}
