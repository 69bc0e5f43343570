// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of this program's own, in the place of the kernel's, that never run empty: whenever the
 * device has answered, there are as many requests again.
 */
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>
#include "hostile.h"

#define SIZE KBOX_VQ_SIZE

static char memory[5][PAGE] __attribute__((aligned(4096)));
#define DESC	((struct vring_desc *)memory[0])
#define AVAIL	((volatile struct vring_avail *)memory[1])
#define USED	((volatile struct vring_used *)memory[2])
#define HEADER	((struct virtio_blk_outhdr *)memory[3])
#define STATUS	(memory[3] + 64)
#define DATA	memory[4]

static uint64_t at[5];
static volatile struct kbox_virtio *device;

static void add(int i, uint64_t addr, uint32_t len, int flags)
{
	DESC[i] = (struct vring_desc) { addr, len, flags, i + 1 };
}

static void notify(uint32_t what)
{
	__atomic_fetch_or(&device->notify, what, __ATOMIC_SEQ_CST);
	wake(&device->notify);
	ring(KBOX_BELL_VIRTIO + (device - SHARED->virtio));
}

static void set_status(uint32_t status)
{
	device->status = (device->status & ~0xffu) + KBOX_STATUS_STEP + status;
	notify(KBOX_NOTIFY_STATUS);
}

/* A device there is answers. */
static void reset(void)
{
	set_status(0);
	for (int i = 0; i < 1000 && device->device_id && device->answered != device->status; i++)
		usleep(1000);
}

/* All slots of the ring are the chain that begins with the first descriptor. */
static void set_up(int dev)
{
	device = &SHARED->virtio[dev];
	reset();
	for (int i = 0; i < 5; i++)
		at[i] = phys_of(memory[i]);
	memset(memory, 0, sizeof(memory));
	device->vq[0].desc = at[0];
	device->vq[0].driver = at[1];
	device->vq[0].device = at[2];
	device->vq[0].size = SIZE;
	device->vq[0].ready = 1;
	device->driver_features = device->device_features;
}

/* The device may take requests. */
static void begin(void)
{
	set_status(KBOX_STATUS_READY);
	notify(1);
}

/* It never goes back, since then the device would see that it is no ring. */
static void *feed(void *arg)
{
	for (;;) {
		uint16_t next = USED->idx + SIZE - 1;

		if ((int16_t)(next - AVAIL->idx) > 0)
			AVAIL->idx = next;
	}
	return arg;
}

/* The device has begun, and does not come to the end; then the box is to end, with status 7. */
static int endless(void)
{
	AVAIL->idx = SIZE;
	start_thread(feed, NULL);
	begin();
	while (!USED->idx)
		usleep(1000);
	printf("the device is at it\n");
	usleep(100000);
	end_box(KBOX_EXITED, 7 << 8);
	stay();
}

/* Segments that the device writes, all of them the same page; in number, from a descriptor on. */
static void add_pages(int first, int n)
{
	for (int i = first; i < first + n; i++)
		add(i, at[4], PAGE, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
}

/* hostile reads: a megabyte of the disk, all the time. */
static int reads(int argc, char **argv)
{
	(void)argc, (void)argv;
	set_up(0);
	HEADER->type = VIRTIO_BLK_T_IN;
	add(0, at[3], sizeof(*HEADER), VRING_DESC_F_NEXT);
	add_pages(1, 250);
	add(251, at[3] + 64, 1, VRING_DESC_F_WRITE);
	return endless();
}

/* hostile entropy: of the other device. */
static int entropy(int argc, char **argv)
{
	(void)argc, (void)argv;
	set_up(1);
	add_pages(0, 250);
	add(250, at[4], PAGE, VRING_DESC_F_WRITE);
	return endless();
}

/* hostile discards TYPE SECTORS: 254 segments, each with a page full of ranges. */
static int discards(int argc, char **argv)
{
	struct virtio_blk_discard_write_zeroes *range = (void *)DATA;

	if (argc < 3)
		return 2;
	set_up(0);
	HEADER->type = atoi(argv[1]);
	add(0, at[3], sizeof(*HEADER), VRING_DESC_F_NEXT);
	for (int i = 1; i < SIZE - 1; i++)
		add(i, at[4], PAGE, VRING_DESC_F_NEXT);
	add(SIZE - 1, at[3] + 64, 1, VRING_DESC_F_WRITE);
	for (size_t i = 0; i < PAGE / sizeof(*range); i++) {
		range[i].sector = 0;
		range[i].num_sectors = strtoul(argv[2], NULL, 0);
	}
	return endless();
}

/*
 * hostile chains: whatever a ring can have that makes no sense, one after the other; then status 7.
 */
static int chains(int argc, char **argv)
{
	static const struct { uint64_t addr; uint32_t len; uint16_t flags, next; } wrong[] = {
		{ ~0UL, 1, 0, 0 }, { 0, ~0u, 0, 0 }, { ~0UL - 15, 16, 0, 0 }, { 0, 16, VRING_DESC_F_NEXT, 0 },
		{ 0, 16, VRING_DESC_F_NEXT, 0xffff }, { 0, 16, VRING_DESC_F_INDIRECT, 0 },
		{ 0, 0, VRING_DESC_F_WRITE, 0 }, { 1UL << 63, 0, VRING_DESC_F_WRITE | VRING_DESC_F_NEXT, 1 },
	};

	(void)argc, (void)argv;
	for (int dev = 0; dev < KBOX_MAX_VIRTIO; dev++)
		for (size_t i = 0; i < COUNT(wrong); i++) {
			set_up(dev);
			add(0, wrong[i].addr, wrong[i].len, wrong[i].flags);
			DESC[0].next = wrong[i].next;
			device->vq[0].size = i % 2 ? SIZE : 0xffffffff;
			if (i % 3 == 2)
				device->vq[0].desc = ~0UL - 4095;
			AVAIL->idx = i % 2 ? 1 : 0x8000;
			begin();
			notify(~0u);
			usleep(1000);
		}
	end_box(KBOX_EXITED, 7 << 8);
	stay();
}

/* hostile statuses: resets and beginnings in any order, between requests; then status 7. */
static int statuses(int argc, char **argv)
{
	uint32_t n = 1;

	(void)argc, (void)argv;
	set_up(0);
	HEADER->type = VIRTIO_BLK_T_IN;
	add(0, at[3], sizeof(*HEADER), VRING_DESC_F_NEXT);
	add_pages(1, 8);
	add(9, at[3] + 64, 1, VRING_DESC_F_WRITE);
	AVAIL->idx = SIZE;
	start_thread(feed, NULL);
	for (int i = 0; i < 1000; i++) {
		n = n * 1664525 + 1013904223;
		device->vq[0].ready = n >> 9 & 7;
		device->vq[0].size = n >> 12 & 7 ? SIZE : n;
		device->vq[0].device = n >> 15 & 7 ? at[2] : n;
		device->status = n >> 18 & 7 ? n : n & 1 ? KBOX_STATUS_READY : 0;
		device->answered = n;
		notify(n >> 21 & 3 ? KBOX_NOTIFY_STATUS | 1 : n);
		usleep(n >> 24 & 1 ? 0 : 300);
	}
	end_box(KBOX_EXITED, 7 << 8);
	stay();
}

const struct command queues[] = {
	{ "reads", reads }, { "entropy", entropy }, { "discards", discards }, { "chains", chains },
	{ "statuses", statuses }, { },
};
