// SPDX-License-Identifier: GPL-2.0-only
/* printk goes to the launcher's stderr. */
#include <linux/console.h>
#include <linux/init.h>
#include <asm/kbox.h>
#include <asm/unistd.h>

static void write_host(struct console *c, const char *s, unsigned int n)
{
	while (n) {
		long ret = HCALL(__NR_write, 2, s, n, 0, 0, 0);

		if (ret <= 0)
			return;
		s += ret;
		n -= ret;
	}
}

static struct console host_console = {
	.name = "hostcon", .write = write_host, .flags = CON_PRINTBUFFER | CON_ENABLED | CON_ANYTIME, .index = -1,
};

static int __init console_init_host(void)
{
	register_console(&host_console);
	return 0;
}
early_initcall(console_init_host);
