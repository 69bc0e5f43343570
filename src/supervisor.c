// SPDX-License-Identifier: GPL-2.0-only
/* Waits for the end of the box: its own, a signal's, or a lost host process's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include "box.h"
#include "supervisor.h"

static sigset_t waited;
static sigset_t at_start;

void supervisor_wake(void)
{
	kill(getpid(), SIGUSR1);
}

void supervisor_block_signals(void)
{
	static const int sigs[] = { SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH };

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&waited);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&waited, sigs[i]);
	sigprocmask(SIG_BLOCK, &waited, &at_start);
}

/* Every host process of the box is our child, and we have no others. */
static void kill_children(void)
{
	char path[64];
	FILE *f;
	int pid, more = 1;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	while (more) {
		more = 0;
		f = fopen(path, "re");
		while (f && fscanf(f, "%d", &pid) == 1) {
			kill(pid, SIGKILL);
			more = 1;
		}
		if (f)
			fclose(f);
		while (waitpid(-1, NULL, more ? 0 : WNOHANG) > 0)
			;
	}
}

static void pass_signal(struct box *b, int sig)
{
	struct winsize ws;

	if (sig == SIGWINCH)
		for (int i = 0; i < 3; i++)
			if (!ioctl(i, TIOCGWINSZ, &ws)) {
				b->boot->tty_rows = ws.ws_row;
				b->boot->tty_cols = ws.ws_col;
				break;
			}
	__atomic_fetch_or(&b->boot->sup_signals, 1u << sig, __ATOMIC_SEQ_CST);
	raise_irq(b->boot, KBOX_IRQ_SIGNAL);
}

/* Non-zero: why a reaped host process means that the box is lost. */
static int lost(struct box *b)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (__atomic_load_n(&b->boot->exit_kind, __ATOMIC_SEQ_CST))
			continue;
		if (WIFSIGNALED(status))
			return status;
		if (pid == b->kernel_pid)
			return WEXITSTATUS(status) == EXIT_FAIL ? -1 : status | 0x10000;
	}
	return 0;
}

static int ended(struct box *b)
{
	int status = b->boot->exit_status;

	if (b->boot->exit_kind == KBOX_PANICKED) {
		b->boot->exit_reason[sizeof(b->boot->exit_reason) - 1] = 0;
		fprintf(stderr, "kbox: kernel panic: %s\n", b->boot->exit_reason);
		return EXIT_PANIC;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int supervise(struct box *b)
{
	int sig, why, ret;

	for (;;) {
		if (__atomic_load_n(&b->boot->exit_kind, __ATOMIC_SEQ_CST)) {
			tty_restore();
			ret = ended(b);
			break;
		}
		sig = sigwaitinfo(&waited, NULL);
		why = lost(b);
		if (why) {
			tty_restore();
			if (why > 0)
				fprintf(stderr, "kbox: a host process of the box was killed (signal %d); the box ends\n",
					WTERMSIG(why));
			ret = EXIT_FAIL;
			break;
		}
		if (sig > 0 && sig != SIGCHLD && sig != SIGUSR1)
			pass_signal(b, sig);
	}
	kill_children();
	return ret;
}
