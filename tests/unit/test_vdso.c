// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's vDSO goes into the home, and reads the clock there; or it stays where it is, and the
 * guests' addresses end there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "arch.h"
#include "box.h"

static struct kbox_boot *boot;	/* shared */

/* In a process of its own: its libc is without a clock afterwards. */
static int in_child(void (*run)(void), const char *hidden)
{
	int status;

	memset(boot, 0, sizeof(*boot));
	if (!fork()) {
		setenv("KBOX_HIDE", hidden, 1);
		read_hidden();
		find_vdso(boot);
		run();
		_exit(0);
	}
	wait(&status);
	return status;
}

static void move(void)
{
	int (*gettime)(clockid_t, struct timespec *);
	struct timespec ts = { 0 };

	move_vdso(boot);
	if (!boot->vdso_clock_gettime)
		return;
	gettime = (void *)boot->vdso_clock_gettime;
	if (gettime(CLOCK_MONOTONIC, &ts) || !ts.tv_sec)
		_exit(1);
}

static void stay(void)
{
}

static uint64_t found(const char *hidden)
{
	assert_int_equal(in_child(stay, hidden), 0);
	return boot->keep_start;
}

static void moved(void **state)
{
	(void)state;
	if (!found(""))
		skip();
	assert_int_equal(in_child(move, ""), 0);
	if (boot->keep_start != KBOX_HOST_VDSO)
		skip();	/* sealed */
	assert_true(boot->keep_end > boot->keep_start && boot->keep_end <= KBOX_HOST_VDSO + KBOX_HOST_VDSO_SIZE);
	assert_true(boot->vdso_clock_gettime > boot->keep_start && boot->vdso_clock_gettime < boot->keep_end);
	assert_int_equal(boot->user_end, ARCH_USER_END((uintptr_t)&state));
}

static void stays(void **state)
{
	uint64_t where = found("vdso-move");

	(void)state;
	if (!where)
		skip();
	assert_int_equal(in_child(move, "vdso-move"), 0);
	assert_int_equal(boot->keep_start, where);
	assert_int_equal(boot->user_end, where);
	assert_true(boot->vdso_clock_gettime > where && boot->vdso_clock_gettime < boot->keep_end);
}

static void not_there(void **state)
{
	(void)state;
	assert_int_equal(in_child(move, "vdso"), 0);
	assert_int_equal(boot->keep_start, 0);
	assert_int_equal(boot->vdso_clock_gettime, 0);
	/* It may be sealed all the same. */
	assert_in_range(boot->user_end, KBOX_HOME_END, getauxval(AT_SYSINFO_EHDR) - 1);
}

static void no_clock(void **state)
{
	(void)state;
	assert_int_equal(in_child(move, "vdso-clock"), 0);
	assert_int_equal(boot->vdso_clock_gettime, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moved), cmocka_unit_test(stays), cmocka_unit_test(not_there), cmocka_unit_test(no_clock),
	};

	boot = mmap(NULL, sizeof(*boot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
