// SPDX-License-Identifier: GPL-2.0-only
/* What the guest does: mostly what could be real, so that the devices get past the first check. */
#include <stdlib.h>
#include <string.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include "hostile.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The queues: the disk's, that of entropy, and the card's two. */
enum { DISK, ENTROPY, RX, TX, QUEUES };
/* A device's number here is its first queue's. Slots go by the numbers of the kinds. */
#define CARD		RX
#define DEVICES		3
#define SLOT(d)		(((d) + 1) % DEVICES)

/* Of each queue the rings, and what its descriptors say. */
#define DESC(q)		(0x8000UL + 0x8000UL * (q))
#define AVAIL(q)	(DESC(q) + 0x1000)
#define USED(q)		(DESC(q) + 0x2000)
#define HEADER(q)	(DESC(q) + 0x3000)
#define STATUS(q)	(DESC(q) + 0x3100)
#define DATA		DESC(QUEUES)

enum { NEXT = 1, WRITE = 2 };

static const uint8_t *next, *end;
static char *mem;
static struct kbox_shared *shared;

void input_begin(const uint8_t *p, size_t n)
{
	next = p;
	end = p + n;
}

bool input_left(void)
{
	return next < end;
}

uint64_t input(int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes && next < end; i++)
		v |= (uint64_t)*next++ << 8 * i;
	return v;
}

static void poke(uint64_t phys, const void *p, size_t n)
{
	phys %= MEM - n;
	memcpy(mem + phys, p, n);
}

/* Where something is to be found, or nothing is. */
static uint64_t place(void)
{
	unsigned what = input(1), d = what >> 4 & 3;

	switch (what & 15) {
	case 0: return DESC(d) + input(2) % 0x1000;
	case 1: return AVAIL(d) + input(2) % 0x220;
	case 2: return USED(d) + input(2) % 0x820;
	case 3: return HEADER(d) + input(1);
	case 4: return KBOX_SHARED_PHYS + offsetof(struct kbox_shared, virtio) + input(2) % (DEVICES * sizeof(struct kbox_virtio));
	case 5: return KBOX_SHARED_PHYS + offsetof(struct kbox_shared, exit_kind) + input(1) % 8;
	case 6: return MEM - input(1);
	case 7: return input(8);
	case 8: return -input(2);
	case 9: return KBOX_BOOT_PHYS + input(2);
	}
	return DATA + input(2);
}

static uint64_t number(void)
{
	static const uint64_t edges[] = {
		0, 1, 511, 512, 4095, 4096, 0xffff, 0x10000, 1 << 17, INT32_MAX, 1UL << 31, UINT32_MAX, MEM, DISK_SIZE, DISK_SIZE / 512,
		UINT64_MAX,
	};
	unsigned what = input(1);

	if (what < 0x40)
		return what;
	if (what < 0x80)
		return edges[what % COUNT(edges)];
	return input(what < 0xc0 ? 2 : what < 0xf0 ? 4 : 8);
}

static void desc(int d, unsigned i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t follows)
{
	char *p = mem + DESC(d) + 16 * (i % KBOX_VQ_SIZE);

	memcpy(p, &addr, 8);
	memcpy(p + 8, &len, 4);
	memcpy(p + 12, &flags, 2);
	memcpy(p + 14, &follows, 2);
}

static void any_desc(void)
{
	unsigned what = input(1), i = input(1);
	uint64_t addr = place();

	desc((what & 1) | (what >> 4 & 2), i, addr, number(), what >> 1 & 7, what & 16 ? input(2) : i + 1);
}

static void offer(int d, uint16_t head)
{
	uint16_t *avail = (uint16_t *)(mem + AVAIL(d));

	avail[2 + avail[1] % KBOX_VQ_SIZE] = head;
	avail[1]++;
}

static void set_header(void)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
		VIRTIO_BLK_T_GET_ID, 77,
	};
	struct virtio_blk_outhdr h = { .type = types[input(1) % COUNT(types)], .sector = number() };

	poke(HEADER(0), &h, sizeof(h));
}

static void set_range(void)
{
	struct virtio_blk_discard_write_zeroes z = { .sector = number(), .num_sectors = number(), .flags = input(1) };

	poke(DATA + 16 * (input(1) % 4), &z, sizeof(z));
}

/* Which of the descriptors is first says what lies there already, from earlier. */
static void block_request(void)
{
	unsigned head = input(1), i = head, n = input(1) % 5, write = input(1) & 1 ? WRITE : 0;

	set_header();
	set_range();
	desc(0, i, HEADER(0), sizeof(struct virtio_blk_outhdr), NEXT, i + 1);
	while (n--) {
		i++;
		desc(0, i, DATA + input(2), number() % 0x18000, NEXT | write, i + 1);
	}
	desc(0, i + 1, STATUS(0), 1, WRITE, 0);
	offer(0, head);
}

/* A frame in some segments, the first of which has the header and more. */
static void send_frame(void)
{
	unsigned i = input(1), head = i, n = input(1) % 6;
	uint64_t at = DATA + (input(1) % 0x40 << 8), size;
	const uint8_t *p;
	size_t left = guest_frame(&p);

	memcpy(mem + at + sizeof(struct virtio_net_hdr_mrg_rxbuf), p, left);
	left += sizeof(struct virtio_net_hdr_mrg_rxbuf);
	while (n-- && left > 1) {
		size = number() % left;
		desc(TX, i, at, size, NEXT, i + 1);
		at += size;
		left -= size;
		i++;
	}
	desc(TX, i, at, left, 0, 0);
	offer(TX, head % KBOX_VQ_SIZE);
	shared->virtio[SLOT(CARD)].notify |= 1 << 1;
}

static void make_room(void)
{
	unsigned i = input(1);

	for (unsigned n = input(1) % 16; n; n--, i++) {
		desc(RX, i, DATA + input(2), number() % 0x4000, WRITE, 0);
		offer(RX, i % KBOX_VQ_SIZE);
	}
	shared->virtio[SLOT(CARD)].notify |= 1;
}

static void set_status(int d, uint32_t status)
{
	struct kbox_virtio *hw = &shared->virtio[SLOT(d)];

	hw->status = (hw->status & ~0xffu) + KBOX_STATUS_STEP + status;
	hw->notify |= KBOX_NOTIFY_STATUS;
}

/* Without a reset before nothing comes of it. */
static void set_up(int d)
{
	struct kbox_virtio *hw = &shared->virtio[SLOT(d)];

	for (int q = 0; q < (d == CARD ? 2 : 1); q++)
		hw->vq[q] = (struct kbox_virtqueue) {
			DESC(d + q), AVAIL(d + q), USED(d + q), KBOX_VQ_SIZE, 1,
		};
	hw->driver_features = hw->device_features;
	set_status(d, KBOX_STATUS_READY);
}

static void any_status(void)
{
	static const uint32_t usual[] = { 0, 0, KBOX_STATUS_READY, KBOX_STATUS_READY, KBOX_STATUS_READY | VIRTIO_CONFIG_S_FAILED, 3 };
	unsigned what = input(1), which = input(1);

	set_status(what % DEVICES, which < 0xc0 ? usual[which % COUNT(usual)] : input(4));
}

static void any_queue(void)
{
	unsigned what = input(1);
	struct kbox_virtqueue *q = &shared->virtio[what >> 7 ? what % KBOX_MAX_VIRTIO : SLOT(what & 1)].vq[what >> 1 & 3];

	switch (input(1) % 6) {
	case 0: q->desc = place(); break;
	case 1: q->driver = place(); break;
	case 2: q->device = place(); break;
	case 3: q->size = number(); break;
	case 4: q->ready = input(1); break;
	case 5: *q = (struct kbox_virtqueue) { place(), place(), place(), 1u << input(1) % 10, 1 }; break;
	}
}

static void ring(void)
{
	unsigned what = input(1);

	shared->virtio[SLOT(what & 3)].notify |= what >> 4 ?: 1;
}

void guest_step(void)
{
	uint64_t where, value;

	switch (input(1) % 16) {
	case 0:
	case 1:
		where = place();
		value = number();
		poke(where, &value, 1 << input(1) % 4);
		break;
	case 2:
	case 3: any_desc(); break;
	case 4: offer(input(1) % QUEUES, input(1)); break;
	case 5: ((uint16_t *)(mem + AVAIL(input(1) % QUEUES)))[input(1) & 1] = number(); break;
	case 6: set_header(); break;
	case 7: set_range(); break;
	case 8: any_queue(); break;
	case 9: set_up(input(1) % DEVICES); break;
	case 10: ring(); break;
	case 11: block_request(); break;
	case 13: any_status(); break;
	case 14: send_frame(); break;
	case 15: make_room(); break;
	case 12: shared->exit_kind = input(1) & 63 ? KBOX_RUNNING : KBOX_EXITED; break;
	}
}

void guest_interferes(void)
{
	if (input(1) >= 0xc0)
		guest_step();
}

void guest_begin(const struct box *b)
{
	mem = b->mem;
	shared = b->shared;
	for (int d = 0; d < DEVICES; d++)
		set_up(d);
}
