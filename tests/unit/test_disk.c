// SPDX-License-Identifier: GPL-2.0-only
/* The image and its overlay, against a plain copy in memory. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "disk.h"

#define SIZE (40 * DISK_BLOCK + 1536)	/* the last block is not whole */

static char image[SIZE], copy[SIZE], got[SIZE];

static int new_image(void)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	for (int i = 0; i < SIZE; i++)
		copy[i] = image[i] = random();
	assert_int_equal(pwrite(fd, image, SIZE, 0), SIZE);
	return fd;
}

static bool io(struct disk *d, bool write, char *p, size_t n, uint64_t off)
{
	size_t a = n / 3, b = n / 2 - a;
	struct iovec seg[] = { { p, a }, { p + a, 0 }, { p + a, b }, { p + a + b, n - a - b } };

	return disk_io(d, write, seg, 4, off);
}

static void same(struct disk *d)
{
	assert_true(io(d, false, got, SIZE, 0));
	assert_memory_equal(got, copy, SIZE);
}

static void one_step(struct disk *d)
{
	static char data[SIZE];
	uint64_t off = random() % SIZE, n = random() % (random() % 2 ? 9000 : SIZE);

	if (n > SIZE - off)
		n = SIZE - off;
	if (random() % 3 == 0) {
		off &= -DISK_BLOCK;
		n &= -DISK_BLOCK;
	}
	if (random() % 3) {
		for (size_t i = 0; i < n; i++)
			data[i] = random();
		assert_true(io(d, true, data, n, off));
		memcpy(copy + off, data, n);
	} else {
		assert_true(disk_zero(d, off, n, random() % 2));
		memset(copy + off, 0, n);
	}
	assert_true(disk_flush(d));
}

static void any_order_of_writes(void **state)
{
	uint64_t *overlay = *state;
	int fd = new_image();
	struct disk d;

	assert_true(disk_init(&d, fd, false, *overlay));
	assert_int_equal(d.size, SIZE);
	same(&d);
	for (int i = 0; i < 400; i++) {
		one_step(&d);
		same(&d);
	}
	assert_int_equal(pread(fd, got, SIZE, 0), SIZE);
	assert_memory_equal(got, *overlay ? image : copy, SIZE);
	disk_close(&d);
	close(fd);
}

static void beyond_the_end(void **state)
{
	uint64_t *overlay = *state;
	int fd = new_image();
	struct disk d;

	assert_true(disk_init(&d, fd, false, *overlay));
	for (int w = 0; w < 2; w++) {
		assert_true(io(&d, w, got, 0, SIZE));
		assert_false(io(&d, w, got, 1, SIZE));
		assert_false(io(&d, w, got, 100, SIZE - 99));
		assert_false(io(&d, w, got, 1, UINT64_MAX));
		assert_false(io(&d, w, got, 0, SIZE + 1));
	}
	assert_false(disk_zero(&d, SIZE, 1, true));
	assert_false(disk_zero(&d, 1, UINT64_MAX, true));
	same(&d);
	assert_int_equal(lseek(fd, 0, SEEK_END), SIZE);
	disk_close(&d);
	close(fd);
}

static void read_only(void **state)
{
	int fd = new_image();
	struct disk d;

	(void)state;
	assert_true(disk_init(&d, fd, true, 0));
	assert_false(io(&d, true, got, 512, 0));
	assert_false(disk_zero(&d, 0, 512, true));
	assert_true(disk_flush(&d));
	same(&d);
	disk_close(&d);
	close(fd);
}

/* Bytes of memory, without the page of bits that say what is written. */
static uint64_t takes(const struct disk *d)
{
	struct stat st;

	assert_int_equal(fstat(d->overlay, &st), 0);
	return st.st_blocks * 512UL - DISK_BLOCK;
}

/* Eight blocks of memory, one of them for the half of a block. */
static void an_overlay_is_full(void **state)
{
	int fd = new_image();
	struct disk d;

	(void)state;
	assert_true(disk_init(&d, fd, false, 8 * DISK_BLOCK + 1));
	memset(got, 1, 7 * DISK_BLOCK);
	memset(copy, 1, 7 * DISK_BLOCK);
	assert_true(disk_io(&d, true, &(struct iovec) { got, 7 * DISK_BLOCK }, 1, 0));
	assert_false(disk_io(&d, true, &(struct iovec) { got, 2 }, 1, 10 * DISK_BLOCK - 1));
	same(&d);
	memset(copy + 20 * DISK_BLOCK + 5, 2, 9);
	assert_true(disk_io(&d, true, &(struct iovec) { copy + 20 * DISK_BLOCK + 5, 9 }, 1, 20 * DISK_BLOCK + 5));
	assert_false(disk_io(&d, true, &(struct iovec) { got, 1 }, 1, 21 * DISK_BLOCK));
	assert_int_equal(takes(&d), 8 * DISK_BLOCK);
	same(&d);

	/* What it has is written again, and zeros and holes take nothing. */
	copy[3] = 5;
	assert_true(disk_io(&d, true, &(struct iovec) { copy, 6 * DISK_BLOCK }, 1, 0));
	memset(copy + 12 * DISK_BLOCK, 0, 4 * DISK_BLOCK);
	assert_true(disk_zero(&d, 12 * DISK_BLOCK, 4 * DISK_BLOCK, true));
	assert_false(disk_zero(&d, 17 * DISK_BLOCK + 1, 1, true));
	same(&d);

	/* What becomes a hole can be had again, once. */
	memset(copy + DISK_BLOCK, 0, 2 * DISK_BLOCK);
	for (int i = 0; i < 3; i++)
		assert_true(disk_zero(&d, DISK_BLOCK, 2 * DISK_BLOCK, i % 2));
	memset(copy + 12 * DISK_BLOCK, 7, 2 * DISK_BLOCK);
	assert_true(disk_io(&d, true, &(struct iovec) { copy + 12 * DISK_BLOCK, 2 * DISK_BLOCK }, 1, 12 * DISK_BLOCK));
	assert_false(disk_io(&d, true, &(struct iovec) { got, DISK_BLOCK }, 1, 30 * DISK_BLOCK));
	assert_int_equal(takes(&d), 8 * DISK_BLOCK);
	same(&d);
	disk_close(&d);
	close(fd);
}

/* What is written, with its bits, is all of an overlay: another disk goes on with that. */
static void an_overlay_is_copied(void **state)
{
	int fd = new_image();
	struct disk d, other;
	char block[DISK_BLOCK];

	(void)state;
	assert_true(disk_init(&d, fd, false, 4 * DISK_BLOCK));
	memset(copy + DISK_BLOCK + 3, 9, DISK_BLOCK);
	assert_true(disk_io(&d, true, &(struct iovec) { copy + DISK_BLOCK + 3, DISK_BLOCK }, 1, DISK_BLOCK + 3));
	memset(copy + 8 * DISK_BLOCK, 0, DISK_BLOCK);
	assert_true(disk_zero(&d, 8 * DISK_BLOCK, DISK_BLOCK, true));
	assert_true(disk_init(&other, fd, false, 4 * DISK_BLOCK));
	assert_int_equal(disk_overlay_size(&d), disk_overlay_size(&other));
	for (uint64_t off = 0; off < disk_overlay_size(&d); off += DISK_BLOCK) {
		static const char none[DISK_BLOCK];

		assert_int_equal(pread(d.overlay, block, DISK_BLOCK, off), DISK_BLOCK);
		if (memcmp(block, none, DISK_BLOCK))
			assert_int_equal(pwrite(other.overlay, block, DISK_BLOCK, off), DISK_BLOCK);
	}
	disk_find_held(&other);
	same(&other);
	assert_int_equal(other.room, d.room);
	assert_int_equal(other.room, 2);
	disk_close(&other);
	disk_close(&d);
	close(fd);
}

/* Nobody makes the overlay larger. */
static void an_overlay_is_sealed(void **state)
{
	const int seals = F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
	int fd = new_image();
	struct disk d;

	(void)state;
	assert_true(disk_init(&d, fd, false, SIZE));
	assert_int_equal(ftruncate(d.overlay, 2 * SIZE), -1);
	assert_int_equal(ftruncate(d.overlay, 0), -1);
	assert_int_equal(fcntl(d.overlay, F_GET_SEALS) & seals, seals);
	disk_close(&d);
	close(fd);
}

int main(void)
{
	static uint64_t plain, overlay = SIZE + DISK_BLOCK;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(any_order_of_writes, &plain),
		cmocka_unit_test_prestate(any_order_of_writes, &overlay),
		cmocka_unit_test_prestate(beyond_the_end, &plain),
		cmocka_unit_test_prestate(beyond_the_end, &overlay),
		cmocka_unit_test(read_only),
		cmocka_unit_test(an_overlay_is_full),
		cmocka_unit_test(an_overlay_is_copied),
		cmocka_unit_test(an_overlay_is_sealed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
