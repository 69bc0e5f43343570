/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef RING_H
#define RING_H
#include <stdint.h>

/*
 * Our side of a ring of bytes in guest memory, where the guest may write anything at any time. Our
 * index is kept here and never read back; the guest's is read once for each step, and counts only
 * if what it says is possible.
 */
struct ring {
	uint8_t *bytes;
	uint32_t size;			/* a power of two */
	const uint32_t *theirs;
	uint32_t *told;			/* where the guest sees our index */
	uint32_t ours;
};

/*
 * Of a ring that the guest fills: up to n bytes, which stay in it. An index that cannot be is where
 * we begin anew.
 */
uint32_t ring_look(struct ring *r, void *buf, uint32_t n);
/* They are done with. */
void ring_done(struct ring *r, uint32_t n);
/* How many there are. */
uint32_t ring_left(const struct ring *r);
/* Of a ring that the guest empties; none if its index cannot be. */
uint32_t ring_room(const struct ring *r);
/* There is room for them. */
void ring_put(struct ring *r, const void *buf, uint32_t n);

#endif
