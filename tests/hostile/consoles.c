// SPDX-License-Identifier: GPL-2.0-only
/* The console's rings, with heads and tails that are none, and without an end. */
#include "hostile.h"

#define CONSOLE ((volatile struct kbox_console *)guest_memory(KBOX_CONSOLE_PHYS))

static void ring_output(void)
{
	CONSOLE->out_rung = 1;
	wake(&CONSOLE->out_rung);
}

/* hostile ttyread: whatever is typed, there is room for it, and somebody listens. */
static int __attribute__((noreturn)) tty_read(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	for (;;) {
		CONSOLE->listening = 1;
		CONSOLE->in_tail = CONSOLE->in_head;
		CONSOLE->in_wait = 1;
		ring(KBOX_BELL_INPUT);
	}
}

/* hostile indexes: heads and tails of any value. */
static int __attribute__((noreturn)) indexes(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("ready\n");
	usleep(200000);		/* for that to come out */
	for (uint32_t n = 1;; n = n * 1664525 + 1013904223) {
		CONSOLE->out_head = n;
		CONSOLE->in_tail = n >> 3;
		if (n >> 28 == 0)
			CONSOLE->out_tail = CONSOLE->in_head = n << 5;
		CONSOLE->listening = CONSOLE->in_wait = CONSOLE->out_wait = n >> 7;
		ring_output();
		ring(KBOX_BELL_INPUT);
	}
}

static void *write_on(void *arg)
{
	for (;;) {
		CONSOLE->out_head = CONSOLE->out_tail + KBOX_CONSOLE_OUT;
		ring_output();
	}
	return arg;
}

/* hostile output: it has no end, but the box has, with status 7. */
static int output(int argc, char **argv)
{
	uint32_t start = CONSOLE->out_tail;

	(void)argc, (void)argv;
	for (int i = 0; i < KBOX_CONSOLE_OUT; i++)
		CONSOLE->out[i] = i % 64 == 63 ? '\n' : '.';
	start_thread(write_on, NULL);
	while (CONSOLE->out_tail - start < 4 * KBOX_CONSOLE_OUT)
		;	/* no call: the kernel may not hear of one any more */
	end_box(KBOX_EXITED, 7 << 8);
	stay();
}

const struct command consoles[] = { { "ttyread", tty_read }, { "indexes", indexes }, { "output", output }, { } };
