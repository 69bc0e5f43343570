// SPDX-License-Identifier: GPL-2.0-only
/*
 * printk goes to the launcher's stderr: to the console if that is the terminal, else to the host's
 * descriptor.
 */
#include <linux/console.h>
#include <linux/init.h>
#include <asm/host.h>
#include "console.h"

#define PATIENCE_MS	1000

/*
 * The log of a boot or a panic is more than the ring takes, and the supervisor is quick. A terminal
 * that is stopped must not stop the kernel: then what follows is dropped, and dmesg has it.
 */
static bool wait_for_room(void)
{
	static u32 stuck_at;
	static bool stuck;
	u32 written = console_written(), i;

	if (stuck && written == stuck_at)
		return false;
	for (i = 0; i < PATIENCE_MS && console_written() == written; i++)
		host_futex_wait(&kbox_boot->magic, KBOX_MAGIC, NSEC_PER_MSEC);
	stuck = i == PATIENCE_MS;
	stuck_at = written;
	return !stuck;
}

static void write_terminal(const char *s, unsigned int n)
{
	u32 part;

	while (n) {
		part = console_put(s, n);
		s += part;
		n -= part;
		if (n && !wait_for_room())
			return;
	}
}

static void write_host(const char *s, unsigned int n)
{
	long ret;

	while (n) {
		ret = host_write(2, s, n);
		if (ret <= 0)
			return;
		s += ret;
		n -= ret;
	}
}

static void write_log(struct console *c, const char *s, unsigned int n)
{
	if (kbox_boot->stdio[2] == KBOX_STDIO_TTY)
		write_terminal(s, n);
	else if (kbox_boot->stdio[2] != KBOX_STDIO_CLOSED)
		write_host(s, n);
}

static struct console host_console = {
	.name = "hostcon", .write = write_log, .device = console_tty, .flags = CON_PRINTBUFFER | CON_ENABLED | CON_ANYTIME, .index = -1,
};

static int __init console_init_host(void)
{
	register_console(&host_console);
	return 0;
}
early_initcall(console_init_host);
