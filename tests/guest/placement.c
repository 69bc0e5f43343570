// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where mmap() puts what it may put anywhere: hints, MAP_32BIT, the two layouts, stacks' gaps.
 * Natively it is the same.
 */
#include "tap.h"
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/shm.h>

#define PAGE 4096UL
#define MIB (1UL << 20)
#define GIB (1UL << 30)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define FAILED ((unsigned long)MAP_FAILED)

static unsigned long get(unsigned long hint, size_t size, int flags)
{
	return (uintptr_t)mmap((void *)hint, size, RW, ANON | flags, -1, 0);
}

static void drop(unsigned long at, size_t size)
{
	EQ(munmap((void *)at, size), 0);
}

/* Where user addresses end, with all that a processor may have. */
static unsigned long user_end(void)
{
#ifdef __aarch64__
	return (uintptr_t)__builtin_frame_address(0) >> 39 ? 1UL << 48 : 1UL << 39;
#else
	return 0x7ffffffff000;
#endif
}

static void hints(void)
{
	static const unsigned long at[] = { 0x10000, 0x20000000, GIB, 0x600000000, 0x4200000000, 0x5800000000, 0x10000000000 };

	for (size_t i = 0; i < ARRAY_SIZE(at) - (user_end() <= 1UL << 39); i++) {
		EQ(get(at[i], MIB, 0), at[i]);
		CHECK(get(at[i], MIB, 0) != at[i]);
		CHECK(get(at[i] + MIB - PAGE, 2 * PAGE, 0) != at[i] + MIB - PAGE);
		EQ(get(at[i] + MIB, PAGE, 0), at[i] + MIB);
		drop(at[i], MIB + PAGE);
	}
	/* To a whole page, and to what may be mapped. */
	EQ(get(0x600000fff, PAGE, 0), 0x600000000);
	EQ(get(1, PAGE, 0) % PAGE, 0);
	CHECK(get(1, PAGE, 0) >= PAGE);
	/* Nobody has addresses there, or not without being asked twice. */
	CHECK(get(~0UL << 12, PAGE, 0) < user_end());
	CHECK(get(1UL << 63, PAGE, 0) < user_end());
	CHECK(get(user_end() - PAGE, 2 * PAGE, 0) + 2 * PAGE <= user_end());
	FAILS(get(user_end(), PAGE, MAP_FIXED), ENOMEM);
	FAILS(get(user_end() - PAGE, 2 * PAGE, MAP_FIXED), ENOMEM);
	FAILS(get(~0UL << 12, PAGE, MAP_FIXED), ENOMEM);
	FAILS(get(0x600000001, PAGE, MAP_FIXED), EINVAL);
	FAILS(get(0, user_end() + PAGE, 0), ENOMEM);
	FAILS(get(0, ~0UL << 12, 0), ENOMEM);
}

static void not_replaced(void)
{
	EQ(get(0x600000000, 4 * PAGE, MAP_FIXED_NOREPLACE), 0x600000000);
	FAILS(get(0x600000000, PAGE, MAP_FIXED_NOREPLACE), EEXIST);
	FAILS(get(0x600003000, 2 * PAGE, MAP_FIXED_NOREPLACE), EEXIST);
	FAILS(get(0x5ffff0000, MIB, MAP_FIXED_NOREPLACE), EEXIST);
	EQ(get(0x600004000, PAGE, MAP_FIXED_NOREPLACE), 0x600004000);
	EQ(get(0x5fffff000, PAGE, MAP_FIXED_NOREPLACE), 0x5fffff000);
	EQ(get(0x600001000, PAGE, MAP_FIXED), 0x600001000);
}

/* From the top down, with nothing between. */
static void downwards(void)
{
	unsigned long p = get(0, MIB, 0), q;

	for (int i = 0; i < 10; i++, p = q) {
		q = get(0, MIB, 0);
		EQ(q, p - MIB);
	}
	/* The highest hole that is large enough. */
	drop(p + 3 * MIB, 2 * MIB);
	drop(p + 7 * MIB, MIB);
	EQ(get(0, 2 * MIB - PAGE, 0), p + 3 * MIB + PAGE);
	EQ(get(0, MIB, 0), p + 7 * MIB);
}

/* A stack has room to grow, and 256 pages below that which nobody gets but by MAP_FIXED. */
static void gap_of_a_stack(void)
{
	unsigned long stack = 0x700000000, top = stack + MIB;

	EQ(get(stack, MIB, MAP_FIXED | MAP_GROWSDOWN), stack);
	CHECK(get(stack - PAGE, PAGE, 0) != stack - PAGE);
	CHECK(get(stack - 256 * PAGE, PAGE, 0) != stack - 256 * PAGE);
	EQ(get(stack - 257 * PAGE, PAGE, 0), stack - 257 * PAGE);
	EQ(get(top, PAGE, 0), top);
	EQ(get(stack - 2 * PAGE, PAGE, MAP_FIXED_NOREPLACE), stack - 2 * PAGE);
}

/* A file may be mapped at any page, whatever its part. */
static void files(void)
{
	int fd = open("file", O_RDWR | O_CREAT, 0600), id = shmget(IPC_PRIVATE, 8 * PAGE, IPC_CREAT | 0600);
	unsigned long p;

	EQ(ftruncate(fd, MIB), 0);
	for (int i = 0; i < 8; i++) {
		p = (uintptr_t)mmap((void *)(0x600000000 + i * PAGE), PAGE, RW, MAP_SHARED, fd, (7 - i) * PAGE);
		EQ(p, 0x600000000 + i * PAGE);
	}
	EQ(shmat(id, (void *)0x640001000, 0), (void *)0x640001000);
	EQ(shmat(id, (void *)0x650001234, SHM_RND), (void *)0x650001000);
	FAILS((long)shmat(id, (void *)0x650001234, 0), EINVAL);
	FAILS((long)shmat(id, (void *)0x640002000, 0), EINVAL);
	EQ(shmctl(id, IPC_RMID, NULL), 0);
}

#ifdef MAP_32BIT
/* The second gigabyte, or the hint if that ends below its end. */
static void below_2g(void)
{
	static const unsigned long at[] = { 0x10000, 0x20000000, 0x50000000, 0x7fff0000 };
	unsigned long p, n;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		EQ(get(at[i], 0x10000, MAP_32BIT), at[i]);
		p = get(at[i], 0x10000, MAP_32BIT);
		CHECK(p != at[i] && p >= GIB && p < 2 * GIB);
	}
	p = get(0x7fff1000, 0x10000, MAP_32BIT);
	CHECK(p >= GIB && p < 0x7fff0000);
	p = get(0x600000000, PAGE, MAP_32BIT);
	CHECK(p >= GIB && p < 2 * GIB);
	p = get(~0UL << 12, PAGE, MAP_32BIT);
	CHECK(p >= GIB && p < 2 * GIB);
	EQ(get(0x600000000, PAGE, MAP_32BIT | MAP_FIXED), 0x600000000);
	/* From the bottom, which is at random in 32 MiB, each time anew. */
	for (int i = 0; i < 20; i++) {
		p = get(0, PAGE, MAP_32BIT);
		CHECK(p >= GIB && p < GIB + 33 * MIB);
	}
	for (n = 0; (p = get(0, 16 * MIB, MAP_32BIT)) != FAILED; n++)
		CHECK(p >= GIB && p + 16 * MIB <= 2 * GIB);
	EQ(errno, ENOMEM);
	CHECK(n >= 50 && n <= 64);
	FAILS(get(0, GIB + PAGE, MAP_32BIT), ENOMEM);
	FAILS(get(0, 2 * GIB + PAGE, MAP_32BIT), ENOMEM);
	CHECK(get(0, 16 * MIB, 0) > 4 * GIB);
}
#endif

/* In a program that is executed with this personality and limit: what it prints of itself. */
enum { FIRST, SECOND, STACK, BREAK_, SHOWN };

static void show(unsigned long shown[SHOWN], int persona, rlim_t stack)
{
	struct rlimit r = { stack, RLIM_INFINITY };
	char text[200], *at = text;
	int out[2], st;
	ssize_t n;
	pid_t pid;

	EQ(pipe(out), 0);
	pid = FORK();
	if (!pid) {
		dup2(out[1], 9);
		EQ(setrlimit(RLIMIT_STACK, &r), 0);
		CHECK(personality(persona) >= 0);
		setenv("PLACEMENT_SHOW", "1", 1);
		execl("/proc/self/exe", "placement", NULL);
		_exit(1);
	}
	close(out[1]);
	n = read(out[0], text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = 0;
	for (int i = 0; i < SHOWN; i++)
		shown[i] = strtoul(at, &at, 16);
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 0);
	close(out[0]);
}

/* The end of the mapping of the stack, or of brk's, 0 if there is none. */
static unsigned long end_of(const char *name)
{
	char line[1000];
	unsigned long from, to = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, name) && sscanf(line, "%lx-%lx", &from, &to) == 2)
			break;
		else
			to = 0;
	if (f)
		fclose(f);
	return to;
}

__attribute__((constructor)) static void shown_here(void)
{
	unsigned long first, second;

	if (!getenv("PLACEMENT_SHOW"))
		return;
	first = get(0, MIB, 0);
	second = get(0, MIB, 0);
	dprintf(9, "%lx %lx %lx %lx\n", first, second, end_of("[stack]"), (unsigned long)sbrk(0));
	_exit(0);
}

#define EIGHT_MIB (8 * MIB)
#define LEGACY_BASE (user_end() / LEGACY_PART)
#ifdef __aarch64__
#define LEGACY_PART 4
#define RANDOM_MAX (1UL << 33 << 12)
#define STACK_RANDOM (GIB + 2 * MIB)
#else
#define LEGACY_PART 3
#define RANDOM_MAX (1UL << 32 << 12)
#define STACK_RANDOM (16 * GIB + 2 * MIB)
#endif

static void without_randomization(void)
{
	unsigned long a[SHOWN], b[SHOWN];

	show(a, ADDR_NO_RANDOMIZE, EIGHT_MIB);
	show(b, ADDR_NO_RANDOMIZE, EIGHT_MIB);
	for (int i = 0; i < SHOWN; i++)
		EQ(a[i], b[i]);
	EQ(a[STACK], user_end());
	/* Below the stack's least room, of 128 MiB, is what exec has mapped, and then we. */
	CHECK(a[FIRST] + MIB <= user_end() - 128 * MIB && a[FIRST] > user_end() - 144 * MIB);
	EQ(a[SECOND], a[FIRST] - MIB);
	/* A larger stack has more, up to five sixths of all. */
	show(a, ADDR_NO_RANDOMIZE, GIB);
	CHECK(a[FIRST] + MIB <= user_end() - GIB && a[FIRST] > user_end() - GIB - 18 * MIB);
	show(a, ADDR_NO_RANDOMIZE, 1UL << 60);
	CHECK(a[FIRST] < user_end() / 6 + PAGE && a[FIRST] > user_end() / 6 - 18 * MIB);
}

static void old_layout(void)
{
	static const struct { int persona; rlim_t stack; } ways[] = {
		{ ADDR_COMPAT_LAYOUT, EIGHT_MIB }, { ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT, EIGHT_MIB },
		{ ADDR_COMPAT_LAYOUT, RLIM_INFINITY }, { ADDR_NO_RANDOMIZE | ADDR_COMPAT_LAYOUT, 1UL << 60 },
#ifdef __aarch64__
		{ 0, RLIM_INFINITY }, { ADDR_NO_RANDOMIZE, RLIM_INFINITY },
#endif
	};
	unsigned long a[SHOWN];

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		show(a, ways[i].persona, ways[i].stack);
		CHECK(a[FIRST] >= LEGACY_BASE);
		CHECK(a[FIRST] < LEGACY_BASE + 16 * MIB + (ways[i].persona & ADDR_NO_RANDOMIZE ? 0 : RANDOM_MAX));
		EQ(a[SECOND], a[FIRST] + MIB);
		CHECK(a[STACK] <= user_end() && a[STACK] > user_end() - STACK_RANDOM);
	}
}

#ifdef __x86_64__
/* It has five sixths of all addresses. */
static void stack_without_a_limit(void)
{
	unsigned long a[SHOWN];

	show(a, ADDR_NO_RANDOMIZE, RLIM_INFINITY);
	CHECK(a[FIRST] < user_end() / 6 + PAGE && a[FIRST] > user_end() / 6 - 18 * MIB);
	EQ(a[SECOND], a[FIRST] - MIB);
	show(a, 0, RLIM_INFINITY);
	CHECK(a[FIRST] < user_end() / 6 + PAGE && a[FIRST] + RANDOM_MAX + 18 * MIB > user_end() / 6);
	EQ(a[SECOND], a[FIRST] - MIB);
}
#endif

/* Of a program with 64 bits it takes nothing. */
static void limit_of_3g(void)
{
	unsigned long a[SHOWN];

	show(a, ADDR_LIMIT_3GB | ADDR_NO_RANDOMIZE, EIGHT_MIB);
	EQ(a[STACK], user_end());
	CHECK(a[FIRST] > user_end() - 144 * MIB);
}

/* Not twice the same, and everything where it belongs. */
static void randomization(void)
{
	unsigned long a[SHOWN], stack = 0, first = 0;
	int different = 0;

	for (int i = 0; i < 8; i++) {
		show(a, 0, EIGHT_MIB);
		different += a[STACK] != stack && a[FIRST] != first;
		stack = a[STACK];
		first = a[FIRST];
		CHECK(stack <= user_end() && stack > user_end() - STACK_RANDOM);
		CHECK(first < stack && first + STACK_RANDOM + RANDOM_MAX + GIB > user_end());
		EQ(a[SECOND], first - MIB);
	}
	CHECK(different >= 6);
}

static const struct test tests[] = {
	T(hints), T(not_replaced), T(downwards), T(gap_of_a_stack), T(files),
#ifdef MAP_32BIT
	T(below_2g),
#endif
#ifdef __x86_64__
	T(stack_without_a_limit),
#endif
	T(without_randomization), T(old_layout), T(limit_of_3g), T(randomization),
};
MAIN(tests)
