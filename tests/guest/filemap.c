// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private maps of files, and who else uses their pages: other processes' calls, debuggers, pipes,
 * direct I/O, io_uring. On a volume these are the host's pages until somebody needs one of memory.
 */
#include "tap.h"
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <setjmp.h>

#define PAGE 4096L
enum { PAGES = 64 };

static int make_file(long bytes)
{
	char *p = map_anon(bytes, MAP_PRIVATE);
	int fd = open("f", O_CREAT | O_RDWR | O_TRUNC, 0644);

	CHECK(fd >= 0);
	for (long i = 0; i < bytes; i++)
		p[i] = i / PAGE * 7 + i % 251;
	EQ(write(fd, p, bytes), bytes);
	munmap(p, bytes);
	return fd;
}

static int is_file(const volatile char *p, long at, long n)
{
	for (long i = at; i < at + n; i++)
		if (p[i - at] != (char)(i / PAGE * 7 + i % 251))
			return 0;
	return 1;
}

static char *map(int fd, long n, int prot)
{
	char *p = mmap(NULL, n, prot, MAP_PRIVATE, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A page that has been read, one that has not, and one that has been written to. */
static char *three_pages(int fd)
{
	char *p = map(fd, 3 * PAGE, PROT_READ | PROT_WRITE);

	CHECK(is_file(p, 0, PAGE));
	p[2 * PAGE] = 'w';
	return p;
}

static void writes_are_private(void)
{
	int fd = make_file(PAGES * PAGE);
	char *p = map(fd, PAGES * PAGE, PROT_READ | PROT_WRITE), *q = map(fd, PAGES * PAGE, PROT_READ), c;

	for (int i = 0; i < PAGES; i += 2)
		CHECK(is_file(p + i * PAGE, i * PAGE, PAGE));
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE + 5] = 'p';
	for (int i = 0; i < PAGES; i++) {
		EQ(p[i * PAGE + 5], 'p');
		CHECK(is_file(p + i * PAGE + 6, i * PAGE + 6, PAGE - 6));
		CHECK(is_file(q + i * PAGE, i * PAGE, PAGE));
		EQ(pread(fd, &c, 1, i * PAGE + 5), 1);
		CHECK(c != 'p' || is_file(&c, i * PAGE + 5, 1));
	}
	EQ(madvise(p, 4 * PAGE, MADV_DONTNEED), 0);
	CHECK(is_file(p, 0, 4 * PAGE));
	EQ(p[4 * PAGE + 5], 'p');
}

static void forks_have_their_own(void)
{
	int fd = make_file(8 * PAGE), up[2], down[2];
	char *p = map(fd, 8 * PAGE, PROT_READ | PROT_WRITE), c;
	pid_t pid;

	EQ(pipe(up) | pipe(down), 0);
	CHECK(is_file(p, 0, 2 * PAGE));
	p[PAGE] = 'b';
	pid = FORK();
	if (!pid) {
		EQ(p[PAGE], 'b');
		p[0] = p[PAGE] = p[2 * PAGE] = 'c';
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		EQ(p[0], 'c');
		CHECK(is_file(p + 3 * PAGE, 3 * PAGE, PAGE));
		_exit(0);
	}
	EQ(read(up[0], &c, 1), 1);
	CHECK(is_file(p, 0, PAGE));
	EQ(p[PAGE], 'b');
	CHECK(is_file(p + 2 * PAGE, 2 * PAGE, PAGE));
	p[3 * PAGE] = 'p';
	EQ(write(down[1], "x", 1), 1);
	CHILD_OK(pid);
	EQ(p[3 * PAGE], 'p');
}

static void given_to_calls(void)
{
	int fd = make_file(3 * PAGE), out = open("out", O_CREAT | O_RDWR, 0644), s[2], pipes[2];
	char *p = three_pages(fd), buf[3 * PAGE];
	struct iovec v = { p, 3 * PAGE };

	EQ(pwrite(out, p, 3 * PAGE, 0), 3 * PAGE);
	EQ(pread(out, buf, 3 * PAGE, 0), 3 * PAGE);
	EQ(memcmp(buf, p, 3 * PAGE), 0);
	p = three_pages(fd), v.iov_base = p;
	EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, s) | pipe(pipes), 0);
	EQ(send(s[0], p, 3 * PAGE, 0), 3 * PAGE);
	EQ(recv(s[1], buf, 3 * PAGE, MSG_WAITALL), 3 * PAGE);
	EQ(memcmp(buf, p, 3 * PAGE), 0);
	p = three_pages(fd), v.iov_base = p;
	EQ(vmsplice(pipes[1], &v, 1, 0), 3 * PAGE);
	EQ(read(pipes[0], buf, 3 * PAGE), 3 * PAGE);
	EQ(memcmp(buf, p, 3 * PAGE), 0);
	p = three_pages(fd);
	EQ(pread(out, p, 3 * PAGE, 1), 3 * PAGE - 1);
	CHECK(is_file(p, 1, PAGE - 1));
	EQ(pread(fd, buf, PAGE, 0), PAGE);
	CHECK(is_file(buf, 0, PAGE));
}

/* Calls with a pointer to one, of all sizes that the kernel copies. */
static void read_by_the_kernel(void)
{
	int fd = make_file(PAGE);
	char *p = map(fd, PAGE, PROT_READ | PROT_WRITE);
	struct stat st;

	EQ(ftruncate(fd, 0), 0);
	EQ(pwrite(fd, "f", 2, 0) + pwrite(fd, "", 1, PAGE - 1), 3);
	p = map(fd, PAGE, PROT_READ);
	EQ(stat(p, &st), 0);
	p = map(fd, PAGE, PROT_READ | PROT_WRITE);
	EQ(stat(p, (struct stat *)(p + 1024)), 0);
	EQ(((struct stat *)(p + 1024))->st_ino, st.st_ino);
	EQ(pread(fd, &(char) { 1 }, 1, 1024), 1);
}

static void of_another_process(void)
{
	int fd = make_file(4 * PAGE), down[2];
	char *p = map(fd, 4 * PAGE, PROT_READ), buf[4 * PAGE], path[40];
	struct iovec local = { buf, 3 * PAGE }, remote = { p, 3 * PAGE };
	pid_t pid;
	int mem;

	EQ(mprotect(p, PAGE, PROT_READ | PROT_WRITE), 0);
	EQ(pipe(down), 0);
	pid = FORK();
	if (!pid) {
		char c;

		close(down[1]);
		EQ(read(down[0], &c, 1), 1);
		CHECK(!memcmp(p, "written", 7) && !memcmp(p + 3 * PAGE, "forced", 6));
		CHECK(is_file(p + 7, 7, PAGE - 7) && is_file(p + PAGE, PAGE, 2 * PAGE));
		_exit(0);
	}
	if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 && errno == ENOSYS)
		LACKING("process_vm_readv");
	CHECK(is_file(buf, 0, 3 * PAGE));
	local = (struct iovec) { "written", 7 };
	remote.iov_len = 7;
	EQ(process_vm_writev(pid, &local, 1, &remote, 1, 0), 7);
	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	mem = open(path, O_RDWR);
	CHECK(mem >= 0);
	EQ(pread(mem, buf, PAGE, (off_t)(p + PAGE)), PAGE);
	CHECK(is_file(buf, PAGE, PAGE));
	EQ(pwrite(mem, "forced", 6, (off_t)(p + 3 * PAGE)), 6);
	EQ(write(down[1], "x", 1), 1);
	CHILD_OK(pid);
	CHECK(is_file(p, 0, 4 * PAGE));
}

/* The text of a program that is on this file system, as a debugger changes it. */
static void copy_program(void)
{
	int in = open("/proc/self/exe", O_RDONLY), out = open("program", O_CREAT | O_WRONLY, 0755);
	static char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		EQ(write(out, buf, n), n);
	close(in);
	close(out);
}

static long word_at(pid_t pid, long at)
{
	long v;

	errno = 0;
	v = ptrace(PTRACE_PEEKTEXT, pid, (void *)at, NULL);
	EQ(errno, 0);
	return v;
}

/* Where the program begins: its auxiliary vector says it. */
static long entry_of(pid_t pid)
{
	unsigned long aux[80];
	char path[40];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	n = slurp(path, (char *)aux, sizeof(aux)) / 16;
	for (size_t i = 0; i < n; i++)
		if (aux[2 * i] == 9 /* AT_ENTRY */)
			return aux[2 * i + 1];
	tap_fail(__FILE__, __LINE__, "no entry");
}

static void debugged(void)
{
	long entry, was;
	pid_t pid;
	int st;

	copy_program();
	for (int round = 0; round < 3; round++) {
		pid = FORK();
		if (!pid) {
			ptrace(PTRACE_TRACEME, 0, NULL, NULL);
			execl("./program", "program", "exits", NULL);
			_exit(1);
		}
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
		entry = entry_of(pid);
		was = word_at(pid, entry);
#ifdef __x86_64__
		EQ(ptrace(PTRACE_POKETEXT, pid, (void *)entry, (was & ~0xffL) | 0xcc), 0);
#else
		EQ(ptrace(PTRACE_POKETEXT, pid, (void *)entry, (was & ~0xffffffffL) | 0xd4200000), 0);
#endif
		CHECK(word_at(pid, entry) != was);
		EQ(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
		EQ(waitpid(pid, &st, 0), pid);
		CHECK(WIFSTOPPED(st) && WSTOPSIG(st) == SIGTRAP);
		kill(pid, SIGKILL);
		EQ(waitpid(pid, &st, 0), pid);
		/* The file is as it was: the next one has no breakpoint. */
	}
	pid = FORK();
	if (!pid) {
		execl("./program", "program", "exits", NULL);
		_exit(1);
	}
	EQ(waitpid(pid, &st, 0), pid);
	EQ(st, 77 << 8);
}

static void direct_output(void)
{
	int fd = make_file(4 * PAGE), out = open("out", O_CREAT | O_RDWR | O_DIRECT, 0644);
	char *p, buf[PAGE];

	if (out < 0)
		SKIP("this file system has no direct I/O");
	p = map(fd, 4 * PAGE, PROT_READ);
	CHECK(is_file(p, 0, PAGE));
	EQ(pwrite(out, p, 4 * PAGE, 0), 4 * PAGE);
	p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	EQ(pread(out, p, 2 * PAGE, 2 * PAGE), 2 * PAGE);
	CHECK(is_file(p, 2 * PAGE, 2 * PAGE));
	CHECK(is_file(p + 2 * PAGE, 2 * PAGE, 2 * PAGE));
	out = open("out", O_RDONLY);
	for (int i = 0; i < 4; i++) {
		EQ(pread(out, buf, PAGE, i * PAGE), PAGE);
		CHECK(is_file(buf, i * PAGE, PAGE));
	}
}

static void locked_and_advised(void)
{
	int fd = make_file(PAGES * PAGE);
	char *p = map(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);
	unsigned char core[PAGES];

	EQ(mlock(p, 4 * PAGE), 0);
	CHECK(is_file(p, 0, 4 * PAGE));
	EQ(munlock(p, 4 * PAGE), 0);
	EQ(madvise(p, PAGES * PAGE, MADV_WILLNEED), 0);
	EQ(madvise(p, PAGES * PAGE, MADV_SEQUENTIAL), 0);
	EQ(madvise(p, PAGES * PAGE, MADV_RANDOM), 0);
	CHECK(is_file(p, 0, PAGES * PAGE));
	EQ(mincore(p, PAGES * PAGE, core), 0);
	EQ(madvise(p + PAGE, PAGE, 22 /* MADV_POPULATE_READ */), 0);
	EQ(madvise(p + 2 * PAGE, PAGE, 23 /* MADV_POPULATE_WRITE */), 0);
	p[2 * PAGE] = 'w';
	EQ(madvise(p + PAGE, 2 * PAGE, MADV_DONTFORK), 0);
	EQ(madvise(p + PAGE, 2 * PAGE, MADV_DOFORK), 0);
	EQ(p[2 * PAGE], 'w');
	CHECK(is_file(p + PAGE, PAGE, PAGE));
	CHECK(slurp("/proc/self/smaps", (char[200000]) { 0 }, 200000) > 1000);
	CHECK(slurp("/proc/self/numa_maps", (char[20000]) { 0 }, 20000) > 0 || errno == ENOENT);
	p = mmap(NULL, 8 * PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	CHECK(is_file(p, 0, 8 * PAGE));
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	p[0] = 'x';
	CHECK(is_file(p + 1, 1, PAGE));
}

static void moved_and_cut(void)
{
	int fd = make_file(PAGES * PAGE);
	char *p = map(fd, PAGES * PAGE, PROT_READ | PROT_WRITE), *q;

	CHECK(is_file(p, 0, 8 * PAGE));
	p[3 * PAGE] = 'w';
	q = mremap(p, 8 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	EQ(q[3 * PAGE], 'w');
	CHECK(is_file(q, 0, 3 * PAGE) && is_file(q + 4 * PAGE, 4 * PAGE, 12 * PAGE));
	EQ(munmap(q + 2 * PAGE, PAGE), 0);
	CHECK(is_file(q + PAGE, PAGE, PAGE) && q[3 * PAGE] == 'w');
	EQ(mprotect(q + 4 * PAGE, PAGE, PROT_NONE), 0);
	EQ(mprotect(q + 4 * PAGE, PAGE, PROT_READ), 0);
	CHECK(is_file(q + 4 * PAGE, 4 * PAGE, PAGE));
	CHECK(mmap(q + 5 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 9 * PAGE) != MAP_FAILED);
	CHECK(is_file(q + 5 * PAGE, 9 * PAGE, PAGE) && is_file(q + 6 * PAGE, 6 * PAGE, PAGE));
}

/* A futex may be anywhere. */
static void a_lock_in_it(void)
{
	int fd = make_file(PAGE), *p = (int *)map(fd, PAGE, PROT_READ | PROT_WRITE), v = *p;

	FAILS(syscall(SYS_futex, p, 0 /* WAIT */, v + 1, NULL), EAGAIN);
	EQ(syscall(SYS_futex, p, 1 /* WAKE */, 1), 0);
	FAILS(syscall(SYS_futex, p, 128 /* WAIT, private */, v + 1, NULL), EAGAIN);
	*p = v + 1;
	FAILS(syscall(SYS_futex, p, 0, v, &(struct timespec) { 0, 1 }), EAGAIN);
	FAILS(syscall(SYS_futex, p, 0, v + 1, &(struct timespec) { 0, 1000 }), ETIMEDOUT);
}

/* More than the box has memory, and more than a map keeps: all of it is read, twice. */
static void larger_than_memory(void)
{
	enum { MB = 96 };
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	long *block = map_anon(1 << 20, MAP_PRIVATE);
	volatile long *p;

	for (long i = 0; i < MB; i++) {
		for (long k = 0; k < 1 << 17; k += 512)
			block[k] = i << 17 | k;
		if (write(fd, block, 1 << 20) != 1 << 20)
			SKIP("this file system is too small");
	}
	p = (volatile long *)map(fd, (long)MB << 20, PROT_READ);
	for (int round = 0; round < 2; round++)
		for (long k = 0; k < (long)MB << 17; k += 512)
			EQ(p[k], k);
	munmap((void *)p, (long)MB << 20);
	p = mmap(NULL, (long)MB << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (long k = 0; k < (long)MB << 17; k += 512)
		p[k] = ~k;
	for (long k = 0; k < (long)MB << 17; k += 5120)
		EQ(p[k], ~k);
	EQ(ftruncate(fd, 0), 0);
}

static const struct test tests[] = {
	T(writes_are_private), T(forks_have_their_own), T(given_to_calls), T(read_by_the_kernel),
	T(of_another_process), T(debugged), T(direct_output), T(locked_and_advised),
	T(moved_and_cut), T(a_lock_in_it), T(larger_than_memory),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exits"))
		return 77;
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
