// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench-fds [DIR]: what open+close costs with more and more descriptors open, as "name
 * microseconds" lines. Static musl, calls by syscall(2), as bench-test. The file is made in DIR
 * (/tmp). Each measurement has a process of its own, whose table of descriptors is no larger than
 * it needs; the numbers take turns and each row is a median, so that what else the machine does is
 * in all of them.
 */
#define _GNU_SOURCE
#include "bench.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS	1000
#define ROUNDS	15

static const int numbers[] = { 10, 1000, 15000 };
#define NUMBERS	(int)(sizeof(numbers) / sizeof(numbers[0]))

static char file[4096];

static long open_file(void)
{
	long fd = syscall(SYS_openat, AT_FDCWD, file, O_RDONLY, 0);

	if (fd < 0)
		fail(file);
	return fd;
}

static void open_and_close(int n)
{
	for (int i = 0; i < n; i++)
		if (syscall(SYS_close, open_file()))
			fail("close");
}

/* Microseconds with n descriptors open: 0 to n - 1. */
static double measure(int n)
{
	double t;

	while (open_file() < n - 1)
		;
	open_and_close(CALLS / 10);	/* the code and the table are in the caches then */
	t = now();
	open_and_close(CALLS);
	return (now() - t) / CALLS;
}

static double measure_in_child(int n)
{
	int p[2], status;
	double us;
	pid_t pid;

	if (pipe(p))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (!pid) {
		us = measure(n);
		_exit(write(p[1], &us, sizeof(us)) != sizeof(us));
	}
	if (waitpid(pid, &status, 0) != pid || status || read(p[0], &us, sizeof(us)) != sizeof(us))
		fail("child");
	close(p[0]);
	close(p[1]);
	return us;
}

/* The soft limit becomes n, the hard one too where it is lower and we may. */
static void limit(rlim_t n)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l))
		fail("getrlimit");
	if (l.rlim_cur < n)
		l.rlim_cur = n;
	if (l.rlim_max < n)
		l.rlim_max = n;
	if (setrlimit(RLIMIT_NOFILE, &l))
		fail("RLIMIT_NOFILE");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static double us[NUMBERS][ROUNDS];
	int fd;

	limit(numbers[NUMBERS - 1] + 10);
	snprintf(file, sizeof(file), "%s/bench-XXXXXX", argc > 1 ? argv[1] : "/tmp");
	fd = mkstemp(file);
	if (fd < 0)
		fail(file);
	close(fd);
	for (int r = 0; r < ROUNDS; r++)
		for (int i = 0; i < NUMBERS; i++)
			us[i][r] = measure_in_child(numbers[i]);
	for (int i = 0; i < NUMBERS; i++) {
		qsort(us[i], ROUNDS, sizeof(us[i][0]), compare);
		printf("open+close@%d %.3f\n", numbers[i], us[i][ROUNDS / 2]);
	}
	unlink(file);
	return 0;
}
