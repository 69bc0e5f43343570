// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file system owes to programs, beyond file.c: names, sparse files, copies, and many files
 * at once. tests/host/volume-guest.t runs this and volume-*.c on a directory of the host.
 *
 * "agent DIR" makes system calls that it reads from standard input (tests/host/volume.py).
 */
#include "volume-agent.h"
#include "volume.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* Names */

static int has_entry(const char *dir, const char *name)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		n += !strcmp(e->d_name, name);
	closedir(d);
	return n;
}

/* Of every byte that a name can have, in no encoding. */
static void names_of_any_bytes(void)
{
	char name[8], moved[10];

	for (int c = 1; c < 256; c++) {
		if (c == '/')
			continue;
		snprintf(name, sizeof(name), "n%c%c", c, 0x80 | c);
		close(create(name, "x"));
		EQ(has_entry(".", name), 1);
		snprintf(moved, sizeof(moved), "%s\xff\xfe", name);
		EQ(rename(name, moved), 0);
		FAILS(access(name, F_OK), ENOENT);
		contains(moved, "x");
		EQ(unlink(moved), 0);
	}
	EQ(entries("."), 0);
	close(create(" ", ""));
	close(create("...", ""));
	close(create("-", ""));
	close(create("a:b\\c", ""));
	EQ(entries("."), 4);
}

static void names_of_255_bytes(void)
{
	char name[NAME_MAX + 2], other[NAME_MAX + 2];

	memset(name, '\xe4', sizeof(name));
	name[NAME_MAX + 1] = 0;
	FAILS(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	FAILS(mkdir(name, 0755), ENAMETOOLONG);
	FAILS(symlink("x", name), ENAMETOOLONG);
	FAILS(stat(name, &(struct stat) { 0 }), ENAMETOOLONG);
	name[NAME_MAX] = 0;
	close(create(name, "long"));
	EQ(has_entry(".", name), 1);
	memcpy(other, name, sizeof(name));
	other[0] = 'd';
	EQ(mkdir(other, 0755), 0);
	EQ(chdir(other), 0);
	close(create(name, "inner"));
	EQ(link(name, other), 0);
	contains(other, "inner");
	EQ(chdir(".."), 0);
	EQ(entries(other), 2);
}

/* A path is longer than one that can be given, but each step is short. */
static void deep_paths(void)
{
	enum { DEEP = 40, LEN = 200 };
	char name[LEN + 1], text[10] = { 0 };
	int fd;

	memset(name, 'd', LEN);
	name[LEN] = 0;
	for (int i = 0; i < DEEP; i++) {
		EQ(mkdir(name, 0755), 0);
		EQ(chdir(name), 0);
	}
	close(create("f", "deep"));
	contains("f", "deep");
	EQ(rename("f", "g"), 0);
	EQ(symlink("g", "s"), 0);
	contains("s", "deep");
	EQ(entries("."), 2);
	fd = open("g", O_RDWR);
	CHECK(fd >= 0);
	EQ(ftruncate(fd, 2), 0);
	EQ(pread(fd, text, 10, 0), 2);
	EQ(unlink("g"), 0);
	EQ(unlink("s"), 0);
	for (int i = 0; i < DEEP; i++) {
		EQ(chdir(".."), 0);
		EQ(rmdir(name), 0);
	}
}

/* Sizes */

static void sparse_100_gb(void)
{
	off_t end = 100LL << 30, at = 99LL << 30;
	int fd = create("f", "");
	char *p, c;

	EQ(ftruncate(fd, end), 0);
	EQ(stat_of("f").st_size, end);
	EQ(pwrite(fd, "data", 4, at), 4);
	EQ(lseek(fd, 0, SEEK_DATA), at);
	CHECK(lseek(fd, at, SEEK_HOLE) > at && lseek(fd, at, SEEK_HOLE) <= at + (1 << 20));
	EQ(lseek(fd, 0, SEEK_END), end);
	EQ(pread(fd, &c, 1, end - 1), 1);
	EQ(pread(fd, &c, 1, end), 0);
	CHECK(stat_of("f").st_blocks < 10000);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at);
	CHECK(p != MAP_FAILED);
	EQ(memcmp(p, "data", 4), 0);
	p[4] = '!';
	EQ(pread(fd, &c, 1, at + 4), 1);
	EQ(c, '!');
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, at);
	EQ(memcmp(p, "data!", 6), 0);
	EQ(ftruncate(fd, 0), 0);
}

static void offsets(void)
{
	int fd = create("f", "0123456789");
	char c;

	FAILS(pread(fd, &c, 1, -1), EINVAL);
	FAILS(pwrite(fd, "x", 1, -1), EINVAL);
	EQ(pread(fd, &c, 1, INT64_MAX - 1), 0);
	FAILS(lseek(fd, 10, SEEK_DATA), ENXIO);
	EQ(lseek(fd, 3, SEEK_HOLE), 10);
	EQ(lseek(fd, 100, SEEK_SET), 100);
	EQ(read(fd, &c, 1), 0);
	EQ(write(fd, "end", 3), 3);
	EQ(stat_fd(fd).st_size, 103);
	EQ(pread(fd, &c, 1, 50), 1);
	EQ(c, 0);
	EQ(write(fd, "", 0), 0);
	EQ(stat_fd(fd).st_size, 103);
}

/* Each record is written by one call to the end as it is then. */
static void appended_by_four(void)
{
	enum { WRITERS = 4, RECORDS = 200, LEN = 50 };
	char record[LEN], *all = map_anon(WRITERS * RECORDS * LEN, MAP_PRIVATE);
	int seen[WRITERS] = { 0 }, fd;
	pid_t pid[WRITERS];

	close(create("f", ""));
	for (int w = 0; w < WRITERS; w++) {
		pid[w] = FORK();
		if (pid[w])
			continue;
		fd = open("f", O_WRONLY | O_APPEND);
		memset(record, 'a' + w, LEN);
		for (int i = 0; i < RECORDS; i++)
			EQ(write(fd, record, LEN), LEN);
		EQ(lseek(fd, 0, SEEK_CUR) % LEN, 0);
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++)
		CHILD_OK(pid[w]);
	fd = open("f", O_RDONLY);
	EQ(read(fd, all, WRITERS * RECORDS * LEN), WRITERS * RECORDS * LEN);
	for (int i = 0; i < WRITERS * RECORDS * LEN; i += LEN) {
		for (int k = 1; k < LEN; k++)
			EQ(all[i + k], all[i]);
		seen[all[i] - 'a']++;
	}
	for (int w = 0; w < WRITERS; w++)
		EQ(seen[w], RECORDS);
}

static void append_by_flag(void)
{
	struct iovec iov = { "end", 3 };
	int fd = create("f", "0123456789"), app = open("f", O_RDWR | O_APPEND);

	EQ(syscall(SYS_pwritev2, fd, &iov, 1, 0L, 0L, 0x10 /* RWF_APPEND */), 3);
	contains("f", "0123456789end");
	EQ(pwrite(app, "!", 1, 0), 1);	/* Linux appends; POSIX does not */
	contains("f", "0123456789end!");
	EQ(fcntl(app, F_SETFL, 0), 0);
	EQ(pwrite(app, "X", 1, 0), 1);
	contains("f", "X123456789end!");
	EQ(fcntl(app, F_SETFL, O_APPEND), 0);
	EQ(write(app, "?", 1), 1);
	EQ(lseek(app, 0, SEEK_CUR), 15);
}

/* Contents */

static void fill(char *p, size_t n, unsigned seed)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (seed = seed * 1103515245 + 12345) >> 16;
}

static void copy_ranges(void)
{
	enum { SIZE = 3 << 20 };
	char *p = map_anon(SIZE, MAP_PRIVATE), *q = map_anon(SIZE, MAP_PRIVATE);
	int in = create("in", ""), out = create("out", ""), app = open("out", O_WRONLY | O_APPEND);
	off_t from = 1000, to = 5000, end = SIZE;
	long n = 0, r;

	fill(p, SIZE, 1);
	EQ(write(in, p, SIZE), SIZE);
	while ((r = syscall(SYS_copy_file_range, in, &from, out, &to, (size_t)SIZE, 0)) > 0)
		n += r;
	EQ(r, 0);
	EQ(n, SIZE - 1000);
	EQ(stat_fd(out).st_size, SIZE - 1000 + 5000);
	EQ(pread(out, q, SIZE, 5000), SIZE - 1000);
	EQ(memcmp(q, p + 1000, SIZE - 1000), 0);
	FAILS(syscall(SYS_copy_file_range, in, NULL, app, NULL, 10UL, 0), EBADF);
	FAILS(syscall(SYS_copy_file_range, in, NULL, out, NULL, 10UL, 1), EINVAL);
	from = 0, to = 5;
	FAILS(syscall(SYS_copy_file_range, in, &from, in, &to, 10UL, 0), EINVAL);
	to = SIZE;
	EQ(syscall(SYS_copy_file_range, in, &from, in, &to, 100UL, 0), 100);
	EQ(pread(in, q, 100, SIZE), 100);
	EQ(memcmp(q, p, 100), 0);
	EQ(syscall(SYS_copy_file_range, in, (end += 200, &end), out, NULL, 10UL, 0), 0);
}

/* As linux/fs.h has it, which musl has not. */
struct range { int64_t fd; uint64_t from, n, to; };
#define CLONE _IOW(0x94, 9, int)
#define CLONE_RANGE _IOW(0x94, 13, struct range)

static void shared_blocks(void)
{
	enum { SIZE = 3 << 20 };
	char *p = map_anon(SIZE, MAP_PRIVATE), *q = map_anon(SIZE, MAP_PRIVATE);
	int in = create("in", ""), out = create("out", "old");

	fill(p, SIZE, 4);
	EQ(write(in, p, SIZE), SIZE);
	if (ioctl(out, CLONE, in) && errno == EOPNOTSUPP)
		SKIP("this file system shares no blocks");
	EQ(stat_fd(out).st_size, SIZE);
	EQ(pread(out, q, SIZE, 0), SIZE);
	EQ(memcmp(p, q, SIZE), 0);
	EQ(pwrite(out, "mine", 4, 5000), 4);
	EQ(pread(in, q, 4, 5000), 4);
	EQ(memcmp(p + 5000, q, 4), 0);
	EQ(ioctl(out, CLONE_RANGE, &(struct range) { in, 65536, 65536, SIZE }), 0);
	EQ(stat_fd(out).st_size, SIZE + 65536);
	EQ(pread(out, q, 65536, SIZE), 65536);
	EQ(memcmp(p + 65536, q, 65536), 0);
	FAILS(ioctl(open("out", O_RDONLY), CLONE, in), EBADF);
	FAILS(ioctl(out, CLONE_RANGE, &(struct range) { in, 1, 65536, 0 }), EINVAL);
}

/* It never gets a name, as tmpfile(3) has it. */
static void never_named(void)
{
	int fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0640);
	char path[50], text[10], *p;

	if (fd < 0 && errno == EOPNOTSUPP)
		SKIP("this file system has no O_TMPFILE");
	CHECK(fd >= 0);
	EQ(entries("."), 0);
	EQ(stat_fd(fd).st_nlink, 0);
	EQ(stat_fd(fd).st_mode, S_IFREG | 0640);
	EQ(write(fd, "nobody's", 8), 8);
	EQ(pread(fd, text, 10, 0), 8);
	EQ(memcmp(text, "nobody's", 8), 0);
	EQ(ftruncate(fd, PAGE), 0);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	EQ(memcmp(p, "nobody's", 8), 0);
	memcpy(p, "somebody", 8);
	EQ(pread(fd, text, 10, 0), 10);
	EQ(memcmp(text, "somebody", 8), 0);
	EQ(stat_fd(fd).st_size, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), ENOENT);
	FAILS(open(".", O_TMPFILE | O_EXCL | O_RDONLY, 0600), EINVAL);
	EQ(close(fd), 0);
	EQ(entries("."), 0);
}

/* To another file system and back; by pipes. */
static void copies_elsewhere(void)
{
	enum { SIZE = 300000 };
	char *p = map_anon(SIZE, MAP_PRIVATE), *q = map_anon(SIZE, MAP_PRIVATE);
	int in = create("in", ""), out = create("out", "");
	int mem = syscall(SYS_memfd_create, "m", 0), pipes[2];
	off_t at = 0;
	long n, r;

	fill(p, SIZE, 2);
	EQ(write(in, p, SIZE), SIZE);
	for (n = 0; (r = sendfile(mem, in, &at, SIZE)) > 0; n += r)
		;
	EQ(n, SIZE);
	for (n = at = 0; (r = syscall(SYS_copy_file_range, mem, &at, out, NULL, (size_t)SIZE, 0)) > 0;)
		n += r;
	CHECK(r == 0 || errno == EXDEV);
	if (r)
		EQ(sendfile(out, mem, (at = 0, &at), SIZE), SIZE);
	EQ(pread(out, q, SIZE, 0), SIZE);
	EQ(memcmp(p, q, SIZE), 0);
	EQ(pipe(pipes), 0);
	EQ(lseek(in, 0, SEEK_SET) + lseek(out, 0, SEEK_SET), 0);
	EQ(ftruncate(out, 0), 0);
	while ((n = syscall(SYS_splice, in, NULL, pipes[1], NULL, 10000UL, 0)) > 0)
		for (; n > 0; n -= r)
			CHECK((r = syscall(SYS_splice, pipes[0], NULL, out, NULL, (size_t)n, 0)) > 0);
	EQ(n, 0);
	memset(q, 0, SIZE);
	EQ(pread(out, q, SIZE, 0), SIZE);
	EQ(memcmp(p, q, SIZE), 0);
}

static void buffers_with_holes(void)
{
	char *p = map_anon(3 * PAGE, MAP_PRIVATE);
	int fd = create("f", "");
	ssize_t n;

	memset(p, 'x', 3 * PAGE);
	EQ(write(fd, p, 3 * PAGE), 3 * PAGE);
	EQ(munmap(p + PAGE, PAGE), 0);
	n = pread(fd, p, 3 * PAGE, 0);
	CHECK(n == PAGE || (n < 0 && errno == EFAULT));
	n = pwrite(fd, p + 10, 3 * PAGE - 10, 0);
	CHECK(n == PAGE - 10 || (n < 0 && errno == EFAULT));
	FAILS(pread(fd, p + PAGE, 10, 0), EFAULT);
	FAILS(pwrite(fd, p + PAGE, 10, 0), EFAULT);
	EQ(mprotect(p, PAGE, PROT_READ), 0);
	FAILS(pread(fd, p, 10, 0), EFAULT);
	EQ(pwrite(fd, p, 10, 0), 10);
	EQ(stat_fd(fd).st_size, 3 * PAGE);
}

/* Buffers that are files themselves, and the same one. */
static void buffers_in_files(void)
{
	int a = create("a", ""), b = create("b", "");
	char *pa, *pb, *q = map_anon(64 * PAGE, MAP_PRIVATE);

	fill(q, 64 * PAGE, 3);
	EQ(write(a, q, 64 * PAGE), 64 * PAGE);
	EQ(ftruncate(b, 64 * PAGE), 0);
	pa = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, a, 0);
	pb = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, b, 0);
	CHECK(pa != MAP_FAILED && pb != MAP_FAILED);
	EQ(pread(a, pb, 64 * PAGE, 0), 64 * PAGE);
	EQ(memcmp(pb, q, 64 * PAGE), 0);
	memset(pb, 'b', 32 * PAGE);
	EQ(pwrite(a, pb, 32 * PAGE, 0), 32 * PAGE);
	EQ(memcmp(pa, pb, 32 * PAGE), 0);
	EQ(pread(a, pa + 32 * PAGE, PAGE, 0), PAGE);
	EQ(pa[32 * PAGE], 'b');
	EQ(munmap(pb, 64 * PAGE), 0);
	pb = mmap(NULL, 64 * PAGE, PROT_READ, MAP_PRIVATE, b, 0);
	EQ(pwrite(a, pb + 5, 40 * PAGE, 7), 40 * PAGE);
	EQ(memcmp(pa + 7, pb + 5, 40 * PAGE), 0);
}

/* Many */

static void many_are_open(void)
{
	enum { N = 400 };
	static int fd[N], dir[N];
	struct rlimit l;
	char name[30];

	EQ(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = l.rlim_max;
	EQ(setrlimit(RLIMIT_NOFILE, &l), 0);
	if (l.rlim_cur < 2 * N + 20)
		SKIP("too few descriptors");
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		EQ(mkdir(name, 0755), 0);
		dir[i] = open(name, O_RDONLY | O_DIRECTORY);
		CHECK(dir[i] >= 0);
		fd[i] = openat(dir[i], "f", O_CREAT | O_RDWR, 0644);
		CHECK(fd[i] >= 0);
	}
	for (int i = 0; i < N; i++)
		EQ(dprintf(fd[i], "%d", i) > 0, 1);
	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "d%d/f", i);
		EQ(stat_of(name).st_size, snprintf(NULL, 0, "%d", i));
	}
}

/* One step on a few names, which others take away at any time. It may say that there is nothing. */
static void random_step(unsigned *seed)
{
	char a[8], b[8], buf[600];
	int fd = -1;
	long ret;
	char *p;

	snprintf(a, sizeof(a), "%d/%d", rand_r(seed) % 2, rand_r(seed) % 4);
	snprintf(b, sizeof(b), "%d/%d", rand_r(seed) % 2, rand_r(seed) % 4);
	switch (rand_r(seed) % 12) {
	case 0:
		ret = fd = open(a, O_CREAT | O_RDWR | O_TRUNC, 0644);
		break;
	case 1:
		ret = fd = open(a, O_CREAT | O_EXCL | O_WRONLY, 0644);
		break;
	case 2:
		ret = rename(a, b);
		break;
	case 3:
		ret = unlink(a);
		break;
	case 4:
		ret = link(a, b);
		break;
	case 5:
		ret = stat(a, &(struct stat) { 0 });
		break;
	case 6:
		ret = truncate(a, rand_r(seed) % 5000);
		break;
	case 7:
		ret = chmod(a, 0600 | rand_r(seed) % 0100);
		break;
	case 8:
		ret = renameat2_(a, b, EXCHANGE);
		break;
	case 9:
		ret = entries(a[0] == '0' ? "0" : "1");
		break;
	default:
		ret = fd = open(a, rand_r(seed) % 2 ? O_RDWR : O_RDONLY);
	}
	if (ret < 0 && errno != ENOENT && errno != EEXIST)
		tap_fail(__FILE__, __LINE__, "%s, %s: errno %d", a, b, errno);
	if (fd < 0)
		return;
	memset(buf, 'x', sizeof(buf));
	ret = pwrite(fd, buf, sizeof(buf), rand_r(seed) % 3000);
	CHECK(ret == sizeof(buf) || (ret < 0 && errno == EBADF));
	ret = pread(fd, buf, sizeof(buf), rand_r(seed) % 3000);
	CHECK(ret >= 0 || errno == EBADF);
	for (long i = 0; i < ret; i++)
		CHECK(buf[i] == 'x' || buf[i] == 0);
	p = mmap(NULL, 2 * PAGE, PROT_READ, rand_r(seed) % 2 ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED || errno == EACCES);
	if (p != MAP_FAILED)
		munmap(p, 2 * PAGE);
	CHECK(stat_fd(fd).st_mode & 0600);
	close(fd);
}

static void all_at_once(void)
{
	enum { PROCESSES = 6, STEPS = 1500 };
	pid_t pid[PROCESSES];

	EQ(mkdir("0", 0755) | mkdir("1", 0755), 0);
	for (unsigned i = 0; i < PROCESSES; i++) {
		unsigned seed = i + 1;

		pid[i] = FORK();
		if (pid[i])
			continue;
		for (int k = 0; k < STEPS; k++)
			random_step(&seed);
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++)
		CHILD_OK(pid[i]);
}

static const struct test tests[] = {
	T(names_of_any_bytes), T(names_of_255_bytes), T(deep_paths), T(sparse_100_gb), T(offsets),
	T(appended_by_four), T(append_by_flag), T(copy_ranges), T(shared_blocks),
	T(never_named), T(copies_elsewhere), T(buffers_with_holes), T(buffers_in_files),
	T(many_are_open), T(all_at_once),
};

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "agent"))
		return chdir(argv[2]) ? 1 : agent();
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
