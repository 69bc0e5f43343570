// SPDX-License-Identifier: GPL-2.0-only
/* The device side: a thread that answers the doorbell, and one that polls host descriptors. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "devices.h"
#include "supervisor.h"

static struct device devices[KBOX_MAX_VIRTIO];
static int poll_wake;

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void raise_irq(struct kbox_boot *boot, int irq)
{
	__atomic_fetch_or(&boot->irq_pending, 1u << irq, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&boot->cpu_lock, __ATOMIC_SEQ_CST))
		syscall(SYS_futex, &boot->irq_pending, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void serve(struct box *b, int i)
{
	struct device *d = &devices[i];
	static struct vq_request r;
	uint32_t notify = __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST);
	bool any = false;

	for (int q = 0; q < KBOX_MAX_VQ; q++) {
		if (!(notify & 1u << q) || !d->serve)
			continue;
		while (vq_pop(&d->vq[q], &r)) {
			vq_push(&d->vq[q], &r, d->serve(d, &r));
			any = true;
		}
	}
	if (any) {
		__atomic_fetch_or(&d->hw->isr, 1, __ATOMIC_SEQ_CST);
		raise_irq(b->boot, KBOX_IRQ_VIRTIO + i);
	}
}

static void *doorbell_thread(void *arg)
{
	struct box *b = arg;
	uint64_t one = 1;
	uint32_t bells;

	for (;;) {
		bells = __atomic_exchange_n(&b->boot->doorbell, 0, __ATOMIC_SEQ_CST);
		if (!bells) {
			futex_wait(&b->boot->doorbell, 0);
			continue;
		}
		for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
			if (bells & 1u << (KBOX_BELL_VIRTIO + i))
				serve(b, i);
		if (bells & 1u << KBOX_BELL_POLL && write(poll_wake, &one, sizeof(one)) < 0)
			continue;
		if (bells & 1u << KBOX_BELL_EXIT)
			supervisor_wake();
	}
	return NULL;
}

/* Tell the kernel what it wished to know about one descriptor. */
static bool report(struct kbox_poll *p, uint32_t seen)
{
	if (!seen)
		return false;
	__atomic_fetch_and(&p->want, ~(seen | POLLIN | POLLOUT), __ATOMIC_SEQ_CST);
	__atomic_fetch_or(&p->ready, seen, __ATOMIC_SEQ_CST);
	return true;
}

static void *poll_thread(void *arg)
{
	struct box *b = arg;
	struct pollfd fds[4];
	uint64_t n;

	for (;;) {
		bool any = false;

		for (int i = 0; i < 3; i++) {
			fds[i].events = __atomic_load_n(&b->boot->poll[i].want, __ATOMIC_SEQ_CST);
			fds[i].fd = fds[i].events ? i : -1;
		}
		fds[3] = (struct pollfd) { .fd = poll_wake, .events = POLLIN };
		if (poll(fds, 4, -1) < 0)
			continue;
		if (fds[3].revents && read(poll_wake, &n, sizeof(n)) < 0)
			continue;
		for (int i = 0; i < 3; i++)
			any |= fds[i].fd >= 0 && report(&b->boot->poll[i], (uint16_t)fds[i].revents);
		if (any)
			raise_irq(b->boot, KBOX_IRQ_STDIO);
	}
	return NULL;
}

static void start(void *(*fn)(void *), struct box *b)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 << 10);
	if (pthread_create(&t, &attr, fn, b))
		die("cannot start a thread: %s", strerror(errno));
	pthread_attr_destroy(&attr);
}

void init_devices(struct box *b)
{
	int n = 0;

	for (int i = 0; i < KBOX_MAX_VIRTIO; i++) {
		devices[i].hw = &b->boot->virtio[i];
		for (int q = 0; q < KBOX_MAX_VQ; q++)
			devices[i].vq[q] = (struct virtqueue) {
				.mem = b->mem, .mem_size = b->opt.mem, .hw = &devices[i].hw->vq[q],
			};
	}
	virtio_blk_init(&devices[n++], b);
	virtio_rng_init(&devices[n++], b);
}

void start_devices(struct box *b)
{
	poll_wake = eventfd(0, EFD_CLOEXEC);
	if (poll_wake < 0)
		die("eventfd: %s", strerror(errno));
	start(doorbell_thread, b);
	start(poll_thread, b);
}
