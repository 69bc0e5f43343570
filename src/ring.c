// SPDX-License-Identifier: GPL-2.0-only
/* A ring of bytes that is shared with a guest which nobody trusts. */
#include <string.h>
#include "ring.h"

static uint32_t theirs(const struct ring *r)
{
	return __atomic_load_n(r->theirs, __ATOMIC_SEQ_CST);
}

static void tell(struct ring *r)
{
	__atomic_store_n(r->told, r->ours, __ATOMIC_SEQ_CST);
}

/* The piece of n bytes that lies before the ring's end. */
static uint32_t first_piece(const struct ring *r, uint32_t n)
{
	uint32_t to_end = r->size - r->ours % r->size;

	return n < to_end ? n : to_end;
}

uint32_t ring_look(struct ring *r, void *buf, uint32_t n)
{
	uint32_t head = theirs(r), first;

	if (head - r->ours > r->size) {
		r->ours = head;
		tell(r);
	}
	if (n > head - r->ours)
		n = head - r->ours;
	first = first_piece(r, n);
	memcpy(buf, r->bytes + r->ours % r->size, first);
	memcpy((char *)buf + first, r->bytes, n - first);
	return n;
}

void ring_done(struct ring *r, uint32_t n)
{
	r->ours += n;
	tell(r);
}

uint32_t ring_left(const struct ring *r)
{
	uint32_t left = theirs(r) - r->ours;

	return left > r->size ? 0 : left;
}

uint32_t ring_room(const struct ring *r)
{
	uint32_t used = r->ours - theirs(r);

	return used > r->size ? 0 : r->size - used;
}

void ring_put(struct ring *r, const void *buf, uint32_t n)
{
	uint32_t first = first_piece(r, n);

	memcpy(r->bytes + r->ours % r->size, buf, first);
	memcpy(r->bytes, (const char *)buf + first, n - first);
	r->ours += n;
	tell(r);
}
