/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The device side of a split virtqueue (virtio 1.2, 2.7) in guest memory. Nothing
 * the guest writes is trusted: every address and index is checked against the memory,
 * and what was checked is not read again.
 */
#ifndef VIRTQUEUE_H
#define VIRTQUEUE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <asm/kbox.h>

#define VQ_MAX_SEGS KBOX_VQ_SIZE

/* guestmem.c: a copy of what the guest wrote. What is checked and used is the copy alone. */
void guest_read(void *to, const void *from, size_t n);

struct vq_desc;
struct vq_avail;
struct vq_used;

struct virtqueue {
	char *mem;
	uint64_t mem_size;
	const struct kbox_virtqueue *hw;
	uint32_t size;			/* as the driver set it up, and so are these */
	const struct vq_desc *desc;
	const struct vq_avail *avail;
	struct vq_used *used;
	uint16_t last_avail, next_used;
	bool running;			/* the driver has done nothing wrong since it was started */
	uint32_t run;			/* by which requests of an earlier one are told */
};

struct vq_request {
	uint16_t head;
	uint32_t run;
	int nout, nin;			/* segments the device reads, then those it writes */
	struct iovec seg[VQ_MAX_SEGS];
};

/* As the driver has set it up now. False: that makes no sense. */
bool vq_start(struct virtqueue *q);
/* Nothing is read or written there from now on. */
/* One that ran elsewhere, where all that was taken was answered. After vq_start(). */
void vq_go_on(struct virtqueue *q);
void vq_stop(struct virtqueue *q);
/* The next request, or false: none, or what the guest wrote makes no sense. */
bool vq_pop(struct virtqueue *q, struct vq_request *r);
/*
 * Give the request back with len bytes written; if the queue is still the one that it came from. By
 * vq_put() the driver sees it only with the next vq_push(), so that it sees several at once.
 */
void vq_put(struct virtqueue *q, const struct vq_request *r, uint32_t len);
void vq_push(struct virtqueue *q, const struct vq_request *r, uint32_t len);
/* The bytes of segments. */
uint64_t vq_bytes(const struct iovec *seg, int nseg);
/* After the last push. */
bool vq_wants_interrupt(const struct virtqueue *q);

#endif
