// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings: their protection, their places, very many of them, remapping, and those that grow by
 * themselves.
 */
#include "mappings.h"

static void protection(void)
{
	char *p = map_anon(8 * PAGE, MAP_PRIVATE);

	catch_faults();
	for (int i = 0; i < 8; i++)
		p[i * PAGE] = i;
	EQ(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
	EQ(mprotect(p + 4 * PAGE, PAGE, PROT_NONE), 0);
	for (int i = 0; i < 8; i++) {
		EQ(read_fault(p + i * PAGE), i == 4 ? ACCERR : 0);
		EQ(write_fault(p + i * PAGE), i == 4 || i == 2 ? ACCERR : 0);
	}
	EQ(mprotect(p, 8 * PAGE, RW), 0);
	for (int i = 0; i < 8; i++) {
		EQ(p[i * PAGE], i == 2 || i == 4 ? i : i + 1);
		EQ(write_fault(p + i * PAGE), 0);
	}
	for (int i = 0; i < 500; i++) {
		EQ(mprotect(p, PAGE, PROT_READ), 0);
		EQ(write_fault(p), ACCERR);
		EQ(mprotect(p, PAGE, RW), 0);
		EQ(write_fault(p), 0);
	}
	FAILS(syscall(SYS_mprotect, p + 1, PAGE, RW), EINVAL);
	EQ(munmap(p + PAGE, PAGE), 0);
	FAILS(mprotect(p, 3 * PAGE, PROT_READ), ENOMEM);
}

static void untouched_protection(void)
{
	char *p = map(4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	catch_faults();
	EQ(read_fault(p), ACCERR);
	EQ(write_fault(p), ACCERR);
	EQ(mprotect(p, PAGE, PROT_READ), 0);
	EQ(read_fault(p), 0);
	EQ(write_fault(p), ACCERR);
	EQ(mprotect(p, PAGE, RW), 0);
	EQ(write_fault(p), 0);
	EQ(p[0], 1);
	EQ(read_fault(p + PAGE), ACCERR);
}

static void unmapped(void)
{
	char *p = map_anon(8 * PAGE, MAP_PRIVATE);

	catch_faults();
	memset(p, 7, 8 * PAGE);
	EQ(munmap(p + 3 * PAGE, 2 * PAGE), 0);
	for (int i = 0; i < 8; i++)
		EQ(read_fault(p + i * PAGE + 17), i == 3 || i == 4 ? MAPERR : 0);
	CHECK(mmap(p + 3 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + 3 * PAGE);
	EQ(p[3 * PAGE], 0);
	EQ(p[2 * PAGE], 7);
	EQ(munmap(p, 8 * PAGE), 0);
	EQ(read_fault(p), MAPERR);
	EQ(munmap(p, 8 * PAGE), 0);
	FAILS(munmap(p + 1, PAGE), EINVAL);
	FAILS(munmap(p, 0), EINVAL);
}

static void fixed_over_existing(void)
{
	char *p = map_anon(4 * PAGE, MAP_PRIVATE);
	int fd = file_of("f", PAGE, 'q');

	memset(p, 1, 4 * PAGE);
	CHECK(mmap(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == p + PAGE);
	EQ(p[0], 1);
	EQ(p[PAGE], 'q');
	EQ(p[2 * PAGE], 1);
	CHECK(mmap(p + PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE);
	EQ(p[PAGE], 0);
	EQ(p[2 * PAGE], 0);
	EQ(p[3 * PAGE], 1);
	FAILS((long)mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	EQ(munmap(p, PAGE), 0);
	CHECK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == p);
}

static void chosen_addresses(void)
{
	static const uintptr_t at[] = {
#ifdef __aarch64__
		0x10000, 0x80000000, 0x100000000, 0x1000000000, 0x2000000000, 0x4fffff0000, 0x6000000000,
#else
		0x10000, 0x80000000, 0x100000000, 0x10000000000, 0x200000000000, 0x3fffff000000, 0x600000000000,
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		char *p = mmap((void *)at[i], 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		EQ((uintptr_t)p, at[i]);
		p[PAGE] = 5;
		EQ(p[PAGE], 5);
		EQ(munmap(p, 2 * PAGE), 0);
	}
#ifdef MAP_32BIT
	CHECK((uintptr_t)map(PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1) < 0x80000000);
#endif
	FAILS((long)mmap((void *)(1UL << USER_BITS), PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
}

static void bad_mappings(void)
{
	int fd = file_of("f", PAGE, 'q'), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY), fds[2];

	EQ(pipe(fds), 0);
	FAILS((long)mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	FAILS((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	FAILS((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, fds[0], 0), ENODEV);
	FAILS((long)syscall(SYS_mmap, NULL, PAGE, RW, MAP_PRIVATE, fd, 100), EINVAL);
	FAILS((long)mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	FAILS((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0), EACCES);
	FAILS((long)mmap((void *)100, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	FAILS((long)mmap(NULL, 1ul << USER_BITS, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), ENOMEM);
	CHECK(map(PAGE, RW, MAP_PRIVATE, ro));
}

static void huge_reservation(void)
{
#ifdef __aarch64__
	size_t size = 1ul << 37;	/* user addresses have 39 bits in a box */
#else
	size_t size = 1ul << 40;
#endif
	char *p = map(size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);

	for (size_t i = 0; i < size; i += size / 16) {
		EQ(mprotect(p + i, PAGE, RW), 0);
		p[i] = 9;
	}
	for (size_t i = 0; i < size; i += size / 16)
		EQ(p[i], 9);
	EQ(munmap(p, size), 0);
}

/* More addresses than the host lets a process of a box have at once (src/limits.c). */
static void one_file_at_many_addresses(void)
{
	enum { N = 400, SIZE = 16 << 20 };
	int fd = memfd_create("many", 0);
	static char *p[N];

	EQ(ftruncate(fd, SIZE), 0);
	for (int i = 0; i < N; i++) {
		p[i] = map(SIZE, RW, MAP_SHARED, fd);
		for (size_t j = 0; j < SIZE; j += PAGE)
			EQ(p[i][j], j / PAGE % 256 < (size_t)i);
		for (size_t j = i; j < SIZE / PAGE; j += 256)
			p[i][j * PAGE] = 1;
	}
	for (int i = 0; i < N; i++)
		EQ(p[i][i % 256 * PAGE], 1);
	for (int i = 0; i < N; i++)
		EQ(munmap(p[i], SIZE), 0);
	close(fd);
}

static void ten_thousand_mappings(void)
{
	enum { N = 10000 };
	static char *p[N];
	pid_t pid;

	for (int i = 0; i < N; i++) {
		p[i] = map(PAGE, i % 2 ? RW : RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
		*(int *)p[i] = i;
	}
	for (int i = 0; i < N; i++)
		EQ(*(int *)p[i], i);
	pid = FORK();
	if (!pid) {
		for (int i = 0; i < N; i++) {
			EQ(*(int *)p[i], i);
			*(int *)p[i] = -1;
		}
		_exit(0);
	}
	CHILD_OK(pid);
	for (int i = 0; i < N; i += 2)
		EQ(munmap(p[i], PAGE), 0);
	catch_faults();
	for (int i = 0; i < N; i++)
		if (i % 2)
			EQ(*(int *)p[i], i);
		else if (i % 100 == 0)
			EQ(read_fault(p[i]), MAPERR);
	for (int i = 1; i < N; i += 2)
		EQ(munmap(p[i], PAGE), 0);
}

static void remap(void)
{
	char *p = map_anon(8 * PAGE, MAP_PRIVATE), *q, *r;

	catch_faults();
	for (int i = 0; i < 8; i++)
		p[i * PAGE] = i + 1;
	CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p);
	EQ(read_fault(p + 4 * PAGE), MAPERR);
	CHECK(mremap(p, 4 * PAGE, 6 * PAGE, 0) == p);
	EQ(p[3 * PAGE], 4);
	EQ(p[5 * PAGE], 0);
	CHECK(mmap(p + 6 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	EQ(mprotect(p + 6 * PAGE, PAGE, PROT_READ), 0);
	FAILS((long)mremap(p, 6 * PAGE, 100 * PAGE, 0), ENOMEM);
	q = mremap(p, 6 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	EQ(read_fault(p), MAPERR);
	for (int i = 0; i < 4; i++)
		EQ(q[i * PAGE], i + 1);
	EQ(q[99 * PAGE], 0);
	r = map_anon(200 * PAGE, MAP_PRIVATE);
	r[0] = 77;
	CHECK(mremap(q, 100 * PAGE, 100 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, r) == r);
	for (int i = 0; i < 4; i++)
		EQ(r[i * PAGE], i + 1);
	EQ(read_fault(q), MAPERR);
	q = mremap(r, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK(q != MAP_FAILED && q != r);
	EQ(q[PAGE], 2);
	EQ(r[PAGE], 0);
}

static void remap_shared_twice(void)
{
	char *p = map_anon(4 * PAGE, MAP_SHARED), *q = mremap(p, 0, 4 * PAGE, MREMAP_MAYMOVE);

	CHECK(q != MAP_FAILED && q != p);
	for (int i = 0; i < 100; i++) {
		p[PAGE] = i;
		EQ(((volatile char *)q)[PAGE], i);
		q[2 * PAGE] = i + 1;
		EQ(((volatile char *)p)[2 * PAGE], i + 1);
	}
}

static void grow_by_remap(void)
{
	size_t size = PAGE;
	char *p = map_anon(size, MAP_PRIVATE);

	for (int i = 0; i < 12; i++) {
		memset(p + size / 2, i, size / 2);
		p = mremap(p, size, size * 2, MREMAP_MAYMOVE);
		CHECK(p != MAP_FAILED);
		size *= 2;
	}
	for (int i = 1; i < 12; i++)
		EQ(p[(PAGE << i) - 1], i);
}

static void program_break(void)
{
	pid_t pid = FORK();

	if (!pid) {
		char *old = (char *)syscall(SYS_brk, 0), *start = (char *)(((uintptr_t)old + PAGE - 1) & -PAGE);

		catch_faults();
		EQ(syscall(SYS_brk, start + 256 * PAGE), (uintptr_t)start + 256 * PAGE);
		for (int i = 0; i < 256; i++) {
			EQ(start[i * PAGE], 0);
			start[i * PAGE] = 1;
		}
		EQ(syscall(SYS_brk, start + 10 * PAGE), (uintptr_t)start + 10 * PAGE);
		EQ(read_fault(start + 10 * PAGE), MAPERR);
		EQ(start[9 * PAGE], 1);
		EQ(syscall(SYS_brk, start + 20 * PAGE), (uintptr_t)start + 20 * PAGE);
		EQ(start[10 * PAGE], 0);
		EQ(syscall(SYS_brk, 1), (uintptr_t)start + 20 * PAGE);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void __attribute__((noinline)) descend(size_t left)
{
	volatile char buf[16 << 10];

	for (size_t i = 0; i < sizeof(buf); i += 1024)
		buf[i] = left >> 14;
	if (left > sizeof(buf))
		descend(left - sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i += 1024)
		if (buf[i] != (char)(left >> 14))
			_exit(9);
}

static void stack_grows(void)
{
	pid_t pid;

	descend(4 << 20);
	CHECK(1);
	pid = FORK();
	if (!pid) {
		descend(6 << 20);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void guard_page(void)
{
	char *p = map_anon(4 * PAGE, MAP_PRIVATE);

	catch_faults();
	EQ(mprotect(p, PAGE, PROT_NONE), 0);
	for (char *q = p + 4 * PAGE - 1; q >= p + PAGE; q--)
		*q = 1;
	EQ(write_fault(p + PAGE - 1), ACCERR);
	EQ(write_fault(p + PAGE), 0);
}

static void proc_maps(void)
{
	static char text[1 << 16];
	char *p = map(3 * PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1), want[80];
	uintptr_t brk = syscall(SYS_brk, 0);

	EQ(syscall(SYS_brk, brk + PAGE), brk + PAGE);
	CHECK(slurp("/proc/self/maps", text, sizeof(text)) > 100);
	snprintf(want, sizeof(want), "%lx-%lx r--s", (long)p, (long)p + 3 * PAGE);
	CHECK(strstr(text, want));
	CHECK(strstr(text, "[stack]"));
	CHECK(strstr(text, "[heap]"));
	EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
	slurp("/proc/self/maps", text, sizeof(text));
	snprintf(want, sizeof(want), "%lx-%lx ---s", (long)p + PAGE, (long)p + 2 * PAGE);
	CHECK(strstr(text, want));
}

static const struct test tests[] = {
	T(protection), T(untouched_protection), T(unmapped), T(fixed_over_existing), T(chosen_addresses),
	T(bad_mappings), T(huge_reservation), T(ten_thousand_mappings), T(one_file_at_many_addresses), T(remap),
	T(remap_shared_twice), T(grow_by_remap), T(program_break), T(stack_grows), T(guard_page), T(proc_maps),
};
MAIN(tests)
