// SPDX-License-Identifier: GPL-2.0-only
/* Waits for the end of the box: its own, a signal's, or a lost host process's. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "box.h"
#include "fence.h"

/* The guest's init gives the command 5 s after a SIGTERM; we give the guest's kernel these seconds. */
#define GRACE 10

static sigset_t waited;
static uint64_t oom_kills_before;
static char last_words[512];		/* ours, when the terminal is as it was */

static void __attribute__((format(printf, 1, 2))) say_last(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_words, sizeof(last_words), fmt, ap);
	va_end(ap);
}

void supervisor_wake(void)
{
	kill(getpid(), SIGUSR1);
}

void supervisor_block_signals(void)
{
	static const int sigs[] = {
		SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT,
	};

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&waited);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&waited, sigs[i]);
	sigprocmask(SIG_BLOCK, &waited, NULL);
}

/* All host processes of the box are our children and in the boot process's group, once it has made it. */
static void kill_box(const struct box *b, int sig)
{
	if (kill(-b->kernel_pid, sig))
		kill(b->kernel_pid, sig);
}

static void end_box(const struct box *b)
{
	fence_lock();
	do
		kill_box(b, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static void tell_guest(struct box *b, int sig)
{
	__atomic_fetch_or(&b->boot->sup_signals, 1u << sig, __ATOMIC_SEQ_CST);
	raise_irq(b->boot, KBOX_IRQ_SIGNAL);
}

static void terminal_changed(struct box *b)
{
	tty_raw();
	tty_size(b->boot);
	tell_guest(b, SIGWINCH);
}

static void stop_here(void)
{
	sigset_t tstp;

	sigemptyset(&tstp);
	sigaddset(&tstp, SIGTSTP);
	tty_restore();
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &tstp, NULL);	/* here we stop, until SIGCONT */
	sigprocmask(SIG_BLOCK, &tstp, NULL);
}

/* The whole box stops, and the shell that waits for us sees it. */
static void stop(struct box *b)
{
	kill_box(b, SIGSTOP);
	stop_here();
	kill_box(b, SIGCONT);
	terminal_changed(b);
}

static pid_t reap(int *status)
{
	pid_t pid;

	fence_lock();
	pid = waitpid(-1, status, WNOHANG);
	fence_unlock();
	return pid;
}

/* Reap; true if what died means that the box is lost, which it has said. */
static bool lost(struct box *b)
{
	int status;
	pid_t pid;

	while ((pid = reap(&status)) > 0) {
		if (__atomic_load_n(&b->boot->exit_kind, __ATOMIC_SEQ_CST))
			continue;
		if (WIFSIGNALED(status)) {
			say_last("kbox: a host process of the box was killed (signal %d%s); the box ends\n", WTERMSIG(status),
				WTERMSIG(status) == SIGKILL && oom_kills() != oom_kills_before ?
				", the host or its control group has no more memory" : "");
			return true;
		}
		if (pid == b->kernel_pid) {
			if (WEXITSTATUS(status) == EXIT_FAIL)	/* it could not start */
				say_last("kbox: %.*s\n", (int)sizeof(b->boot->exit_reason), b->boot->exit_reason);
			else
				say_last("kbox: the box's first host process went away (status %d)\n", WEXITSTATUS(status));
			return true;
		}
	}
	return false;
}

/* Another process, or thread of one, cannot be had. */
static bool host_is_full(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid < 0 && errno == EAGAIN;
}

static int ended(struct box *b)
{
	int status = b->boot->exit_status;

	if (b->boot->exit_kind == KBOX_PANICKED && host_is_full()) {
		say_last("kbox: the box could not go on: %s\n", reason(EAGAIN));
		return EXIT_FAIL;
	}
	if (b->boot->exit_kind == KBOX_PANICKED) {
		b->boot->exit_reason[sizeof(b->boot->exit_reason) - 1] = 0;
		say_last("kbox: kernel panic: %s\n", b->boot->exit_reason);
		return EXIT_PANIC;
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* The guest is asked to end, with this signal. */
static struct {
	int sig;
	time_t since, last;
} asked;

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void ask_to_end(struct box *b, int sig)
{
	if (!asked.sig)
		asked.since = seconds();
	asked.sig = sig;
	asked.last = seconds();
	tell_guest(b, sig);
}

/* Ask again every second, since early in its boot nobody hears it. False: it had its time. */
static bool keep_asking(struct box *b)
{
	time_t now = seconds();

	if (now - asked.since > GRACE) {
		say_last("kbox: the box did not end within %d s of signal %d: killed\n", GRACE, asked.sig);
		return false;
	}
	if (now > asked.last)
		ask_to_end(b, asked.sig);
	return true;
}

/*
 * What the guest has written last comes before what we say of its end. A terminal that takes
 * nothing now is waited for, but not by who wants an end.
 */
static void drain_console(void)
{
	static const struct timespec second = { 1, 0 };
	time_t since = seconds();

	console_end();
	while (!console_has_ended() && !(asked.sig && seconds() - since > GRACE))
		switch (sigtimedwait(&waited, NULL, asked.sig ? &second : NULL)) {
		case SIGTSTP:
			stop_here();
			tty_raw();
			break;
		case SIGTERM:
		case SIGINT:
		case SIGHUP:
		case SIGQUIT:
			return;
		}
}

static void take_signal(struct box *b, int sig)
{
	switch (sig) {
	case SIGWINCH:
	case SIGCONT:
		terminal_changed(b);
		break;
	case SIGTSTP:
		stop(b);
		break;
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
	case SIGQUIT:
		ask_to_end(b, sig);
		break;
	}
}

int supervise(struct box *b)
{
	static const struct timespec second = { 1, 0 };
	int status;

	oom_kills_before = oom_kills();
	for (;;) {
		if (__atomic_load_n(&b->boot->exit_kind, __ATOMIC_SEQ_CST)) {
			status = ended(b);
			break;
		}
		take_signal(b, sigtimedwait(&waited, NULL, asked.sig ? &second : NULL));
		if (fence_refused()) {
			status = EXIT_FAIL;
			break;
		}
		if (lost(b)) {
			status = EXIT_FAIL;
			break;
		}
		if (asked.sig && !keep_asking(b)) {
			status = 128 + asked.sig;
			break;
		}
	}
	end_box(b);
	drain_console();
	tty_restore();
	if (!console_has_ended() && b->stdio[2].kind == KBOX_STDIO_TTY)
		return status;	/* it would not take our words either */
	fputs(last_words, stderr);
	fence_say();
	if (b->opt.stats)
		print_stats(b->boot);
	return status;
}
