// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest can ask of the devices at once: the bounds of a request and of a look, and the end.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include "devices.h"

#define MEM		(64UL << 20)
#define DISK		(128UL << 20)
#define SECTOR		512
#define BLK		0
#define RNG		1
#define DESC		0x100000UL	/* of a device, the rings; a MiB for each */
#define AVAIL		0x102000UL
#define USED		0x104000UL
#define HEADER		0x106000UL
#define STATUS		0x107000UL
#define DATA		0x800000UL

#define OK		KBOX_STATUS_READY
#define BROKEN		VIRTIO_CONFIG_S_NEEDS_RESET

enum { NEXT = 1, WRITE = 2 };

static struct box b;

static struct kbox_virtio *hw(int device)
{
	return &b.shared->virtio[device];
}

/* The driver sets it; what the device answers, without what tells one from another. */
static uint32_t set_status(int device, uint32_t status)
{
	hw(device)->status = (hw(device)->status & ~0xffu) + KBOX_STATUS_STEP + status;
	hw(device)->notify |= KBOX_NOTIFY_STATUS;
	device_serve(device_at(device));
	assert_int_equal(hw(device)->answered >> 8, hw(device)->status >> 8);
	return hw(device)->answered & 0xff;
}

static void set_up_queue(int device)
{
	hw(device)->driver_features = hw(device)->device_features;
	hw(device)->vq[0] = (struct kbox_virtqueue) {
		.desc = DESC << device, .driver = AVAIL << device, .device = USED << device,
		.size = KBOX_VQ_SIZE, .ready = 1,
	};
}

static int set_up(void **state)
{
	(void)state;
	b = (struct box) { .opt = { .mem = MEM, .image = "image" } };
	b.mem = mmap(NULL, MEM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	b.boot = (void *)(b.mem + KBOX_BOOT_PHYS);
	b.shared = (void *)(b.mem + KBOX_SHARED_PHYS);
	b.image_fd = memfd_create("image", MFD_CLOEXEC);
	assert_int_equal(ftruncate(b.image_fd, DISK), 0);
	init_devices(&b);
	for (int i = BLK; i <= RNG; i++) {
		set_up_queue(i);
		assert_int_equal(set_status(i, OK), OK);
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(b.mem, MEM);
	close(b.image_fd);
	return 0;
}

static void desc(int device, int i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	char *d = b.mem + (DESC << device) + 16 * i;

	memcpy(d, &addr, 8);
	memcpy(d + 8, &len, 4);
	memcpy(d + 12, &flags, 2);
	memcpy(d + 14, &next, 2);
}

static void offer(int device, uint16_t head)
{
	uint16_t *avail = (uint16_t *)(b.mem + (AVAIL << device));

	avail[2 + avail[1] % KBOX_VQ_SIZE] = head;
	avail[1]++;
}

static void ring(int device)
{
	b.shared->virtio[device].notify |= 1;
}

/* True: one of them has more to do. */
static bool serve(void)
{
	bool blk = device_serve(device_at(BLK)), rng = device_serve(device_at(RNG));

	return blk || rng;
}

static unsigned used(int device)
{
	return ((uint16_t *)(b.mem + (USED << device)))[1];
}

/* What the device says that it wrote into the first request. */
static uint32_t used_len(int device)
{
	return ((uint32_t *)(b.mem + (USED << device)))[2];
}

static void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(b.mem + HEADER, &h, sizeof(h));
	b.mem[STATUS] = 0x55;
	desc(BLK, 0, HEADER, sizeof(h), NEXT, 1);
}

/* The status of the block request that begins with the first descriptor. */
static int status(void)
{
	unsigned before = used(BLK);

	offer(BLK, 0);
	ring(BLK);
	while (serve())
		;
	assert_int_equal(used(BLK), before + 1);
	return b.mem[STATUS];
}

static int status_of_flush(void)
{
	header(VIRTIO_BLK_T_FLUSH, 0);
	desc(BLK, 1, STATUS, 1, WRITE, 0);
	return status();
}

/* n segments of len bytes. */
static int transfer(uint32_t type, int n, uint32_t len)
{
	header(type, 0);
	for (int i = 1; i <= n; i++)
		desc(BLK, i, DATA, len, NEXT | (type == VIRTIO_BLK_T_IN ? WRITE : 0), i + 1);
	desc(BLK, n + 1, STATUS, 1, WRITE, 0);
	return status();
}

static int zero(uint32_t type, int n, uint32_t sectors, uint32_t len)
{
	struct virtio_blk_discard_write_zeroes z = { .num_sectors = sectors };

	for (int i = 0; i < n; i++)
		memcpy(b.mem + DATA + i * sizeof(z), &z, sizeof(z));
	return transfer(type, 1, len);
}

static void bytes_of_a_request(void **state)
{
	const struct virtio_blk_config *c = (void *)b.shared->virtio[BLK].config;

	(void)state;
	for (uint32_t type = VIRTIO_BLK_T_IN; type <= VIRTIO_BLK_T_OUT; type++) {
		assert_int_equal(transfer(type, c->seg_max, c->size_max), VIRTIO_BLK_S_OK);
		assert_int_equal(transfer(type, c->seg_max, c->size_max + SECTOR), VIRTIO_BLK_S_IOERR);
		assert_int_equal(transfer(type, 2 * c->seg_max, c->size_max), VIRTIO_BLK_S_IOERR);
	}
}

/* One range, of so many sectors. */
static void ranges_of_a_request(void **state)
{
	const struct virtio_blk_config *c = (void *)b.shared->virtio[BLK].config;
	static const uint32_t types[] = { VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES };
	uint32_t max = c->max_discard_sectors;

	(void)state;
	assert_int_equal(c->max_discard_seg, 1);
	assert_int_equal(c->max_write_zeroes_seg, 1);
	assert_int_equal(c->max_write_zeroes_sectors, max);
	assert_true(max < DISK / SECTOR);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(zero(types[i], 1, max, 16), VIRTIO_BLK_S_OK);
		assert_int_equal(zero(types[i], 1, max + 1, 16), VIRTIO_BLK_S_IOERR);
		assert_int_equal(zero(types[i], 1, UINT32_MAX, 16), VIRTIO_BLK_S_IOERR);
		assert_int_equal(zero(types[i], 2, 8, 32), VIRTIO_BLK_S_IOERR);
		assert_int_equal(zero(types[i], 1, 8, 15), VIRTIO_BLK_S_IOERR);
	}
}

/* It is one piece from the beginning, also over segments. */
static void entropy_of_a_request(void **state)
{
	static const char zeros[4096];

	(void)state;
	for (int i = 0; i < 8; i++)
		desc(RNG, i, DATA + i * 50000, 50000, WRITE | (i < 7 ? NEXT : 0), i + 1);
	offer(RNG, 0);
	ring(RNG);
	while (serve())
		;
	assert_int_equal(used(RNG), 1);
	assert_int_equal(used_len(RNG), 64 << 10);
	assert_memory_not_equal(b.mem + DATA + (60 << 10), zeros, sizeof(zeros));
	assert_memory_equal(b.mem + DATA + (64 << 10), zeros, sizeof(zeros));
}

/* The other device does not wait until all are done. */
static void requests_of_a_queue(void **state)
{
	int looks = 1;

	(void)state;
	header(VIRTIO_BLK_T_FLUSH, 0);
	desc(BLK, 1, STATUS, 1, WRITE, 0);
	for (int i = 0; i < KBOX_VQ_SIZE; i++)
		offer(BLK, 0);
	desc(RNG, 0, DATA, 8, WRITE, 0);
	offer(RNG, 0);
	ring(BLK);
	ring(RNG);
	assert_true(serve());
	assert_in_range(used(BLK), 1, 32);
	assert_int_equal(used(RNG), 1);
	/* Nobody rings again. */
	while (serve())
		looks++;
	assert_in_range(looks, 2, KBOX_VQ_SIZE);
	assert_int_equal(used(BLK), KBOX_VQ_SIZE);
	assert_int_equal(b.shared->vcpu.irq_pending, 3 << KBOX_IRQ_VIRTIO);
}

static void nothing_is_begun_at_the_end(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_FLUSH, 0);
	desc(BLK, 1, STATUS, 1, WRITE, 0);
	offer(BLK, 0);
	ring(BLK);
	b.shared->exit_kind = KBOX_EXITED;
	assert_false(serve());
	ring(BLK);
	assert_false(serve());
	assert_int_equal(used(BLK), 0);
}

/* Of two requests the first one says the end: what it reads from the image goes there. */
static void an_end_between_requests(void **state)
{
	uint32_t end = KBOX_EXITED;

	(void)state;
	assert_int_equal(pwrite(b.image_fd, &end, sizeof(end), 0), sizeof(end));
	header(VIRTIO_BLK_T_IN, 0);
	desc(BLK, 1, KBOX_SHARED_PHYS + offsetof(struct kbox_shared, exit_kind), sizeof(end),
	     WRITE | NEXT, 2);
	desc(BLK, 2, STATUS, 1, WRITE, 0);
	offer(BLK, 0);
	offer(BLK, 0);
	ring(BLK);
	assert_false(serve());
	assert_int_equal(used(BLK), 1);
	assert_int_equal(b.mem[STATUS], VIRTIO_BLK_S_OK);
	ring(BLK);
	assert_false(serve());
	assert_int_equal(used(BLK), 1);
}

/* Also those that end with the last byte of it, and that cover what the device itself looks at. */
static void segments_over_the_rings(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	desc(BLK, 1, 0, MEM / 8, WRITE | NEXT, 2);
	desc(BLK, 2, MEM - 1, 1, WRITE, 0);
	offer(BLK, 0);
	ring(BLK);
	while (serve())
		;
	assert_int_equal(b.mem[MEM - 1], VIRTIO_BLK_S_OK);
	/* The ring is none any more, which the driver is told. */
	ring(BLK);
	assert_false(serve());
	assert_int_equal(hw(BLK)->answered & 0xff, BROKEN);
}

/* The device's rings, as if nothing had been offered yet. */
static void clear_rings(int device)
{
	memset(b.mem + (AVAIL << device), 0, 4096);
	memset(b.mem + (USED << device), 0, 4096);
}

static void flush(void)
{
	header(VIRTIO_BLK_T_FLUSH, 0);
	desc(BLK, 1, STATUS, 1, WRITE, 0);
	offer(BLK, 0);
	ring(BLK);
}

/* After a reset nothing is read or written there, until the next DRIVER_OK; then it begins anew. */
static void a_reset(void **state)
{
	(void)state;
	assert_int_equal(status_of_flush(), VIRTIO_BLK_S_OK);
	assert_int_equal(set_status(BLK, 0), 0);
	flush();
	assert_false(serve());
	assert_int_equal(used(BLK), 1);
	assert_int_equal(set_status(BLK, 3), BROKEN | 3);
	flush();
	assert_false(serve());
	assert_int_equal(used(BLK), 1);

	assert_int_equal(set_status(BLK, 0), 0);
	clear_rings(BLK);
	set_up_queue(BLK);
	assert_int_equal(set_status(BLK, OK), OK);
	assert_int_equal(status_of_flush(), VIRTIO_BLK_S_OK);
	assert_int_equal(used(BLK), 1);
}

/* In one notification: what was asked before a reset is not done any more. */
static void a_reset_with_requests(void **state)
{
	(void)state;
	flush();
	assert_int_equal(set_status(BLK, 0), 0);
	assert_int_equal(used(BLK), 0);
	assert_int_equal(b.shared->vcpu.irq_pending, 0);
}

/* What the driver has written over is as it was. */
static void what_a_reset_restores(void **state)
{
	struct kbox_virtio before;

	(void)state;
	set_status(BLK, 0);
	before = *hw(BLK);
	memset(hw(BLK)->config, 0xff, sizeof(hw(BLK)->config));
	hw(BLK)->device_features = hw(BLK)->device_id = 0;
	hw(BLK)->vq[0].size = 3;
	set_status(BLK, 0);
	assert_memory_equal(hw(BLK)->config, before.config, sizeof(before.config));
	assert_int_equal(hw(BLK)->device_features, before.device_features);
	assert_int_equal(hw(BLK)->device_id, before.device_id);
	assert_int_equal(hw(BLK)->vq[0].size, KBOX_VQ_SIZE);
}

/* A status that the device cannot act on: it runs only after a reset, and a good one. */
static void statuses_that_are_none(void **state)
{
	(void)state;
	for (unsigned bad = 1; bad < 256; bad++) {
		if (bad == OK)
			continue;
		assert_int_equal(set_status(BLK, bad), bad | BROKEN);
		assert_true(hw(BLK)->isr & 2);
		flush();
		assert_false(serve());
		assert_int_equal(used(BLK), 0);
		assert_int_equal(set_status(BLK, 0), 0);
	}
	clear_rings(BLK);
	set_up_queue(BLK);
	assert_int_equal(set_status(BLK, OK), OK);
	assert_int_equal(set_status(BLK, OK), OK);
	assert_int_equal(status_of_flush(), VIRTIO_BLK_S_OK);
}

static void features_that_were_not_offered(void **state)
{
	uint64_t offered = hw(RNG)->device_features;

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		set_status(RNG, 0);
		set_up_queue(RNG);
		hw(RNG)->driver_features ^= 1UL << bit;
		assert_int_equal(set_status(RNG, OK), OK | BROKEN);
	}
	/* What the guest says that was offered does not count. */
	set_status(RNG, 0);
	set_up_queue(RNG);
	hw(RNG)->device_features = hw(RNG)->driver_features = offered | 1;
	assert_int_equal(set_status(RNG, OK), OK | BROKEN);
}

/* One queue that makes no sense is enough. */
static void queues_that_are_none(void **state)
{
	(void)state;
	set_status(BLK, 0);
	set_up_queue(BLK);
	hw(BLK)->vq[0].size = 3;
	assert_int_equal(set_status(BLK, OK), OK | BROKEN);
	set_status(BLK, 0);
	set_up_queue(BLK);
	hw(BLK)->vq[0].device = MEM;
	assert_int_equal(set_status(BLK, OK), OK | BROKEN);
	/* One that the device does not have is nothing to it. */
	set_status(BLK, 0);
	set_up_queue(BLK);
	hw(BLK)->vq[1] = (struct kbox_virtqueue) { .desc = ~0UL, .size = 3, .ready = 1 };
	assert_int_equal(set_status(BLK, OK), OK);
}

static void a_chain_that_is_none(void **state)
{
	(void)state;
	desc(RNG, 0, MEM, 8, WRITE, 0);
	offer(RNG, 0);
	ring(RNG);
	assert_false(serve());
	assert_int_equal(hw(RNG)->answered & 0xff, OK | BROKEN);
	assert_int_equal(hw(RNG)->isr, 2);
	assert_int_equal(b.shared->vcpu.irq_pending, 1 << (KBOX_IRQ_VIRTIO + RNG));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_of_a_request),
		TEST(ranges_of_a_request),
		TEST(entropy_of_a_request),
		TEST(requests_of_a_queue),
		TEST(nothing_is_begun_at_the_end),
		TEST(an_end_between_requests),
		TEST(segments_over_the_rings),
		TEST(a_reset),
		TEST(a_reset_with_requests),
		TEST(what_a_reset_restores),
		TEST(statuses_that_are_none),
		TEST(features_that_were_not_offered),
		TEST(queues_that_are_none),
		TEST(a_chain_that_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
