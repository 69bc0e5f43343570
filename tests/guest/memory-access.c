// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is reached in other ways than by loads and stores: as code, by system calls, by
 * another process, by /proc.
 */
#include "mappings.h"
#include <sys/prctl.h>
#include <sys/uio.h>

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

#ifdef __aarch64__
/* Loads and stores ignore the top byte. */
static void *tagged(void *p)
{
	return (void *)((uintptr_t)p | 0x5aUL << 56);
}

static void tags_are_refused(void)
{
	char *p = map_anon(2 * PAGE, MAP_PRIVATE);
	int fd = open("/dev/zero", O_RDONLY);

	EQ(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0), 0);
	FAILS(read(fd, tagged(p), 1), EFAULT);
	FAILS(open(tagged(p), O_RDONLY), EFAULT);
	EQ(munmap(tagged(p), PAGE), 0);
	FAILS(read(fd, p, 1), EFAULT);
}

static void tags_are_taken(void)
{
	char *p = map_anon(64 * PAGE, MAP_PRIVATE);
	int fd;

	EQ(prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0), 0);
	EQ(prctl(PR_GET_TAGGED_ADDR_CTRL, 0, 0, 0, 0), PR_TAGGED_ADDR_ENABLE);
	strcpy(tagged(p), "/dev/zero");
	fd = open(tagged(p), O_RDONLY);
	EQ(read(fd, tagged(p), 64 * PAGE), 64 * PAGE);
	EQ(p[0], 0);
	EQ(mprotect(tagged(p), PAGE, PROT_READ), 0);
	FAILS(read(fd, tagged(p), 1), EFAULT);
	FAILS(mprotect(tagged((void *)BOX_KERNEL), PAGE, RW), ENOMEM);
	FAILS(read(fd, tagged((void *)BOX_KERNEL), 1), EFAULT);
	FAILS(read(fd, (void *)~0xfffUL, 1), EFAULT);
	EQ(prctl(PR_SET_TAGGED_ADDR_CTRL, 0, 0, 0, 0), 0);
	tags_are_refused();
}

/* A child has its parent's, and a new program has none. */
static void tags_of_a_child(void)
{
	char *p = map_anon(PAGE, MAP_PRIVATE);
	int fd = open("/dev/zero", O_RDONLY);
	pid_t pid;

	EQ(prctl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE, 0, 0, 0), 0);
	pid = FORK();
	if (!pid) {
		EQ(read(fd, tagged(p), PAGE), PAGE);
		dup2(open("/dev/null", O_WRONLY), 1);
		execl("/proc/self/exe", "memory-access", "tags_are_refused", NULL);
		_exit(1);
	}
	CHILD_OK(pid);
}
#else
static void tags_are_refused(void)
{
	SKIP("aarch64 only");
}

#define tags_are_taken tags_are_refused
#define tags_of_a_child tags_are_refused
#endif

static const struct test tests[] = {
	T(code_rewritten), T(code_protected_and_rewritten), T(code_mapped_twice), T(code_in_child),
	T(copy_on_write_by_read), T(stack_grows_by_read), T(other_process), T(proc_self_mem),
	T(faults_in_system_calls), T(call_into_untouched_pages),
	T(tags_are_refused), T(tags_are_taken), T(tags_of_a_child),
};
MAIN(tests)
