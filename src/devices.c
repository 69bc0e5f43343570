// SPDX-License-Identifier: GPL-2.0-only
/* The device side: a thread that answers the guest's doorbell. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <string.h>
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

bool device_pop(struct device *d, int queue, struct vq_request *r)
{
	return vq_pop(&d->vq[queue], r);
}

void device_push(struct device *d, int queue, const struct vq_request *r, uint32_t len)
{
	vq_push(&d->vq[queue], r, len);
	d->pushed |= 1u << queue;
}

void device_tell(struct device *d)
{
	bool tell = false;

	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (d->pushed & 1u << q)
			tell |= vq_wants_interrupt(&d->vq[q]);
	d->pushed = 0;
	if (!tell)
		return;
	__atomic_fetch_or(&d->hw->isr, 1, __ATOMIC_SEQ_CST);
	raise_irq(&d->box->shared->vcpu, KBOX_IRQ_VIRTIO + (d - devices));
}

/*
 * A driver can offer requests as fast as they are served, so only some are, and none once the end
 * has rung.
 */
static void serve_queue(struct device *d, int q)
{
	const struct box *b = d->box;

	for (int n = 0; n < BATCH && !has_rung(b, KBOX_BELL_EXIT) && !(n && has_rung(b, KBOX_BELL_POLL)); n++)
		if (!d->ops->notify(d, q)) {
			d->unfinished &= ~(1u << q);
			break;
		}
}

static void serve(struct device *d)
{
	if (!d->ops)
		return;
	d->unfinished |= __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST) & ((1u << KBOX_MAX_VQ) - 1);
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (d->unfinished & 1u << q)
			serve_queue(d, q);
	device_tell(d);
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
			serve(&devices[i]);
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

/* What the driver is told of the device. */
static void describe(const struct device *d)
{
	d->hw->device_features = d->features;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		d->hw->vq[q].size = d->queue_size[q];
	if (d->ops->config)
		d->ops->config(d, d->hw->config);
	d->hw->device_id = d->ops->id;
}

static void attach(struct box *b, struct device *d, const struct device_ops *ops)
{
	*d = (struct device) { .ops = ops, .box = b, .hw = &b->shared->virtio[d - devices] };
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		d->vq[q] = (struct virtqueue) { .mem = b->mem, .mem_size = b->opt.mem, .hw = &d->hw->vq[q] };
	if (ops->init(d))
		describe(d);
	else
		d->ops = NULL;
}

/* The linker's names for what DEVICE() has put together, in no order that counts. */
extern const struct device_ops *const __start_devices[], *const __stop_devices[];

/* The kind with the lowest number from there on. */
static const struct device_ops *next_kind(uint32_t from)
{
	const struct device_ops *next = NULL;

	for (const struct device_ops *const *p = __start_devices; p < __stop_devices; p++)
		if ((*p)->id >= from && (!next || (*p)->id < next->id))
			next = *p;
	return next;
}

/* Slots go by the kinds' numbers, so that a box has its devices in the same order always. */
void init_devices(struct box *b)
{
	const struct device_ops *ops = next_kind(0);

	ending = false;
	memset(devices, 0, sizeof(devices));
	for (int i = 0; i < KBOX_MAX_VIRTIO && ops; i++, ops = next_kind(ops->id + 1))
		attach(b, &devices[i], ops);
}

void start_devices(struct box *b)
{
	sem_init(&opened, 0, 0);
	start_poller(b);
	start_console(b);
	start_thread(doorbell_thread, b);
}
