// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's console, between its rings and the user's terminal, which no process of the box has.
 * The loop decides whether the terminal is read. Reading and writing may wait, and O_NONBLOCK would
 * be for all who have the terminal open, so each has a thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "bell.h"
#include "futex.h"
#include "loop.h"
#include "ring.h"
#include "thread.h"

#define FOREGROUND_CHECK_MS 300

_Static_assert(KBOX_SHARED_PHYS + sizeof(struct kbox_shared) <= KBOX_CONSOLE_PHYS, "the shared words end before the console");
_Static_assert(KBOX_CONSOLE_PHYS + sizeof(struct kbox_console) <= KBOX_IMAGE_PHYS, "the console ends before the kernel");

static struct kbox_console *shared;
static struct ring out, in;
static bool ending, ended;		/* the box; and its output */

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
		__atomic_store_n(&shared->out_rung, 0, __ATOMIC_SEQ_CST);
		last = __atomic_load_n(&ending, __ATOMIC_SEQ_CST);
		n = ring_look(&out, buf, sizeof(buf));
		if (n) {
			write_all(output(b), buf, n);
			ring_done(&out, n);
			tell_room(b);
		} else if (last) {
			break;
		} else {
			futex_wait(&shared->out_rung, 0);
		}
	}
	__atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
	loop_wake();
	return NULL;
}

bool console_has_ended(void)
{
	return __atomic_load_n(&ended, __ATOMIC_SEQ_CST);
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

/* Which is waited for, and then read by a thread, which has the ring of input meanwhile. */
static struct source keys;
static sem_t go;
static bool reading;			/* the thread is at it */
static bool no_more;			/* input */

static void hand_over(void)
{
	loop_watch(&keys, 0);
	__atomic_store_n(&reading, true, __ATOMIC_SEQ_CST);
	sem_post(&go);
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
	uint32_t room;

	for (;;) {
		while (sem_wait(&go))
			;
		room = ring_room(&in);
		if (room && !read_terminal(keys.fd, room)) {
			no_more = true;
			__atomic_store_n(&shared->in_end, 1, __ATOMIC_SEQ_CST);
		}
		raise_irq(&b->shared->vcpu, KBOX_IRQ_CONSOLE);
		__atomic_store_n(&reading, false, __ATOMIC_SEQ_CST);
		bell_ring(KBOX_BELL_INPUT);
	}
	return NULL;
}

static struct call look_again;

/*
 * Wait for the terminal, if the guest takes its input. What is typed while another job is in the
 * foreground is not for us. Nobody says when that changes, so we look again now and then.
 */
static void consider_input(void *arg)
{
	static bool away;
	bool was_away = away, wanted;

	if (__atomic_load_n(&reading, __ATOMIC_SEQ_CST) || no_more || ending)
		return;
	wanted = room_for_input() && __atomic_load_n(&shared->listening, __ATOMIC_SEQ_CST);
	away = wanted && !tty_is_ours(keys.fd);
	if (away)
		loop_call(&look_again, FOREGROUND_CHECK_MS);
	else if (was_away)
		terminal_changed(arg);
	loop_watch(&keys, wanted && !away ? EPOLLIN : 0);
}

/* Whose keys they are is asked just before they are read. */
static void keys_came(void *arg)
{
	consider_input(arg);
	if (keys.events)
		hand_over();
}

static void share_rings(struct box *b)
{
	shared = (void *)(b->mem + KBOX_CONSOLE_PHYS);
	out = (struct ring) {
		.bytes = shared->out, .size = KBOX_CONSOLE_OUT, .theirs = &shared->out_head, .told = &shared->out_tail,
		.ours = shared->out_tail,
	};
	in = (struct ring) {
		.bytes = shared->in, .size = KBOX_CONSOLE_IN, .theirs = &shared->in_tail, .told = &shared->in_head,
		.ours = shared->in_head,
	};
}

static void start_input(struct box *b)
{
	keys = (struct source) { .fd = input(b), .ready = keys_came, .arg = b };
	look_again = (struct call) { .fn = consider_input, .arg = b };
	sem_init(&go, 0, 0);
	bell_answer(KBOX_BELL_INPUT, consider_input, b);
	start_thread(input_thread, b);
}

void start_console(struct box *b)
{
	share_rings(b);
	/* What is written where input alone is a terminal goes nowhere, but has to be taken. */
	ended = output(b) < 0 && input(b) < 0;
	if (!ended)
		start_thread(output_thread, b);
	if (input(b) >= 0)
		start_input(b);
}

/* The box has ended: what is typed from now on is not for it. */
void console_end(void)
{
	__atomic_store_n(&ending, true, __ATOMIC_SEQ_CST);
	loop_watch(&keys, 0);
	__atomic_store_n(&shared->out_rung, 1, __ATOMIC_SEQ_CST);
	futex_wake(&shared->out_rung, INT_MAX);
}
