// SPDX-License-Identifier: GPL-2.0-only
/* The devices of a box: where they are, and in which thread their requests are taken. */
#include <string.h>
#include "bell.h"
#include "devices.h"
#include "futex.h"
#include "thread.h"

#define BATCH		16		/* requests of a queue, then others have their turn */
#define QUEUES		((1u << KBOX_MAX_VQ) - 1)

static struct device devices[KBOX_MAX_VIRTIO];

struct device *device_at(int slot)
{
	return &devices[slot];
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

/* The box's end has been told: nothing more is begun. */
static bool has_ended(const struct box *b)
{
	return __atomic_load_n(&b->shared->exit_kind, __ATOMIC_SEQ_CST) != KBOX_RUNNING;
}

/* A driver can offer requests as fast as they are served, so only some are. */
static void serve_queue(struct device *d, int q)
{
	for (int n = 0; n < BATCH && !has_ended(d->box); n++)
		if (!d->ops->notify(d, q)) {
			d->unfinished &= ~(1u << q);
			break;
		}
}

bool device_serve(struct device *d)
{
	d->unfinished |= __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST) & QUEUES;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (d->unfinished & 1u << q)
			serve_queue(d, q);
	device_tell(d);
	return d->unfinished && !has_ended(d->box);
}

/* Nobody looks at the notifications now, so the driver has to wake us. False: there are some. */
static bool rest(struct device *d)
{
	uint32_t none = 0;

	return __atomic_compare_exchange_n(&d->hw->notify, &none, KBOX_NOTIFY_WAITED, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static void serve_in_loop(void *arg)
{
	struct device *d = arg;

	if (device_serve(d) || !rest(d))
		loop_call(&d->again, 0);
}

/*
 * Nothing of the image runs before the guest's kernel has read it. So nothing is served until the
 * fences stand.
 */
static uint32_t opened;

static void *serve_in_thread(void *arg)
{
	struct device *d = arg;

	while (!__atomic_load_n(&opened, __ATOMIC_SEQ_CST))
		futex_wait(&opened, 0);
	for (;;)
		if (!device_serve(d) && rest(d))
			futex_wait(&d->hw->notify, KBOX_NOTIFY_WAITED);
	return NULL;
}

void open_devices(void)
{
	__atomic_store_n(&opened, 1, __ATOMIC_SEQ_CST);
	futex_wake(&opened);
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (devices[i].ops && !devices[i].ops->waits)
			loop_call(&devices[i].again, 0);
}

/* What the driver is told of the device. */
static void describe(const struct device *d)
{
	d->hw->device_features = d->features;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		d->hw->vq[q].size = d->queue_size[q];
	if (d->ops->config)
		d->ops->config(d, d->hw->config);
	d->hw->wake = d->ops->waits;
	d->hw->device_id = d->ops->id;
}

static void attach(struct box *b, struct device *d, const struct device_ops *ops)
{
	*d = (struct device) { .ops = ops, .box = b, .hw = &b->shared->virtio[d - devices] };
	d->again = (struct call) { .fn = serve_in_loop, .arg = d };
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

	memset(devices, 0, sizeof(devices));
	for (int i = 0; i < KBOX_MAX_VIRTIO && ops; i++, ops = next_kind(ops->id + 1))
		attach(b, &devices[i], ops);
}

void start_devices(void)
{
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (!devices[i].ops)
			continue;
		else if (devices[i].ops->waits)
			start_thread(serve_in_thread, &devices[i]);
		else
			bell_answer(KBOX_BELL_VIRTIO + i, serve_in_loop, &devices[i]);
}
