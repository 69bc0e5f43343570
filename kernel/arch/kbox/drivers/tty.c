// SPDX-License-Identifier: GPL-2.0-only
/* /dev/ttyK0: the launcher's terminal, in raw mode there, with the line discipline here. */
#include <linux/console.h>
#include <linux/interrupt.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <linux/poll.h>
#include <linux/reboot.h>
#include <asm/kbox.h>
#include <asm/unistd.h>

static struct tty_driver *driver;
static struct tty_port port;

/* Of the launcher's descriptors, the ones that are the terminal; -1: none. */
static int terminal(int first, int step)
{
	int i;

	for (i = first; i >= 0 && i < 3; i += step)
		if (kbox_boot->stdio[i] == KBOX_STDIO_TTY)
			return i;
	return -1;
}

static void want_input(void)
{
	int fd = terminal(0, 1);

	if (fd < 0)
		return;
	xchg(&kbox_boot->tty_want, 1);
	kbox_ring(KBOX_BELL_POLL);
}

/* From the stdio interrupt. */
void kbox_tty_input(void)
{
	int fd = terminal(0, 1);
	char buf[256];
	long n;

	if (fd < 0 || !tty_port_initialized(&port))
		return;
	while (kbox_host_poll(fd, POLLIN)) {
		n = HCALL(__NR_read, fd, buf, sizeof(buf), 0, 0, 0);
		if (n <= 0) {
			tty_port_tty_hangup(&port, false);
			return;
		}
		tty_insert_flip_string(&port, buf, n);
		tty_flip_buffer_push(&port);
	}
	want_input();
}

static ssize_t ktty_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	long ret = HCALL(__NR_write, terminal(2, -1), buf, n, 0, 0, 0);

	return ret < 0 ? n : ret;	/* a terminal that has gone swallows what is written */
}

static unsigned int ktty_write_room(struct tty_struct *tty)
{
	return 4096;
}

static int ktty_activate(struct tty_port *p, struct tty_struct *tty)
{
	tty->winsize.ws_row = kbox_boot->tty_rows;
	tty->winsize.ws_col = kbox_boot->tty_cols;
	want_input();
	return 0;
}

static int ktty_install(struct tty_driver *d, struct tty_struct *tty)
{
	return tty_port_install(&port, d, tty);
}

static int ktty_open(struct tty_struct *tty, struct file *file)
{
	return tty_port_open(&port, tty, file);
}

static void ktty_close(struct tty_struct *tty, struct file *file)
{
	tty_port_close(&port, tty, file);
}

static void ktty_hangup(struct tty_struct *tty)
{
	tty_port_hangup(&port);
}

static const struct tty_port_operations port_ops = { .activate = ktty_activate };
static const struct tty_operations ops = {
	.install = ktty_install, .open = ktty_open, .close = ktty_close, .hangup = ktty_hangup,
	.write = ktty_write, .write_room = ktty_write_room,
};

/* Signals of the supervisor: the window changes; the others end the box through init. */
static irqreturn_t signal_irq(int irq, void *dev)
{
	u32 set = xchg(&kbox_boot->sup_signals, 0);

	if (set & (1 << SIGWINCH)) {
		struct tty_struct *tty = tty_port_tty_get(&port);
		struct winsize ws = { .ws_row = kbox_boot->tty_rows, .ws_col = kbox_boot->tty_cols };

		if (tty) {
			if (memcmp(&ws, &tty->winsize, sizeof(ws))) {
				tty->winsize = ws;
				if (tty->ctrl.pgrp)
					kill_pgrp(tty->ctrl.pgrp, SIGWINCH, 1);
			}
			tty_kref_put(tty);
		}
	}
	if (set & ~(1u << SIGWINCH))
		kill_cad_pid(SIGTERM, 1);
	return IRQ_HANDLED;
}

static int __init ktty_init(void)
{
	int ret;

	driver = tty_alloc_driver(1, TTY_DRIVER_REAL_RAW | TTY_DRIVER_RESET_TERMIOS);
	if (IS_ERR(driver))
		return PTR_ERR(driver);
	driver->driver_name = "kbox";
	driver->name = "ttyK";
	driver->type = TTY_DRIVER_TYPE_CONSOLE;
	driver->init_termios = tty_std_termios;
	tty_set_operations(driver, &ops);
	tty_port_init(&port);
	port.ops = &port_ops;
	tty_port_link_device(&port, driver, 0);
	ret = tty_register_driver(driver);
	return ret ?: request_irq(KBOX_IRQ_SIGNAL, signal_irq, 0, "supervisor", NULL);
}
device_initcall(ktty_init);
