// SPDX-License-Identifier: GPL-2.0-only
/* What counts as an image: files made here, good and bad. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"

static char dir[] = "/tmp/kbox-test-image.XXXXXX";
static char path[64];

/* check_image() of the file as it is now. */
static const char *check(void)
{
	int fd = open(path, O_RDONLY);
	const char *why;

	assert_true(fd >= 0);
	why = check_image(fd);
	close(fd);
	return why;
}

static void says(const char *word)
{
	const char *why = check();

	assert_non_null(why);
	print_message("# %s\n", why);
	assert_non_null(strstr(why, word));
	assert_null(strchr(why, '\n'));
}

static void empty_file(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void make(const char *options)
{
	char command[256];

	unlink(path);
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin mke2fs -q -F %s %s 16M >/dev/null 2>&1", options, path);
	assert_int_equal(system(command), 0);
}

static void poke(off_t at, const void *bytes, size_t n)
{
	int fd = open(path, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, at), n);
	close(fd);
}

static void real_images(void **state)
{
	static const char *const options[] = {
		"-t ext4", "-t ext4 -b 1024", "-t ext4 -b 2048", "-t ext4 -b 4096", "-t ext4 -O 64bit", "-t ext4 -O ^64bit",
		"-t ext4 -O ^has_journal", "-t ext4 -O bigalloc", "-t ext3", "-t ext2",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		make(options[i]);
		print_message("# %s\n", options[i]);
		assert_null(check());
		/* A file may be larger than its file system. */
		assert_int_equal(truncate(path, (16 << 20) + 1), 0);
		assert_null(check());
	}
}

static void empty(void **state)
{
	(void)state;
	empty_file(0);
	says("empty");
}

static void short_files(void **state)
{
	(void)state;
	for (off_t size = 1; size < 2048; size += 89) {
		empty_file(size);
		says("not an ext4");
	}
	make("-t ext4");
	/* The magic number is there, the rest of its block is not. */
	assert_int_equal(truncate(path, 2047), 0);
	says("not an ext4");
}

static void something_else(void **state)
{
	char noise[4096];
	int fd = open("/dev/urandom", O_RDONLY);

	(void)state;
	empty_file(1 << 20);
	says("not an ext4");
	assert_true(fd >= 0 && read(fd, noise, sizeof(noise)) == sizeof(noise));
	close(fd);
	noise[1024 + 56] = 0;
	poke(0, noise, sizeof(noise));
	says("not an ext4");
	make("-t ext4");
	poke(1024 + 56, "\xef\x53", 2);	/* the other way round */
	says("not an ext4");
}

static void truncated(void **state)
{
	static const off_t sizes[] = { 2048, 4096, 1 << 20, 8 << 20, (16 << 20) - 4096, (16 << 20) - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make("-t ext4 -b 4096");
		assert_int_equal(truncate(path, sizes[i]), 0);
		says("truncated");
	}
}

static void damaged_superblocks(void **state)
{
	(void)state;
	make("-t ext4");
	poke(1024 + 24, "\7\0\0\0", 4);	/* log2 of the block size, less 10 */
	says("damaged");
	poke(1024 + 24, "\xff\xff\xff\xff", 4);
	says("damaged");

	make("-t ext4 -O ^64bit");
	poke(1024 + 4, "\xff\xff\xff\xff", 4);	/* blocks */
	says("truncated");

	/* The high half counts only where the feature says that there is one. */
	make("-t ext4 -O ^64bit");
	poke(1024 + 0x150, "\xff\xff\xff\xff", 4);
	assert_null(check());
	make("-t ext4 -O 64bit");
	poke(1024 + 0x150, "\1\0\0\0", 4);
	says("truncated");
	poke(1024 + 0x150, "\xff\xff\xff\xff", 4);
	says("truncated");
}

static void random_superblocks(void **state)
{
	unsigned char sb[1024];

	(void)state;
	srandom(1);
	empty_file(64 << 10);
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(sb); i++)
			sb[i] = random();
		sb[56] = 0x53;
		sb[57] = 0xef;
		sb[24] = random() % 9;
		sb[25] = sb[26] = sb[27] = 0;
		sb[4 + 3] |= 1;		/* more blocks than the file can have */
		poke(1024, sb, sizeof(sb));
		assert_non_null(check());
	}
}

static void not_files(void **state)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY), ends[2];
	const char *why = check_image(fd);

	(void)state;
	assert_non_null(why);
	assert_non_null(strstr(why, "directory"));
	close(fd);
	assert_int_equal(pipe(ends), 0);
	why = check_image(ends[0]);
	assert_non_null(why);
	assert_non_null(strstr(why, "not a file"));
	close(ends[0]);
	close(ends[1]);
	fd = open("/dev/null", O_RDWR);
	assert_non_null(check_image(fd));
	close(fd);
	assert_non_null(check_image(-1));
}

/* One writer or many readers, each with an open file of its own. */
static void locks(void **state)
{
	int a, b, c;

	(void)state;
	empty_file(1);
	a = open(path, O_RDONLY);
	b = open(path, O_RDONLY);
	c = open(path, O_RDWR);
	assert_true(lock_image(a, false));
	assert_true(lock_image(b, false));
	assert_false(lock_image(c, true));
	close(a);
	assert_false(lock_image(c, true));
	close(b);
	assert_true(lock_image(c, true));
	a = open(path, O_RDWR);
	assert_false(lock_image(a, false));
	assert_false(lock_image(a, true));
	close(c);
	assert_true(lock_image(a, true));
	close(a);
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/img", dir);
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_images),
		cmocka_unit_test(empty),
		cmocka_unit_test(short_files),
		cmocka_unit_test(something_else),
		cmocka_unit_test(truncated),
		cmocka_unit_test(damaged_superblocks),
		cmocka_unit_test(random_superblocks),
		cmocka_unit_test(not_files),
		cmocka_unit_test(locks),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
