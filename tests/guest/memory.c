// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: demand zero, copy on write, shared mappings, protection, remapping, advice,
 * code that is rewritten, faults in system calls, and changes that another thread or
 * process must see at once.
 */
#include "tap.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/uio.h>

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

static volatile unsigned long sink;
static sigjmp_buf jump;
static volatile int fault_code;
static void *volatile fault_addr;

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	fault_code = sig * 100 + si->si_code;
	fault_addr = si->si_addr;
	siglongjmp(jump, 1);
}

static void catch_faults(void)
{
	on_signal(SIGSEGV, on_fault, 0);
	on_signal(SIGBUS, on_fault, 0);
}

enum { MAPERR = SIGSEGV * 100 + SEGV_MAPERR, ACCERR = SIGSEGV * 100 + SEGV_ACCERR, ADRERR = SIGBUS * 100 + BUS_ADRERR };

static int read_fault(volatile char *p)
{
	if (sigsetjmp(jump, 1))
		return fault_addr == (void *)p ? fault_code : -1;
	sink = *p;
	return 0;
}

static int write_fault(volatile char *p)
{
	if (sigsetjmp(jump, 1))
		return fault_addr == (void *)p ? fault_code : -1;
	*p = *p + 1;
	return 0;
}

static void *map(size_t size, int prot, int flags, int fd)
{
	void *p = mmap(NULL, size, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int file_of(const char *name, size_t size, int c)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	char buf[PAGE];

	CHECK(fd >= 0);
	memset(buf, c, sizeof(buf));
	for (size_t i = 0; i < size; i += PAGE)
		EQ(write(fd, buf, PAGE), PAGE);
	return fd;
}

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

/* The kernel, not the program, is the one that writes to the shared page. */
static void copy_on_write_by_read(void)
{
	char *p = map_anon(PAGE, MAP_PRIVATE);
	int fd[2];
	pid_t pid;

	EQ(pipe(fd), 0);
	strcpy(p, "before");
	pid = FORK();
	if (!pid) {
		EQ(write(fd[1], "after!", 6), 6);
		EQ(read(fd[0], p, 6), 6);
		IS(p, "after!");
		_exit(0);
	}
	CHILD_OK(pid);
	IS(p, "before");
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

/* The kernel is the first to write to a stack page that is not there yet. */
static void stack_grows_by_read(void)
{
	volatile char buf[512 << 10];
	int fd[2];

	EQ(pipe(fd), 0);
	EQ(write(fd[1], "abcd", 4), 4);
	EQ(read(fd[0], (char *)buf + 100, 4), 4);
	EQ(buf[103], 'd');
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

#ifdef __aarch64__
#define CODE_LEN 8
#else
#define CODE_LEN 6
#endif

/* A function that returns value. */
static void emit(unsigned char *p, int value)
{
#ifdef __aarch64__
	uint32_t code[] = { 0x52800000 | value << 5, 0xd65f03c0 };	/* mov w0, #value; ret */

	memcpy(p, code, sizeof(code));
	__builtin___clear_cache((char *)p, (char *)p + sizeof(code));
#else
	p[0] = 0xb8;		/* mov $value, %eax; ret */
	memcpy(p + 1, &value, 4);
	p[5] = 0xc3;
#endif
}

static int call(void *p)
{
	asm volatile("" ::: "memory");
	return ((int (*)(void))p)();
}

static void code_rewritten(void)
{
	unsigned char *p = map(PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	for (int i = 0; i < 2000; i++) {
		emit(p + i % 64 * 16, i);
		EQ(call(p + i % 64 * 16), i);
	}
}

static void code_protected_and_rewritten(void)
{
	unsigned char *p = map_anon(PAGE, MAP_PRIVATE);

	catch_faults();
	for (int i = 0; i < 300; i++) {
		EQ(mprotect(p, PAGE, RW), 0);
		emit(p, i);
		EQ(mprotect(p, PAGE, PROT_READ | PROT_EXEC), 0);
		EQ(call(p), i);
		EQ(write_fault((char *)p), ACCERR);
	}
	EQ(mprotect(p, PAGE, PROT_READ), 0);
	if (sigsetjmp(jump, 1)) {
		EQ(fault_code, ACCERR);
		return;
	}
	call(p);
	CHECK(!"no fault");
}

static void code_mapped_twice(void)
{
	int fd = syscall(SYS_memfd_create, "jit", 0);
	unsigned char *w, *x;

	CHECK(fd >= 0);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	w = map(4 * PAGE, RW, MAP_SHARED, fd);
	x = map(4 * PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd);
	for (int i = 0; i < 1000; i++) {
		emit(w + i % 4 * PAGE, i);
		EQ(call(x + i % 4 * PAGE), i);
	}
}

static void code_in_child(void)
{
	unsigned char *p = map(PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	pid_t pid;

	emit(p, 1);
	EQ(call(p), 1);
	pid = FORK();
	if (!pid) {
		EQ(call(p), 1);
		emit(p, 2);
		EQ(call(p), 2);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(call(p), 1);
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

static void other_process(void)
{
	char *p = map_anon(4 * PAGE, MAP_PRIVATE), buf[3 * PAGE];
	struct iovec mine = { buf, sizeof(buf) }, theirs = { p + 100, sizeof(buf) };
	pid_t pid;
	int st;

	strcpy(p + 100, "parent");
	pid = FORK();
	if (!pid) {
		strcpy(p + 100, "child");
		p[2 * PAGE] = 'x';
		raise(SIGSTOP);
		IS(p + 100, "written");
		EQ(p[2 * PAGE], 'x');
		_exit(0);
	}
	EQ(waitpid(pid, &st, WUNTRACED), pid);
	CHECK(WIFSTOPPED(st));
	EQ(syscall(SYS_process_vm_readv, pid, &mine, 1, &theirs, 1, 0), sizeof(buf));
	IS(buf, "child");
	EQ(buf[2 * PAGE - 100], 'x');
	IS(p + 100, "parent");
	strcpy(buf, "written");
	mine.iov_len = theirs.iov_len = 8;
	EQ(syscall(SYS_process_vm_writev, pid, &mine, 1, &theirs, 1, 0), 8);
	theirs.iov_base = (void *)16;
	FAILS(syscall(SYS_process_vm_readv, pid, &mine, 1, &theirs, 1, 0), EFAULT);
	kill(pid, SIGCONT);
	CHILD_OK(pid);
	IS(p + 100, "parent");
	FAILS(syscall(SYS_process_vm_readv, 999999, &mine, 1, &theirs, 1, 0), ESRCH);
}

static const char constant[] = "a constant string";

static void proc_self_mem(void)
{
	int fd = open("/proc/self/mem", O_RDWR);
	char *p = map_anon(2 * PAGE, MAP_PRIVATE), buf[20];
	unsigned char *x = map(PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1), code[CODE_LEN] __attribute__((aligned(4)));

	CHECK(fd >= 0);
	EQ(pwrite(fd, "across", 6, (uintptr_t)p + PAGE - 3), 6);
	EQ(memcmp(p + PAGE - 3, "across", 6), 0);
	EQ(pread(fd, buf, 17, (uintptr_t)constant), 17);
	EQ(memcmp(buf, constant, 17), 0);
	EQ(mprotect(p, PAGE, PROT_READ), 0);
	EQ(pwrite(fd, "forced", 7, (uintptr_t)p), 7);
	IS((volatile char *)p == p ? p : "", "forced");
	emit(x, 1);
	EQ(call(x), 1);
	EQ(mprotect(x, PAGE, PROT_READ | PROT_EXEC), 0);
	emit(code, 2);
	EQ(pwrite(fd, code, CODE_LEN, (uintptr_t)x), CODE_LEN);
	EQ(call(x), 2);
	FAILS(pread(fd, buf, 1, 16), EIO);
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

static void faults_in_system_calls(void)
{
	char *p = map_anon(4 * PAGE, MAP_PRIVATE), *volatile bad = (char *)16;
	int fd[2], file = file_of("f", PAGE, 'k');

	EQ(pipe(fd), 0);
	EQ(munmap(p + PAGE, PAGE), 0);
	EQ(mprotect(p + 2 * PAGE, PAGE, PROT_READ), 0);
	EQ(mprotect(p + 3 * PAGE, PAGE, PROT_NONE), 0);
	FAILS(write(fd[1], bad, 5), EFAULT);
	FAILS(write(fd[1], p + PAGE, 5), EFAULT);
	FAILS(write(fd[1], p + 3 * PAGE, 5), EFAULT);
	EQ(write(fd[1], p + 2 * PAGE, 5), 5);
	FAILS(read(fd[0], p + PAGE, 5), EFAULT);
	FAILS(read(fd[0], p + 2 * PAGE, 5), EFAULT);
	FAILS(read(fd[0], p + 3 * PAGE, 5), EFAULT);
	EQ(read(fd[0], p, 5), 5);
	FAILS(pread(file, p + 2 * PAGE, 5, 0), EFAULT);
	EQ(pread(file, p + PAGE - 10, 20, 0), 10);
	memset(p + PAGE - 4, 'x', 4);
	FAILS(open(p + PAGE - 4, O_RDONLY), EFAULT);
	p[PAGE - 1] = 0;
	FAILS(open(p + PAGE - 4, O_RDONLY), ENOENT);
	FAILS(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad), EFAULT);
	FAILS(syscall(SYS_pipe2, p + 2 * PAGE, 0), EFAULT);
	FAILS(write(fd[1], (char *)0xffff800000000000, 5), EFAULT);
	FAILS(write(fd[1], (char *)(1UL << USER_BITS) - 4096, 5), EFAULT);
	FAILS(write(fd[1], (char *)0x8000000000000000, 5), EFAULT);
	FAILS(pread(file, (char *)0xffffffff81000000, 5, 0), EFAULT);
}

static void call_into_untouched_pages(void)
{
	int fd = file_of("f", 64 * PAGE, 'u');
	char *p = map_anon(64 * PAGE, MAP_PRIVATE);
	struct iovec v[4];

	EQ(pread(fd, p + 5, 63 * PAGE, 0), 63 * PAGE);
	EQ(p[5], 'u');
	EQ(p[63 * PAGE + 4], 'u');
	EQ(p[63 * PAGE + 5], 0);
	p = map_anon(64 * PAGE, MAP_PRIVATE);
	EQ(pwrite(fd, p, 64 * PAGE, 0), 64 * PAGE);
	for (int i = 0; i < 4; i++)
		v[i] = (struct iovec) { p + i * 9 * PAGE + 17, 6 * PAGE };
	EQ(lseek(fd, 0, SEEK_SET), 0);
	EQ(pwrite(fd, "end", 3, 24 * PAGE - 3), 3);
	EQ(readv(fd, v, 4), 24 * PAGE);
	EQ(memcmp(p + 27 * PAGE + 17 + 6 * PAGE - 3, "end", 3), 0);
}

/* What one thread does to the address space, another that makes no call must feel. */
static volatile char *area;
static volatile int stage, faulted;
static __thread sigjmp_buf thread_jump;

static void thread_fault(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	faulted = si->si_code;
	siglongjmp(thread_jump, 1);
}

static void *write_till_fault(void *arg)
{
	if (!sigsetjmp(thread_jump, 1))
		for (;;) {
			area[100]++;
			stage = 1;
		}
	return arg;
}

static void protect_under_a_thread(void)
{
	on_signal(SIGSEGV, thread_fault, 0);
	for (int i = 0; i < 50; i++) {
		pthread_t t;
		char seen;

		area = map_anon(PAGE, MAP_PRIVATE);
		stage = faulted = 0;
		EQ(pthread_create(&t, NULL, write_till_fault, NULL), 0);
		while (!stage)
			;
		EQ(mprotect((void *)area, PAGE, PROT_READ), 0);
		seen = area[100];
		for (int j = 0; j < 1000; j++)
			EQ(area[100], seen);
		EQ(pthread_join(t, NULL), 0);
		EQ(faulted, SEGV_ACCERR);
	}
}

static void unmap_under_a_thread(void)
{
	on_signal(SIGSEGV, thread_fault, 0);
	for (int i = 0; i < 50; i++) {
		pthread_t t;

		area = map_anon(PAGE, MAP_PRIVATE);
		stage = faulted = 0;
		EQ(pthread_create(&t, NULL, write_till_fault, NULL), 0);
		while (!stage)
			;
		EQ(munmap((void *)area, PAGE), 0);
		EQ(pthread_join(t, NULL), 0);
		EQ(faulted, SEGV_MAPERR);
	}
}

static void *copy_slot(void *arg)
{
	while (stage < 2)
		area[PAGE] = area[0];
	return arg;
}

static void discard_under_a_thread(void)
{
	pthread_t t;

	area = map_anon(2 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, copy_slot, NULL), 0);
	for (int i = 0; i < 200; i++) {
		area[0] = 7;
		while (area[PAGE] != 7)
			;
		EQ(madvise((void *)area, PAGE, MADV_DONTNEED), 0);
		while (area[PAGE] != 0)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
	CHECK(1);
}

static void replace_under_a_thread(void)
{
	pthread_t t;

	area = map_anon(2 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, copy_slot, NULL), 0);
	for (int i = 0; i < 200; i++) {
		char *p = map_anon(PAGE, MAP_PRIVATE);

		*p = i;
		CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area) == area);
		while (area[PAGE] != (char)i)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void *discard_much(void *arg)
{
	while (stage < 2) {
		memset((char *)area + PAGE, 1, 4095 * PAGE);
		if (madvise((char *)area, 4096 * PAGE, MADV_DONTNEED))
			break;
	}
	return arg;
}

/*
 * Two threads let go of the same page; one of them often while the other one is at it and at many more, for a timer wakes it
 * and it goes first.
 */
static void discard_beside_a_thread(void)
{
	struct sched_param first = { .sched_priority = 1 };
	double end = seconds() + 1.5;
	pthread_t t;

	area = map_anon(4096 * PAGE, MAP_PRIVATE);
	EQ(pthread_create(&t, NULL, discard_much, NULL), 0);
	EQ(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first), 0);
	for (int i = 1; seconds() < end; i++) {
		area[0] = i % 100 + 1;
		usleep(i % 100);
		EQ(madvise((void *)area, PAGE, MADV_DONTNEED), 0);
		EQ(area[0], 0);
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void *count_up(void *arg)
{
	volatile long *n = arg;

	while (stage < 2)
		++*n;
	return arg;
}

static void fork_under_a_thread(void)
{
	volatile long *n = map_anon(PAGE, MAP_PRIVATE);
	pthread_t t;

	EQ(pthread_create(&t, NULL, count_up, (void *)n), 0);
	for (int i = 0; i < 30; i++) {
		long before = *n;
		pid_t pid;

		while (*n == before)
			;
		pid = FORK();
		if (!pid) {
			long seen = *n;

			for (int j = 0; j < 30; j++) {
				sched_yield();
				EQ(*n, seen);
			}
			_exit(0);
		}
		before = *n;
		CHILD_OK(pid);
		while (*n == before)
			;
	}
	stage = 2;
	EQ(pthread_join(t, NULL), 0);
}

static void truncate_under_a_process(void)
{
	volatile int *seen = map_anon(PAGE, MAP_SHARED);
	int fd = file_of("f", PAGE, 'a');
	volatile char *p = map(PAGE, RW, MAP_SHARED, fd);
	pid_t pid = FORK();

	if (!pid) {
		catch_faults();
		while (!read_fault(p))
			seen[0] = 1;
		EQ(fault_code, ADRERR);
		_exit(0);
	}
	while (!seen[0])
		sched_yield();
	EQ(ftruncate(fd, 0), 0);
	CHILD_OK(pid);
}

static void memory_of_a_busy_process(void)
{
	volatile int *seen = map_anon(PAGE, MAP_SHARED), *p = map_anon(PAGE, MAP_PRIVATE);
	int value = 1234;
	struct iovec mine = { &value, 4 }, theirs = { (void *)p, 4 };
	pid_t pid = FORK();

	if (!pid) {
		while (*p != 1234)
			seen[0] = 1;
		_exit(0);
	}
	while (!seen[0])
		sched_yield();
	EQ(syscall(SYS_process_vm_writev, pid, &mine, 1, &theirs, 1, 0), 4);
	CHILD_OK(pid);
	EQ(*p, 0);
}

static void *map_and_unmap(void *arg)
{
	for (int i = 0; i < 500; i++) {
		char *p = map_anon(4 * PAGE, MAP_PRIVATE);

		for (int j = 0; j < 4; j++) {
			EQ(p[j * PAGE], 0);
			p[j * PAGE] = (long)arg;
		}
		EQ(mprotect(p, PAGE, PROT_READ), 0);
		for (int j = 0; j < 4; j++)
			EQ(p[j * PAGE], (long)arg);
		EQ(munmap(p, 4 * PAGE), 0);
	}
	return NULL;
}

static void four_threads_map(void)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, map_and_unmap, (void *)(i + 1)), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
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
	T(copy_on_write_by_read), T(shared_anonymous), T(shared_counter), T(shared_file), T(private_file),
	T(file_tail_is_zero), T(protection), T(untouched_protection), T(unmapped), T(fixed_over_existing),
	T(chosen_addresses), T(bad_mappings), T(huge_reservation), T(ten_thousand_mappings),
	T(one_file_at_many_addresses), T(remap),
	T(remap_shared_twice), T(grow_by_remap), T(dont_need), T(lazy_free), T(wipe_and_dont_fork), T(program_break),
	T(stack_grows), T(stack_grows_by_read), T(guard_page), T(code_rewritten), T(code_protected_and_rewritten),
	T(code_mapped_twice), T(code_in_child), T(in_core), T(populate_and_lock), T(other_process), T(proc_self_mem),
	T(proc_maps), T(faults_in_system_calls), T(call_into_untouched_pages), T(protect_under_a_thread),
	T(unmap_under_a_thread), T(discard_under_a_thread), T(discard_beside_a_thread), T(replace_under_a_thread), T(fork_under_a_thread),
	T(truncate_under_a_process), T(memory_of_a_busy_process), T(four_threads_map), T(pages_come_back_clean),
};
MAIN(tests)
