/* SPDX-License-Identifier: GPL-2.0-only */
/* What a virtio device is made of: docs/devices.md. */
#ifndef DEVICES_H
#define DEVICES_H
#include "box.h"
#include "loop.h"
#include "virtqueue.h"

#define VIRTIO_VERSION_1 (1ULL << 32)

struct device_ops;

/* One device of the box. What is up to its ops is theirs to set in init(). */
struct device {
	const struct device_ops *ops;
	struct box *box;
	struct kbox_virtio *hw;		/* what the driver sees of it */
	struct virtqueue vq[KBOX_MAX_VQ];
	struct call again;		/* of the loop: it has more to do */
	uint32_t unfinished;		/* bit per queue: it may have more requests */
	bool running;			/* from DRIVER_OK to a reset */
	uint32_t started;		/* bit per queue: it is in use */
	bool at_work;			/* its thread is: it may have a request */
	uint32_t pushed;		/* bit per queue: the driver may want to hear of answers */

	uint64_t features;		/* up to the ops, and VIRTIO_VERSION_1 is among them */
	uint32_t queue_size[KBOX_MAX_VQ];	/* the same; 0: there is no such queue */
	void *state;			/* the same */
};

/* A kind of device. */
struct device_ops {
	uint32_t id;			/* VIRTIO_ID_* */
	/*
	 * Its requests wait for the host (a disk). Then all but init() and config() is called in a
	 * thread of the device's own, which the driver wakes; else in the loop.
	 */
	bool waits;
	/* Before the box starts. False: this box has no such device. */
	bool (*init)(struct device *d);
	/* What the driver reads of its configuration; may be absent. */
	void (*config)(const struct device *d, void *config);
	/*
	 * The driver has set the queue up; and it has ended it: the device lets go of requests that
	 * it holds, and of their memory. Either may be absent.
	 */
	void (*start_queue)(struct device *d, int queue);
	void (*stop_queue)(struct device *d, int queue);
	/*
	 * Take one request of the queue, by device_pop(). It is the device's from then on, which
	 * answers it now or later, by device_push(). False: there is none.
	 */
	bool (*notify)(struct device *d, int queue);
};

/* A file of src/ has a device in every box if it says so, at its end. */
#define DEVICE(ops) \
	static const struct device_ops *const registered \
		__attribute__((used, section("devices"))) = &(ops)

bool device_pop(struct device *d, int queue, struct vq_request *r);
/* The request is done, with len bytes written into it. One from before a reset is not answered. */
void device_push(struct device *d, int queue, const struct vq_request *r, uint32_t len);
/* The same, but the driver sees it only with the next push: requests that make one answer. */
void device_put(struct device *d, int queue, const struct vq_request *r, uint32_t len);
/* After pushes, where it was not notify() that has pushed. */
void device_tell(struct device *d);
/* notify() of this queue is called soon, as if the driver had rung. Of a device in the loop. */
void device_again(struct device *d, int queue);
/* What config() says has changed. The driver is told. */
void device_reconfigure(struct device *d);

/*
 * Nothing more is begun: what is asked of devices stays in their queues. False: one has yet to end
 * what it is at. Until devices_go_on().
 */
bool devices_pause(void);
void devices_go_on(void);

int virtio_blk_overlay(void);		/* the file that has what is not written to the image; or -1 */
void virtio_blk_overlay_filled(void);	/* somebody else has written there, before the box starts */
uint64_t virtio_blk_served(void);	/* requests so far */

/* devices.c: answer what has been notified, each queue for a while. True: there is more to do. */
bool device_serve(struct device *d);
struct device *device_at(int slot);

#endif
