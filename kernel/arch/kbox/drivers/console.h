/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_CONSOLE_H
#define KBOX_CONSOLE_H
/* The kernel's side of struct kbox_console; from any context. */
#include <asm/boot.h>

/* How many of the bytes there was room for. */
extern size_t console_put(const u8 *s, size_t n);
/* KBOX_IRQ_CONSOLE comes when it has become more, if it is little. */
extern u32 console_room(void);
/* What the supervisor has not yet written to the terminal; the interrupt comes when it has. */
extern u32 console_left(void);
/* How much it has written so far. */
extern u32 console_written(void);
/*
 * Input that is there, at *s and without a break; console_taken() says how much of it has been had.
 */
extern u32 console_input(const u8 **s);
extern void console_taken(u32 n);
/* There will be no input any more. */
extern bool console_input_ended(void);
extern void console_listen(bool on);

/* tty.c: of the kernel's console, its terminal. */
struct console;
struct tty_driver;
extern struct tty_driver *console_tty(struct console *c, int *index);
#endif
