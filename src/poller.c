// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that waits for what the guest wishes to know of the host's descriptors, since the
 * guest's kernel must not wait in the host's: it has put that into boot->epoll_fd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "devices.h"
#include "thread.h"

static int wake_fd;
static int edge_fd;	/* an epoll instance that has boot->epoll_fd alone, and is readable once when more comes */

void poller_wake(void)
{
	ring_bell(wake_fd);
}

static void *poll_thread(void *arg)
{
	struct epoll_event event;
	struct box *b = arg;
	uint64_t n;

	for (;;) {
		struct pollfd fds[] = { { .fd = wake_fd, .events = POLLIN }, { .fd = edge_fd, .events = POLLIN } };

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents && read(wake_fd, &n, sizeof(n)) < 0)
			continue;
		if (fds[1].revents && epoll_wait(edge_fd, &event, 1, 0) == 1)
			raise_irq(&b->shared->vcpu, KBOX_IRQ_STDIO);
	}
	return NULL;
}

void start_poller(struct box *b)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	edge_fd = epoll_create1(EPOLL_CLOEXEC);
	if (wake_fd < 0 || edge_fd < 0 || epoll_ctl(edge_fd, EPOLL_CTL_ADD, b->boot->epoll_fd, &event))
		die("epoll: %s", reason(errno));
	start_thread(poll_thread, b);
}
