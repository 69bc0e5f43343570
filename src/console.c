// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's console: two threads between its rings and the user's terminal, which no process of
 * the box has. One writes to the terminal, and waits there as long as that takes nothing; the other
 * one reads it while the box is in the foreground.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "devices.h"
#include "thread.h"
#include "ring.h"

#define FOREGROUND_CHECK_MS 300

_Static_assert(KBOX_SHARED_PHYS + sizeof(struct kbox_shared) <= KBOX_CONSOLE_PHYS, "the shared words end before the console");
_Static_assert(KBOX_CONSOLE_PHYS + sizeof(struct kbox_console) <= KBOX_IMAGE_PHYS, "the console ends before the kernel");

static struct kbox_console *shared;
static struct ring out, in;
static int out_bell = -1, in_bell = -1;	/* eventfds; -1: there is no such terminal */
static bool ending, ended;

void ring_bell(int bell)
{
	uint64_t one = 1;

	/* It fails only when it would overflow, that is, when it has been rung anyway. */
	if (bell >= 0 && write(bell, &one, sizeof(one)) < 0)
		return;
}

/* Waits, unless the descriptor is one that does not. */
static void hear_bell(int bell)
{
	uint64_t n;

	if (read(bell, &n, sizeof(n)) < 0)
		return;
}

void console_output_bell(void)
{
	ring_bell(out_bell);
}

void console_input_bell(void)
{
	ring_bell(in_bell);
}

/*
 * Of descriptors 0 to 2 the first from there that is a terminal and not only for the other
 * direction; -1: none.
 */
static int terminal(const struct box *b, int first, int step, int other)
{
	for (int i = first; i >= 0 && i < 3; i += step)
		if (b->stdio[i].kind == KBOX_STDIO_TTY && b->stdio[i].access != other)
			return i;
	return -1;
}

static int output(const struct box *b)
{
	return terminal(b, 2, -1, O_RDONLY);
}

static int input(const struct box *b)
{
	return terminal(b, 0, 1, O_WRONLY);
}

/* A terminal that has gone swallows what is written, and so does one that is not there. */
static void write_all(int fd, const char *s, size_t n)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	ssize_t ret;

	for (; n; n -= ret, s += ret) {
		ret = write(fd, s, n);
		if (ret >= 0)
			continue;
		ret = 0;
		if (errno == EAGAIN)	/* somebody has set O_NONBLOCK */
			poll(&p, 1, -1);
		else if (errno != EINTR)
			return;
	}
}

/* The guest waits for room, or for the end of it. */
static void tell_room(struct box *b)
{
	if (ring_left(&out) <= out.size / 2 && __atomic_exchange_n(&shared->out_wait, 0, __ATOMIC_SEQ_CST))
		raise_irq(&b->shared->vcpu, KBOX_IRQ_CONSOLE);
}

static void *output_thread(void *arg)
{
	static char buf[4096];
	struct box *b = arg;
	uint32_t n;
	bool last;

	for (;;) {
		last = __atomic_load_n(&ending, __ATOMIC_SEQ_CST);
		n = ring_look(&out, buf, sizeof(buf));
		if (n) {
			write_all(output(b), buf, n);
			ring_done(&out, n);
			tell_room(b);
		} else if (last) {
			break;
		} else {
			hear_bell(out_bell);
		}
	}
	__atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
	supervisor_wake();
	return NULL;
}

void console_end(void)
{
	__atomic_store_n(&ending, true, __ATOMIC_SEQ_CST);
	console_output_bell();
}

bool console_has_ended(void)
{
	return out_bell < 0 || __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
}

/* Where there is none the guest is told to ring. */
static uint32_t room_for_input(void)
{
	uint32_t room = ring_room(&in);

	if (room)
		return room;
	__atomic_store_n(&shared->in_wait, 1, __ATOMIC_SEQ_CST);
	return ring_room(&in);
}

/*
 * The terminal, if the guest takes its input. What is typed while another job is in the foreground
 * is not for us. Nobody says when that changes, so the time-out is for looking again.
 */
static int wanted_terminal(const struct box *b, uint32_t room, int *timeout)
{
	static bool away;
	bool was_away = away;
	int fd = room && __atomic_load_n(&shared->listening, __ATOMIC_SEQ_CST) ? input(b) : -1;

	away = fd >= 0 && !tty_is_ours(fd);
	if (was_away && !away)
		kill(getpid(), SIGCONT);	/* the main thread makes the terminal raw again */
	*timeout = away ? FOREGROUND_CHECK_MS : -1;
	return away ? -1 : fd;
}

/* False: the terminal has ended, or gone. In the background reading is refused, see tty_setup(). */
static bool read_terminal(int fd, uint32_t room)
{
	char buf[KBOX_CONSOLE_IN];
	ssize_t n = read(fd, buf, room);

	if (n > 0)
		ring_put(&in, buf, n);
	return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN || (errno == EIO && !tty_is_ours(fd))));
}

static void *input_thread(void *arg)
{
	struct box *b = arg;
	bool more = true;

	while (more) {
		uint32_t room = room_for_input();
		int timeout, fd = wanted_terminal(b, room, &timeout);
		struct pollfd fds[] = { { .fd = in_bell, .events = POLLIN }, { .fd = fd, .events = POLLIN } };

		if (poll(fds, 2, timeout) <= 0)
			continue;
		if (fds[0].revents)
			hear_bell(in_bell);
		if (!fds[1].revents)
			continue;
		more = read_terminal(fd, room);
		if (!more)
			__atomic_store_n(&shared->in_end, 1, __ATOMIC_SEQ_CST);
		raise_irq(&b->shared->vcpu, KBOX_IRQ_CONSOLE);
	}
	return NULL;
}

static int new_bell(int flags)
{
	int bell = eventfd(0, EFD_CLOEXEC | flags);

	if (bell < 0)
		die("eventfd: %s", reason(errno));
	return bell;
}

static void share_rings(struct box *b)
{
	shared = (void *)(b->mem + KBOX_CONSOLE_PHYS);
	out = (struct ring) {
		.bytes = shared->out, .size = KBOX_CONSOLE_OUT, .theirs = &shared->out_head, .told = &shared->out_tail,
	};
	in = (struct ring) {
		.bytes = shared->in, .size = KBOX_CONSOLE_IN, .theirs = &shared->in_tail, .told = &shared->in_head,
	};
}

void start_console(struct box *b)
{
	share_rings(b);
	/* What is written where input alone is a terminal goes nowhere, but has to be taken. */
	if (output(b) >= 0 || input(b) >= 0) {
		out_bell = new_bell(0);
		start_thread(output_thread, b);
	}
	if (input(b) >= 0) {
		in_bell = new_bell(EFD_NONBLOCK);
		start_thread(input_thread, b);
	}
}
