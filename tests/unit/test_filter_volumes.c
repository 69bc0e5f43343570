// SPDX-License-Identifier: GPL-2.0-only
/* Which calls the guests' filter lets through to a box with volumes. */
#include "filter_run.h"

/* Of the kinds of box that have volumes, one after the other. */
static void of_volumes(void **state)
{
	static const uint64_t others[] = { 0, 1, MEMORY, NULL_FD, VOLUMES - 1, VOLUMES_END, (uint32_t)AT_FDCWD, 1000 };

	(void)state;
	make(START, END, WITH_VOLUMES);
	for (int fd = VOLUMES; fd < VOLUMES_END; fd++) {
		PASSES(SYS_openat2, fd, 0x1000, 0x2000, 24);
		PASSES(SYS_readlinkat, fd, 0x1000, 0x2000, 100);
		REFUSES(SYS_close, fd);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		REFUSES(SYS_openat2, others[i], 0x1000, 0x2000, 24);
		REFUSES(SYS_readlinkat, others[i], 0x1000, 0x2000, 100);
	}
	REFUSES(SYS_openat2, VOLUMES, 0x1000, 0x2000, 25);
	PASSES(SYS_close, VOLUMES_END);
	PASSES(SYS_close, VOLUMES - 1);
	REFUSES(SYS_close, MEMORY);
	PASSES(SYS_pread64, 1);
	PASSES(SYS_mmap, 0x1000, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, 50, 0);
	REFUSES(SYS_read, 1);
	REFUSES(SYS_statx, VOLUMES, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_openat, VOLUMES, 0x1000, O_RDONLY);
}

static void of_written_volumes(void **state)
{
	static const int written[] = {
		SYS_pwrite64, SYS_pwritev2, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_fchmod, SYS_fchown,
		SYS_fsetxattr, SYS_fremovexattr, SYS_copy_file_range,
	};
	/* What it does not have of a volume, whose modes and owners are not the guest's. */
	static const uint64_t ours[] = { 0, 1, 2, MEMORY, NULL_FD, EPOLL };

	(void)state;
	make(START, END, WITH_VOLUMES);
	for (size_t i = 0; i < COUNT(written); i++)
		REFUSES(written[i], 50);
	REFUSES(SYS_mkdirat, WRITTEN, 0x1000, 0755);
	make(START, END, WITH_VOLUMES | WITH_WRITES);	/* and others, by a broker */
	REFUSES(SYS_fchmod, 50, 0644);
	REFUSES(SYS_fchown, 50, 0, 0);
	REFUSES(SYS_utimensat, 50, 0, 0x1000, 0);
	make(START, END, WITH_VOLUMES | WITH_WRITES | WITH_OPENED);
	for (size_t i = 0; i < COUNT(written); i++)
		PASSES(written[i], 50);
	for (int fd = VOLUMES - 1; fd <= VOLUMES_END; fd++) {
		uint32_t right = fd >= WRITTEN && fd < VOLUMES_END ? SECCOMP_RET_ALLOW : REFUSED;

		assert_int_equal(ASK(SYS_mkdirat, fd, 0x1000, 0755), right);
		assert_int_equal(ASK(SYS_mknodat, fd, 0x1000, S_IFIFO | 0644), right);
		assert_int_equal(ASK(SYS_symlinkat, 0x1000, fd, 0x1000), right);
		assert_int_equal(ASK(SYS_unlinkat, fd, 0x1000, AT_REMOVEDIR), right);
		assert_int_equal(ASK(SYS_linkat, fd, 0x1000, WRITTEN, 0x1000, 0), right);
		assert_int_equal(ASK(SYS_linkat, WRITTEN, 0x1000, fd, 0x1000, 0), right);
		assert_int_equal(ASK(SYS_renameat2, fd, 0x1000, WRITTEN, 0x1000, 1), right);
		assert_int_equal(ASK(SYS_renameat2, WRITTEN, 0x1000, fd, 0x1000, 2), right);
	}
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 4);	/* RENAME_WHITEOUT: a device */
	REFUSES(SYS_linkat, WRITTEN, 0x1000, WRITTEN, 0x1000, AT_SYMLINK_FOLLOW);
	REFUSES(SYS_unlinkat, WRITTEN, 0x1000, 1);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR | 0666, 0x105);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFBLK | 0666, 0x105);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0);
	PASSES(SYS_utimensat, 50, 0, 0x1000, 0);
	PASSES(SYS_ioctl, 50, FICLONERANGE);
	REFUSES(SYS_ioctl, MEMORY, FICLONERANGE);
	REFUSES(SYS_ioctl, 50, FIFREEZE);
	for (size_t i = 0; i < COUNT(ours); i++) {
		REFUSES(SYS_fchmod, ours[i], 0777);
		REFUSES(SYS_fchmod, ours[i] | 1UL << 32, 0777);
		REFUSES(SYS_fchown, ours[i], 1, 1);
		REFUSES(SYS_fsetxattr, ours[i], 0x1000, 0x1000, 1, 0);
		REFUSES(SYS_fremovexattr, ours[i], 0x1000);
		REFUSES(SYS_utimensat, ours[i], 0, 0x1000, 0);
	}
	REFUSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW);
}

static void of_locks(void **state)
{
	(void)state;
	make(START, END, WITH_VOLUMES);
	REFUSES(SYS_flock, 50, LOCK_SH | LOCK_NB);
	REFUSES(SYS_fcntl, 50, F_OFD_SETLK, 0x1000);
	make(START, END, WITH_VOLUMES | WITH_WRITES);
	PASSES(SYS_fcntl, 50, F_OFD_SETLK, 0x1000);
	PASSES(SYS_fcntl, 50, F_OFD_GETLK, 0x1000);
	REFUSES(SYS_fcntl, 50, F_OFD_SETLKW, 0x1000);	/* the whole kernel would wait */
	REFUSES(SYS_fcntl, 50, F_SETLK, 0x1000);
	REFUSES(SYS_fcntl, 50, F_SETOWN, 1);
	REFUSES(SYS_fcntl, MEMORY, F_OFD_SETLK, 0x1000);
	PASSES(SYS_flock, 50, LOCK_EX | LOCK_NB);
	PASSES(SYS_flock, 50, LOCK_UN);
	REFUSES(SYS_flock, 50, LOCK_EX);
	REFUSES(SYS_flock, MEMORY, LOCK_EX | LOCK_NB);
}

static void of_an_upper_layer(void **state)
{
	(void)state;
	make(START, END, WITH_VOLUMES | WITH_WRITES | WITH_UPPER);
	PASSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFCHR, 0x103);
	REFUSES(SYS_mknodat, WRITTEN, 0x1000, S_IFBLK, 0);
	REFUSES(SYS_mknodat, WRITTEN - 1, 0x1000, S_IFCHR, 0);
	PASSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 4);	/* RENAME_WHITEOUT */
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 5);
	REFUSES(SYS_renameat2, WRITTEN, 0x1000, WRITTEN - 1, 0x1000, 4);
}

static void of_paths(void **state)
{
	(void)state;
	make(START, END, WITH_VOLUMES | WITH_PATHS);
	PASSES(SYS_statx, VOLUMES, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_statx, VOLUMES, 0x1000, AT_EMPTY_PATH);
	REFUSES(SYS_statx, VOLUMES_END, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_fchmodat, WRITTEN, 0x1000, 0644);
	make(START, END, WITH_VOLUMES | WITH_WRITES | WITH_PATHS);
	PASSES(SYS_fchmodat, WRITTEN, 0x1000, 0644);
	PASSES(SYS_fchownat, WRITTEN, 0x1000, 0, 0, AT_SYMLINK_NOFOLLOW);
	PASSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW);
	REFUSES(SYS_fchmodat, WRITTEN - 1, 0x1000, 0644);
	REFUSES(SYS_fchownat, WRITTEN, 0x1000, 0, 0, 0);
	REFUSES(SYS_utimensat, WRITTEN, 0x1000, 0x1000, 0);
}

/* What is only for boxes with volumes. */
static const int of_volumes_alone[] = {
	SYS_openat2, SYS_statx, SYS_unlinkat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_mkdirat, SYS_mknodat, SYS_fchmodat,
	SYS_fchmod, SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_getdents64, SYS_readlinkat, SYS_fstatfs, SYS_fgetxattr,
	SYS_fsetxattr, SYS_flistxattr, SYS_fremovexattr, SYS_copy_file_range,
};

static void not_without_volumes(void **state)
{
	(void)state;
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		if (given & WITH_VOLUMES)
			continue;
		make(START, END, given);
		for (size_t i = 0; i < COUNT(of_volumes_alone); i++)
			REFUSES(of_volumes_alone[i], VOLUMES);
	}
}

static int paths_are_asked_for(void **state)
{
	(void)state;
	paths = ASKED;
	return 0;
}

static int paths_pass(void **state)
{
	(void)state;
	paths = SECCOMP_RET_ALLOW;
	return 0;
}

static void by_a_broker(void **state)
{
	(void)state;
	make(START, END, ALL_GIVEN);
	/* Each that has a volume's number as its directory. */
	for (size_t i = 0; i < nhost_calls; i++) {
		bool is = false;

		for (int c = 0; c < CHECKS_MAX && host_calls[i].check[c].nvalues; c++)
			is |= host_calls[i].check[c].fd == FD_VOLUME || host_calls[i].check[c].fd == FD_WRITTEN;
		assert_int_equal(host_calls[i].by_path, is);
	}
	assert_int_equal(ASK(SYS_openat2, VOLUMES, 0x1000, 0x1000, 24), ASKED);
	assert_int_equal(ASK(SYS_statx, VOLUMES_END - 1, 0x1000, AT_SYMLINK_NOFOLLOW), ASKED);
	assert_int_equal(ASK(SYS_renameat2, WRITTEN, 0x1000, WRITTEN, 0x1000, 0), ASKED);
	assert_int_equal(ASK(SYS_utimensat, WRITTEN, 0x1000, 0x1000, AT_SYMLINK_NOFOLLOW), ASKED);
	PASSES(SYS_utimensat, 50, 0, 0x1000, 0);
	PASSES(SYS_fchmod, 50, 0644);
	PASSES(SYS_getdents64, 50);
	REFUSES(SYS_openat2, VOLUMES - 1, 0x1000, 0x1000, 24);
	REFUSES(SYS_openat2, VOLUMES, 0x1000, 0x1000, 32);
	REFUSES(SYS_mkdirat, WRITTEN - 1, 0x1000, 0755);
	REFUSES(SYS_linkat, WRITTEN, 0x1000, WRITTEN, 0x1000, AT_SYMLINK_FOLLOW);
}

/* What the supervisor takes for the broker's business is what the filter has meant. */
static void path_calls(void **state)
{
	unsigned asked = 0;

	(void)state;
	srandom(1);
	for (unsigned given = 0; given <= ALL_GIVEN; given++) {
		make(START, END, given);
		for (int i = 0; i < 20000; i++) {
			int nr = host_calls[random() % nhost_calls].nr;
			uint64_t args[6];
			struct seccomp_data d;
			bool is;

			for (int a = 0; a < 6; a++)
				args[a] = random_arg(nr, a);
			d = from_kernel(nr, args);
			is = is_path_call(&box, &d);
			assert_int_equal(is, decide(&d) == ASKED);
			asked += is;
			d.arch++;
			assert_false(is_path_call(&box, &d));
		}
	}
	assert_true(asked > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(of_volumes, set_up),
		cmocka_unit_test_setup(of_written_volumes, set_up),
		cmocka_unit_test_setup(of_locks, set_up),
		cmocka_unit_test_setup(of_an_upper_layer, set_up),
		cmocka_unit_test_setup(of_paths, set_up),
		cmocka_unit_test_setup(not_without_volumes, set_up),
		cmocka_unit_test_setup_teardown(by_a_broker, paths_are_asked_for, paths_pass),
		cmocka_unit_test_setup_teardown(path_calls, paths_are_asked_for, paths_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
