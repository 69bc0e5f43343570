// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the supervisor reads of the boot page: the reason of a panic, the end, the counters' names.
 */
#include <linux/futex.h>
#include <pthread.h>
#include "hostile.h"

void wake(volatile uint32_t *word)
{
	host_call(SYS_futex, word, FUTEX_WAKE, 1);
}

void ring(int bell)
{
	__atomic_fetch_or(&SHARED->doorbell, 1u << bell, __ATOMIC_SEQ_CST);
	wake(&SHARED->doorbell);
}

void end_box(enum kbox_exit kind, int status)
{
	SHARED->exit_status = status;
	__atomic_store_n(&SHARED->exit_kind, kind, __ATOMIC_SEQ_CST);
	ring(KBOX_BELL_EXIT);
}

void start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	if (pthread_create(&t, NULL, fn, arg)) {
		perror("hostile: pthread_create");
		exit(2);
	}
}

void stay(void)
{
	for (;;)
		pause();
}

static void fill(volatile char *to, size_t n, int first, int step)
{
	for (size_t i = 0; i < n; i++)
		to[i] = first + step * i;
}

/* hostile panic FIRST STEP: a reason of 256 bytes that counts up, and has no end if none is 0. */
static int panicked(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	fill(SHARED->exit_reason, sizeof(SHARED->exit_reason), atoi(argv[1]), atoi(argv[2]));
	end_box(KBOX_PANICKED, 0);
	stay();
}

/* The reason is a good one and a bad one in turn. */
static void *flip(void *arg)
{
	for (;;) {
		fill(SHARED->exit_reason, 200, 'a', 0);
		SHARED->exit_reason[200] = 0;
		fill(SHARED->exit_reason, sizeof(SHARED->exit_reason), 27, 0);
	}
	return arg;
}

static int flipping(int argc, char **argv)
{
	(void)argc, (void)argv;
	fill(SHARED->exit_reason, sizeof(SHARED->exit_reason), 'b', 0);
	start_thread(flip, NULL);
	end_box(KBOX_PANICKED, 0);
	stay();
}

/* hostile end KIND STATUS: any number for either. */
static int any_end(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	end_box(strtol(argv[1], NULL, 0), strtol(argv[2], NULL, 0));
	stay();
}

/* hostile counters: names that are none, for --stats. */
static int counters(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (size_t i = 0; i < KBOX_COUNTS; i++) {
		SHARED->count[i].n = ~0UL;
		fill(SHARED->count[i].name, sizeof(SHARED->count[i].name), i % 2 ? 27 : 0x80, 1);
	}
	end_box(KBOX_EXITED, 0);
	stay();
}

/* hostile boot: all of what the page says of numbers, sizes and addresses is something else. */
static int boot(int argc, char **argv)
{
	(void)argc, (void)argv;
	BOOT->mem_size = ~0UL;
	BOOT->mem_fd = BOOT->epoll_fd = BOOT->null_fd = -1;
	BOOT->supervisor_pid = -1;
	BOOT->initrd_phys = BOOT->initrd_size = ~0UL;
	BOOT->keep_start = BOOT->keep_end = ~0UL;
	SHARED->tty_rows = SHARED->tty_cols = 0xffff;
	for (int i = 0; i < 3; i++)
		BOOT->stdio[i] = ~0;
	for (size_t i = 0; i < COUNT(SHARED->offered); i++)
		SHARED->offered[i] = ~0UL;
	for (int i = 0; i < 32; i++)
		ring(i == KBOX_BELL_EXIT ? 0 : i);
	end_box(KBOX_EXITED, 7 << 8);
	stay();
}

const struct command shared[] = {
	{ "panic", panicked }, { "flip", flipping }, { "end", any_end }, { "counters", counters },
	{ "boot", boot }, { },
};
