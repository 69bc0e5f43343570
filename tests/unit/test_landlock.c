// SPDX-License-Identifier: GPL-2.0-only
/* What a process can no more when it is locked, in a child of ours. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"
#include "landlock.h"

/* Of what a child finds out, its exit status. */
static int in_child(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool connects(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return !connect(fd, (void *)&to, sizeof(to)) || errno != EACCES;
}

static bool signals_parent(void)
{
	return !kill(getppid(), 0);
}

/* Bits: what went on working, and 64 if the lock could not be had. */
static int after(bool sockets, bool signals)
{
	int file = open("/dev/null", O_RDWR);
	int left = 0;

	if (!landlock_lock(sockets, signals, NULL, 0))
		return 64;
	if (open("/dev/null", O_RDONLY) >= 0)
		left |= 1;
	if (write(file, "x", 1) == 1)
		left |= 2;
	if (connects())
		left |= 4;
	if (signals_parent())
		left |= 8;
	return left;
}

static int supervisor(void)
{
	return after(false, false);
}

static int box(void)
{
	return after(false, true);
}

static int box_of_sockets(void)
{
	return after(true, true);
}

static void needs(int abi)
{
	if (landlock_abi() < abi)
		skip();
}

static void locked(void **state)
{
	(void)state;
	needs(1);
	assert_int_equal(in_child(supervisor), 2 | 8 | (landlock_abi() < 4 ? 4 : 0));
}

static void locked_with_signals(void **state)
{
	(void)state;
	needs(LANDLOCK_ABI_SIGNALS);
	assert_int_equal(in_child(box), 2);
}

static void locked_but_sockets(void **state)
{
	(void)state;
	needs(LANDLOCK_ABI_SIGNALS);
	assert_int_equal(in_child(box_of_sockets), 2 | 4);
}

static char read_dir[] = "/tmp/kbox-read.XXXXXX", written_dir[] = "/tmp/kbox-written.XXXXXX";

/* Bits, of a directory that may be read and one that may be written: what can be done there. */
static int with_rules(void)
{
	int here = open(read_dir, O_PATH), there = open(written_dir, O_PATH), left = 0;

	close(openat(here, "old", O_CREAT | O_WRONLY, 0600));
	if (!landlock_lock(false, true, (struct landlock_rule[]) { { here, false, false, false }, { there, false, true, false } }, 2))
		return 64;
	left |= (openat(here, "old", O_RDONLY) >= 0) << 0;
	left |= (openat(here, "old", O_RDWR) >= 0) << 1;
	left |= (openat(there, "new", O_CREAT | O_RDWR, 0600) >= 0) << 2;
	left |= !renameat(there, "new", there, "newer") << 3;
	left |= !renameat(there, "newer", here, "newer") << 4;
	left |= (openat(there, "..", O_RDONLY) >= 0) << 5;
	unlinkat(there, "newer", 0);
	return left;
}

static void rules(void **state)
{
	char old[sizeof(read_dir) + 4];

	(void)state;
	needs(1);
	assert_true(mkdtemp(read_dir) && mkdtemp(written_dir));
	assert_int_equal(in_child(with_rules), 1 | 4 | 8);
	snprintf(old, sizeof(old), "%s/old", read_dir);
	assert_false(unlink(old) || rmdir(read_dir) || rmdir(written_dir));
}

static int hidden(void)
{
	setenv("KBOX_HIDE", "landlock", 1);
	read_hidden();
	return landlock_abi() ? 1 : box();
}

static void absent(void **state)
{
	(void)state;
	assert_int_equal(in_child(hidden), 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(locked), cmocka_unit_test(locked_with_signals), cmocka_unit_test(locked_but_sockets),
		cmocka_unit_test(rules), cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
