// SPDX-License-Identifier: GPL-2.0-only
#include "virtqueue.h"

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

enum { F_NEXT = 1, F_WRITE = 2 };

struct used_elem {
	uint32_t id, len;
};

static void *at(const struct virtqueue *q, uint64_t phys, uint64_t len)
{
	if (phys > q->mem_size || len > q->mem_size - phys)
		return NULL;
	return q->mem + phys;
}

static bool add_segment(struct virtqueue *q, struct vq_request *r, const struct desc *d)
{
	void *p = at(q, d->addr, d->len);

	if (!p || r->nout + r->nin == VQ_MAX_SEGS || (r->nin && !(d->flags & F_WRITE)))
		return false;
	r->seg[r->nout + r->nin] = (struct iovec) { p, d->len };
	if (d->flags & F_WRITE)
		r->nin++;
	else
		r->nout++;
	return true;
}

bool vq_pop(struct virtqueue *q, struct vq_request *r)
{
	uint32_t size = q->hw->size, i;
	struct desc *table, d;
	uint16_t *avail;

	if (!__atomic_load_n(&q->hw->ready, __ATOMIC_ACQUIRE) || !size || size > KBOX_VQ_SIZE || size & (size - 1))
		return false;
	table = at(q, q->hw->desc, size * sizeof(*table));
	avail = at(q, q->hw->driver, 6 + 2 * size);
	if (!table || !avail || __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE) == q->last_avail)
		return false;
	r->head = avail[2 + (q->last_avail & (size - 1))];
	r->nout = r->nin = 0;
	i = r->head;
	for (uint32_t n = 0; n < size && i < size; n++) {
		d = table[i];
		if (!add_segment(q, r, &d))
			return false;
		if (!(d.flags & F_NEXT)) {
			q->last_avail++;
			return true;
		}
		i = d.next;
	}
	return false;
}

void vq_push(struct virtqueue *q, const struct vq_request *r, uint32_t len)
{
	uint32_t size = q->hw->size;
	uint16_t *used = at(q, q->hw->device, 6 + size * sizeof(struct used_elem));
	struct used_elem *ring;

	if (!used)
		return;
	ring = (void *)(used + 2);
	ring[used[1] & (size - 1)] = (struct used_elem) { r->head, len };
	__atomic_store_n(&used[1], used[1] + 1, __ATOMIC_RELEASE);
}
