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
#include "rights.h"

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
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fd, fds[RIGHTS_MAX];
	union rights rights;

	(void)arg;
	while ((fd = __atomic_load_n(&pass.listener, __ATOMIC_SEQ_CST)) == -2)
		sched_yield();
	if (fd >= 0) {
		fds[0] = fd;
		for (int i = 0; i < pass.words.n; i++)
			fds[1 + i] = pass.words.first + i;
		rights_put(&m, &rights, fds, 1 + pass.words.n);
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
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[RIGHTS_MAX], n;
	union rights rights;

	*p = (struct passed) { .listener = -1 };
	close(channel[1]);
	rights_expect(&m, &rights, RIGHTS_MAX);
	n = recvmsg(channel[0], &m, MSG_CMSG_CLOEXEC) == sizeof(words) ? rights_take(&m, fds) : 0;
	if (n) {
		p->listener = fds[0];
		p->n = n - 1;
		memcpy(p->volume, fds + 1, p->n * sizeof(int));
	}
	close(channel[0]);
	p->first = words.first;
	p->scoped = words.scoped;
}
