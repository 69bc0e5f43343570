// SPDX-License-Identifier: GPL-2.0-only
/* The user's terminal: raw while the box runs, as it was on every way out. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include "box.h"

static struct termios saved;
static bool wanted;			/* this box is one that makes the terminal raw */
static volatile sig_atomic_t raw;	/* and it is, now */

/* In the background the terminal is somebody else's. Without job control there is no background. */
bool tty_is_ours(int fd)
{
	pid_t foreground = tcgetpgrp(fd);

	return foreground < 0 || foreground == getpgrp();
}

void tty_raw(void)
{
	struct termios t;

	if (!wanted || raw || !tty_is_ours(0) || tcgetattr(0, &saved))
		return;
	t = saved;
	cfmakeraw(&t);
	raw = 1;	/* before: a signal in between must find it */
	tcsetattr(0, TCSANOW, &t);
}

/*
 * Also in signal handlers. It does not wait for output, which may be stuck; that has been processed
 * when it was written.
 */
void tty_restore(void)
{
	if (raw && tty_is_ours(0))
		tcsetattr(0, TCSANOW, &saved);
	raw = 0;
}

/* The loop must not wait. What poll(2) lets through has room for a line, also in a pipe. */
void tty_say(const char *line)
{
	struct pollfd p = { .fd = 2, .events = POLLOUT };
	char text[256];
	int n = snprintf(text, sizeof(text), "%s%s\n", line, raw ? "\r" : "");

	if (poll(&p, 1, 0) == 1 && p.revents & POLLOUT && write(2, text, n) < n)
		return;
}

void tty_size(struct box *b)
{
	struct winsize ws;

	for (int i = 0; i < 3; i++)
		if (b->boot->stdio[i] == KBOX_STDIO_TTY && !ioctl(i, TIOCGWINSZ, &ws)) {
			b->shared->tty_rows = ws.ws_row;
			b->shared->tty_cols = ws.ws_col;
			return;
		}
}

static void crashed(int sig)
{
	tty_restore();
	raise(sig);	/* SA_RESETHAND: the default action */
}

/*
 * Job control does not stop us: in the background a box runs on and may write, and its console's
 * read(2) is told that it is there. The terminal is made raw only where input and output are the
 * terminal: in "kbox ... | less" its modes are less's business.
 */
void tty_setup(const struct stdio io[3])
{
	static const int crashes[] = { SIGSEGV, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	struct sigaction sa = { .sa_handler = crashed, .sa_flags = SA_RESETHAND | SA_NODEFER };

	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	wanted = io[0].kind == KBOX_STDIO_TTY && io[1].kind == KBOX_STDIO_TTY;
	if (!wanted)
		return;
	atexit(tty_restore);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		sigaction(crashes[i], &sa, NULL);
	tty_raw();
}
