// SPDX-License-Identifier: GPL-2.0-only
/* The user's terminal: raw while the box runs, as it was on every way out. */
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>
#include "box.h"

static struct termios saved;
static int tty_fd = -1;

void tty_restore(void)
{
	if (tty_fd >= 0) {
		signal(SIGTTOU, SIG_IGN);
		tcsetattr(tty_fd, TCSADRAIN, &saved);
		tty_fd = -1;
	}
}

void tty_setup(struct box *b)
{
	struct termios raw;

	/* In the background the terminal is somebody else's. */
	if (b->boot->stdio[0] != KBOX_STDIO_TTY || tcgetpgrp(0) != getpgrp() || tcgetattr(0, &saved))
		return;
	tty_fd = 0;
	atexit(tty_restore);
	raw = saved;
	cfmakeraw(&raw);
	tcsetattr(0, TCSADRAIN, &raw);
}
