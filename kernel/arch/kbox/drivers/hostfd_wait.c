// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for descriptors of the host, in which a host call must not wait: it would stop the whole
 * kernel. The box has an epoll instance on the host that the supervisor waits for; when it has
 * something to tell, KBOX_IRQ_HOSTFD comes.
 *
 * Who waits for one event asks for that once (EPOLLONESHOT). Who polls may look again without
 * asking, or wait for the next edge: from then on the host tells of each (EPOLLET), until one finds
 * nobody who waits.
 */
#include <linux/fs.h>
#include <linux/uaccess.h>
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include "hostfd.h"

#define ALL_EVENTS	(EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP)

long hostfd_nonblock(int fd)
{
	long was = hostfd_flags(fd);

	if (was < 0 || was & O_NONBLOCK)
		return -1;
	host_setfl(fd, was | O_NONBLOCK);
	return was;
}

void hostfd_restore(int fd, long was)
{
	if (was >= 0)
		host_setfl(fd, was);
}

static int ask_host(int op, int fd, __poll_t events)
{
	struct epoll_event ev = { .events = events, .data = fd };

	return host_epoll_ctl(kbox_boot->epoll_fd, op, fd, &ev);
}

int hostfd_watch(int fd)
{
	int ret = ask_host(EPOLL_CTL_ADD, fd, EPOLLONESHOT);

	return ret == -EPERM ? 0 : ret ?: 1;
}

/* The host would keep it as long as anybody else has it open. */
void hostfd_unwatch(int fd)
{
	ask_host(EPOLL_CTL_DEL, fd, 0);
}

static bool has_edges(struct hostfd *h)
{
	struct hostfd_holder *other;

	hostfd_for_each_holder(other, &h->holder)
		if (hostfd_of_holder(other)->edges)
			return true;
	return false;
}

static void ask_once(struct hostfd *h, __poll_t events)
{
	struct hostfd_holder *other;
	__poll_t want = 0;

	h->want |= events;
	if (has_edges(h))
		return;
	hostfd_for_each_holder(other, &h->holder)
		want |= hostfd_of_holder(other)->want;
	ask_host(EPOLL_CTL_MOD, host_number(h), want | EPOLLONESHOT);
}

static struct hostfd *asking;

/*
 * The host tells at once of what is there already: that is no edge, and the caller is going to
 * look.
 */
static void ask_for_edges(struct hostfd *h)
{
	if (has_edges(h))
		return;
	h->edges = true;
	ask_host(EPOLL_CTL_MOD, host_number(h), ALL_EVENTS | EPOLLET);
	asking = h;
	hostfd_take_events();
	asking = NULL;
}

static void wake(struct hostfd *h, __poll_t events)
{
	bool wanted = h->want & events || events & (EPOLLERR | EPOLLHUP);

	/* An error or a hang-up answers all. */
	h->want &= events & (EPOLLERR | EPOLLHUP) ? 0 : ~events;
	if (h != asking || wanted)
		wake_up_interruptible_poll(&h->wait, events | (events & EPOLLIN ? EPOLLRDNORM : 0) |
						     (events & EPOLLOUT ? EPOLLWRNORM : 0));
}

static void tell(int fd, __poll_t events)
{
	struct hostfd_holder *first = hostfd_lookup(&hostfd_table, fd), *other;
	bool waits = false, edges;
	__poll_t want = 0;

	if (!first)
		return;
	edges = has_edges(hostfd_of_holder(first));
	hostfd_for_each_holder(other, first) {
		wake(hostfd_of_holder(other), events);
		waits |= waitqueue_active(&hostfd_of_holder(other)->wait) || hostfd_of_holder(other) == asking;
		want |= hostfd_of_holder(other)->want;
	}
	if (waits && edges)
		return;
	hostfd_for_each_holder(other, first)
		hostfd_of_holder(other)->edges = false;
	if (edges || (waits && want))
		ask_host(EPOLL_CTL_MOD, fd, (waits ? want : 0) | EPOLLONESHOT);
}

void hostfd_take_events(void)
{
	struct epoll_event seen[16];
	int n;

	/* A box that was given no descriptor may not ask. */
	if (hostfd_next(&hostfd_table, -1) < 0)
		return;
	do {
		n = host_epoll_take(kbox_boot->epoll_fd, seen, ARRAY_SIZE(seen));
		for (int i = 0; i < n; i++)
			tell(seen[i].data, seen[i].events);
	} while (n == ARRAY_SIZE(seen));
}

static int interrupted(const struct hostfd_wait *w)
{
	if (!signal_pending(current))
		return 0;
	return w->timeout == MAX_SCHEDULE_TIMEOUT ? -ERESTARTSYS : -EINTR;
}

/* Some calls do not agree with poll(2): then there is nothing but to try now and then. */
static int pause_a_tick(struct hostfd_wait *w)
{
	long left = schedule_timeout_interruptible(1);

	if (w->timeout != MAX_SCHEDULE_TIMEOUT)
		w->timeout -= 1 - left;
	return interrupted(w);
}

int hostfd_wait(struct hostfd *h, struct hostfd_wait *w)
{
	DEFINE_WAIT(wait);

	if (!w->timeout)
		return -EAGAIN;
	if (w->again && host_poll(host_number(h), w->events))
		return pause_a_tick(w);
	prepare_to_wait(&h->wait, &wait, TASK_INTERRUPTIBLE);
	ask_once(h, (__force __poll_t)w->events);
	w->again = host_poll(host_number(h), w->events);
	if (!w->again && !signal_pending(current))
		w->timeout = schedule_timeout(w->timeout);
	finish_wait(&h->wait, &wait);
	/*
	 * What the host has not told of yet may have come before the signal: who has written it may
	 * have died.
	 */
	if (signal_pending(current) && !w->again)
		w->again = host_poll(host_number(h), w->events);
	return w->again ? 0 : interrupted(w);
}

bool hostfd_try_again(struct hostfd *h, struct hostfd_wait *w, long *ret)
{
	if (*ret == -EAGAIN)
		*ret = hostfd_wait(h, w);
	else if (*ret == -EINTR)
		*ret = 0;
	else
		return false;
	return !*ret;
}

__poll_t hostfd_poll_wait(struct hostfd *h, struct poll_table_struct *pt)
{
	__poll_t asked = (pt ? pt->_key : ~(__poll_t)0) & (ALL_EVENTS | EPOLLRDNORM | EPOLLWRNORM);

	poll_wait(h->file, &h->wait, pt);
	ask_for_edges(h);
	return (__force __poll_t)host_poll(host_number(h), (__force u16)asked);
}
