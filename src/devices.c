// SPDX-License-Identifier: GPL-2.0-only
/* The devices of a box: where they are, and in which thread their requests are taken. */
#include <linux/virtio_config.h>
#include <string.h>
#include "bell.h"
#include "devices.h"
#include "futex.h"
#include "thread.h"

#define BATCH		16		/* requests of a queue, then others have their turn */
#define QUEUES		((1u << KBOX_MAX_VQ) - 1)

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };

static struct device devices[KBOX_MAX_VIRTIO];

struct device *device_at(int slot)
{
	return &devices[slot];
}

static void interrupt(struct device *d, uint32_t why)
{
	__atomic_fetch_or(&d->hw->isr, why, __ATOMIC_SEQ_CST);
	raise_irq(&d->box->shared->vcpu, KBOX_IRQ_VIRTIO + (d - devices));
}

/* A running queue has turned out to be none. The driver is told so, and has to begin anew. */
static void need_reset(struct device *d)
{
	__atomic_fetch_or(&d->hw->answered, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_SEQ_CST);
	interrupt(d, ISR_CONFIG);
}

bool device_pop(struct device *d, int queue, struct vq_request *r)
{
	struct virtqueue *q = &d->vq[queue];
	bool was_running = q->running, is = vq_pop(q, r);

	if (was_running && !q->running)
		need_reset(d);
	return is;
}

void device_put(struct device *d, int queue, const struct vq_request *r, uint32_t len)
{
	vq_put(&d->vq[queue], r, len);
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
	if (tell)
		interrupt(d, ISR_QUEUE);
}

void device_reconfigure(struct device *d)
{
	d->ops->config(d, d->hw->config);
	interrupt(d, ISR_CONFIG);
}

/* What the driver is told of the device. */
static void describe(const struct device *d)
{
	d->hw->device_features = d->features;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		d->hw->vq[q].size = d->queue_size[q];
	memset(d->hw->config, 0, sizeof(d->hw->config));
	if (d->ops->config)
		d->ops->config(d, d->hw->config);
	d->hw->wake = d->ops->waits;
	d->hw->device_id = d->ops->id;
}

static void stop(struct device *d)
{
	for (int q = 0; q < KBOX_MAX_VQ; q++) {
		vq_stop(&d->vq[q]);
		if (d->started & 1u << q && d->ops->stop_queue)
			d->ops->stop_queue(d, q);
	}
	d->running = false;
	d->started = d->unfinished = d->pushed = 0;
}

/* All queues that are ready, or, where one of them makes no sense, none. */
static bool start(struct device *d)
{
	d->running = true;
	for (int q = 0; q < KBOX_MAX_VQ; q++) {
		if (!d->queue_size[q] || !__atomic_load_n(&d->hw->vq[q].ready, __ATOMIC_ACQUIRE))
			continue;
		if (!vq_start(&d->vq[q]))
			return false;
		d->started |= 1u << q;
		if (d->ops->start_queue)
			d->ops->start_queue(d, q);
	}
	return true;
}

/* What the driver wants of the device is among what it was offered. */
static bool agreed(const struct device *d)
{
	uint64_t wants = __atomic_load_n(&d->hw->driver_features, __ATOMIC_RELAXED);

	return !(wants & ~d->features) && wants & VIRTIO_VERSION_1;
}

static bool may_run(struct device *d)
{
	return d->running || (agreed(d) && start(d));
}

/*
 * The driver knows the device of another box, which has been told all of that. What it has asked
 * for and was not done is done now.
 */
static bool go_on(struct device *d)
{
	uint32_t status = __atomic_load_n(&d->hw->status, __ATOMIC_ACQUIRE);

	if (d->hw->device_id != d->ops->id)
		return false;
	if (d->ops->config)
		d->ops->config(d, d->hw->config);
	d->hw->wake = d->ops->waits;
	d->hw->notify = 0;
	if ((status & 0xff) != KBOX_STATUS_READY || !may_run(d))
		return (status & 0xff) == 0;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		vq_go_on(&d->vq[q]);
	d->unfinished = d->started;
	return true;
}

/*
 * The driver has set a status. Those on its way to DRIVER_OK are its own business; what is neither
 * such a way nor a reset ends the device, too.
 */
static void take_status(struct device *d)
{
	uint32_t status = __atomic_load_n(&d->hw->status, __ATOMIC_ACQUIRE), is = status & 0xff;
	bool reset = is == 0, good = reset || (is == KBOX_STATUS_READY && may_run(d));

	if (reset || !good)
		stop(d);
	if (reset)
		describe(d);
	if (!good)
		status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	__atomic_store_n(&d->hw->answered, status, __ATOMIC_SEQ_CST);
	if (!good)
		interrupt(d, ISR_CONFIG);
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
	uint32_t notified = __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST);

	if (notified & KBOX_NOTIFY_STATUS)
		take_status(d);
	d->unfinished |= notified & QUEUES;
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

	return __atomic_compare_exchange_n(&d->hw->notify, &none, KBOX_NOTIFY_WAITED, false,
					   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

static uint32_t paused;			/* nothing is begun: see devices_pause(). A futex */

static void serve_in_loop(void *arg)
{
	struct device *d = arg;

	if (!paused && (device_serve(d) || !rest(d)))
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
	for (;;) {
		__atomic_store_n(&d->at_work, true, __ATOMIC_SEQ_CST);
		if (!__atomic_load_n(&paused, __ATOMIC_SEQ_CST) && (device_serve(d) || !rest(d)))
			continue;
		__atomic_store_n(&d->at_work, false, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&paused, __ATOMIC_SEQ_CST))
			futex_wait(&paused, 1);
		else
			futex_wait(&d->hw->notify, KBOX_NOTIFY_WAITED);
	}
	return NULL;
}

bool devices_pause(void)
{
	__atomic_store_n(&paused, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (devices[i].ops && __atomic_load_n(&devices[i].at_work, __ATOMIC_SEQ_CST))
			return false;
	return true;
}

void devices_go_on(void)
{
	__atomic_store_n(&paused, 0, __ATOMIC_SEQ_CST);
	futex_wake(&paused, INT_MAX);
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (devices[i].ops && !devices[i].ops->waits)
			loop_call(&devices[i].again, 0);
}

void device_again(struct device *d, int queue)
{
	d->unfinished |= 1u << queue & d->started;
	loop_call(&d->again, 0);
}

void open_devices(void)
{
	__atomic_store_n(&opened, 1, __ATOMIC_SEQ_CST);
	futex_wake(&opened, INT_MAX);
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (devices[i].ops && !devices[i].ops->waits)
			loop_call(&devices[i].again, 0);
}

/* False: this box has no such device. */
static bool attach(struct box *b, struct device *d, const struct device_ops *ops)
{
	*d = (struct device) { .ops = ops, .box = b, .hw = &b->shared->virtio[d - devices] };
	d->again = (struct call) { .fn = serve_in_loop, .arg = d };
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		d->vq[q] = (struct virtqueue) {
			.mem = b->mem, .mem_size = b->opt.mem, .hw = &d->hw->vq[q],
		};
	if (!ops->init(d)) {
		d->ops = NULL;
		return false;
	}
	if (!b->resume)
		describe(d);
	else if (!go_on(d))
		die("%s: the box had other devices", b->opt.from);
	return true;
}

/* The linker's names for what DEVICE() has put together, in no order that counts. */
extern const struct device_ops *const __start_devices[], *const __stop_devices[];

/* The kind with the lowest number from there on. */
static const struct device_ops *next_kind(uint32_t from)
{
	const struct device_ops *next = NULL;

	/* cppcheck-suppress comparePointers ; they are the bounds of one section */
	for (const struct device_ops *const *p = __start_devices; p < __stop_devices; p++)
		if ((*p)->id >= from && (!next || (*p)->id < next->id))
			next = *p;
	return next;
}

/*
 * Slots go by the numbers of the kinds that there are, so that a box has its devices in the same
 * order always.
 */
void init_devices(struct box *b)
{
	const struct device_ops *ops = next_kind(0);

	memset(devices, 0, sizeof(devices));
	for (int i = 0; i < KBOX_MAX_VIRTIO && ops; ops = next_kind(ops->id + 1))
		i += attach(b, &devices[i], ops);
}

void start_devices(void)
{
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		if (!devices[i].ops)
			continue;
		else if (devices[i].ops->waits)
			start_thread(serve_in_thread, &devices[i]);
		else
			bell_answer_at_once(KBOX_BELL_VIRTIO + i, serve_in_loop, &devices[i]);
}
