// SPDX-License-Identifier: GPL-2.0-only
/* The table of the host's descriptors. See hostfd_table.h. */
#include "hostfd_table.h"

#ifdef __KERNEL__
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/slab.h>
#define hostfd_zalloc(size)	kzalloc(size, GFP_KERNEL)
#define hostfd_free(p)		kfree(p)
#define hostfd_assert(x)	WARN_ON_ONCE(!(x))
#else
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
/* A test includes this file and brings its own. */
#ifndef hostfd_zalloc
#define hostfd_zalloc(size)	calloc(1, size)
#define hostfd_free(p)		free(p)
#define hostfd_assert(x)	assert(x)
#endif
#endif

#ifdef CONFIG_KBOX_HOSTFD_CHECK
#define check(t)		hostfd_assert(hostfd_consistent(t))
#else
#define check(t)		do { } while (0)
#endif

static_assert(HOSTFD_CHUNK * sizeof(struct hostfd_slot) == 4096);

void hostfd_table_init(struct hostfd_table *t)
{
	*t = (struct hostfd_table) { .far = LIST_HEAD_INIT(t->far) };
}

/* The slot of a number, whatever is in it; NULL if the table has none. */
static struct hostfd_slot *slot_find(const struct hostfd_table *t, int fd)
{
	struct hostfd_slot *chunk;
	struct hostfd_far *far;

	if (fd < 0)
		return NULL;
	if (fd < HOSTFD_DIRECT) {
		chunk = t->chunks[fd / HOSTFD_CHUNK];
		return chunk ? &chunk[fd % HOSTFD_CHUNK] : NULL;
	}
	list_for_each_entry(far, &t->far, list)
		if (far->fd == fd)
			return &far->slot;
	return NULL;
}

static struct hostfd_slot *slot_alloc_direct(struct hostfd_table *t, int fd)
{
	struct hostfd_slot *chunk = hostfd_zalloc(HOSTFD_CHUNK * sizeof(*chunk));

	if (!chunk)
		return NULL;
	t->chunks[fd / HOSTFD_CHUNK] = chunk;
	t->pages++;
	return &chunk[fd % HOSTFD_CHUNK];
}

static struct hostfd_slot *slot_alloc_far(struct hostfd_table *t, int fd)
{
	struct hostfd_far *far = hostfd_zalloc(sizeof(*far));

	if (!far)
		return NULL;
	far->fd = fd;
	list_add(&far->list, &t->far);
	return &far->slot;
}

static struct hostfd_slot *slot_get(struct hostfd_table *t, int fd)
{
	struct hostfd_slot *s = slot_find(t, fd);

	if (s)
		return s;
	return fd < HOSTFD_DIRECT ? slot_alloc_direct(t, fd) : slot_alloc_far(t, fd);
}

/* All that ever changes a slot. */
static void slot_set(struct hostfd_table *t, struct hostfd_slot *s, struct hostfd_holder *first, u32 refs)
{
	t->held += !!first - !!s->first;
	s->first = first;
	s->refs = refs;
}

/* Any -> one holder. */
static void slot_init(struct hostfd_table *t, struct hostfd_slot *s, struct hostfd_holder *h, int fd)
{
	h->fd = fd;
	slot_set(t, s, h, 1);
}

/* One holder -> none. The slot may be gone then. */
static void slot_clear(struct hostfd_table *t, struct hostfd_slot *s, int fd)
{
	struct hostfd_far *far;

	slot_set(t, s, NULL, 0);
	if (fd < HOSTFD_DIRECT)
		return;
	far = container_of(s, struct hostfd_far, slot);
	list_del(&far->list);
	hostfd_free(far);
}

/* It holds nothing, and nobody will come to it. */
static bool is_released(const struct hostfd_holder *h)
{
	return h->fd < 0 && list_empty(&h->ring);
}

/* The slot is the caller's business. */
static void release(struct hostfd_holder *h)
{
	list_del_init(&h->ring);
	h->fd = -1;
}

static void release_all(struct hostfd_holder *first)
{
	while (!list_empty(&first->ring))
		release(list_next_entry(first, ring));
	release(first);
}

/* The slot of a number that is held: its first holder says so, too. */
static struct hostfd_slot *slot_live(const struct hostfd_table *t, int fd)
{
	struct hostfd_slot *s = slot_find(t, fd);

	return s && s->first && s->first->fd == fd ? s : NULL;
}

/*
 * The slot of what a holder holds. One that is neither the first nor in a ring only has the number
 * of others.
 */
static struct hostfd_slot *slot_of(const struct hostfd_table *t, const struct hostfd_holder *h)
{
	struct hostfd_slot *s = slot_live(t, h->fd);

	return s && (s->first == h || !list_empty(&h->ring)) ? s : NULL;
}

int hostfd_insert(struct hostfd_table *t, struct hostfd_holder *h, int fd)
{
	struct hostfd_slot *s;

	if (fd < 0)
		return -EBADF;
	if (!is_released(h))
		return -EBUSY;
	s = slot_get(t, fd);
	if (!s)
		return -ENOMEM;
	if (s->first)
		release_all(s->first);
	slot_init(t, s, h, fd);
	check(t);
	return 0;
}

int hostfd_share(struct hostfd_table *t, struct hostfd_holder *h, struct hostfd_holder *of)
{
	struct hostfd_slot *s = slot_of(t, of);

	if (!s)
		return -EBADF;
	if (!is_released(h))
		return -EBUSY;
	h->fd = of->fd;
	list_add_tail(&h->ring, &s->first->ring);
	slot_set(t, s, s->first, s->refs + 1);
	check(t);
	return 0;
}

int hostfd_remove(struct hostfd_table *t, struct hostfd_holder *h)
{
	struct hostfd_slot *s = slot_of(t, h);
	int last = -1;

	if (s && s->refs > 1) {
		slot_set(t, s, s->first == h ? list_next_entry(h, ring) : s->first, s->refs - 1);
	} else if (s) {
		last = h->fd;
		slot_clear(t, s, last);
	}
	/* Also of a stale slot: its owner will be freed. */
	release(h);
	check(t);
	return last;
}

struct hostfd_holder *hostfd_lookup(const struct hostfd_table *t, int fd)
{
	struct hostfd_slot *s = slot_live(t, fd);

	return s ? s->first : NULL;
}

u32 hostfd_refs(const struct hostfd_table *t, int fd)
{
	struct hostfd_slot *s = slot_live(t, fd);

	return s ? s->refs : 0;
}

int hostfd_next(const struct hostfd_table *t, int fd)
{
	const struct hostfd_far *far;
	int next = -1;

	for (fd++; fd < HOSTFD_DIRECT; fd++) {
		if (!t->chunks[fd / HOSTFD_CHUNK])
			fd |= HOSTFD_CHUNK - 1;
		else if (slot_live(t, fd))
			return fd;
	}
	list_for_each_entry(far, &t->far, list)
		if (far->fd >= fd && (next < 0 || far->fd < next))
			next = far->fd;
	return next;
}

/* The ring closes after as many steps as there are holders, each of which has this number. */
static bool slot_consistent(const struct hostfd_slot *s, int fd)
{
	const struct hostfd_holder *h = s->first;
	u32 n;

	if (!h)
		return !s->refs;
	for (n = 0; n < s->refs; n++) {
		if (h->fd != fd || h->ring.next->prev != &h->ring || (n && h == s->first))
			return false;
		h = list_next_entry(h, ring);
	}
	return n && h == s->first;
}

/* Adds how many slots are held. */
static bool chunk_consistent(const struct hostfd_slot *chunk, int fd, unsigned long *held)
{
	int i;

	for (i = 0; i < HOSTFD_CHUNK; i++) {
		if (!slot_consistent(&chunk[i], fd + i))
			return false;
		*held += !!chunk[i].first;
	}
	return true;
}

static bool far_consistent(const struct hostfd_table *t, unsigned long *held)
{
	const struct hostfd_far *far;

	list_for_each_entry(far, &t->far, list) {
		/* slot_find: its number belongs here, and there is no other with it. */
		if (slot_find(t, far->fd) != &far->slot || !far->slot.first || !slot_consistent(&far->slot, far->fd))
			return false;
		++*held;
	}
	return true;
}

bool hostfd_consistent(const struct hostfd_table *t)
{
	unsigned long held = 0, pages = 0;
	int i;

	for (i = 0; i < HOSTFD_DIRECT / HOSTFD_CHUNK; i++) {
		if (!t->chunks[i])
			continue;
		if (!chunk_consistent(t->chunks[i], i * HOSTFD_CHUNK, &held))
			return false;
		pages++;
	}
	return far_consistent(t, &held) && held == t->held && pages == t->pages;
}
