// SPDX-License-Identifier: GPL-2.0-only
/* The box's first process puts the fences around itself, and so around all that it makes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "fence.h"
#include "filter.h"
#include "hostcalls.h"
#include "landlock.h"
#include "passing.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)	/* Linux 5.19 */
#endif

static bool have_user_notif(void)
{
	uint32_t action = SECCOMP_RET_USER_NOTIF;

	return !is_hidden(KBOX_HIDE_USER_NOTIF) && !syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action);
}

/* A filter that allows all. Returns its listener, or -1. */
static int try_listener(unsigned long flags)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog prog = { 1, &allow };

	if (!have_user_notif() || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

bool signals_are_scoped(void)
{
	return landlock_abi() >= LANDLOCK_ABI_SIGNALS;
}

/* There can be only one listener around a process, and that may be another's. */
bool user_notif_works(void)
{
	return try_listener(0) >= 0;
}

/* A descriptor cannot be handed over to a call that there is not: so says who knows how to. */
bool handing_over_works(void)
{
	int listener = try_listener(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
	struct seccomp_notif_addfd none = { .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = listener };

	return listener >= 0 && ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &none) < 0 && errno == ENOENT;
}

/*
 * Speculative stores stay fast where the host's kernel would slow them down by default: see
 * seccomp(2).
 */
static int install(const struct filter_box *box, unsigned long flags)
{
	struct sock_filter f[FILTER_MAX];
	struct sock_fprog prog = { make_filter(f, box), f };
	int ret = -1;

	if (!is_hidden(KBOX_HIDE_SPEC_ALLOW))
		ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
	return ret < 0 ? syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) : ret;
}

/*
 * A listener, or -1. A call that a broker has begun to make must not be interrupted, and be made
 * once more then.
 */
static int install_with_listener(const struct filter_box *box, bool broker)
{
	int fd = install(box, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	return fd < 0 && !broker ? install(box, SECCOMP_FILTER_FLAG_NEW_LISTENER) : fd;
}

bool changes_by_path(const struct volumes *v)
{
	return v->fence == BY_BROKER && v->written;
}

unsigned given_volumes(const struct volumes *v)
{
	if (!v->n)
		return 0;
	return WITH_VOLUMES | (v->written < v->n ? WITH_WRITES : 0) | (v->fence != BY_LANDLOCK ? WITH_PATHS : 0) |
	       (changes_by_path(v) ? 0 : WITH_OPENED) | (v->upper >= 0 ? WITH_UPPER : 0);
}

bool has_broker(const struct volumes *v)
{
	return v->n && v->fence == BY_BROKER;
}

static struct filter_box filter_box(const struct box *b)
{
	const struct volumes *v = &b->volumes;
	bool files = b->opt.nfds || b->diff_fd >= 0 || b->agent_fd >= 0 || b->opt.host_special || b->resume;

	for (int i = 0; i < 3; i++)
		files |= !b->stdio[i].kind;
	return (struct filter_box) {
		.start = b->image.hostcall_start, .end = b->image.hostcall_end,
		.given = (files ? WITH_FILES : 0) | (b->sockets ? WITH_SOCKETS : 0) | (b->boot->names ? WITH_NAMES : 0) |
			 (b->boot->maps ? WITH_MAPS : 0) | given_volumes(v),
		.mem_fd = b->mem_fd, .null_fd = b->null_fd, .epoll_fd = b->boot->epoll_fd,
		.volumes = v->fd, .written = v->fd + v->written, .volumes_end = v->fd + v->n,
		.refused = SECCOMP_RET_USER_NOTIF, .signals = SECCOMP_RET_ALLOW,
		.paths = has_broker(v) ? SECCOMP_RET_USER_NOTIF : SECCOMP_RET_ALLOW,
	};
}

static void __attribute__((noreturn)) cannot(const char *what)
{
	die("%s: %s; this host cannot run kbox (see kbox doctor)", what, strerror(errno));
}

/* Of a volume of one file in a directory of the host's, that is all that may be opened. */
static struct landlock_rule rule_for(const struct volumes *v, int i)
{
	bool is_file = v->fence == BY_LANDLOCK && *v->volume[i].file;
	int fd = is_file ? openat(v->fd + i, v->volume[i].file, O_PATH | O_CLOEXEC) : v->fd + i;

	return (struct landlock_rule) { fd, is_file, i >= v->written, i == v->upper };
}

/*
 * Beside a namespace it is one more fence. The first version of it lets no file be moved to another
 * directory, so that where files are written it is no fence to have without need.
 */
static bool lock_files(const struct box *b)
{
	struct landlock_rule rules[KBOX_MAX_VOLUMES];
	const struct volumes *v = &b->volumes;
	bool locked;

	if (v->n && v->fence == BY_NAMESPACE && v->written < v->n && landlock_abi() < LANDLOCK_ABI_REFER)
		return false;
	for (int i = 0; i < v->n; i++)
		rules[i] = rule_for(v, i);
	locked = landlock_lock(b->sockets, true, rules, v->n);
	if (!locked && v->n && v->fence == BY_LANDLOCK)
		cannot("Landlock");
	for (int i = 0; i < v->n; i++)
		if (rules[i].is_file)
			close(rules[i].fd);
	return locked;
}

/* The supervisor hears of what is refused, and does what a process may not. False: it cannot. */
static bool enter_with_listener(const struct box *b, struct filter_box *box, bool scoped)
{
	const struct volumes *v = &b->volumes;
	int fd, err;

	if (!have_user_notif() || !start_passing(scoped, v->fd, has_broker(v) ? v->n : 0)) {
		pass_nothing(scoped);
		return false;
	}
	box->signals = scoped ? SECCOMP_RET_ALLOW : SECCOMP_RET_USER_NOTIF;
	fd = install_with_listener(box, has_broker(v));
	err = errno;
	wait_passed(fd);
	errno = err;
	return fd >= 0;
}

void fence_enter(const struct box *b)
{
	struct filter_box box = filter_box(b);
	bool scoped = lock_files(b) && signals_are_scoped();

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		cannot("PR_SET_NO_NEW_PRIVS");
	if (enter_with_listener(b, &box, scoped))
		return;
	if (has_broker(&b->volumes))
		cannot("seccomp_unotify");
	box.refused = SECCOMP_RET_KILL_PROCESS;
	box.signals = SECCOMP_RET_ALLOW;
	if (install(&box, 0))
		cannot("seccomp");
}
