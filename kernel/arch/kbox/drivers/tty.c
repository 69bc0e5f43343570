// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/ttyK0: the console, with the line discipline here; the user's terminal is in raw mode
 * meanwhile.
 */
#include <linux/console.h>
#include <linux/interrupt.h>
#include <linux/moduleparam.h>
#include <linux/reboot.h>
#include <linux/sched/signal.h>
#include <linux/serial.h>
#include <linux/syscalls.h>
#include <linux/timer.h>
#include <linux/tty.h>
#include <linux/tty_driver.h>
#include <linux/tty_flip.h>
#include <linux/workqueue.h>
#include "console.h"

static struct tty_driver *driver;
static struct tty_port port;
static bool throttled;

static void take_input(struct timer_list *t);
static DEFINE_TIMER(look_again, take_input);

/*
 * As much as the port takes. What it does not is left to the supervisor's ring, and so to the
 * user's terminal.
 */
static bool take_some(void)
{
	const u8 *s;
	u32 n = console_input(&s), taken;

	if (!n)
		return false;
	taken = tty_insert_flip_string(&port, s, n);
	console_taken(taken);
	tty_flip_buffer_push(&port);
	if (taken < n)
		mod_timer(&look_again, jiffies + 1);
	return taken == n;
}

static void take_input(struct timer_list *t)
{
	unsigned long flags;

	if (!tty_port_initialized(&port))
		return;
	local_irq_save(flags);
	while (!throttled && take_some())
		;
	local_irq_restore(flags);
	if (console_input_ended())
		tty_port_tty_hangup(&port, false);
}

static irqreturn_t console_irq(int irq, void *dev)
{
	take_input(NULL);
	tty_port_tty_wakeup(&port);
	return IRQ_HANDLED;
}

/*
 * Does the supervisor take what is written? It has no terminal to write it to, if none was given.
 */
static bool has_terminal(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(kbox_boot->stdio); i++)
		if (kbox_boot->stdio[i] == KBOX_STDIO_TTY)
			return true;
	return false;
}

static ssize_t ktty_write(struct tty_struct *tty, const u8 *buf, size_t n)
{
	size_t done = has_terminal() ? console_put(buf, n) : n;

	if (done == n || !console_room())
		return done;
	return done + console_put(buf + done, n - done);
}

/* tty_wakeup() follows, if it is little. */
static unsigned int ktty_write_room(struct tty_struct *tty)
{
	return console_room();
}

/* Who waits for the end of output (tcdrain(3)) waits until the host's terminal has it. */
static unsigned int ktty_chars_in_buffer(struct tty_struct *tty)
{
	return console_left();
}

/* The reader is behind. */
static void ktty_throttle(struct tty_struct *tty)
{
	throttled = true;
}

static void ktty_unthrottle(struct tty_struct *tty)
{
	throttled = false;
	take_input(NULL);
}

static int ktty_activate(struct tty_port *p, struct tty_struct *tty)
{
	tty->winsize.ws_row = kbox_shared->tty_rows;
	tty->winsize.ws_col = kbox_shared->tty_cols;
	throttled = false;
	console_listen(true);
	return 0;
}

static void ktty_shutdown(struct tty_port *p)
{
	console_listen(false);
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

static const struct tty_port_operations port_ops = { .activate = ktty_activate, .shutdown = ktty_shutdown };
static const struct tty_operations ops = {
	.install = ktty_install, .open = ktty_open, .close = ktty_close, .hangup = ktty_hangup,
	.write = ktty_write, .write_room = ktty_write_room, .chars_in_buffer = ktty_chars_in_buffer,
	.throttle = ktty_throttle, .unthrottle = ktty_unthrottle,
};

/*
 * The first process is the user's (--init), and each kind has signals of its own for what it is to
 * do. Its poweroff program knows them; where there is none the box ends at once. What was written
 * before is in the image either way.
 */
static bool own_init;
core_param(own_init, own_init, bool, 0);

static void power_off(struct work_struct *work)
{
	ksys_sync();
	orderly_poweroff(true);
}

static DECLARE_WORK(power_off_work, power_off);

static void ask_to_end(void)
{
	if (own_init)
		schedule_work(&power_off_work);
	else
		kill_cad_pid(SIGTERM, 1);
}

/* Signals of the supervisor: the window changes; the others end the box through init. */
static irqreturn_t signal_irq(int irq, void *dev)
{
	u32 set = xchg(&kbox_shared->sup_signals, 0);

	if (set & (1 << SIGWINCH)) {
		struct tty_struct *tty = tty_port_tty_get(&port);
		struct winsize ws = { .ws_row = kbox_shared->tty_rows, .ws_col = kbox_shared->tty_cols };

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
		ask_to_end();
	return IRQ_HANDLED;
}

/*
 * /dev/console. Not for the kernel's own opening of it, before init: input that was taken then
 * would be dropped when init closes it.
 */
struct tty_driver *console_tty(struct console *c, int *index)
{
	*index = 0;
	return system_state >= SYSTEM_RUNNING ? driver : NULL;
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
	port.closing_wait = ASYNC_CLOSING_WAIT_NONE;	/* what has been written is in good hands */
	tty_port_link_device(&port, driver, 0);
	ret = tty_register_driver(driver);
	ret = ret ?: request_irq(KBOX_IRQ_CONSOLE, console_irq, 0, "console", NULL);
	return ret ?: request_irq(KBOX_IRQ_SIGNAL, signal_irq, 0, "supervisor", NULL);
}
device_initcall(ktty_init);
