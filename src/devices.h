/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DEVICES_H
#define DEVICES_H
#include "box.h"
#include "virtqueue.h"

/* A virtio device: its slot in the boot page, and what serves its queues. */
struct device {
	struct kbox_virtio *hw;
	struct virtqueue vq[KBOX_MAX_VQ];
	/* Serve one request; returns the bytes written into it. */
	uint32_t (*serve)(struct device *d, struct vq_request *r);
	void *state;
	uint32_t unfinished;		/* bit per queue: it may have more, and nobody rings */
};

#define VIRTIO_VERSION_1 (1ULL << 32)

void virtio_blk_init(struct device *d, struct box *b);
uint64_t virtio_blk_served(void);	/* requests so far */
void virtio_rng_init(struct device *d, struct box *b);

/* devices.c: answer what has rung, each queue for a while. True: there is more to do. */
bool serve_bells(struct box *b);

/* poller.c */
void start_poller(struct box *b);
void poller_wake(void);
/* console.c: an eventfd(2), -1 for none; then the console's two, which may be none */
void ring_bell(int bell);
void start_console(struct box *b);
void console_output_bell(void);
void console_input_bell(void);

#endif
