// SPDX-License-Identifier: GPL-2.0-only
/* Maps of files: maps and calls see the same bytes. */
#include "volume-copy.h"
#include "volume.h"

/* The signal that reading a byte there gives, or 0. */
static int faults(const char *p)
{
	char c;

	return signal_of_copy(&c, p, 1);
}

static void maps_and_calls_agree(void)
{
	int fd = create("f", "");
	char *s, *p, *again, c;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	p = map(fd, 4 * PAGE, MAP_PRIVATE);
	for (int i = 1; i < 100; i++) {
		EQ(pwrite(fd, &(char) { i }, 1, i * 150), 1);
		EQ(s[i * 150], i);
		EQ(p[i * 150], i);
		s[i * 150 + 1] = i;
		EQ(pread(fd, &c, 1, i * 150 + 1), 1);
		EQ(c, i);
	}
	p[PAGE] = 'p';
	EQ(pwrite(fd, "w", 1, PAGE), 1);
	EQ(p[PAGE], 'p');
	EQ(s[PAGE], 'w');
	again = map(fd, 4 * PAGE, MAP_PRIVATE);
	EQ(again[PAGE], 'w');
}

/* What is written to a shared map is in a private one that is made after it. */
static void private_maps_see_shared_ones(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	for (int i = 1; i < 100; i++) {
		s[i] = i;
		p = map(fd, 4 * PAGE, MAP_PRIVATE);
		EQ(p[i], i);
		EQ(munmap(p, 4 * PAGE), 0);
	}
}

/* And in one that is there already, as far as it has not been written to. */
static void private_maps_follow_shared_ones(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	p = map(fd, 4 * PAGE, MAP_PRIVATE);
	for (int i = 1; i < 100; i++) {
		s[2 * PAGE + i] = i;
		EQ(p[2 * PAGE + i], i);
	}
}

static void maps_beyond_the_end(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 2 * PAGE + 10), 0);
	s = map(fd, 5 * PAGE, MAP_SHARED);
	p = map(fd, 5 * PAGE, MAP_PRIVATE);
	EQ(s[2 * PAGE + 10], 0);
	EQ(faults(s + 3 * PAGE), SIGBUS);
	EQ(faults(p + 3 * PAGE), SIGBUS);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	EQ(faults(s + 3 * PAGE), 0);
	EQ(faults(p + 3 * PAGE), 0);
	EQ(pwrite(fd, "x", 1, 3 * PAGE), 1);
	EQ(s[3 * PAGE], 'x');
	EQ(p[3 * PAGE], 'x');
	EQ(ftruncate(fd, PAGE), 0);
	EQ(faults(s + 3 * PAGE), SIGBUS);
	EQ(faults(p + 3 * PAGE), SIGBUS);
	EQ(faults(s), 0);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	EQ(s[3 * PAGE], 0);
	EQ(p[3 * PAGE], 0);
}

static void maps_outlive_descriptors(void)
{
	int fd = create("f", "0123456789");
	char *s = map(fd, PAGE, MAP_SHARED), *p = map(fd, PAGE, MAP_PRIVATE);
	pid_t pid;

	close(fd);
	EQ(unlink("f"), 0);
	EQ(s[3], '3');
	EQ(p[4], '4');
	pid = FORK();
	if (!pid) {
		s[3] = 'c';
		p[4] = 'c';
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(s[3], 'c');
	EQ(p[4], '4');
	s = mremap(s, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(s != MAP_FAILED);
	EQ(s[3], 'c');
}

static void maps_as_they_are_open(void)
{
	int ro, wo;

	close(create("f", "0123456789"));
	ro = open("f", O_RDONLY);
	wo = open("f", O_WRONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED);
	EQ(errno, EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, ro, 0) != MAP_FAILED);
	ro = open(".", O_RDONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0) == MAP_FAILED && errno == ENODEV);
}

/* A lock in a file that processes have mapped. */
static void futexes_in_files(void)
{
	int fd = create("f", "");
	volatile int *p;
	pid_t pid;

	EQ(ftruncate(fd, PAGE), 0);
	p = (int *)map(fd, PAGE, MAP_SHARED);
	pid = FORK();
	if (!pid) {
		int *mine = (int *)map(fd, PAGE, MAP_SHARED);

		while (!__atomic_load_n(mine, __ATOMIC_ACQUIRE))
			if (syscall(SYS_futex, mine, 0 /* FUTEX_WAIT */, 0, NULL))
				CHECK(errno == EAGAIN || errno == EINTR);
		_exit(0);
	}
	sleep_ms(20);
	__atomic_store_n(p, 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_futex, p, 1 /* FUTEX_WAKE */, 1) >= 0);
	CHILD_OK(pid);
}

static void punched_under_a_map(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 8 * PAGE), 0);
	s = map(fd, 8 * PAGE, MAP_SHARED);
	memset(s, 'x', 8 * PAGE);
	p = map(fd, 8 * PAGE, MAP_PRIVATE);
	EQ(p[2 * PAGE], 'x');
	if (syscall(SYS_fallocate, fd, 3 /* punch, keep size */, 2 * PAGE, 2 * PAGE) &&
	    errno == EOPNOTSUPP)
		SKIP("this file system has no holes");
	EQ(s[2 * PAGE], 0);
	EQ(p[2 * PAGE], 0);
	EQ(s[4 * PAGE], 'x');
	s[2 * PAGE] = 'y';
	EQ(lseek(fd, 0, SEEK_HOLE), 3 * PAGE);
	EQ(lseek(fd, 3 * PAGE, SEEK_DATA), 4 * PAGE);
}

/* More is read ahead at a time for who reads in order. */
static void read_ahead_is_in_its_place(void)
{
	enum { PAGES = 200 };
	int fd = create("f", ""), at;
	const int *p;

	for (at = 0; at < PAGES * PAGE; at += PAGE)
		EQ(pwrite(fd, &at, sizeof(at), at), sizeof(at));
	EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0);
	p = (const int *)map(fd, PAGES * PAGE, MAP_PRIVATE);
	for (at = 0; at < PAGES * PAGE; at += PAGE)
		EQ(p[at / sizeof(at)], at);
}

static const struct test tests[] = {
	T(maps_and_calls_agree), T(private_maps_see_shared_ones),
	T(private_maps_follow_shared_ones), T(maps_beyond_the_end), T(maps_outlive_descriptors),
	T(maps_as_they_are_open), T(futexes_in_files), T(punched_under_a_map), T(read_ahead_is_in_its_place),
};

MAIN(tests)
