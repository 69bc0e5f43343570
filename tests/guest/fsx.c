// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on one file, by calls and by maps, with a model of it in memory. The same seed
 * makes the same operations. "run FILE SEED OPERATIONS" does as many on that file, and says how
 * long it is in the end and a sum of its bytes, as "sum FILE" says it of a file
 * (tests/host/volume-fsx.t). FSX_SAY in the environment: each operation is told before.
 */
#include "tap.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

#define PAGE 4096L
enum { MOST = 384 << 10, LONGEST = 70000 };

static char model[MOST], buf[LONGEST + 1];
static long size, op_number;
static const char *op_name;
static uint64_t state;

static struct {
	int rw, ro, app;	/* three open files of it */
	char *map;		/* shared; what is beyond the end is not touched */
	char name[2][PATH_MAX];
	int at;			/* which of these it has now */
} f;

static unsigned draw(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (state >> 33) % below;
}

/* Short ones are more frequent, and so are whole pages. */
static long length(void)
{
	long n = 1 + draw(1 << (4 + draw(13)));

	if (!draw(4))
		n = (n + PAGE - 1) & -PAGE;
	return n < LONGEST ? n : LONGEST;
}

static long offset(long limit)
{
	long at = limit > 0 ? draw(limit) : 0;

	return draw(4) ? at : at & -PAGE;
}

/* A part of the file, and how much of it there is. */
static long part(long *n)
{
	long at = offset(size);

	*n = length();
	if (*n > size - at)
		*n = size - at;
	return at;
}

/* Where something can be written, maybe behind the end. */
static long place(long *n)
{
	long at = offset(size + (draw(8) ? 1 : 20000));

	*n = length();
	if (at > MOST - *n)
		at = MOST - *n;
	return at;
}

static void random_bytes(char *p, long n)
{
	for (long i = 0; i < n; i++)
		p[i] = draw(256);
}

static void same(const char *p, long at, long n)
{
	tap_checks++;
	for (long i = 0; i < n; i++)
		if (p[i] != model[at + i])
			tap_fail(__FILE__, __LINE__, "operation %ld, %s at %ld of %ld bytes: "
				 "byte %ld is %#x, not %#x; %ld bytes in all",
				 op_number, op_name, at, n, at + i, p[i] & 255, model[at + i] & 255, size);
}

static void model_grows(long end)
{
	if (end > size)
		size = end;
}

static void model_size(long n)
{
	if (n < size)
		memset(model + n, 0, size - n);
	size = n;
}

static void model_zeros(long at, long n)
{
	for (long i = at; i < at + n && i < size; i++)
		model[i] = 0;
}

static char *map(int fd, long at, long n, int flags, char **base)
{
	int prot = flags == MAP_SHARED && fd == f.ro ? PROT_READ : PROT_READ | PROT_WRITE;
	long start = at & -PAGE;

	*base = mmap(NULL, n + at - start, prot, flags, fd, start);
	CHECK(*base != MAP_FAILED);
	return *base + at - start;
}

static void unmap(char *base, char *p, long n)
{
	EQ(munmap(base, p + n - base), 0);
}

static void op_read(void)
{
	long at = offset(size + 5000), n = length(), want = at < size ? size - at : 0;

	if (want > n)
		want = n;
	memset(buf, 0x55, n);
	EQ(pread(draw(2) ? f.rw : f.ro, buf, n, at), want);
	same(buf, at, want);
}

static void op_readv(void)
{
	long n, at = part(&n), cut = n ? draw(n) : 0;
	struct iovec v[] = { { buf, cut }, { buf + cut, n - cut } };

	EQ(preadv(f.ro, v, 2, at), n);
	same(buf, at, n);
}

static void op_write(void)
{
	long n, at = place(&n);

	random_bytes(buf, n);
	EQ(pwrite(f.rw, buf, n, at), n);
	memcpy(model + at, buf, n);
	model_grows(at + n);
}

static void op_writev(void)
{
	long n, at = place(&n), cut = draw(n);
	struct iovec v[] = { { buf, cut }, { buf + cut, n - cut } };

	random_bytes(buf, n);
	EQ(lseek(f.rw, at, SEEK_SET), at);
	EQ(writev(f.rw, v, 2), n);
	EQ(lseek(f.rw, 0, SEEK_CUR), at + n);
	memcpy(model + at, buf, n);
	model_grows(at + n);
}

static void op_append(void)
{
	long n = length();

	if (size + n > MOST)
		return;
	random_bytes(buf, n);
	EQ(write(f.app, buf, n), n);
	memcpy(model + size, buf, n);
	size += n;
	EQ(lseek(f.app, 0, SEEK_CUR), size);
}

static void op_truncate(void)
{
	long n = draw(3) ? offset(size + 1) : offset(MOST);

	EQ(draw(2) ? ftruncate(f.rw, n) : truncate(f.name[f.at], n), 0);
	model_size(n);
}

static void op_map_read(void)
{
	long n, at = part(&n);
	char *base, *p;

	if (!n)
		return;
	p = map(draw(2) ? f.rw : f.ro, at, n, draw(2) ? MAP_SHARED : MAP_PRIVATE, &base);
	same(p, at, n);
	unmap(base, p, n);
}

static void op_map_write(void)
{
	long n, at = part(&n);
	char *base, *p;

	if (!n)
		return;
	p = map(f.rw, at, n, MAP_SHARED, &base);
	random_bytes(p, n);
	memcpy(model + at, p, n);
	if (!draw(200))
		EQ(msync(base, p + n - base, MS_SYNC), 0);
	unmap(base, p, n);
}

/* What is written there is nobody else's. */
static void op_map_private(void)
{
	long n, at = part(&n);
	char *base, *p;

	if (!n)
		return;
	p = map(draw(2) ? f.rw : f.ro, at, n, MAP_PRIVATE, &base);
	random_bytes(buf, n);
	memcpy(p, buf, n);
	EQ(memcmp(p, buf, n), 0);
	EQ(pread(f.ro, buf, n, at), n);
	same(buf, at, n);
	unmap(base, p, n);
}

/* The map that stays. */
static void op_long_map(void)
{
	long n, at = part(&n);

	if (draw(2)) {
		same(f.map + at, at, n);
		return;
	}
	random_bytes(f.map + at, n);
	memcpy(model + at, f.map + at, n);
}

/* From the file to itself by its map. */
static void op_from_map(void)
{
	long n, at = part(&n), to = n ? draw(size - n + 1) : 0;

	if (!n || labs(to - at) < n)
		return;
	EQ(pwrite(f.rw, f.map + at, n, to), n);
	memcpy(model + to, model + at, n);
}

static long allocate(int mode, long at, long n)
{
	long ret = syscall(SYS_fallocate, f.rw, mode, at, n);

	if (ret)
		EQ(errno, EOPNOTSUPP);
	return ret;
}

static void op_allocate(void)
{
	long n, at = place(&n), keep = draw(2);

	if (!allocate(keep, at, n) && !keep)
		model_grows(at + n);
}

static void op_punch(void)
{
	long n, at = place(&n);

	if (!allocate(3 /* punch, keep size */, at, n))
		model_zeros(at, n);
}

static void op_zero(void)
{
	long n, at = place(&n), keep = draw(2);

	if (allocate(16 | keep, at, n))
		return;
	model_zeros(at, n);
	if (!keep)
		model_grows(at + n);
}

static void op_copy(void)
{
	long n, at = part(&n);
	off_t from = at, to = draw(MOST - n + 1);

	if (!n || labs(to - from) < n)
		return;
	EQ(syscall(SYS_copy_file_range, draw(2) ? f.rw : f.ro, &from, f.rw, &to, (size_t)n, 0), n);
	EQ(from, at + n);
	memcpy(model + to - n, model + at, n);
	model_grows(to);
}

static void op_sendfile(void)
{
	long n, at = part(&n);
	off_t from = at, to = draw(MOST - n + 1);

	if (!n || labs(to - from) < n)
		return;
	EQ(lseek(f.rw, to, SEEK_SET), to);
	EQ(sendfile(f.rw, f.ro, &from, n), n);
	memcpy(model + to, model + at, n);
	model_grows(to + n);
}

/* Between data there is nothing. */
static void op_holes(void)
{
	long at = offset(size), data = lseek(f.ro, at, SEEK_DATA), hole;

	if (at == size)
		return;
	if (data < 0) {
		EQ(errno, ENXIO);
		data = size;
	}
	CHECK(data >= at && data <= size);
	for (long i = at; i < data; i++)
		if (model[i])
			tap_fail(__FILE__, __LINE__, "operation %ld: %ld is %#x, and in a hole from %ld to %ld",
				 op_number, i, model[i], at, data);
	hole = lseek(f.ro, at, SEEK_HOLE);
	CHECK(hole >= at && hole <= size);
}

static void op_size(void)
{
	struct stat a, b;

	EQ(fstat(f.ro, &a), 0);
	EQ(stat(f.name[f.at], &b), 0);
	EQ(a.st_size, size);
	EQ(b.st_size, size);
	EQ(a.st_ino, b.st_ino);
}

/* Seldom: it waits for the disk. */
static void op_sync(void)
{
	if (draw(20))
		return;
	EQ(draw(2) ? fsync(f.rw) : fdatasync(f.ro), 0);
}

static void op_rename(void)
{
	EQ(rename(f.name[f.at], f.name[!f.at]), 0);
	f.at = !f.at;
}

static void open_all(void)
{
	f.rw = open(f.name[f.at], O_RDWR | O_CREAT, 0644);
	f.ro = open(f.name[f.at], O_RDONLY);
	f.app = open(f.name[f.at], O_WRONLY | O_APPEND);
	CHECK(f.rw >= 0 && f.ro >= 0 && f.app >= 0);
	f.map = mmap(NULL, MOST, PROT_READ | PROT_WRITE, MAP_SHARED, f.rw, 0);
	CHECK(f.map != MAP_FAILED);
}

static void op_open(void)
{
	char *old = f.map;

	close(f.rw);
	if (draw(2)) {
		EQ(munmap(old, MOST), 0);
		old = NULL;
	}
	close(f.ro);
	close(f.app);
	open_all();
	if (old)
		EQ(munmap(old, MOST), 0);
}

static void op_forget(void)
{
	EQ(posix_fadvise(f.rw, 0, 0, POSIX_FADV_DONTNEED), 0);
	EQ(madvise(f.map, MOST, MADV_DONTNEED), 0);
}

/* A process that has the same files open, and maps. */
static void op_fork(void)
{
	long n, at = part(&n);
	pid_t pid;

	if (draw(10))
		return;
	random_bytes(buf, n);
	pid = FORK();
	if (!pid) {
		same(f.map + at, at, n);
		memcpy(f.map + at, buf, n / 2);
		EQ(pwrite(f.rw, buf + n / 2, n - n / 2, at + n / 2), n - n / 2);
		_exit(0);
	}
	CHILD_OK(pid);
	memcpy(model + at, buf, n);
}

static const struct { void (*run)(void); const char *name; unsigned often; } ops[] = {
	{ op_read, "read", 10 }, { op_readv, "readv", 4 }, { op_write, "write", 10 },
	{ op_writev, "writev", 4 }, { op_append, "append", 4 }, { op_truncate, "truncate", 4 },
	{ op_map_read, "map_read", 8 }, { op_map_write, "map_write", 8 },
	{ op_map_private, "map_private", 4 }, { op_long_map, "long_map", 8 },
	{ op_from_map, "from_map", 3 }, { op_allocate, "allocate", 2 }, { op_punch, "punch", 3 },
	{ op_zero, "zero", 3 }, { op_copy, "copy", 3 }, { op_sendfile, "sendfile", 3 },
	{ op_holes, "holes", 3 }, { op_size, "size", 4 }, { op_sync, "sync", 1 },
	{ op_rename, "rename", 3 }, { op_open, "open", 3 }, { op_forget, "forget", 2 },
	{ op_fork, "fork", 1 },
};

static void one(void)
{
	unsigned all = 0, n;
	size_t i = 0;

	for (size_t k = 0; k < ARRAY_SIZE(ops); k++)
		all += ops[k].often;
	for (n = draw(all); n >= ops[i].often; i++)
		n -= ops[i].often;
	op_name = ops[i].name;
	if (getenv("FSX_SAY"))
		dprintf(2, "%ld %s, %ld bytes\n", op_number, op_name, size);
	ops[i].run();
}

/* The whole file, by each way. */
static void verify(void)
{
	char *all = map_anon(MOST, MAP_PRIVATE), *p;

	op_name = "in the end";
	EQ(pread(f.ro, all, MOST, 0), size);
	same(all, 0, size);
	same(f.map, 0, size);
	p = mmap(NULL, MOST, PROT_READ, MAP_PRIVATE, f.ro, 0);
	CHECK(p != MAP_FAILED);
	same(p, 0, size);
	munmap(p, MOST);
	munmap(all, MOST);
}

static void run(const char *name, uint64_t seed, long operations)
{
	state = seed * 0x9e3779b97f4a7c15u + 1;
	unlink(name);
	snprintf(f.name[0], PATH_MAX, "%s", name);
	snprintf(f.name[1], PATH_MAX, "%.4000s.other", name);
	open_all();
	for (op_number = 1; op_number <= operations; op_number++) {
		one();
		if (op_number % 10000 == 0)
			verify();
	}
	if (f.at)
		op_rename();
	verify();
}

static void random_operations(void)
{
	run("f", 1, 5000);
}

/* FNV-1a */
static void say_sum(void)
{
	uint64_t h = 0xcbf29ce484222325;

	for (long i = 0; i < size; i++)
		h = (h ^ (unsigned char)model[i]) * 0x100000001b3;
	printf("%ld %016llx\n", size, (unsigned long long)h);
}

static const struct test tests[] = { T(random_operations) };

int main(int argc, char **argv)
{
	if (argc == 5 && !strcmp(argv[1], "run"))
		run(argv[2], strtoull(argv[3], NULL, 0), atol(argv[4]));
	else if (argc == 3 && !strcmp(argv[1], "sum"))
		size = read(open(argv[2], O_RDONLY), model, MOST);
	else
		return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
	say_sum();
	return 0;
}
