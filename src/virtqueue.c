// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include "virtqueue.h"

struct vq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct vq_avail {
	uint16_t flags, idx, ring[];
};

struct vq_used {
	uint16_t flags, idx;
	struct { uint32_t id, len; } ring[];
};

enum { DESC_NEXT = 1, DESC_WRITE = 2, AVAIL_NO_INTERRUPT = 1 };

static void *at(const struct virtqueue *q, uint64_t phys, uint64_t len, uint64_t align)
{
	if (phys > q->mem_size || len > q->mem_size - phys || phys & (align - 1))
		return NULL;
	return q->mem + phys;
}

bool vq_start(struct virtqueue *q)
{
	struct kbox_virtqueue hw;

	vq_stop(q);
	guest_read(&hw, q->hw, sizeof(hw));
	if (!hw.size || hw.size > KBOX_VQ_SIZE || hw.size & (hw.size - 1))
		return false;
	q->size = hw.size;
	q->last_avail = q->next_used = 0;
	q->desc = at(q, hw.desc, hw.size * sizeof(*q->desc), 16);
	q->avail = at(q, hw.driver, sizeof(*q->avail) + hw.size * sizeof(q->avail->ring[0]), 2);
	q->used = at(q, hw.device, sizeof(*q->used) + hw.size * sizeof(q->used->ring[0]), 4);
	q->running = q->desc && q->avail && q->used;
	return q->running;
}

void vq_go_on(struct virtqueue *q)
{
	if (q->running)
		q->last_avail = q->next_used = __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE);
}

void vq_stop(struct virtqueue *q)
{
	q->running = false;
	q->run++;
}

static bool add_segment(const struct virtqueue *q, struct vq_request *r, const struct vq_desc *d)
{
	void *p = at(q, d->addr, d->len, 1);

	if (!p || r->nout + r->nin == VQ_MAX_SEGS || (r->nin && !(d->flags & DESC_WRITE)))
		return false;
	r->seg[r->nout + r->nin] = (struct iovec) { p, d->len };
	if (d->flags & DESC_WRITE)
		r->nin++;
	else
		r->nout++;
	return true;
}

/* A chain is no longer than the queue, or it is a ring. */
static bool read_chain(const struct virtqueue *q, struct vq_request *r)
{
	uint32_t i = r->head;

	r->nout = r->nin = 0;
	for (uint32_t n = 0; n < q->size && i < q->size; n++) {
		struct vq_desc d;

		guest_read(&d, &q->desc[i], sizeof(d));
		if (!add_segment(q, r, &d))
			return false;
		if (!(d.flags & DESC_NEXT))
			return true;
		i = d.next;
	}
	return false;
}

bool vq_pop(struct virtqueue *q, struct vq_request *r)
{
	uint16_t waiting;

	if (!q->running)
		return false;
	waiting = __atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) - q->last_avail;
	if (!waiting)
		return false;
	r->run = q->run;
	r->head = __atomic_load_n(&q->avail->ring[q->last_avail & (q->size - 1)], __ATOMIC_RELAXED);
	q->running = waiting <= q->size && read_chain(q, r);
	q->last_avail++;
	return q->running;
}

void vq_put(struct virtqueue *q, const struct vq_request *r, uint32_t len)
{
	uint16_t i;

	if (r->run != q->run)
		return;
	i = q->next_used++ & (q->size - 1);
	q->used->ring[i].id = r->head;
	q->used->ring[i].len = len;
}

void vq_push(struct virtqueue *q, const struct vq_request *r, uint32_t len)
{
	if (r->run != q->run)
		return;
	vq_put(q, r, len);
	__atomic_store_n(&q->used->idx, q->next_used, __ATOMIC_RELEASE);
}

/* No overflow: a segment is not longer than guest memory, and there are VQ_MAX_SEGS at most. */
uint64_t vq_bytes(const struct iovec *seg, int nseg)
{
	uint64_t n = 0;

	for (int i = 0; i < nseg; i++)
		n += seg[i].iov_len;
	return n;
}

bool vq_wants_interrupt(const struct virtqueue *q)
{
	/*
	 * The driver asks for interrupts, then looks at idx; we write idx, then look at the flag.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return q->running && !(__atomic_load_n(&q->avail->flags, __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
}
