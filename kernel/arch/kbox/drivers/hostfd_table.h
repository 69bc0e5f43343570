/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_HOSTFD_TABLE_H
#define KBOX_HOSTFD_TABLE_H
/*
 * The host's descriptors that the guest has, by the host's number: who holds each, and how many do.
 * A holder is an open file of the guest (struct file); how many descriptors of the guest refer to
 * that one is the VFS's business. There are three states: none; one holder; several (MULTI), a ring
 * of them. All but a walk of a ring takes the same time, whatever the number and however many there
 * are; numbers from HOSTFD_DIRECT on are kept in a list.
 *
 * The caller keeps other callers out. It is compiled for programs of the host, too
 * (tests/unit/test_hostfd_table.c).
 */
#include <linux/types.h>
#include <linux/list.h>

#define HOSTFD_DIRECT		65536
#define HOSTFD_CHUNK		256	/* slots, in a page */

/* What an open file has in the table. */
struct hostfd_holder {
	int fd;			/* -1: it holds nothing */
	struct list_head ring;	/* the other holders of the same descriptor, in the order in which they came */
};

struct hostfd_slot {
	struct hostfd_holder *first;	/* NULL: none. This is authoritative */
	u32 refs;			/* how many holders there are; more than one is MULTI */
};

struct hostfd_far {
	struct list_head list;
	int fd;
	struct hostfd_slot slot;
};

struct hostfd_table {
	struct hostfd_slot *chunks[HOSTFD_DIRECT / HOSTFD_CHUNK];
	struct list_head far;		/* of struct hostfd_far */
	unsigned long held;		/* descriptors of the host with at least one holder */
	unsigned long pages;		/* that the table has taken: it keeps them */
};

void hostfd_table_init(struct hostfd_table *t);

/* It holds nothing. Each holder has to begin so: zeros would be one of descriptor 0. */
static inline void hostfd_holder_init(struct hostfd_holder *h)
{
	h->fd = -1;
	INIT_LIST_HEAD(&h->ring);
}

/*
 * The host has given out this number just now, and the holder is the first of it. Who is still
 * there in its slot holds what has been closed behind the table's back: all those are released
 * (their fd becomes -1). 0, or why nothing has changed: -EBADF (no such number), -EBUSY (the holder
 * holds something), -ENOMEM.
 */
int hostfd_insert(struct hostfd_table *t, struct hostfd_holder *h, int fd);

/*
 * One more holder of what another one holds. -EBADF: that holds nothing (any more). -EBUSY: this
 * holds something.
 */
int hostfd_share(struct hostfd_table *t, struct hostfd_holder *h, struct hostfd_holder *of);

/*
 * A holder goes; one that holds nothing is left as it is. The host's descriptor if it was the last,
 * for the caller to close; else -1.
 */
int hostfd_remove(struct hostfd_table *t, struct hostfd_holder *h);

/*
 * The first holder of a descriptor of the host, or NULL: from there on the ring. A slot whose
 * holder says that it has another descriptor is stale, and as good as empty.
 */
struct hostfd_holder *hostfd_lookup(const struct hostfd_table *t, int fd);

/* How many holders it has. */
u32 hostfd_refs(const struct hostfd_table *t, int fd);

/* The next number above fd that is held, or -1. Takes as long as the table is large. */
int hostfd_next(const struct hostfd_table *t, int fd);

/*
 * Whether both directions agree everywhere; with CONFIG_KBOX_HOSTFD_CHECK asked after each change.
 */
bool hostfd_consistent(const struct hostfd_table *t);

/*
 * h: each holder of what "start" holds, "start" (may be NULL) first. Nobody may come or go
 * meanwhile.
 */
#define hostfd_for_each_holder(h, start)	\
	for ((h) = (start); (h); (h) = list_next_entry(h, ring) == (start) ? NULL : list_next_entry(h, ring))
#endif
