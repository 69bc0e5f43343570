// SPDX-License-Identifier: GPL-2.0-only
/* What is in memory: zeros, private copies, what is shared, files, and what advice leaves of it. */
#include "mappings.h"

static void demand_zero(void)
{
	for (int round = 0; round < 10; round++) {
		char *p = map_anon(1 << 20, MAP_PRIVATE);

		for (size_t i = 0; i < 1 << 20; i += 64) {
			EQ(p[i], 0);
			p[i] = i / 64 + 1;
		}
		EQ(munmap(p, 1 << 20), 0);
	}
}

static void across_pages(void)
{
	char *p = map_anon(64 * PAGE, MAP_PRIVATE), *q = map_anon(64 * PAGE, MAP_PRIVATE);
	char *dst = q + 5, *src = p + 3;
	size_t n = 60 * PAGE;

	for (int i = 1; i < 60; i++) {
		volatile uint64_t *word = (uint64_t *)(p + i * PAGE - 3);

		EQ(*word, 0);
		*word = 0x0102030405060708ul + i;
		EQ(*word, 0x0102030405060708ul + i);
	}
#ifdef __x86_64__
	/* One instruction that faults again and again. */
	asm volatile("rep movsb" : "+D" (dst), "+S" (src), "+c" (n) :: "memory");
	EQ(n, 0);
#else
	memcpy(dst, src, n);
#endif
	EQ(memcmp(p + 3, q + 5, 60 * PAGE), 0);
}

static void touch_64_mib(void)
{
	size_t size = 64 << 20;
	uint64_t *p = map_anon(size, MAP_PRIVATE);

	for (size_t i = 0; i < size / 8; i += 512)
		p[i] = i * 3;
	for (size_t i = 0; i < size / 8; i += 512)
		EQ(p[i], i * 3);
	EQ(munmap(p, size), 0);
}

static void copy_on_write(void)
{
	volatile char *p = map_anon(16 * PAGE, MAP_PRIVATE);
	int up[2], down[2];
	pid_t pid;
	char c;

	EQ(pipe(up), 0);
	EQ(pipe(down), 0);
	for (int i = 0; i < 16; i++)
		p[i * PAGE] = i;
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < 8; i++) {
			EQ(p[i * PAGE], i);
			p[i * PAGE] = 100 + i;
		}
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		for (int i = 0; i < 8; i++)
			EQ(p[i * PAGE], 100 + i);
		for (int i = 8; i < 16; i++)
			EQ(p[i * PAGE], i);
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	for (int i = 0; i < 16; i++) {
		EQ(p[i * PAGE], i);
		p[i * PAGE] = 50 + i;
	}
	EQ(write(down[1], "x", 1), 1);
	CHILD_OK(pid);
	for (int i = 0; i < 16; i++)
		EQ(p[i * PAGE], 50 + i);
}

static void copy_on_write_three_deep(void)
{
	volatile long *p = map_anon(PAGE, MAP_PRIVATE);
	pid_t pid;

	*p = 1;
	pid = FORK();
	if (!pid) {
		pid = FORK();
		if (!pid) {
			EQ(*p, 1);
			*p = 3;
			_exit(0);
		}
		CHILD_OK(pid);
		EQ(*p, 1);
		*p = 2;
		pid = FORK();
		if (!pid) {
			EQ(*p, 2);
			_exit(0);
		}
		CHILD_OK(pid);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(*p, 1);
}

static void shared_anonymous(void)
{
	volatile int *p = map_anon(16 * PAGE, MAP_SHARED);
	pid_t pid = FORK();

	if (!pid) {
		while (!p[0])
			;
		EQ(p[1], 11);
		p[2 * PAGE / 4] = 22;
		p[3] = 1;
		_exit(0);
	}
	p[1] = 11;
	__atomic_store_n(&p[0], 1, __ATOMIC_SEQ_CST);
	while (!p[3])
		;
	EQ(p[2 * PAGE / 4], 22);
	CHILD_OK(pid);
}

static void shared_counter(void)
{
	int *p = map_anon(PAGE, MAP_SHARED);

	for (int i = 0; i < 4; i++)
		if (!FORK()) {
			for (int j = 0; j < 100000; j++)
				__atomic_fetch_add(p, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	for (int i = 0; i < 4; i++) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
	EQ(*p, 400000);
}

static void shared_file(void)
{
	int fd = file_of("f", 4 * PAGE, 'a'), other;
	char *p = map(4 * PAGE, RW, MAP_SHARED, fd), buf[10];
	pid_t pid = FORK();

	if (!pid) {
		char *q;

		other = open("f", O_RDWR);
		q = map(4 * PAGE, RW, MAP_SHARED, other);
		EQ(q[0], 'a');
		q[0] = 'b';
		q[3 * PAGE] = 'c';
		EQ(p[3 * PAGE], 'c');
		EQ(pwrite(other, "d", 1, PAGE), 1);
		EQ(msync(q, 4 * PAGE, MS_SYNC), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(p[0], 'b');
	EQ(p[PAGE], 'd');
	EQ(p[3 * PAGE], 'c');
	p[2 * PAGE] = 'e';
	EQ(pread(fd, buf, 1, 2 * PAGE), 1);
	EQ(buf[0], 'e');
	EQ(msync(p, 4 * PAGE, MS_ASYNC), 0);
	EQ(munmap(p, 4 * PAGE), 0);
	EQ(pread(fd, buf, 1, 3 * PAGE), 1);
	EQ(buf[0], 'c');
	FAILS(msync(p, PAGE, MS_SYNC), ENOMEM);
	FAILS(msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
}

static void private_file(void)
{
	int fd = file_of("f", 2 * PAGE, 'a');
	char *p = map(2 * PAGE, RW, MAP_PRIVATE, fd), c;

	p[0] = 'x';
	EQ(pread(fd, &c, 1, 0), 1);
	EQ(c, 'a');
	EQ(pwrite(fd, "zz", 2, PAGE), 2);
	EQ(p[PAGE], 'z');
	EQ(pwrite(fd, "y", 1, 0), 1);
	EQ(p[0], 'x');
	EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
	EQ(p[0], 'y');
}

static void file_tail_is_zero(void)
{
	int fd = file_of("f", PAGE, 'a');
	char *p;

	EQ(ftruncate(fd, 100), 0);
	p = map(2 * PAGE, RW, MAP_SHARED, fd);
	EQ(p[99], 'a');
	for (size_t i = 100; i < PAGE; i++)
		EQ(p[i], 0);
	catch_faults();
	EQ(read_fault(p + PAGE), ADRERR);
	EQ(ftruncate(fd, 2 * PAGE), 0);
	EQ(p[PAGE], 0);
}

static void dont_need(void)
{
	char *p = map_anon(8 * PAGE, MAP_PRIVATE);

	for (int round = 0; round < 200; round++) {
		memset(p, round + 1, 8 * PAGE);
		EQ(madvise(p + 2 * PAGE, 3 * PAGE, MADV_DONTNEED), 0);
		EQ(p[2 * PAGE], 0);
		EQ(p[5 * PAGE - 1], 0);
		EQ(p[PAGE], (char)(round + 1));
		EQ(p[5 * PAGE], (char)(round + 1));
	}
	EQ(munmap(p + PAGE, PAGE), 0);
	FAILS(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	FAILS(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	FAILS(madvise(p, PAGE, 9999), EINVAL);
}

static void lazy_free(void)
{
	char *p = map_anon(64 * PAGE, MAP_PRIVATE);

	memset(p, 3, 64 * PAGE);
	EQ(madvise(p, 64 * PAGE, MADV_FREE), 0);
	for (int i = 0; i < 64; i++)
		CHECK(p[i * PAGE] == 0 || p[i * PAGE] == 3);
	memset(p, 4, 64 * PAGE);
	for (int i = 0; i < 64; i++)
		EQ(p[i * PAGE], 4);
}

static void wipe_and_dont_fork(void)
{
	char *p = map_anon(2 * PAGE, MAP_PRIVATE);
	pid_t pid;

	memset(p, 6, 2 * PAGE);
	EQ(madvise(p, PAGE, 18 /* MADV_WIPEONFORK */), 0);
	EQ(madvise(p + PAGE, PAGE, MADV_DONTFORK), 0);
	pid = FORK();
	if (!pid) {
		catch_faults();
		EQ(p[0], 0);
		EQ(read_fault(p + PAGE), MAPERR);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(p[0], 6);
	EQ(p[PAGE], 6);
}

static void in_core(void)
{
	char *p = map_anon(1024 * PAGE, MAP_PRIVATE);	/* of less, more is made than is written to */
	unsigned char vec[1024];

	p[2 * PAGE] = p[500 * PAGE] = 1;
	EQ(mincore(p, 1024 * PAGE, vec), 0);
	for (int i = 0; i < 1024; i++)
		EQ(vec[i] & 1, i == 2 || i == 500);
	EQ(munmap(p, PAGE), 0);
	FAILS(mincore(p, 2 * PAGE, vec), ENOMEM);
	FAILS(mincore(p + 1, PAGE, vec), EINVAL);
}

static void populate_and_lock(void)
{
	char *p = map(8 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
	unsigned char vec[8];

	EQ(mincore(p, 8 * PAGE, vec), 0);
	for (int i = 0; i < 8; i++)
		EQ(vec[i] & 1, 1);
	p = map_anon(4 * PAGE, MAP_PRIVATE);
	EQ(mlock(p, 4 * PAGE), 0);
	EQ(mincore(p, 4 * PAGE, vec), 0);
	EQ(vec[0] & vec[3] & 1, 1);
	EQ(p[0], 0);
	EQ(munlock(p, 4 * PAGE), 0);
}

/* Freed pages come back zeroed, whoever had them. */
static void pages_come_back_clean(void)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = FORK();

		if (!pid) {
			char *p = map_anon(2 << 20, MAP_PRIVATE);

			for (size_t j = 0; j < 2 << 20; j += 8)
				EQ(*(long *)(p + j), 0);
			memset(p, 0xa5, 2 << 20);
			_exit(0);
		}
		CHILD_OK(pid);
	}
}

static const struct test tests[] = {
	T(demand_zero), T(across_pages), T(touch_64_mib), T(copy_on_write), T(copy_on_write_three_deep),
	T(shared_anonymous), T(shared_counter), T(shared_file), T(private_file), T(file_tail_is_zero), T(dont_need),
	T(lazy_free), T(wipe_and_dont_fork), T(in_core), T(populate_and_lock), T(pages_come_back_clean),
};
MAIN(tests)
