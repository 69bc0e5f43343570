// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the filter's listener (seccomp_unotify(2)) comes to the supervisor. It is a descriptor of who
 * installs the filter, and who has installed it can send it nowhere. So a thread without the filter
 * does, which is gone before the guest's kernel begins.
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

static struct {
	int listener;		/* -1: none, -2: not yet */
	char scoped;		/* what receive_listener() is told */
	int thread;		/* its number, which the host clears when it is gone */
	char stack[16 << 10] __attribute__((aligned(16)));
} pass;

/*
 * A message of one byte, and the listener if there is one. Calls alone: what libc keeps for a thread
 * is the other one's.
 */
static int pass_listener(void *arg)
{
	struct iovec iov = { &pass.scoped, 1 };
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

void pass_nothing(bool scoped)
{
	char byte = scoped;

	(void)!send(channel[1], &byte, 1, MSG_NOSIGNAL);
	close(channel[1]);
}

bool start_passing(bool scoped)
{
	const int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
			  CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;

	pass.listener = -2;
	pass.scoped = scoped;
	return clone(pass_listener, pass.stack + sizeof(pass.stack), flags, NULL, &pass.thread, NULL, &pass.thread) > 0;
}

/* This thread may make no call any more: it looks until the other one is gone. */
void wait_passed(int fd)
{
	__atomic_store_n(&pass.listener, fd, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pass.thread, __ATOMIC_SEQ_CST))
		;
}

int receive_listener(bool *scoped)
{
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	union { struct cmsghdr header; char room[CMSG_SPACE(sizeof(int))]; } control;
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	int fd = -1;

	close(channel[1]);
	if (recvmsg(channel[0], &m, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	close(channel[0]);
	*scoped = byte;
	return fd;
}
