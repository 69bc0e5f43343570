// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program has all user addresses of its processor, but for those that a box keeps for itself
 * (BOX_HOME to BOX_HOME_END): there it can have mappings without access, as sanitizers make them of
 * their gaps, and no others.
 */
#include "tap.h"
#include <setjmp.h>
#include <sys/shm.h>
#include <sys/uio.h>

#define PAGE 4096UL
#define GIB (1UL << 30)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define RW (PROT_READ | PROT_WRITE)
#define AT(a) ((void *)(uintptr_t)(a))

#define FREE_SPAN (16 * GIB)	/* of it nothing of the program's is so near to the home */
#define BELOW (BOX_HOME - FREE_SPAN)
#define ABOVE (BOX_HOME_END + FREE_SPAN)

static void *fixed(unsigned long at, size_t size, int prot)
{
	return mmap(AT(at), size, prot, ANON | MAP_FIXED, -1, 0);
}

/* In a box it is refused for want of memory, elsewhere it is as any other. */
#define REFUSED(call) do { if (in_box()) FAILS((long)(call), ENOMEM); } while (0)

static void use(unsigned long at)
{
	volatile char *p = AT(at);

	*p = 'x';
	EQ(*p, 'x');
}

/* Wherever a page can be, it is memory. */
static void borders(void)
{
	static const unsigned long at[] = {
		1 << 20, GIB, 2 * GIB, 4 * GIB - PAGE, 4 * GIB, BELOW, BOX_HOME - PAGE, BOX_HOME_END, ABOVE - PAGE,
#ifdef __x86_64__
		0xc000000000, 0x10000000000, 0x3fffffff0000, 0x500000100000, 0x600000000000, 0x6ffffffff000, 0x700000000000,
		0x720000000000, 0x7a0000000000, 0x7b0000000000, 0x7d0000000000,
#else
		0x1000000000, 0x3000000000, 0x5000000000, 0x61ffff0000, 0x7a00000000,
#endif
	};
	pid_t pid;

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		EQ(mmap(AT(at[i]), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), AT(at[i]));
		use(at[i]);
		memcpy(AT(at[i]), &at[i], sizeof(at[i]));
	}
	pid = FORK();
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		EQ(*(unsigned long *)at[i], at[i]);
	if (!pid)
		_exit(0);
	CHILD_OK(pid);
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		EQ(munmap(AT(at[i]), PAGE), 0);
}

/* How many lines of the maps are of exactly this range, with these rights. */
static int mapped(unsigned long from, unsigned long to, const char *perms)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[1000], p[8];
	unsigned long a, b;
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f))
		n += sscanf(line, "%lx-%lx %7s", &a, &b, p) == 3 && a == from && b == to && !strcmp(p, perms);
	fclose(f);
	return n;
}

static siginfo_t info;

static sigjmp_buf env;

static void faulted(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	info = *si;
	siglongjmp(env, 1);
}

static void faults(unsigned long at, int code)
{
	on_signal(SIGSEGV, faulted, 0);
	info.si_code = 0;
	if (!sigsetjmp(env, 1)) {
		(void)*(volatile char *)at;
		CHECK(!"no fault");
	}
	EQ(info.si_code, code);
	EQ(info.si_addr, AT(at));
	info.si_code = 0;
	if (!sigsetjmp(env, 1)) {
		*(volatile char *)at = 1;
		CHECK(!"no fault");
	}
	EQ(info.si_code, code);
	EQ(info.si_addr, AT(at));
}

static void jump_faults(unsigned long at, int code)
{
	on_signal(SIGSEGV, faulted, 0);
	info.si_code = 0;
	if (!sigsetjmp(env, 1)) {
		((void (*)(void))at)();
		CHECK(!"no fault");
	}
	EQ(info.si_code, code);
	EQ(info.si_addr, AT(at));
}

/* Nothing is there. */
static void empty(void)
{
	static const unsigned long at[] = { BOX_HOME, BOX_HOME + 8, BOX_HOME + PAGE, BOX_HOME_END - PAGE, BOX_HOME_END - 1 };

	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		faults(at[i], SEGV_MAPERR);
		jump_faults(at[i], SEGV_MAPERR);
	}
}

/* As a sanitizer protects its gaps. */
static void no_access(void)
{
	unsigned long sixteenth = (BOX_HOME_END - BOX_HOME) / 16;
	struct iovec mine = { &(char){ 0 }, 1 }, there = { AT(BOX_HOME + PAGE), 1 };

	EQ(fixed(BELOW, ABOVE - BELOW, PROT_NONE), AT(BELOW));
	EQ(mapped(BELOW, ABOVE, "---p"), 1);
	faults(BELOW, SEGV_ACCERR);
	faults(BOX_HOME + PAGE, SEGV_ACCERR);
	jump_faults(BOX_HOME_END - PAGE, SEGV_ACCERR);
	faults(ABOVE - 1, SEGV_ACCERR);
	FAILS(syscall(SYS_process_vm_readv, getpid(), &mine, 1L, &there, 1L, 0L), EFAULT);
	FAILS(write(1, AT(BOX_HOME + PAGE), 1), EFAULT);
	REFUSED(mprotect(AT(BOX_HOME), PAGE, PROT_READ));
	REFUSED(mprotect(AT(BELOW), ABOVE - BELOW, RW));
	REFUSED(mprotect(AT(BOX_HOME_END - PAGE), 2 * PAGE, PROT_EXEC));
	if (in_box())
		EQ(mapped(BELOW, ABOVE, "---p"), 1);
	EQ(mprotect(AT(BELOW), ABOVE - BELOW, PROT_NONE), 0);
	EQ(mapped(BELOW, ABOVE, "---p"), 1);
	EQ(mprotect(AT(BELOW), FREE_SPAN, RW), 0);
	use(BELOW);
	use(BOX_HOME - 1);
	EQ(mapped(BELOW, BOX_HOME, "rw-p"), 1);
	EQ(mapped(BOX_HOME, ABOVE, "---p"), 1);
	EQ(mprotect(AT(BOX_HOME_END), FREE_SPAN, RW), 0);
	use(BOX_HOME_END);
	EQ(mapped(BOX_HOME, BOX_HOME_END, "---p"), 1);
	/* Parts of it. */
	EQ(munmap(AT(BOX_HOME + sixteenth), sixteenth), 0);
	faults(BOX_HOME + sixteenth, SEGV_MAPERR);
	faults(BOX_HOME, SEGV_ACCERR);
	EQ(mapped(BOX_HOME, BOX_HOME + sixteenth, "---p"), 1);
	EQ(fixed(BOX_HOME + sixteenth, PAGE, PROT_NONE), AT(BOX_HOME + sixteenth));
	EQ(mapped(BOX_HOME, BOX_HOME + sixteenth + PAGE, "---p"), 1);
	EQ(madvise(AT(BOX_HOME), sixteenth, MADV_DONTNEED), 0);
	EQ(*(char *)BELOW, 'x');
	EQ(*(char *)BOX_HOME_END, 'x');
	/* And all. */
	EQ(munmap(AT(BELOW), ABOVE - BELOW), 0);
	faults(BELOW, SEGV_MAPERR);
	faults(BOX_HOME, SEGV_MAPERR);
	faults(BOX_HOME_END, SEGV_MAPERR);
	FAILS(mprotect(AT(BOX_HOME), PAGE, PROT_NONE), ENOMEM);
	EQ(mprotect(AT(BOX_HOME), 0, RW), 0);
}

/* What could be accessed is refused, however it would get there. */
static void access_is_refused(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600), fd = open("file", O_RDWR | O_CREAT, 0600);
	char *p = map_anon(2 * PAGE, MAP_PRIVATE);

	EQ(ftruncate(fd, 2 * PAGE), 0);
	REFUSED(fixed(BOX_HOME, PAGE, PROT_READ));
	REFUSED(fixed(BOX_HOME_END - PAGE, PAGE, PROT_WRITE));
	REFUSED(fixed(BOX_HOME + GIB, PAGE, PROT_EXEC));
	REFUSED(fixed(BOX_HOME - PAGE, 2 * PAGE, RW));
	REFUSED(fixed(BELOW, ABOVE - BELOW, RW));
	REFUSED(mmap(AT(BOX_HOME), PAGE, RW, MAP_SHARED | MAP_FIXED | MAP_ANONYMOUS, -1, 0));
	REFUSED(mmap(AT(BOX_HOME), PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	REFUSED(mmap(AT(BOX_HOME), PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0));
	REFUSED(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, BOX_HOME + GIB));
	if (in_box()) {
		FAILS(shmat(id, AT(BOX_HOME), 0), ENOMEM);
		FAILS(mmap(AT(BOX_HOME + PAGE), PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
		FAILS(mmap(AT(BOX_HOME + PAGE), PAGE, PROT_NONE, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	}
	/* To grow in place would reach it. */
	EQ(fixed(BOX_HOME - PAGE, PAGE, RW), AT(BOX_HOME - PAGE));
	REFUSED(mremap(AT(BOX_HOME - PAGE), PAGE, 2 * PAGE, 0));
	use(BOX_HOME - PAGE);
	p = mremap(AT(BOX_HOME - PAGE), PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	EQ(*p, 'x');
	use((uintptr_t)p + PAGE);
	shmctl(id, IPC_RMID, NULL);
}

/* A stack above it does not grow into it. */
static void stack_above(void)
{
	EQ(mmap(AT(BOX_HOME_END), PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0), AT(BOX_HOME_END));
	use(BOX_HOME_END);
	if (in_box())
		faults(BOX_HOME_END - PAGE, SEGV_MAPERR);
	CHECK(1);
}

/* From the middle of a stack, whose beginning is in it. */
static void stack_across(void)
{
	unsigned long start = BOX_HOME_END - GIB;

	EQ(mmap(AT(start), 2 * GIB, PROT_NONE, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0), AT(start));
	if (in_box())
		FAILS(mprotect(AT(BOX_HOME_END), PAGE, RW | PROT_GROWSDOWN), ENOMEM);
	EQ(mprotect(AT(BOX_HOME_END), PAGE, RW), 0);
	use(BOX_HOME_END);
	EQ(munmap(AT(start), 2 * GIB), 0);
}

/* No hint and no want of room leads there. */
static void never_chosen(void)
{
	static const unsigned long hints[] = { BOX_HOME, BOX_HOME - PAGE, BOX_HOME + GIB, BOX_HOME_END - PAGE };
	unsigned long p;

	for (size_t i = 0; i < ARRAY_SIZE(hints); i++)
		for (int prot = PROT_NONE; prot <= PROT_READ; prot++) {
			p = (uintptr_t)mmap(AT(hints[i]), 2 * PAGE, prot, ANON, -1, 0);
			CHECK(p + 2 * PAGE <= BOX_HOME || p >= BOX_HOME_END || !in_box());
			EQ(munmap(AT(p), 2 * PAGE), 0);
		}
	for (size_t size = BOX_HOME_END - BOX_HOME; size >= GIB; size /= 2)
		for (p = 0; p != (uintptr_t)MAP_FAILED;) {
			p = (uintptr_t)mmap(NULL, size, PROT_NONE, ANON, -1, 0);
			CHECK(p == (uintptr_t)MAP_FAILED || p + size <= BOX_HOME || p >= BOX_HOME_END || !in_box());
		}
	EQ(errno, ENOMEM);
}

/* fork and exec of a process with memory on both sides and a gap between. */
static void fork_and_exec(void)
{
	pid_t pid;
	int st;

	EQ(fixed(BELOW, ABOVE - BELOW, PROT_NONE), AT(BELOW));
	EQ(mprotect(AT(BELOW), FREE_SPAN, RW), 0);
	EQ(mprotect(AT(BOX_HOME_END), FREE_SPAN, RW), 0);
	use(BELOW + GIB);
	use(ABOVE - GIB);
	for (int i = 0; i < 3; i++) {
		pid = FORK();
		if (!pid) {
			EQ(*(char *)(BELOW + GIB), 'x');
			EQ(*(char *)(ABOVE - GIB), 'x');
			*(char *)(ABOVE - GIB) = 'c';
			use(BELOW);
			EQ(mapped(BOX_HOME, BOX_HOME_END, "---p"), 1);
			if (i == 1)
				EQ(munmap(AT(BELOW), ABOVE - BELOW), 0);
			if (i == 2 && freopen("/dev/null", "w", stdout) && dup2(fileno(stdout), 1) == 1)
				execl("/proc/self/exe", "address-space", "empty", NULL);
			_exit(0);
		}
		EQ(waitpid(pid, &st, 0), pid);
		EQ(st, 0);
		EQ(*(char *)(ABOVE - GIB), 'x');
	}
}

/*
 * The memory of a sanitizer's program: shadow and origins of all that the program can have, and
 * gaps of no access.
 */
struct area { unsigned long start, end; int access; };

static void lay_out(const struct area *a, size_t n)
{
	pid_t pid;

	for (size_t i = 0; i < n; i++)
		EQ(fixed(a[i].start, a[i].end - a[i].start, a[i].access ? RW : PROT_NONE), AT(a[i].start));
	for (size_t i = 0; i < n; i++) {
		if (!a[i].access)
			continue;
		for (unsigned long p = a[i].start; p < a[i].end; p += (a[i].end - a[i].start) / 16)
			use(p);
		use(a[i].end - 1);
	}
	pid = FORK();
	if (!pid) {
		for (size_t i = 0; i < n; i++)
			if (a[i].access)
				EQ(*(char *)(a[i].end - 1), 'x');
		_exit(0);
	}
	CHILD_OK(pid);
	for (size_t i = 0; i < n; i++)
		EQ(munmap(AT(a[i].start), a[i].end - a[i].start), 0);
}

#ifdef __x86_64__
/* LLVM's msan.h and dfsan_platform.h, without what is the program's own. */
static void memory_sanitizer(void)
{
	static const struct area areas[] = {
		{ 0x010000000000, 0x100000000000, 1 }, { 0x100000000000, 0x110000000000, 0 }, { 0x110000000000, 0x200000000000, 1 },
		{ 0x200000000000, 0x300000000000, 1 }, { 0x300000000000, 0x400000000000, 1 }, { 0x400000000000, 0x500000000000, 0 },
		{ 0x500000000000, 0x510000000000, 1 }, { 0x600000000000, 0x610000000000, 1 }, { 0x610000000000, 0x700000000000, 0 },
		{ 0x700000000000, 0x740000000000, 1 },
	};

	lay_out(areas, ARRAY_SIZE(areas));
}

/* tsan_platform.h, as it was in 2016, and as it is. */
static void thread_sanitizer(void)
{
	static const struct area old[] = {
		{ 0x008000000000, 0x010000000000, 0 }, { 0x010000000000, 0x200000000000, 1 }, { 0x200000000000, 0x300000000000, 0 },
		{ 0x300000000000, 0x340000000000, 1 }, { 0x340000000000, 0x550000000000, 0 }, { 0x568000000000, 0x600000000000, 0 },
		{ 0x600000000000, 0x620000000000, 1 }, { 0x620000000000, 0x7b0000000000, 0 }, { 0x7b0000000000, 0x7c0000000000, 1 },
	}, new[] = {
		{ 0x020000000000, 0x100000000000, 0 }, { 0x100000000000, 0x300000000000, 1 }, { 0x300000000000, 0x380000000000, 1 },
		{ 0x380000000000, 0x550000000000, 0 }, { 0x5a0000000000, 0x720000000000, 0 }, { 0x720000000000, 0x730000000000, 1 },
	};

	lay_out(old, ARRAY_SIZE(old));
	lay_out(new, ARRAY_SIZE(new));
}
#else
/* tsan_platform.h, for 39 bits, which the others have too. */
static void thread_sanitizer(void)
{
	static const struct area old[] = {
		{ 0x0800000000, 0x2000000000, 1 }, { 0x2000000000, 0x3100000000, 0 }, { 0x3100000000, 0x3400000000, 1 },
		{ 0x3400000000, 0x5500000000, 0 }, { 0x6000000000, 0x6200000000, 1 }, { 0x6200000000, 0x7c00000000, 0 },
	}, new[] = {
		{ 0x0500000000, 0x2000000000, 0 }, { 0x2000000000, 0x4000000000, 1 }, { 0x4000000000, 0x4800000000, 1 },
		{ 0x4800000000, 0x5500000000, 0 }, { 0x6600000000, 0x7a00000000, 0 },
	};

	lay_out(old, ARRAY_SIZE(old));
	lay_out(new, ARRAY_SIZE(new));
}

static void memory_sanitizer(void)
{
	static const struct area areas[] = {
		{ 0x1000000000, 0x2000000000, 1 }, { 0x2000000000, 0x3000000000, 1 }, { 0x3000000000, 0x4000000000, 1 },
		{ 0x4000000000, 0x5000000000, 1 }, { 0x6600000000, 0x7000000000, 0 },
	};

	lay_out(areas, ARRAY_SIZE(areas));
}
#endif

static const struct test tests[] = {
	T(borders), T(empty), T(no_access), T(access_is_refused), T(stack_above), T(stack_across), T(never_chosen), T(fork_and_exec),
	T(memory_sanitizer), T(thread_sanitizer),
};
MAIN(tests)
