// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that waits for what the guest wishes to know of the host's descriptors, since the guest's kernel must not wait
 * in the host's: for the terminal's input, and for what the kernel has put into boot->epoll_fd itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "devices.h"

#define FOREGROUND_CHECK_MS 300

static int wake_fd;
static int edge_fd;	/* an epoll instance that has boot->epoll_fd alone, and is readable once when more comes */

void poller_wake(void)
{
	uint64_t one = 1;

	/* It fails only when it would overflow, that is, when it is readable anyway. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

static int terminal(const struct box *b)
{
	for (int i = 0; i < 3; i++)
		if (b->stdio[i].kind == KBOX_STDIO_TTY)
			return i;
	return -1;
}

/*
 * The terminal, if the guest wants its input. What is typed while another job is in the foreground is not for us. Nobody says
 * when that changes, so the time-out is for looking again.
 */
static int wanted_terminal(const struct box *b, int *timeout)
{
	static bool away;
	bool was_away = away;
	int fd = __atomic_load_n(&b->boot->tty_want, __ATOMIC_SEQ_CST) ? terminal(b) : -1;

	away = fd >= 0 && !tty_is_ours(fd);
	if (was_away && !away)
		kill(getpid(), SIGCONT);	/* the main thread makes the terminal raw again */
	*timeout = away ? FOREGROUND_CHECK_MS : -1;
	return away ? -1 : fd;
}

static void *poll_thread(void *arg)
{
	struct epoll_event event;
	struct box *b = arg;
	uint64_t n;

	for (;;) {
		int timeout;
		struct pollfd fds[] = {
			{ .fd = wake_fd, .events = POLLIN }, { .fd = edge_fd, .events = POLLIN },
			{ .fd = wanted_terminal(b, &timeout), .events = POLLIN },
		};

		if (poll(fds, 3, timeout) < 0)
			continue;
		if (fds[0].revents && read(wake_fd, &n, sizeof(n)) < 0)
			continue;
		if (fds[2].revents)
			__atomic_store_n(&b->boot->tty_want, 0, __ATOMIC_SEQ_CST);
		if (fds[2].revents || (fds[1].revents && epoll_wait(edge_fd, &event, 1, 0) == 1))
			raise_irq(b->boot, KBOX_IRQ_STDIO);
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
