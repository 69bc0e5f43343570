// SPDX-License-Identifier: GPL-2.0-only
/* Text so large that not all of its system calls reach one and the same place. */
#include "tap.h"

#define SIZE (200ul << 20)

#ifdef __aarch64__
static const unsigned code[] = { 0xd2801648 /* mov x8, #178 */, 0xd4000001 /* svc #0 */, 0xd65f03c0 /* ret */ };
#define CALL 4
#else
static const unsigned char code[] = { 0xb8, 186, 0, 0, 0 /* mov $186, %eax */, 0x0f, 5 /* syscall */, 0xc3 /* ret */ };
#define CALL 5
#endif

/* A file of nothing but these calls of gettid, at the places given, mapped as text. */
static char *text(const size_t *at, int n)
{
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0700);
	char *p;

	CHECK(fd >= 0);
	EQ(ftruncate(fd, SIZE), 0);
	for (int i = 0; i < n; i++)
		EQ(pwrite(fd, code, sizeof(code), at[i]), (long)sizeof(code));
	p = mmap(NULL, SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	EQ(close(fd), 0);
	EQ(unlink("large"), 0);
	return p;
}

static const size_t places[] = { 4096, 30ul << 20, 80ul << 20, (120ul << 20) + 64, SIZE - 4096, SIZE - sizeof(code) };
#define PLACES (int)(sizeof(places) / sizeof(*places))

static void call_all(char *p)
{
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < PLACES; i++)
			EQ(((long (*)(void))(p + places[i]))(), syscall(SYS_gettid));
}

static void calls_everywhere(void)
{
	call_all(text(places, PLACES));
}

/* What a process has of it, its child has. */
static void calls_in_child(void)
{
	char *p = text(places, PLACES);
	int status;

	call_all(p);
	if (!FORK()) {
		call_all(p);
		_exit(0);
	}
	CHECK(wait(&status) > 0);
	EQ(status, 0);
	call_all(p);
}

static void unmapped_again(void)
{
	for (int i = 0; i < 3; i++) {
		char *p = text(places, PLACES);

		call_all(p);
		EQ(munmap(p, SIZE), 0);
	}
}

#ifdef __aarch64__
/*
 * In a box that rewrites, one of the first calls or all are branches afterwards; where none is,
 * none may be.
 */
static void both_ends_alike(void)
{
	char *p = text(places, PLACES);
	int branches = 0, first;

	call_all(p);
	for (int i = 0; i < PLACES; i++) {
		unsigned insn = *(unsigned *)(p + places[i] + CALL);

		if (insn != code[1])
			EQ(insn >> 26, 5);
		branches += insn != code[1];
		if (!i)
			first = branches;
	}
	EQ(branches, first ? PLACES : 0);
}
#else
static void both_ends_alike(void)
{
	SKIP("aarch64 only");
}
#endif

static const struct test tests[] = { T(calls_everywhere), T(calls_in_child), T(unmapped_again), T(both_ends_alike) };
MAIN(tests)
