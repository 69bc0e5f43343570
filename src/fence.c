// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "arch.h"
#include "devices.h"
#include "fence.h"
#include "filter.h"
#include "hostcalls.h"
#include "landlock.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)	/* Linux 5.19 */
#endif

static int channel[2];		/* the listener comes from the box's first process: [1] to [0] */
static int listener = -1;
static pthread_mutex_t reaping = PTHREAD_MUTEX_INITIALIZER;
static bool report_only;	/* KBOX_FENCE=log */

/* The call for which the box ends. */
static struct seccomp_notif refused;
static bool is_refused;

bool have_user_notif(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return !is_hidden(KBOX_HIDE_USER_NOTIF) && !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

enum signal_fence signal_fence(void)
{
	if (landlock_abi() >= LANDLOCK_ABI_SIGNALS)
		return SIGNALS_SCOPED;
	return have_user_notif() ? SIGNALS_SENT : SIGNALS_HARMLESS;
}

/* There can be only one listener around a process, and that may be another's. */
bool user_notif_works(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog prog = { 1, &allow };

	return have_user_notif() && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog) >= 0;
}

void fence_lock(void)
{
	pthread_mutex_lock(&reaping);
}

void fence_unlock(void)
{
	pthread_mutex_unlock(&reaping);
}

void fence_prepare(void)
{
	const char *mode = getenv("KBOX_FENCE");

	report_only = mode && !strcmp(mode, "log");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		die("socketpair: %s", reason(errno));
}

int fence_channel(void)
{
	return channel[1];
}

/*
 * The listener is a descriptor of who installs the filter, and who has installed it can send it
 * nowhere. So a thread without the filter does, which is gone before the guest's kernel begins.
 */
static struct {
	int listener;		/* -1: none, -2: not yet */
	int thread;		/* its number, which the host clears when it is gone */
	char stack[16 << 10] __attribute__((aligned(16)));
} pass;

/* A message of one byte, and the listener if there is one. No libc: its data is the other thread's. */
static int pass_listener(void *arg)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd;

	(void)arg;
	while ((fd = __atomic_load_n(&pass.listener, __ATOMIC_SEQ_CST)) == -2)
		sched_yield();
	if (fd >= 0) {
		control.header = (struct cmsghdr) { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
	}
	syscall(SYS_sendmsg, channel[1], &m, MSG_NOSIGNAL);
	syscall(SYS_close, channel[1]);
	if (fd >= 0)
		syscall(SYS_close, fd);
	syscall(SYS_exit, 0);
	return 0;
}

static bool start_passing(void)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	pass.listener = -2;
	return clone(pass_listener, pass.stack + sizeof(pass.stack), flags, NULL, &pass.thread, NULL, &pass.thread) > 0;
}

/* Where this thread may make no call any more: it looks until the other one is gone. */
static void wait_passed(int fd)
{
	__atomic_store_n(&pass.listener, fd, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pass.thread, __ATOMIC_SEQ_CST))
		;
}

/* Speculative stores stay fast where the host's kernel would slow them down by default: see seccomp(2). */
static int install(const struct filter_box *box, unsigned long flags)
{
	struct sock_filter f[FILTER_MAX];
	struct sock_fprog prog = { make_filter(f, box), f };
	int ret = -1;

	if (!is_hidden(KBOX_HIDE_SPEC_ALLOW))
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
	return ret < 0 ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) : ret;
}

/* A listener, or -1. */
static int install_with_listener(const struct filter_box *box)
{
	int fd = install(box, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	return fd < 0 ? install(box, SECCOMP_FILTER_FLAG_NEW_LISTENER) : fd;
}

static struct filter_box filter_box(const struct box *b)
{
	bool files = b->opt.nfds;

	for (int i = 0; i < 3; i++)
		files |= !b->stdio[i].kind;
	return (struct filter_box) {
		.start = b->image.hostcall_start, .end = b->image.hostcall_end,
		.given = (files ? WITH_FILES : 0) | (b->sockets ? WITH_SOCKETS : 0) | (b->boot->names ? WITH_NAMES : 0) |
			 (b->boot->maps ? WITH_MAPS : 0),
		.mem_fd = b->mem_fd, .null_fd = b->boot->null_fd,
		.refused = SECCOMP_RET_USER_NOTIF, .signals = SECCOMP_RET_ALLOW,
	};
}

static void __attribute__((noreturn)) cannot(const char *what)
{
	die("%s: %s; this host cannot run kbox (see kbox doctor)", what, strerror(errno));
}

void fence_enter(const struct box *b)
{
	struct filter_box box = filter_box(b);
	bool scoped = landlock_lock(b->sockets, true) && signal_fence() == SIGNALS_SCOPED;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		cannot("PR_SET_NO_NEW_PRIVS");
	if (!have_user_notif() || !start_passing()) {
		close(channel[1]);
	} else {
		int fd;

		box.signals = scoped ? SECCOMP_RET_ALLOW : SECCOMP_RET_USER_NOTIF;
		fd = install_with_listener(&box);
		wait_passed(fd);
		if (fd >= 0)
			return;
	}
	box.refused = SECCOMP_RET_KILL_PROCESS;
	box.signals = SECCOMP_RET_ALLOW;
	if (install(&box, 0))
		cannot("seccomp");
}

static int receive_listener(void)
{
	char byte;
	struct iovec iov = { &byte, 1 };
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	close(channel[1]);
	if (recvmsg(channel[0], &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	close(channel[0]);
	return fd;
}

/* A signal for a thread of the box: 0 or the error of tgkill(2). Its process is our child, or no number of ours. */
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

/* The error to answer with; -1: no answer, the thread waits for its end. */
static int answer(const struct seccomp_notif *n)
{
	const struct seccomp_data *d = &n->data;

	if (d->arch == ARCH_AUDIT && d->nr == SYS_tgkill && (d->args[2] == SIGURG || d->args[2] == SIGWINCH))
		return send_signal(d->args[0], d->args[1], d->args[2]);
	if (report_only) {
		say_refused(n, "");
		return EPERM;
	}
	if (!is_refused) {
		refused = *n;
		__atomic_store_n(&is_refused, true, __ATOMIC_RELEASE);
		supervisor_wake();
	}
	return -1;
}

static void *listen_thread(void *arg)
{
	(void)arg;
	for (;;) {
		struct seccomp_notif n = { 0 };
		struct seccomp_notif_resp r = { 0 };
		int error;

		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &n)) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return NULL;
		}
		error = answer(&n);
		if (error < 0)
			continue;
		r.id = n.id;
		r.error = -error;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
}

bool signals_held(void)
{
	return signal_fence() == SIGNALS_SCOPED || listener >= 0;
}

void fence_watch(struct box *b)
{
	listener = receive_listener();
	if (listener >= 0)
		start_thread(listen_thread, b);
}
