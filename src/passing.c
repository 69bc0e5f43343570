// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the filter's listener (seccomp_unotify(2)), and volumes that a broker is to open files of,
 * come to the supervisor. They are descriptors of who installs the filter, and who has installed it
 * can send them nowhere. So a thread without the filter does, which is gone before the guest's
 * kernel begins.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "passing.h"

static int channel[2];		/* from the box's first process, [1], to the supervisor, [0] */

void prepare_passing(void)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel))
		die("socketpair: %s", reason(errno));
}

int passing_fd(void)
{
	return channel[1];
}

/* The listener and the volumes. */
#define MAX_DESCRIPTORS (1 + KBOX_MAX_VOLUMES)

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(MAX_DESCRIPTORS * sizeof(int))];
};

/* The message itself; what goes beside it are the listener and n descriptors from first on. */
struct words {
	char scoped;
	int first, n;
};

static struct {
	int listener;		/* -1: none, -2: not yet */
	struct words words;
	int thread;		/* its number, which the host clears when it is gone */
	char stack[16 << 10] __attribute__((aligned(16)));
} pass;

/* Calls alone: what libc keeps for a thread is the other one's. */
static int pass_listener(void *arg)
{
	struct iovec iov = { &pass.words, sizeof(pass.words) };
	union control control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd, n = 1 + pass.words.n;

	(void)arg;
	while ((fd = __atomic_load_n(&pass.listener, __ATOMIC_SEQ_CST)) == -2)
		sched_yield();
	if (fd >= 0) {
		control.header = (struct cmsghdr) { CMSG_LEN(n * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		for (int i = 0; i < n; i++) {
			int one = i ? pass.words.first + i - 1 : fd;

			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &one, sizeof(one));
		}
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
	}
	syscall(SYS_sendmsg, channel[1], &m, MSG_NOSIGNAL);
	syscall(SYS_close, channel[1]);
	if (fd >= 0)
		syscall(SYS_close, fd);
	syscall(SYS_exit, 0);
	return 0;
}

void pass_nothing(bool scoped)
{
	struct words words = { .scoped = scoped };

	(void)!send(channel[1], &words, sizeof(words), MSG_NOSIGNAL);
	close(channel[1]);
}

bool start_passing(bool scoped, int first, int n)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	pass.listener = -2;
	pass.words = (struct words) { scoped, first, n };
	return clone(pass_listener, pass.stack + sizeof(pass.stack), flags, NULL, &pass.thread, NULL, &pass.thread) > 0;
}

/* This thread may make no call any more: it looks until the other one is gone. */
void wait_passed(int fd)
{
	__atomic_store_n(&pass.listener, fd, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pass.thread, __ATOMIC_SEQ_CST))
		;
}

void receive_passed(struct passed *p)
{
	struct words words = { 0 };
	struct iovec iov = { &words, sizeof(words) };
	union control control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };

	*p = (struct passed) { .listener = -1 };
	close(channel[1]);
	if (recvmsg(channel[0], &m, MSG_CMSG_CLOEXEC) == sizeof(words) && CMSG_FIRSTHDR(&m)) {
		const unsigned char *fds = CMSG_DATA(&control.header);

		memcpy(&p->listener, fds, sizeof(int));
		memcpy(p->volume, fds + sizeof(int), control.header.cmsg_len - CMSG_LEN(sizeof(int)));
		p->n = (control.header.cmsg_len - CMSG_LEN(sizeof(int))) / sizeof(int);
	}
	close(channel[0]);
	p->first = words.first;
	p->scoped = words.scoped;
}
