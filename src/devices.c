// SPDX-License-Identifier: GPL-2.0-only
/* The device side: a thread that answers the guest's doorbell. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "devices.h"
#include "thread.h"

#define BATCH		16		/* requests of a queue, then the other bells */

static struct device devices[KBOX_MAX_VIRTIO];
static bool ending;			/* the box: nothing more is begun */

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void raise_irq(struct kbox_vcpu *vcpu, int irq)
{
	__atomic_fetch_or(&vcpu->irq_pending, 1u << irq, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&vcpu->lock, __ATOMIC_SEQ_CST)) {
		__atomic_fetch_add(&vcpu->z_seq, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &vcpu->z_seq, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static bool has_rung(const struct box *b, int bell)
{
	return __atomic_load_n(&b->shared->doorbell, __ATOMIC_SEQ_CST) & 1u << bell;
}

/*
 * True if the driver wants to hear of what was done. A driver can offer requests as fast as they
 * are served, so only some are, and none once the end has rung.
 */
static bool serve_queue(const struct box *b, struct device *d, int i)
{
	static struct vq_request r;
	struct virtqueue *q = &d->vq[i];
	int n;

	for (n = 0; n < BATCH && !has_rung(b, KBOX_BELL_EXIT) && !(n && has_rung(b, KBOX_BELL_POLL)); n++) {
		if (!vq_pop(q, &r)) {
			d->unfinished &= ~(1u << i);
			break;
		}
		vq_push(q, &r, d->serve(d, &r));
	}
	return n && vq_wants_interrupt(q);
}

static void serve(struct box *b, int i)
{
	struct device *d = &devices[i];
	bool tell = false;

	if (!d->serve)
		return;
	d->unfinished |= __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST) & ((1u << KBOX_MAX_VQ) - 1);
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (d->unfinished & 1u << q)
			tell |= serve_queue(b, d, q);
	if (tell) {
		__atomic_fetch_or(&d->hw->isr, 1, __ATOMIC_SEQ_CST);
		raise_irq(&b->shared->vcpu, KBOX_IRQ_VIRTIO + i);
	}
}

/* The devices come last, since they may take their time. */
bool serve_bells(struct box *b)
{
	uint32_t bells = __atomic_exchange_n(&b->shared->doorbell, 0, __ATOMIC_SEQ_CST);
	bool more = false;

	if (bells & 1u << KBOX_BELL_EXIT) {
		ending = true;
		supervisor_wake();
	}
	if (bells & 1u << KBOX_BELL_POLL)
		poller_wake();
	if (bells & 1u << KBOX_BELL_OUTPUT)
		console_output_bell();
	if (bells & 1u << KBOX_BELL_INPUT)
		console_input_bell();
	for (int i = 0; i < KBOX_MAX_VIRTIO && !ending; i++) {
		if (bells & 1u << (KBOX_BELL_VIRTIO + i) || devices[i].unfinished)
			serve(b, i);
		more |= devices[i].unfinished;
	}
	return more && !ending;
}

/*
 * Nothing of the image runs before the guest's kernel has read it. So nothing is served until the
 * fences stand.
 */
static sem_t opened;

void open_devices(void)
{
	sem_post(&opened);
}

static void *doorbell_thread(void *arg)
{
	struct box *b = arg;

	while (sem_wait(&opened))
		;
	for (;;)
		if (!serve_bells(b))
			futex_wait(&b->shared->doorbell, 0);
	return NULL;
}

void init_devices(struct box *b)
{
	ending = false;
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++) {
		devices[i] = (struct device) { .hw = &b->shared->virtio[i] };
		for (int q = 0; q < KBOX_MAX_VQ; q++)
			devices[i].vq[q] = (struct virtqueue) {
				.mem = b->mem, .mem_size = b->opt.mem, .hw = &devices[i].hw->vq[q],
			};
	}
	virtio_blk_init(&devices[0], b);
	virtio_rng_init(&devices[1], b);
}

void start_devices(struct box *b)
{
	sem_init(&opened, 0, 0);
	start_poller(b);
	start_console(b);
	start_thread(doorbell_thread, b);
}
