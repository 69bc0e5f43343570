// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text that changes, moves and goes away under system call instructions that the kernel has
 * rewritten: what runs is always what the program put there. And the areas, [kbox] in
 * /proc/self/maps, that the kernel keeps for itself, if there are any.
 */
#include "rewrite.h"
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>

#define PAGE 4096L
#ifdef __aarch64__
#define FEWER 9		/* bits of an address; whole pages remain */
#else
#define FEWER 0
#endif
#define FAR 32		/* bytes from one function of a page of code to the next */

/*
 * A page of code: calls whose numbers are in a mov before the syscall, calls whose are not, and two
 * at the end of the page.
 */
struct code {
	unsigned char b[PAGE];
};

#ifdef __aarch64__
#define CODE(p, ...) do {									\
	uint32_t c_[] = { __VA_ARGS__ };							\
	memcpy(p, c_, sizeof(c_));								\
	__builtin___clear_cache((char *)(p), (char *)(p) + sizeof(c_));				\
} while (0)

/* mov x8, #nr; svc #0; ret */
static void put_b(unsigned char *p, int nr)
{
	CODE(p, 0xd2800008 | nr << 5, 0xd4000001, 0xd65f03c0);
}

/* mov w9, #nr; mov w8, w9; svc #0x1234; ret */
static void put_a(unsigned char *p, int nr)
{
	CODE(p, 0x52800009 | nr << 5, 0x2a0903e8, 0xd4024681, 0xd65f03c0);
}

static void put_const(unsigned char *p, int n)
{
	CODE(p, 0xd2800000 | n << 5, 0xd65f03c0);
}

enum { FN_B = 0, FN_A = FAR, FN_LAST_B = PAGE - 12, FN_LAST_A = PAGE - 12 - 16, CONST_LEN = 8 };

static void fill(struct code *c, int nr)
{
	memset(c, 0, sizeof(*c));
	put_b(c->b + FN_B, nr);
	put_a(c->b + FN_A, nr);
	put_a(c->b + FN_LAST_A, nr);
	put_b(c->b + FN_LAST_B, nr);
}

static const unsigned char b_code[] = { 0x88, 0x15, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0xc0, 0x03, 0x5f, 0xd6 },
	a_code[] = { 0x89, 0x15, 0x80, 0x52, 0xe8, 0x03, 0x09, 0x2a, 0x81, 0x46, 0x02, 0xd4, 0xc0, 0x03, 0x5f, 0xd6 };

/* Another number for own_b. */
static void set_number(unsigned char *page, int nr)
{
	CODE(page, 0xd2800008 | nr << 5);
}

/* In the test's own text, a page each, with a function more between them. */
asm(".text; .p2align 12\n"
    ".globl own_b, own_a, own_c\n"
    "own_b: mov x8, #172; svc #0; ret\n.p2align 5\n"
    "own_a: mov w9, #172; mov w8, w9; svc #0x1234; ret\n.p2align 5\n"
    "own_c: mov x8, #173; svc #0; ret\n.p2align 5\n"
    ".p2align 12\n");

#else
static void put_b(unsigned char *p, int nr)
{
	unsigned char c[] = { 0xb8, nr, nr >> 8, 0, 0, 0x0f, 0x05, 0xc3, 0x90, 0x90, 0x90 };

	memcpy(p, c, sizeof(c));
}

static void put_a(unsigned char *p, int nr)
{
	/* mov $nr,%ecx; mov %ecx,%eax; syscall; test %eax,%eax; nop; ret */
	unsigned char c[] = { 0xb9, nr, nr >> 8, 0, 0, 0x89, 0xc8, 0x0f, 0x05, 0x85, 0xc0, 0x90, 0xc3 };

	memcpy(p, c, sizeof(c));
}

static void put_const(unsigned char *p, int n)
{
	unsigned char c[] = { 0xb8, n, n >> 8, n >> 16, n >> 24, 0xc3 };

	memcpy(p, c, sizeof(c));
}

enum { FN_B = 0, FN_A = FAR, FN_LAST_B = PAGE - 8, FN_LAST_A = PAGE - 13 - 8, CONST_LEN = 6 };

static void fill(struct code *c, int nr)
{
	memset(c, 0xcc, sizeof(*c));
	put_b(c->b + FN_B, nr);
	put_a(c->b + FN_A, nr);
	put_a(c->b + FN_LAST_A, nr);
	memcpy(c->b + FN_LAST_B, (unsigned char [8]) { 0xb8, nr, nr >> 8, 0, 0, 0x0f, 0x05, 0xc3 }, 8);
}

static const unsigned char b_code[] = { 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3 }, a_code[] = { 0x89, 0xf8, 0x0f, 0x05, 0x48, 0x85, 0xc0, 0xc3 };

static void set_number(unsigned char *page, int nr)
{
	page[1] = nr;
}

/* In the test's own text, a page each, with a function more between them. */
asm(".text; .p2align 12\n"
    "own_b: mov $39, %eax; syscall; ret; nop; nop; nop\n.p2align 5\n"
    "own_a: mov %edi, %eax; syscall; test %rax, %rax; ret\n.p2align 5\n"
    "own_c: mov $110, %eax; syscall; ret; nop; nop; nop\n.p2align 5\n"
    ".p2align 12\n");

#endif

static long call(const void *p, long off)
{
	return ((long (*)(void))((uintptr_t)p + off))();
}

static void runs(const void *p, long want)
{
	static const int offs[] = { FN_B, FN_A, FN_LAST_A, FN_LAST_B };

	for (int i = 0; i < WARM; i++)
		for (size_t j = 0; j < ARRAY_SIZE(offs); j++)
			EQ(call(p, offs[j]), want);
}

static int file_of(const char *name, int nr, int pages)
{
	static struct code c;
	int fd;

	fill(&c, nr);
	fd = code_file(name, &c, sizeof(c), pages * PAGE);
	for (int i = 1; i < pages; i++)
		EQ(pwrite(fd, &c, sizeof(c), i * PAGE), PAGE);
	return fd;
}

static sigjmp_buf jump;
static siginfo_t last;

static void fault(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	last = *si;
	siglongjmp(jump, sig);
}

/* The call makes this signal. */
static void __attribute__((noinline)) faults(int sig, int code, const void *p, long off)
{
	on_signal(sig, fault, 0);
	memset(&last, 0, sizeof(last));
	if (!sigsetjmp(jump, 1)) {
		call(p, off);
		tap_fail(__FILE__, __LINE__, "no signal from %p", p);
	}
	EQ(last.si_signo, sig);
	EQ(last.si_code, code);
}

extern long own_b(), own_a(), own_c();

static void own_runs(int changed)
{
	for (int i = 0; i < WARM; i++) {
		EQ(own_b(), changed ? changed : getpid());
		EQ(own_a((long)SYS_getpid), getpid());
		EQ(own_c(), getppid());
	}
}

static void own_text_is_overwritten(void)
{
	unsigned char *page = (unsigned char *)(uintptr_t)own_b;

	own_runs(0);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	own_runs(0);
	put_const(page, 42);
	own_runs(42);
	/* It has been written, so it is the program's own page. */
	CHECK(!memcmp(page + 32, a_code, sizeof(a_code)));
	EQ(page[64] & ~0x20, b_code[0] & ~0x20);
	put_const(page, 43);
	own_runs(43);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
	own_runs(43);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
	faults(SIGSEGV, SEGV_ACCERR, page, 0);
	CHECK(last.si_addr == page);
	put_b(page, SYS_getpid);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
	own_runs(0);
}

/* Written elsewhere in the page, the sites stay what they are. */
static void a_byte_beside_a_site(void)
{
	unsigned char *page = (unsigned char *)(uintptr_t)own_b;

	own_runs(0);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE), 0);
	page[2000] = 1;
	CHECK(!memcmp(page, b_code, sizeof(b_code)) && !memcmp(page + 32, a_code, sizeof(a_code)));
	EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
	own_runs(0);
	EQ(madvise(page, PAGE, MADV_DONTNEED), 0);
	CHECK(page[2000] != 1);
	own_runs(0);
}

static void an_instruction_of_a_site(void)
{
	unsigned char *page = (unsigned char *)(uintptr_t)own_b;

	own_runs(0);
	for (int i = 0; i < 10; i++) {
		EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
		set_number(page, i & 1 ? SYS_getpid : SYS_getppid);
		for (int j = 0; j < WARM; j++)
			EQ(own_b(), i & 1 ? getpid() : getppid());
		EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
		for (int j = 0; j < WARM; j++)
			EQ(own_b(), i & 1 ? getpid() : getppid());
	}
}

static void an_anonymous_copy_over_it(void)
{
	unsigned char *page = (unsigned char *)(uintptr_t)own_b;
	struct code *c = map_anon(PAGE, MAP_PRIVATE);

	own_runs(0);
	put_const(c->b, 42);
	EQ(mprotect(c, PAGE, PROT_READ | PROT_EXEC), 0);
	CHECK(mremap(c, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page);
	for (int i = 0; i < WARM; i++)
		EQ(own_b(), 42);
	CHECK(mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
	put_const(page, 44);
	EQ(mprotect(page, PAGE, PROT_READ | PROT_EXEC), 0);
	for (int i = 0; i < WARM; i++)
		EQ(own_b(), 44);
}

static void written_by_proc_mem(void)
{
	unsigned char code[16], old[sizeof(b_code)];
	int fd = open("/proc/self/mem", O_RDWR);
	off_t at = (uintptr_t)own_b;

	if (fd < 0)
		SKIP("no /proc/self/mem");
	own_runs(0);
	EQ(pread(fd, old, sizeof(old), at), sizeof(old));
	CHECK(!memcmp(old, b_code, sizeof(old)));
	put_const(code, 77);
	if (pwrite(fd, code, CONST_LEN, at) != CONST_LEN)
		SKIP("text cannot be written there");
	own_runs(77);
	EQ(pwrite(fd, old, sizeof(old), at), sizeof(old));
	own_runs(0);
}

/* A child's text is its own. */
static void fork_and_overwrite(void)
{
	unsigned char *page = (unsigned char *)(uintptr_t)own_b;

	own_runs(0);
	for (int i = 0; i < 4; i++) {
		pid_t pid = FORK();

		if (!pid) {
			own_runs(0);
			EQ(mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
			put_const(page, 50 + i);
			own_runs(50 + i);
			pid = FORK();
			if (!pid) {
				own_runs(50 + i);
				put_b(page, SYS_getpid);
				own_runs(0);
				_exit(0);
			}
			CHILD_OK(pid);
			own_runs(50 + i);
			_exit(0);
		}
		own_runs(0);
		CHILD_OK(pid);
		own_runs(0);
	}
}

/* Other code where code was. */
static void other_file_at_the_address(void)
{
	int a = file_of("a", SYS_getpid, 2), b = file_of("b", SYS_getppid, 2);
	void *p = NULL;

	for (int i = 0; i < 10; i++) {
		p = map_code(i & 1 ? b : a, p, 2 * PAGE, MAP_PRIVATE);
		runs(p, i & 1 ? getppid() : getpid());
		runs((char *)p + PAGE, i & 1 ? getppid() : getpid());
		if (i & 2)
			EQ(munmap(p, 2 * PAGE), 0);
		if (i % 3 == 0)
			EQ(mprotect(map_anon(PAGE, MAP_PRIVATE), PAGE, PROT_NONE), 0);
	}
}

static void write_const(int fd, off_t at, int n)
{
	unsigned char c[16];

	put_const(c, n);
	EQ(pwrite(fd, c, CONST_LEN, at), CONST_LEN);
}

/*
 * A private mapping shows what is written to the file while the program has not written to the
 * page.
 */
static void file_is_written(void)
{
	int fd = file_of("a", SYS_getpid, 1);
	unsigned char *shared, *p = map_code(fd, NULL, PAGE, MAP_PRIVATE);
	static struct code c;

	runs(p, getpid());
	write_const(fd, 0, 91);
	for (int i = 0; i < WARM; i++) {
		EQ(call(p, FN_B), 91);
		EQ(call(p, FN_A), getpid());
	}
	fill(&c, SYS_getppid);
	EQ(pwrite(fd, &c, PAGE, 0), PAGE);
	runs(p, getppid());
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(shared != MAP_FAILED);
	for (int i = 0; i < 10; i++) {
		put_const(shared + FN_A, 100 + i);
		EQ(call(p, FN_A), 100 + i);
		put_a(shared + FN_A, SYS_getppid);
		runs(p, getppid());
	}
	EQ(ftruncate(fd, 0), 0);
	faults(SIGBUS, BUS_ADRERR, p, FN_B);
	EQ(ftruncate(fd, PAGE), 0);
	EQ(pwrite(fd, &c, PAGE, 0), PAGE);
	runs(p, getppid());
}

/*
 * As compilers do that must not have memory that is writable and executable: one file, two
 * mappings.
 */
static void two_views(int fd, int flags)
{
	unsigned char *w = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *x = map_code(fd, NULL, PAGE, flags);

	CHECK(w != MAP_FAILED);
	for (int i = 0; i < 20; i++) {
		fill((struct code *)w, i & 1 ? SYS_getpid : SYS_getppid);
		runs(x, i & 1 ? getpid() : getppid());
		put_const(w + FN_B, 1000 + i);
		put_const(w + FN_LAST_A, 2000 + i);
		for (int j = 0; j < WARM; j++) {
			EQ(call(x, FN_B), 1000 + i);
			EQ(call(x, FN_LAST_A), 2000 + i);
			EQ(call(x, FN_A), i & 1 ? getpid() : getppid());
		}
	}
	EQ(munmap(w, PAGE), 0);
	EQ(munmap(x, PAGE), 0);
}

static void writable_and_executable_views(void)
{
	int fd = syscall(SYS_memfd_create, "jit", 0);

	if (fd < 0)
		SKIP("no memfd");
	EQ(ftruncate(fd, PAGE), 0);
	two_views(fd, MAP_SHARED);
	two_views(fd, MAP_PRIVATE);
	close(fd);
	fd = open("jit", O_RDWR | O_CREAT, 0700);
	EQ(ftruncate(fd, PAGE), 0);
	two_views(fd, MAP_SHARED);
	two_views(fd, MAP_PRIVATE);
}

static void compiled_at_run_time(void)
{
	for (int kind = 0; kind < 2; kind++) {
		struct code *c = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
				      MAP_ANONYMOUS | (kind ? MAP_SHARED : MAP_PRIVATE), -1, 0);

		CHECK(c != MAP_FAILED);
		for (int i = 0; i < 200; i++) {
			int page = i & 3;

			fill(&c[page], i & 4 ? SYS_getpid : SYS_getppid);
			runs(&c[page], i & 4 ? getpid() : getppid());
			put_const(c[page].b, i);
			EQ(call(&c[page], 0), i);
			put_b(c[page].b, SYS_getpid);
			EQ(call(&c[page], 0), getpid());
			if (i % 10 == 0) {
				EQ(mprotect(c, 4 * PAGE, PROT_READ | PROT_EXEC), 0);
				EQ(call(&c[page], 0), getpid());
				EQ(call(&c[page], 0), getpid());
				EQ(mprotect(c, 4 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
			}
		}
	}
}

static void moved(void)
{
	int fd = file_of("a", SYS_getpid, 2);
	char *p = map_code(fd, NULL, 2 * PAGE, MAP_PRIVATE), *q, *room = map_anon(4 * PAGE, MAP_PRIVATE);

	runs(p, getpid());
	for (int i = 0; i < 6; i++) {
		q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + (i & 1 ? 2 * PAGE : 0));
		CHECK(q == room + (i & 1 ? 2 * PAGE : 0));
		runs(q, getpid());
		runs(q + PAGE, getpid());
		faults(SIGSEGV, SEGV_MAPERR, p, 0);
		CHECK(mmap(p, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == p);
		faults(SIGSEGV, SEGV_ACCERR, p, 0);
		EQ(munmap(p, 2 * PAGE), 0);
		p = q;
	}
	/* One page alone, and then back. */
	q = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + (p == room ? 3 * PAGE : 0));
	CHECK(q != MAP_FAILED);
	runs(q, getpid());
	runs(p + PAGE, getpid());
	faults(SIGSEGV, SEGV_MAPERR, p, 0);
	CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p);
	runs(p, getpid());
}

static void many_mappings_of_one_file(void)
{
	static const uintptr_t wants[] = {
		0x10000, 0x7000000, 0x80000000 - PAGE, 0x100000000, 0x123456789000 >> FEWER & -PAGE,
		0x123556789000 >> FEWER & -PAGE, 0x1234d6789000 >> FEWER & -PAGE, 0x600000000000 >> FEWER,
	};
	int fd = file_of("a", SYS_getpid, 1);
	char *p[ARRAY_SIZE(wants) + 2] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		char *got = mmap((void *)wants[i], PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);

		if (got != MAP_FAILED)
			p[n++] = got;
	}
	CHECK(n >= 4);
	p[n++] = map_code(fd, NULL, PAGE, MAP_PRIVATE);
	p[n++] = map_code(fd, NULL, PAGE, MAP_SHARED);
	for (int round = 0; round < 4; round++)
		for (size_t i = 0; i < n; i++)
			runs(p[i], getpid());
	for (size_t i = 0; i + 1 < n; i += 2) {
		EQ(mprotect(p[i], PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
		put_const((unsigned char *)p[i] + FN_B, 66);
		EQ(call(p[i], FN_B), 66);
		EQ(call(p[i], FN_A), getpid());
	}
	for (size_t i = 1; i + 1 < n; i += 2)
		runs(p[i], getpid());
}

static void two_processes(void)
{
	int fd = file_of("a", SYS_getpid, 1), up[2], down[2];
	char *p = map_code(fd, NULL, PAGE, MAP_PRIVATE), c = 0;
	pid_t pid;

	EQ(pipe(up), 0);
	EQ(pipe(down), 0);
	runs(p, getpid());
	pid = FORK();
	if (!pid) {
		char *q = map_code(fd, NULL, PAGE, MAP_PRIVATE);

		CHECK(q != p);
		runs(p, getpid());
		runs(q, getpid());
		EQ(munmap(p, PAGE), 0);
		for (int i = 0; i < 20; i++) {
			runs(q, getpid());
			EQ(write(up[1], &c, 1), 1);
			EQ(read(down[0], &c, 1), 1);
		}
		write_const(fd, FN_B, 5);
		EQ(call(q, FN_B), 5);
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		EQ(read(up[0], &c, 1), 1);
		runs(p, getpid());
		EQ(write(down[1], &c, 1), 1);
	}
	CHILD_OK(pid);
	EQ(call(p, FN_B), 5);
	EQ(call(p, FN_A), getpid());
}

static void parts(void)
{
	int fd = file_of("a", SYS_getpid, 6), other = file_of("b", SYS_getppid, 1);
	char *p = map_code(fd, NULL, 6 * PAGE, MAP_PRIVATE);

	for (int i = 0; i < 6; i++)
		runs(p + i * PAGE, getpid());
	EQ(munmap(p + 2 * PAGE, PAGE), 0);
	faults(SIGSEGV, SEGV_MAPERR, p, 2 * PAGE);
	CHECK(last.si_addr == p + 2 * PAGE);
	map_code(other, p + 4 * PAGE, PAGE, MAP_PRIVATE);
	for (int i = 0; i < 6; i++)
		if (i != 2)
			runs(p + i * PAGE, i == 4 ? getppid() : getpid());
	map_code(other, p + 2 * PAGE, PAGE, MAP_PRIVATE);
	EQ(mprotect(p + PAGE, PAGE, PROT_NONE), 0);
	faults(SIGSEGV, SEGV_ACCERR, p, PAGE);
	EQ(mprotect(p + PAGE, PAGE, PROT_READ | PROT_EXEC), 0);
	for (int i = 0; i < 6; i++)
		runs(p + i * PAGE, i == 2 || i == 4 ? getppid() : getpid());
	for (int i = 0; i < 6; i++)
		EQ(madvise(p + i * PAGE, PAGE, i & 1 ? MADV_DONTNEED : 21 /* MADV_PAGEOUT */), 0);
	for (int i = 0; i < 6; i++)
		runs(p + i * PAGE, i == 2 || i == 4 ? getppid() : getpid());
	EQ(mprotect(p, 6 * PAGE, PROT_READ), 0);
	faults(SIGSEGV, SEGV_ACCERR, p, PAGE);
	EQ(mprotect(p, 6 * PAGE, PROT_EXEC | PROT_READ), 0);
	for (int i = 0; i < 6; i++)
		runs(p + i * PAGE, i == 2 || i == 4 ? getppid() : getpid());
}

/* No room anywhere near for anything that the kernel would like to put there. */
static void no_room(void)
{
	size_t size = 5UL << 30;
	char *all = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *p;
	int fd = file_of("a", SYS_getpid, 1);

	if (all == MAP_FAILED)
		SKIP("no address space");
	p = map_code(fd, all + size / 2, PAGE, MAP_PRIVATE);
	for (int i = 0; i < 20; i++)
		runs(p, getpid());
}

/* Threads run sites while the page's protection changes, it is dropped, and the file is written. */
static volatile int stop, ran[3];
static char *shared_code;

static void *runner(void *arg)
{
	long i = (long)arg;

	while (!stop) {
		EQ(call(shared_code, FN_B), getpid());
		EQ(call(shared_code, FN_A), getpid());
		EQ(call(shared_code + PAGE, FN_LAST_B), getpid());
		EQ(call(shared_code + PAGE, FN_LAST_A), getpid());
		ran[i]++;
	}
	return NULL;
}

static void changed_under_threads(void)
{
	int fd = file_of("a", SYS_getpid, 2);
	pthread_t t[3];

	shared_code = map_code(fd, NULL, 2 * PAGE, MAP_PRIVATE);
	for (long i = 0; i < 3; i++)
		EQ(pthread_create(&t[i], NULL, runner, (void *)i), 0);
	for (int i = 0; i < 300 || ((!ran[0] || !ran[1] || !ran[2]) && i < 100000); i++) {
		static struct code c;

		switch (i % 5) {
		case 0:
			EQ(mprotect(shared_code, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
			break;
		case 1:
			EQ(mprotect(shared_code, 2 * PAGE, PROT_READ | PROT_EXEC), 0);
			break;
		case 2:
			EQ(madvise(shared_code, 2 * PAGE, MADV_DONTNEED), 0);
			break;
		case 3:
			map_code(fd, shared_code, 2 * PAGE, MAP_PRIVATE);
			break;
		case 4:
			fill(&c, SYS_getpid);
			EQ(pwrite(fd, &c, PAGE, 0), PAGE);
			break;
		}
		sched_yield();
	}
	/* The page becomes the program's own. */
	EQ(mprotect(shared_code, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), 0);
	for (int i = 0; i < 200; i++) {
		shared_code[1000 + i] = i;
		if (i % 20 == 0)
			EQ(madvise(shared_code, 2 * PAGE, MADV_DONTNEED), 0);
		sched_yield();
	}
	stop = 1;
	for (int i = 0; i < 3; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

/* The kernel's areas. */
static int areas(struct range *r, int need)
{
	int n = slot_areas(r, 16);

	if (need && !n)
		SKIP("no [kbox] areas");
	return n < 16 ? n : 16;
}

static void areas_go_with_their_text(void)
{
	int fd = file_of("a", SYS_getpid, 1), before;
	struct range r[16];

	for (int i = 0; i < WARM; i++)
		EQ(b_getpid(), a_getpid());
	before = slot_areas(r, 16);
	for (int i = 0; i < 100; i++) {
		/* Far from all else. */
		void *at = (void *)((0x200000000000 + i * 0x2000000000) >> FEWER);
		char *p = mmap(at, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0);

		CHECK(p == at);
		for (int j = 0; j < WARM; j++)
			EQ(call(p, FN_B), call(p, FN_A));
		EQ(munmap(p, PAGE), 0);
	}
	EQ(slot_areas(r, 16), before);
}

static void areas_cannot_be_written(void)
{
	struct range r[16];
	int n;

	own_runs(0);
	n = areas(r, 1);
	for (int i = 0; i < n; i++) {
		EQ(mprotect((void *)r[i].start, r[i].end - r[i].start, PROT_READ | PROT_WRITE), -1);
		EQ(mprotect((void *)r[i].start, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC), -1);
		own_runs(0);
	}
	EQ(areas(r, 1), n);
}

static void areas_protected(void)
{
	struct range r[16];
	int n;

	own_runs(0);
	n = areas(r, 1);
	/*
	 * The program may do this, and may have to make its system calls by other sites then: it
	 * shall not crash for it.
	 */
	for (int i = 0; i < n; i++) {
		mprotect((void *)r[i].start, r[i].end - r[i].start, PROT_NONE);
		own_runs(0);
		mprotect((void *)r[i].start, r[i].end - r[i].start, PROT_READ | PROT_EXEC);
		own_runs(0);
		madvise((void *)r[i].start, r[i].end - r[i].start, MADV_DONTNEED);
		own_runs(0);
	}
}

static void areas_unmapped(void)
{
	struct range r[16];
	int n, fd = file_of("a", SYS_getpid, 1);
	char *p = map_code(fd, NULL, PAGE, MAP_PRIVATE);

	own_runs(0);
	runs(p, getpid());
	n = areas(r, 1);
	for (int i = 0; i < n; i++)
		EQ(munmap((void *)r[i].start, r[i].end - r[i].start), 0);
	for (int i = 0; i < 3; i++) {
		own_runs(0);
		runs(p, getpid());
		EQ(b_getpid(), a_getpid());
	}
	CHILD_OK(FORK() ?: (own_runs(0), runs(p, getpid()), _exit(0), 0));
}

static void areas_mapped_over(void)
{
	struct range r[16];
	int n, fd = file_of("a", SYS_getppid, 1);
	char *p = map_code(fd, NULL, PAGE, MAP_PRIVATE), *q;

	own_runs(0);
	runs(p, getppid());
	n = areas(r, 1);
	for (int i = 0; i < n; i++) {
		q = mmap((void *)r[i].start, r[i].end - r[i].start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		CHECK(q == (void *)r[i].start);
		memset(q, 0xcc, r[i].end - r[i].start);
		EQ(mprotect(q, r[i].end - r[i].start, PROT_READ | PROT_EXEC), 0);
	}
	for (int i = 0; i < 3; i++) {
		own_runs(0);
		runs(p, getppid());
		EQ(b_getpid(), a_getpid());
	}
	/* And nothing has been put into what is the program's own. */
	for (int i = 0; i < n; i++)
		for (uintptr_t a = r[i].start; a < r[i].end; a++)
			if (*(unsigned char *)a != 0xcc)
				tap_fail(__FILE__, __LINE__, "0x%lx was written", a);
	CHILD_OK(FORK() ?: (own_runs(0), _exit(0), 0));
}

static void areas_moved(void)
{
	struct range r[16];
	int n;

	own_runs(0);
	n = areas(r, 1);
	for (int i = 0; i < n; i++) {
		char *q = map_anon(r[i].end - r[i].start, MAP_PRIVATE);

		mremap((void *)r[i].start, r[i].end - r[i].start, r[i].end - r[i].start, MREMAP_MAYMOVE | MREMAP_FIXED, q);
		own_runs(0);
		EQ(b_getpid(), a_getpid());
	}
	own_runs(0);
}

static const struct test tests[] = {
	T(own_text_is_overwritten), T(a_byte_beside_a_site), T(an_instruction_of_a_site), T(an_anonymous_copy_over_it),
	T(written_by_proc_mem), T(fork_and_overwrite), T(other_file_at_the_address), T(file_is_written),
	T(writable_and_executable_views), T(compiled_at_run_time), T(moved), T(many_mappings_of_one_file), T(two_processes), T(parts),
	T(no_room), T(changed_under_threads), T(areas_go_with_their_text), T(areas_cannot_be_written), T(areas_protected),
	T(areas_unmapped), T(areas_mapped_over), T(areas_moved),
};
MAIN(tests)
