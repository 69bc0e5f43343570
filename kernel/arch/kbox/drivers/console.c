// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two rings of the console: the terminal is the supervisor's. Only this processor writes heads
 * of output and tails of input, with interrupts off.
 */
#include <linux/atomic.h>
#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/host.h>
#include "console.h"

#define ENOUGH (KBOX_CONSOLE_OUT / 2)

static struct kbox_console *const console = (void *)(KBOX_PAGE_OFFSET + KBOX_CONSOLE_PHYS);

static u32 left(void)
{
	return console->out_head - READ_ONCE(console->out_tail);
}

static void copy_in(u32 head, const u8 *s, size_t n)
{
	u32 at = head % KBOX_CONSOLE_OUT, part = min_t(u32, n, KBOX_CONSOLE_OUT - at);

	memcpy(console->out + at, s, part);
	memcpy(console->out, s + part, n - part);
}

static void ring_output(void)
{
	if (!xchg(&console->out_rung, 1))
		host_futex_wake(&console->out_rung);
}

size_t console_put(const u8 *s, size_t n)
{
	unsigned long flags;
	u32 head;

	local_irq_save(flags);
	head = console->out_head;
	n = min_t(size_t, n, KBOX_CONSOLE_OUT - left());
	copy_in(head, s, n);
	xchg(&console->out_head, head + n);
	/* Else the supervisor will look again when it has written the others. */
	if (n && READ_ONCE(console->out_tail) == head)
		ring_output();
	local_irq_restore(flags);
	return n;
}

u32 console_room(void)
{
	if (left() > ENOUGH)
		xchg(&console->out_wait, 1);
	return KBOX_CONSOLE_OUT - left();
}

u32 console_left(void)
{
	if (left())
		xchg(&console->out_wait, 1);
	return left();
}

u32 console_written(void)
{
	return READ_ONCE(console->out_tail);
}

u32 console_input(const u8 **s)
{
	u32 at = console->in_tail % KBOX_CONSOLE_IN;

	*s = console->in + at;
	return min_t(u32, smp_load_acquire(&console->in_head) - console->in_tail, KBOX_CONSOLE_IN - at);
}

void console_taken(u32 n)
{
	xchg(&console->in_tail, console->in_tail + n);
	if (READ_ONCE(console->in_wait) && xchg(&console->in_wait, 0))
		kbox_ring(KBOX_BELL_INPUT);
}

bool console_input_ended(void)
{
	return READ_ONCE(console->in_end) && console->in_tail == READ_ONCE(console->in_head);
}

void console_listen(bool on)
{
	xchg(&console->listening, on);
	if (on)
		kbox_ring(KBOX_BELL_INPUT);
}
