// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that waits for what the guest wishes to know of descriptors 0 to 2: the
 * guest's kernel must not wait in the host's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "devices.h"

#define FOREGROUND_CHECK_MS 300

static int wake_fd;

void poller_wake(void)
{
	uint64_t one = 1;

	/* It fails only when it would overflow, that is, when it is readable anyway. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Tell the kernel what it wished to know about one descriptor. */
static bool report(struct kbox_poll *p, uint32_t seen)
{
	if (!seen)
		return false;
	/* An error or a hang-up answers every wish. */
	__atomic_fetch_and(&p->want, seen & ~(POLLIN | POLLOUT) ? 0 : ~seen, __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&p->ready, seen, __ATOMIC_SEQ_CST);
	return true;
}

/*
 * What is typed while another job is in the foreground is not for us. Nobody says
 * when that changes, so the time-out is for looking again.
 */
static int wishes(struct box *b, struct pollfd fds[3])
{
	static bool away;
	bool was_away = away;

	away = false;
	for (int i = 0; i < 3; i++) {
		uint32_t want = __atomic_load_n(&b->boot->poll[i].want, __ATOMIC_SEQ_CST);

		if (want & POLLIN && b->stdio[i].kind == KBOX_STDIO_TTY && !tty_is_ours(i)) {
			want &= ~POLLIN;
			away = true;
		}
		fds[i] = (struct pollfd) { .fd = want ? i : -1, .events = want };
	}
	if (was_away && !away)
		kill(getpid(), SIGCONT);	/* the main thread makes the terminal raw again */
	return away ? FOREGROUND_CHECK_MS : -1;
}

static void *poll_thread(void *arg)
{
	struct box *b = arg;
	struct pollfd fds[4];
	uint64_t n;

	for (;;) {
		int timeout = wishes(b, fds);
		bool any = false;

		fds[3] = (struct pollfd) { .fd = wake_fd, .events = POLLIN };
		if (poll(fds, 4, timeout) < 0)
			continue;
		if (fds[3].revents && read(wake_fd, &n, sizeof(n)) < 0)
			continue;
		for (int i = 0; i < 3; i++)
			if (fds[i].fd >= 0)
				any |= report(&b->boot->poll[i], (uint16_t)fds[i].revents);
		if (any)
			raise_irq(b->boot, KBOX_IRQ_STDIO);
	}
	return NULL;
}

void start_poller(struct box *b)
{
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		die("eventfd: %s", strerror(errno));
	start_thread(poll_thread, b);
}
