// SPDX-License-Identifier: GPL-2.0-only
/*
 * The supervisor's end of the box's filter: a thread that hears of the calls that are refused,
 * sends signals for processes that may not, and has files of volumes opened for them (broker.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "arch.h"
#include "box.h"
#include "broker.h"
#include "loop.h"
#include "thread.h"
#include "fence.h"
#include "passing.h"

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, uint64_t)
#endif

static int listener = -1;
static bool scoped;			/* by Landlock: the box sends its signals itself */
static pthread_mutex_t reaping = PTHREAD_MUTEX_INITIALIZER;
static bool report_only;		/* KBOX_FENCE=log */

/* The call for which the box ends: the first of them. */
static struct seccomp_notif refused;
static bool any_refused, is_refused;

void fence_lock(void)
{
	pthread_mutex_lock(&reaping);
}

void fence_unlock(void)
{
	pthread_mutex_unlock(&reaping);
}

/*
 * A signal for a thread of the box: 0 or the error of tgkill(2). Its process is our child, or no
 * number of ours.
 */
static int send_signal(pid_t process, pid_t thread, int sig)
{
	siginfo_t info;
	int err = ESRCH;

	fence_lock();
	if (!waitid(P_PID, process, &info, WEXITED | WNOHANG | WNOWAIT))
		err = syscall(SYS_tgkill, process, thread, sig) ? errno : 0;
	fence_unlock();
	return err;
}

static const char *name_of(int nr)
{
	static const char *const names[] = {
#include "callnames.h"
	};

	return nr >= 0 && (size_t)nr < sizeof(names) / sizeof(names[0]) ? names[nr] : NULL;
}

static void say_refused(const struct seccomp_notif *n, const char *then)
{
	const struct seccomp_data *d = &n->data;
	const char *name = d->arch == ARCH_AUDIT ? name_of(d->nr) : NULL;
	char number[48];

	if (!name) {
		snprintf(number, sizeof(number), "call %d of architecture %#x", d->nr, d->arch);
		name = number;
	}
	fprintf(stderr, "kbox: the guest's kernel asked the host for %s(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx), "
		"which it may not (host thread %u, at %#llx)%s\n", name, d->args[0], d->args[1], d->args[2],
		d->args[3], d->args[4], d->args[5], n->pid, d->instruction_pointer, then);
}

bool fence_refused(void)
{
	return __atomic_load_n(&is_refused, __ATOMIC_ACQUIRE);
}

void fence_say(void)
{
	if (fence_refused())
		say_refused(&refused, "; the box ends");
}

/* False: the thread waits for its end, or has its answer. */
static bool answer(const struct seccomp_notif *n, struct seccomp_notif_resp *r)
{
	const struct seccomp_data *d = &n->data;

	if (d->arch == ARCH_AUDIT && d->nr == SYS_tgkill && (d->args[2] == SIGURG || d->args[2] == SIGWINCH)) {
		r->error = -send_signal(d->args[0], d->args[1], d->args[2]);
		return true;
	}
	if (broker_takes(d))
		return broker_answer(listener, n, r);
	if (report_only) {
		say_refused(n, "");
		r->error = -EPERM;
		return true;
	}
	if (!__atomic_exchange_n(&any_refused, true, __ATOMIC_RELAXED)) {
		refused = *n;
		__atomic_store_n(&is_refused, true, __ATOMIC_RELEASE);
		loop_wake();
	}
	return false;
}

/* Linux 5.8; before, nobody is told. */
static bool box_has_ended(void)
{
	struct pollfd p = { .fd = listener, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && p.revents & POLLHUP;
}

/* ENOENT: who has asked is gone meanwhile; or, from Linux 6.11 on, nobody of the box is left. */
static void *listen_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct seccomp_notif n = { 0 };
		struct seccomp_notif_resp r = { 0 };

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
			if (errno == EINTR || (errno == ENOENT && !box_has_ended()))
				continue;
			return NULL;
		}
		r.id = n.id;
		if (answer(&n, &r))
			ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
}

bool signals_held(void)
{
	return scoped || listener >= 0;
}

/*
 * With a broker there is one thread more, for signals, as a file may have to be waited for. The box
 * has one virtual CPU, so that its kernel asks for one file at a time.
 */
static void start_listening(const struct box *b)
{
	if (has_broker(&b->volumes)) {
		start_thread_with(drop_capabilities, listen_thread, NULL);
		start_thread_with(drop_capabilities, listen_thread, NULL);
	} else {
		start_thread(listen_thread, NULL);
	}
}

void fence_watch(struct box *b)
{
	const char *mode = getenv("KBOX_FENCE");
	struct passed passed;

	report_only = mode && !strcmp(mode, "log");
	receive_passed(&passed);
	listener = passed.listener;
	scoped = passed.scoped;
	if (listener < 0)
		return;
	broker_start(b, &passed);
	/* Who asks waits for the answer, so that one processor may do for both (Linux 6.6). */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	start_listening(b);
}
