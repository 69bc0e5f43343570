// SPDX-License-Identifier: GPL-2.0-only
/*
 * Huge pages of hugetlbfs. As root; natively they are the machine's, which has as many afterwards
 * as before.
 */
#include "tap.h"

#define HUGE (2UL << 20)
#define PAGES 4
#define NUMBER "/proc/sys/vm/nr_hugepages"

static long number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return atol(text);
}

static void set_number(long n)
{
	char text[32];
	int fd = open(NUMBER, O_WRONLY), len = sprintf(text, "%ld", n);

	if (fd >= 0 && write(fd, text, len) != len)
		dprintf(1, "# %s: errno %d\n", NUMBER, errno);
	close(fd);
}

static long meminfo(const char *name)
{
	char line[128];
	FILE *f = fopen("/proc/meminfo", "r");
	long n = -1;

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':')
			n = atol(line + strlen(name) + 1);
	fclose(f);
	return n;
}

static void *huge(size_t n, int flags)
{
	return mmap(NULL, n * HUGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_HUGETLB | flags, -1, 0);
}

/* There are some, but no more; in a process of its own, so that they go with it. */
static void with_pages(void (*test)(void))
{
	long before = number(NUMBER);
	int st;
	pid_t pid;

	if (before < 0)
		LACKING("hugetlbfs");
	if (getuid())
		LACKING("huge pages for this user");
	if (before)
		LACKING("huge pages that nobody else uses");
	set_number(PAGES);
	if (number(NUMBER) != PAGES) {
		set_number(0);
		LACKING("memory for huge pages");
	}
	pid = FORK();
	if (!pid) {
		test();
		_exit(0);
	}
	waitpid(pid, &st, 0);
	EQ(meminfo("HugePages_Free"), PAGES);
	set_number(0);
	EQ(st, 0);
	EQ(number(NUMBER), 0);
}

static void none(void)
{
	if (number(NUMBER) < 0)
		LACKING("hugetlbfs");
	if (number(NUMBER))
		LACKING("lack of huge pages");
	FAILS((long)huge(1, MAP_PRIVATE), ENOMEM);
	FAILS((long)huge(1, MAP_SHARED), ENOMEM);
	FAILS((long)huge(1, MAP_PRIVATE | 63U << 26), EINVAL);
}

static void use(void)
{
	unsigned char *p = huge(2, MAP_PRIVATE);

	CHECK(p != MAP_FAILED && !((unsigned long)p % HUGE));
	for (size_t i = 0; i < 2 * HUGE; i += 4096)
		EQ(p[i], 0);
	for (size_t i = 0; i < 2 * HUGE; i += 4096)
		*(size_t *)(p + i) = i;
	for (size_t i = 0; i < 2 * HUGE; i += 4096)
		EQ(*(size_t *)(p + i), i);
	EQ(meminfo("HugePages_Free"), PAGES - 2);
	FAILS((long)huge(3, MAP_PRIVATE), ENOMEM);
	/* The kernel writes and reads there, too. */
	CHECK(read(open("/dev/zero", O_RDONLY), p + 4000, HUGE) == HUGE);
	for (size_t i = 8192; i < HUGE; i += 4096)
		EQ(p[i], 0);
	FAILS(munmap(p, 4096), EINVAL);
	EQ(munmap(p, HUGE), 0);
	EQ(meminfo("HugePages_Free"), PAGES - 1);
	EQ(madvise(p + HUGE, HUGE, MADV_DONTNEED), 0);
	EQ(p[HUGE + 4096], 0);
}

static void pages_are_used(void)
{
	with_pages(use);
}

/* What the child writes is its own, by whole pages; what the parent writes afterwards, too. */
static void copy(void)
{
	unsigned char *p = huge(1, MAP_PRIVATE);
	int up[2], down[2];
	pid_t pid;
	char c;

	CHECK(p != MAP_FAILED && !pipe(up) && !pipe(down));
	memset(p, 1, HUGE);
	pid = FORK();
	if (!pid) {
		for (size_t i = 0; i < HUGE; i += 4096)
			EQ(p[i], 1);
		p[5 * 4096] = 2;
		for (size_t i = 0; i < HUGE; i += 4096)
			EQ(p[i], i == 5 * 4096 ? 2 : 1);
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		EQ(p[7 * 4096], 1);
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	EQ(p[5 * 4096], 1);
	p[7 * 4096] = 3;
	EQ(write(down[1], "x", 1), 1);
	CHILD_OK(pid);
	EQ(p[7 * 4096], 3);
	EQ(p[8 * 4096], 1);
}

static void fork_copies(void)
{
	with_pages(copy);
}

static void share(void)
{
	unsigned char *p = huge(2, MAP_SHARED);
	pid_t pid;

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	pid = FORK();
	if (!pid) {
		EQ(p[0], 1);
		for (size_t i = 0; i < 2 * HUGE; i += 4096)
			p[i + 1] = i / 4096;
		_exit(0);
	}
	CHILD_OK(pid);
	for (size_t i = 0; i < 2 * HUGE; i += 4096)
		EQ(p[i + 1], (unsigned char)(i / 4096));
	EQ(mprotect(p, HUGE, PROT_READ), 0);
	pid = FORK();
	if (!pid) {
		p[HUGE] = 9;
		p[4096] = 9;	/* dies of it */
		_exit(0);
	}
	{
		int st;

		waitpid(pid, &st, 0);
		CHECK(WIFSIGNALED(st) && WTERMSIG(st) == SIGSEGV);
	}
	EQ(p[HUGE], 9);
	EQ(mprotect(p, HUGE, PROT_READ | PROT_WRITE), 0);
	p[4096] = 7;
	EQ(p[4096], 7);
}

static void shared_by_fork(void)
{
	with_pages(share);
}

/* The same page of a file by two mappings; moved; a hole in it. */
static void file(void)
{
	int fd = memfd_create("huge", MFD_HUGETLB);
	unsigned char *p, *q, *r;

	CHECK(fd >= 0);
	EQ(ftruncate(fd, 2 * HUGE), 0);
	p = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * HUGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	p[HUGE + 12345] = 5;
	EQ(q[HUGE + 12345], 5);
	q[HUGE + 12346] = 6;
	EQ(p[HUGE + 12346], 6);
	r = mmap(NULL, 4 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	r = (unsigned char *)(((unsigned long)r + HUGE - 1) & -HUGE);
	CHECK(mremap(q, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, r) == r);
	EQ(r[HUGE + 12345], 5);
	EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HUGE, HUGE), 0);
	EQ(r[HUGE + 12345], 0);
	EQ(p[HUGE + 12346], 0);
}

static void of_a_file(void)
{
	with_pages(file);
}

#define REFUSED(p, error) do { char *p_ = (p); CHECK(p_ == MAP_FAILED); EQ(errno, error); } while (0)

/* Where a box's kernel is there is none of a program's, whatever it is of. */
static void not_in_the_home(void)
{
	int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE;
	char *p;

	if (number(NUMBER) < 0)
		SKIP("the kernel has no hugetlbfs");
	if (!in_box())
		SKIP("not in a box");
	for (uintptr_t at = BOX_HOME; at < BOX_HOME_END; at += (BOX_HOME_END - BOX_HOME) / 8) {
		REFUSED(mmap((void *)at, HUGE, prot, flags | MAP_FIXED, -1, 0), ENOMEM);
		REFUSED(mmap((void *)at, HUGE, prot, flags | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
		p = mmap((void *)at, HUGE, prot, flags, -1, 0);
		CHECK(p != MAP_FAILED && ((uintptr_t)p + HUGE <= BOX_HOME || (uintptr_t)p >= BOX_HOME_END));
		EQ(munmap(p, HUGE), 0);
	}
	p = mmap(NULL, BOX_HOME - HUGE, prot, flags, -1, 0);
	CHECK(p == MAP_FAILED || (uintptr_t)p + (BOX_HOME - HUGE) <= BOX_HOME || (uintptr_t)p >= BOX_HOME_END);
}

static const struct test tests[] = { T(not_in_the_home), T(none), T(pages_are_used), T(fork_copies), T(shared_by_fork), T(of_a_file) };
MAIN(tests)
