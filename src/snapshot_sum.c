// SPDX-License-Identifier: GPL-2.0-only
/* What snapshots are told from damaged ones by, and how their pages are found. */
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>
#include "box.h"
#include "snapshot.h"

#define PIECE	(1UL << 20)	/* bytes that are looked at in one go, so that the processor's cache has them */

struct snapshot_sum {
	XXH3_state_t state;
};

struct snapshot_sum *snapshot_sum_begin(const char *words, size_t n)
{
	/* Its state is aligned to 64 bytes. */
	struct snapshot_sum *s = aligned_alloc(64, (sizeof(*s) + 63) & ~63UL);

	if (!s)
		die("%s", reason(ENOMEM));
	XXH3_64bits_reset(&s->state);
	XXH3_64bits_update(&s->state, words, n);
	return s;
}

uint64_t snapshot_page_sum(const void *page)
{
	uint64_t sum = XXH3_64bits(page, SNAPSHOT_PAGE);

	return sum ? sum : 1;
}

void snapshot_sum_page(struct snapshot_sum *s, uint64_t at, uint64_t sum)
{
	XXH3_64bits_update(&s->state, &at, sizeof(at));
	XXH3_64bits_update(&s->state, &sum, sizeof(sum));
}

uint64_t snapshot_sum_end(struct snapshot_sum *s)
{
	uint64_t sum = XXH3_64bits_digest(&s->state);

	free(s);
	return sum;
}

uint64_t snapshot_head_sum(const struct snapshot_head *h)
{
	return XXH3_64bits(h, offsetof(struct snapshot_head, head_sum));
}

bool snapshot_is_zero(const void *page)
{
	const uint64_t *w = page;

	for (int i = 0; i < SNAPSHOT_PAGE / 8; i += 8)
		if (w[i] | w[i + 1] | w[i + 2] | w[i + 3] | w[i + 4] | w[i + 5] | w[i + 6] | w[i + 7])
			return false;
	return true;
}

/* Where the file has something, from there on; end: nothing more. */
static uint64_t next_data(int fd, uint64_t at, uint64_t end)
{
	off_t data = lseek(fd, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : at;
	data &= -SNAPSHOT_PAGE;
	return (uint64_t)data < end ? (uint64_t)data : end;
}

static uint64_t next_hole(int fd, uint64_t at, uint64_t end)
{
	off_t hole = lseek(fd, at, SEEK_HOLE);

	return hole < 0 || (uint64_t)hole > end ? end : (uint64_t)hole;
}

/*
 * The next piece of what the file has is made present in one call, not by a fault for each page.
 * False: there is none. To look for a hole takes the host the longer the farther it is.
 */
static bool find_piece(struct snapshot_runs *r)
{
	if (r->at >= r->hole) {
		r->at = next_data(r->fd, r->at, r->end);
		if (r->at >= r->end)
			return false;
		r->hole = next_hole(r->fd, r->at, r->end);
	}
	r->piece = r->hole - r->at < PIECE ? r->hole : r->at + PIECE;
	madvise((void *)(r->map + r->at), r->piece - r->at, MADV_POPULATE_READ);
	return true;
}

bool snapshot_next_run(struct snapshot_runs *r, uint64_t *start, uint64_t *n)
{
	while (r->at < r->piece || find_piece(r)) {
		while (r->at < r->piece && snapshot_is_zero(r->map + r->at))
			r->at += SNAPSHOT_PAGE;
		*start = r->at;
		while (r->at < r->piece && !snapshot_is_zero(r->map + r->at))
			r->at += SNAPSHOT_PAGE;
		*n = r->at - *start;
		if (*n)
			return true;
	}
	return false;
}
