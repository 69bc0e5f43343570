// SPDX-License-Identifier: GPL-2.0-only
/* Waits for the end of the box: its own, a signal's, or a lost host process's. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "bell.h"
#include "box.h"
#include "devices.h"
#include "engine.h"
#include "fence.h"
#include "flows.h"
#include "loop.h"

/*
 * The guest's init gives its processes 5 s after a SIGTERM, and again as long as they end, but a
 * minute in all (init.c). We give it these seconds, and again as long as something happens there.
 * What we go by is the guest's own word, so there is an end to that.
 */
#define GRACE 10
#define GRACE_IN_ALL 120

/* What is killed is gone at once, unless the host's kernel or a debugger holds it. */
#define BURIAL 10

static sigset_t waited;
static uint32_t came;		/* signals, by number, that have not been seen to */
static uint64_t oom_kills_before;
static bool leader_gone;	/* the boot process has been reaped: its number may be another's */
static char last_words[LAST_WORDS];	/* ours, when the terminal is as it was */

static void __attribute__((format(printf, 1, 2))) say_last(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_words, sizeof(last_words), fmt, ap);
	va_end(ap);
}

static void signals_came(void *arg)
{
	struct source *s = arg;
	struct signalfd_siginfo some[16];
	ssize_t n = read(s->fd, some, sizeof(some));

	for (int i = 0; i < n / (ssize_t)sizeof(some[0]); i++)
		came |= 1u << some[i].ssi_signo;
}

/* Each is one of the first 31. */
static bool take(int sig)
{
	bool is = came & 1u << sig;

	came &= ~(1u << sig);
	return is;
}

/* One of those by which somebody wants an end, or 0. */
static int take_end(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	int sig = 0;

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		if (take(sigs[i]))
			sig = sigs[i];
	return sig;
}

/* From here on the loop hears them. */
void supervisor_block_signals(void)
{
	static const int sigs[] = {
		SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT,
	};
	static struct source s = { .ready = signals_came, .arg = &s };

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&waited);
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		sigaddset(&waited, sigs[i]);
	sigprocmask(SIG_BLOCK, &waited, NULL);
	s.fd = signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s.fd < 0)
		die("signalfd: %s", reason(errno));
	loop_watch(&s, EPOLLIN);
}

/*
 * All host processes of the box are in the boot process's group, once it has made it, and have no
 * call to leave it.
 */
static void kill_box(const struct box *b, int sig)
{
	if (kill(-b->kernel_pid, sig) && !leader_gone)
		kill(b->kernel_pid, sig);
}

/*
 * One of the box's, or 0: none has died; -1: there is none left. Who has started kbox by execve(2)
 * may have left it other children, which are none of its business.
 */
static pid_t reap(const struct box *b, int *status)
{
	pid_t pid;

	fence_lock();
	pid = waitpid(-b->kernel_pid, status, WNOHANG);
	if (pid < 0 && !leader_gone)	/* it has not made its group yet */
		pid = waitpid(b->kernel_pid, status, WNOHANG);
	fence_unlock();
	leader_gone |= pid == b->kernel_pid;
	return pid;
}

/* False: one stays, and dies when the host lets it. We do not wait for that. */
bool end_box(const struct box *b)
{
	static const struct timespec second = { 1, 0 };
	time_t end = seconds() + BURIAL;
	pid_t pid;

	for (;;) {
		kill_box(b, SIGKILL);
		while ((pid = reap(b, NULL)) > 0)
			;
		if (pid < 0)
			return true;
		if (seconds() > end)
			return false;
		sigtimedwait(&waited, NULL, &second);
	}
}

static void tell_guest(struct box *b, int sig)
{
	__atomic_fetch_or(&b->shared->sup_signals, 1u << sig, __ATOMIC_SEQ_CST);
	raise_irq(&b->shared->vcpu, KBOX_IRQ_SIGNAL);
}

void terminal_changed(struct box *b)
{
	tty_raw();
	tty_size(b);
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

/* With EXIT_FAIL it could not start, and has left the reason: see die_into(). */
static void went_away(const struct box *b, int status)
{
	char why[sizeof(b->shared->exit_reason) + 1];

	printable(why, b->shared->exit_reason, sizeof(b->shared->exit_reason));
	if (status == EXIT_FAIL && *why)
		say_last("kbox: %s\n", why);
	else
		say_last("kbox: the box's first host process went away (status %d)\n", status);
}

static void was_killed(int status)
{
	bool oom = WTERMSIG(status) == SIGKILL && oom_kills() != oom_kills_before;

	say_last("kbox: a host process of the box was killed (signal %d%s); the box ends\n", WTERMSIG(status),
		 oom ? ", the host or its control group has no more memory" : "");
}

/* A kernel can have processes end as fast as they are reaped, and there are signals to look at. */
#define REAPED_AT_ONCE 64

/*
 * Reap; true if what died means that the box is lost, which it has said. SIGUSR1 is the watcher's.
 */
static bool lost(struct box *b)
{
	bool child = take(SIGCHLD), other = take(SIGUSR1);
	int status, n;
	pid_t pid;

	if (!child && !other)
		return false;
	reap_engine();
	if (watcher_died(&status)) {
		was_killed(status);
		return true;
	}
	for (n = 0; n < REAPED_AT_ONCE && (pid = reap(b, &status)) > 0; n++) {
		if (__atomic_load_n(&b->shared->exit_kind, __ATOMIC_SEQ_CST))
			continue;
		if (WIFSIGNALED(status)) {
			was_killed(status);
			return true;
		}
		if (pid == b->kernel_pid) {
			went_away(b, WEXITSTATUS(status));
			return true;
		}
	}
	if (n == REAPED_AT_ONCE) {	/* there may be more */
		came |= 1u << SIGCHLD;
		loop_wake();
	}
	return false;
}

/*
 * The first program is ours, unless the user has named another: that the kernel finds none means
 * that the host gave it no process.
 */
static bool had_no_process(const struct box *b, const char *why)
{
	const char *words = b->opt.kernel_cmdline;

	return strstr(why, "No working init") == why && !(words && strstr(words, "init="));
}

static int panicked(const struct box *b, char words[LAST_WORDS])
{
	char why[sizeof(b->shared->exit_reason) + 1];

	printable(why, b->shared->exit_reason, sizeof(b->shared->exit_reason));
	if (had_no_process(b, why)) {
		snprintf(words, LAST_WORDS, "kbox: the box could not go on: %s\n", reason(EAGAIN));
		return EXIT_FAIL;
	}
	snprintf(words, LAST_WORDS, "kbox: kernel panic: %s\n", why);
	return EXIT_PANIC;
}

/* The guest can write all of it, also now: each word is read once. */
int exit_of(const struct box *b, uint32_t kind, char words[LAST_WORDS])
{
	int status = __atomic_load_n(&b->shared->exit_status, __ATOMIC_RELAXED);

	switch (kind) {
	case KBOX_EXITED:
		return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	case KBOX_PANICKED:
		return panicked(b, words);
	}
	snprintf(words, LAST_WORDS, "kbox: kernel panic: the guest's kernel ended in a way that there is not\n");
	return EXIT_PANIC;
}

/* The guest is asked to end, with this signal. */
static struct {
	int sig;
	time_t since, last;
	time_t moved;		/* when something has happened */
	uint64_t progress;
} asked;

/* Tasks that have ended and requests to the image. */
static uint64_t progress(const struct box *b)
{
	return __atomic_load_n(&b->shared->count[KBOX_TASKS_ENDED].n, __ATOMIC_RELAXED) + virtio_blk_served();
}

static void ask_to_end(struct box *b, int sig)
{
	if (!asked.sig)
		asked.since = asked.moved = seconds();
	asked.sig = sig;
	asked.last = seconds();
	tell_guest(b, sig);
}

/* Ask again every second, since early in its boot nobody hears it. False: it had its time. */
static bool keep_asking(struct box *b)
{
	time_t now = seconds();
	uint64_t is = progress(b);

	if (is != asked.progress)
		asked.moved = now;
	asked.progress = is;
	if (now - asked.moved > GRACE || now - asked.since > GRACE_IN_ALL) {
		say_last("kbox: the box did not end within %d s of signal %d: killed\n", (int)(now - asked.since - 1), asked.sig);
		return false;
	}
	if (now > asked.last)
		ask_to_end(b, asked.sig);
	return true;
}

/* The loop's turn is what it is for. */
static void nothing(void *arg)
{
	(void)arg;
}

static struct call second_over = { .fn = nothing };

/*
 * What the guest has written last comes before what we say of its end. A terminal that takes
 * nothing now is waited for, but not by who wants an end.
 */
static void drain_console(void)
{
	time_t since = seconds();

	console_end();
	while (!console_has_ended() && !(asked.sig && seconds() - since > GRACE)) {
		if (asked.sig)
			loop_call(&second_over, 1000);
		loop_turn();
		if (take(SIGTSTP)) {
			stop_here();
			tty_raw();
		}
		if (take_end())
			return;
	}
}

static const char *killed;		/* by whom, in words; NULL: nobody has */

void supervisor_end(void)
{
	came |= 1u << SIGTERM;
}

void supervisor_kill(const char *words)
{
	killed = words;
}

static void take_signals(struct box *b)
{
	bool changed = take(SIGWINCH), goes_on = take(SIGCONT);
	int end = take_end();

	if (changed || goes_on)
		terminal_changed(b);
	if (take(SIGTSTP))
		stop(b);
	if (end)
		ask_to_end(b, end);
}

/* A terminal that takes nothing of the guest's would not take our words either. */
static bool can_speak(const struct box *b)
{
	return console_has_ended() || b->stdio[2].kind != KBOX_STDIO_TTY;
}

static void leave(struct box *b)
{
	bool gone = end_box(b);

	flows_end();
	end_engine(b);
	end_watcher();		/* the number of the box's group may become another's */
	drain_console();
	tty_restore();
	if (!can_speak(b))
		return;
	fputs(last_words, stderr);
	fence_say();
	if (!gone)
		fputs("kbox: a host process of the box is killed but stays: the host or a debugger holds it\n", stderr);
	if (b->opt.stats)
		print_stats(b->shared);
}

int supervise(struct box *b)
{
	uint32_t kind;
	int status;

	oom_kills_before = oom_kills();
	for (;;) {
		kind = __atomic_load_n(&b->shared->exit_kind, __ATOMIC_SEQ_CST);
		if (kind != KBOX_RUNNING) {
			status = exit_of(b, kind, last_words);
			break;
		}
		if (asked.sig)
			loop_call(&second_over, 1000);
		loop_turn();
		take_signals(b);
		if (fence_refused() || lost(b)) {
			status = EXIT_FAIL;
			break;
		}
		if (killed) {
			say_last("kbox: %s\n", killed);
			status = 128 + SIGKILL;
			break;
		}
		if (asked.sig && !keep_asking(b)) {
			status = 128 + asked.sig;
			break;
		}
	}
	leave(b);
	return status;
}
