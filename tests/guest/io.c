// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many writers at once: to files of their own, to one file, to one directory; everything is read
 * back.
 */
#include "tap.h"
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <sys/uio.h>

enum { WRITERS = 8, BLOCK = 4096, BLOCKS = 256 };

/* What writer w puts into the words of block b. */
static void fill(unsigned *buf, unsigned w, unsigned b)
{
	unsigned x = w * 2654435761U + b * 40503U + 1;

	for (unsigned i = 0; i < BLOCK / 4; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		buf[i] = x;
	}
}

static void same(const unsigned *buf, unsigned w, unsigned b)
{
	unsigned want[BLOCK / 4];

	fill(want, w, b);
	if (memcmp(buf, want, BLOCK))
		tap_fail(__FILE__, __LINE__, "writer %u, block %u: other contents", w, b);
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);
}

static void wait_all(int n)
{
	while (n--) {
		int st;

		CHECK(wait(&st) > 0);
		EQ(st, 0);
	}
	FAILS(wait(NULL), ECHILD);
}

static void distinct_files(void)
{
	unsigned buf[BLOCK / 4];

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			char name[20];
			int fd;

			snprintf(name, sizeof(name), "f%d", w);
			fd = open(name, O_CREAT | O_WRONLY, 0644);
			CHECK(fd >= 0);
			for (int b = 0; b < BLOCKS; b++) {
				fill(buf, w, b);
				EQ(write(fd, buf, BLOCK), BLOCK);
			}
			CHECK(w % 2 || !fsync(fd));
			_exit(0);
		}
	wait_all(WRITERS);
	for (int w = 0; w < WRITERS; w++) {
		char name[20];
		int fd;

		snprintf(name, sizeof(name), "f%d", w);
		fd = open(name, O_RDONLY);
		for (int b = 0; b < BLOCKS; b++) {
			EQ(read(fd, buf, BLOCK), BLOCK);
			same(buf, w, b);
		}
		EQ(read(fd, buf, BLOCK), 0);
		close(fd);
	}
}

static void parts_of_one_file(void)
{
	unsigned buf[BLOCK / 4];
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			for (int b = 0; b < BLOCKS; b++) {
				fill(buf, w, b);
				EQ(pwrite(fd, buf, BLOCK, (off_t)(b * WRITERS + w) * BLOCK), BLOCK);
			}
			_exit(0);
		}
	wait_all(WRITERS);
	for (int b = 0; b < BLOCKS; b++)
		for (int w = 0; w < WRITERS; w++) {
			EQ(read(fd, buf, BLOCK), BLOCK);
			same(buf, w, b);
		}
}

static void appended_records(void)
{
	enum { RECORDS = 500 };
	int fd, seen[WRITERS] = { 0 };
	struct { int w, i; char pad[24]; } r;

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			fd = open("f", O_CREAT | O_WRONLY | O_APPEND, 0644);
			memset(&r, w, sizeof(r));
			r.w = w;
			for (r.i = 0; r.i < RECORDS; r.i++)
				EQ(write(fd, &r, sizeof(r)), sizeof(r));
			_exit(0);
		}
	wait_all(WRITERS);
	fd = open("f", O_RDONLY);
	for (int n = 0; n < WRITERS * RECORDS; n++) {
		EQ(read(fd, &r, sizeof(r)), sizeof(r));
		CHECK(r.w >= 0 && r.w < WRITERS && r.pad[0] == r.w && r.pad[23] == r.w);
		EQ(r.i, seen[r.w]++);
	}
	EQ(read(fd, &r, sizeof(r)), 0);
}

static void one_shared_offset(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644), count[WRITERS] = { 0 };
	char c[16];

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			memset(c, 'a' + w, 16);
			for (int i = 0; i < 500; i++)
				EQ(write(fd, c, 16), 16);
			_exit(0);
		}
	wait_all(WRITERS);
	EQ(lseek(fd, 0, SEEK_CUR), WRITERS * 500 * 16);
	EQ(lseek(fd, 0, SEEK_SET), 0);
	while (read(fd, c, 16) == 16) {
		CHECK(c[0] >= 'a' && c[0] < 'a' + WRITERS);
		for (int i = 1; i < 16; i++)
			EQ(c[i], c[0]);
		count[c[0] - 'a']++;
	}
	for (int w = 0; w < WRITERS; w++)
		EQ(count[w], 500);
}

static int thread_fd;

static void *thread_writer(void *arg)
{
	unsigned w = (long)arg, buf[BLOCK / 4], back[BLOCK / 4];

	for (unsigned b = 0; b < BLOCKS; b++) {
		off_t at = (off_t)(b * WRITERS + w) * BLOCK;

		fill(buf, w, b);
		EQ(pwrite(thread_fd, buf, BLOCK, at), BLOCK);
		EQ(pread(thread_fd, back, BLOCK, at), BLOCK);
		CHECK(!memcmp(buf, back, BLOCK));
	}
	return NULL;
}

static void threads_on_one_file(void)
{
	pthread_t t[WRITERS];

	thread_fd = open("f", O_CREAT | O_RDWR, 0644);
	for (long w = 0; w < WRITERS; w++)
		EQ(pthread_create(&t[w], NULL, thread_writer, (void *)w), 0);
	for (int w = 0; w < WRITERS; w++)
		EQ(pthread_join(t[w], NULL), 0);
	EQ(lseek(thread_fd, 0, SEEK_END), (off_t)WRITERS * BLOCKS * BLOCK);
}

static volatile int go;

static void *thread_appender(void *arg)
{
	struct { int w, i; char pad[92]; } r;
	int fd = open("f", O_WRONLY | O_APPEND);

	memset(&r, (long)arg, sizeof(r));
	r.w = (long)arg;
	while (!go)
		sched_yield();
	for (r.i = 0; r.i < 500; r.i++)	/* by turns over a description of its own and the common one */
		EQ(write(r.i % 2 ? fd : thread_fd, &r, sizeof(r)), sizeof(r));
	close(fd);
	return NULL;
}

static void threads_append(void)
{
	struct { int w, i; char pad[92]; } r;
	int seen[WRITERS] = { 0 };
	pthread_t t[WRITERS];

	thread_fd = open("f", O_CREAT | O_RDWR | O_APPEND, 0644);
	for (long w = 0; w < WRITERS; w++)
		EQ(pthread_create(&t[w], NULL, thread_appender, (void *)w), 0);
	go = 1;
	for (int w = 0; w < WRITERS; w++)
		EQ(pthread_join(t[w], NULL), 0);
	EQ(lseek(thread_fd, 0, SEEK_SET), 0);
	for (int n = 0; n < WRITERS * 500; n++) {
		EQ(read(thread_fd, &r, sizeof(r)), sizeof(r));
		CHECK(r.w >= 0 && r.w < WRITERS && r.pad[0] == r.w && r.pad[91] == r.w);
		EQ(r.i, seen[r.w]++);
	}
	EQ(read(thread_fd, &r, sizeof(r)), 0);
}

static void *thread_with_file(void *arg)
{
	unsigned w = (long)arg, buf[BLOCK / 4];
	char name[20];
	int fd;

	snprintf(name, sizeof(name), "t%u", w);
	fd = open(name, O_CREAT | O_RDWR, 0644);
	CHECK(fd >= 0);
	for (unsigned b = 0; b < BLOCKS; b++) {
		fill(buf, w, b);
		EQ(write(fd, buf, BLOCK), BLOCK);
	}
	CHECK(w % 2 || !fdatasync(fd));
	EQ(lseek(fd, 0, SEEK_SET), 0);
	for (unsigned b = 0; b < BLOCKS; b++) {
		EQ(read(fd, buf, BLOCK), BLOCK);
		same(buf, w, b);
	}
	EQ(close(fd), 0);
	return NULL;
}

static void threads_on_distinct_files(void)
{
	pthread_t t[WRITERS];

	for (long w = 0; w < WRITERS; w++)
		EQ(pthread_create(&t[w], NULL, thread_with_file, (void *)w), 0);
	for (int w = 0; w < WRITERS; w++)
		EQ(pthread_join(t[w], NULL), 0);
}

/* 8 processes of 8 threads each. */
static void threads_of_processes(void)
{
	unsigned buf[BLOCK / 4];
	int fd;

	for (int p = 0; p < WRITERS; p++)
		if (!FORK()) {
			char name[20];

			snprintf(name, sizeof(name), "p%d", p);
			EQ(mkdir(name, 0755), 0);
			EQ(chdir(name), 0);
			threads_on_distinct_files();
			_exit(0);
		}
	wait_all(WRITERS);
	for (int p = 0; p < WRITERS; p++)
		for (int w = 0; w < WRITERS; w++) {
			char name[30];

			snprintf(name, sizeof(name), "p%d/t%d", p, w);
			fd = open(name, O_RDONLY);
			EQ(lseek(fd, 0, SEEK_END), BLOCKS * BLOCK);
			EQ(pread(fd, buf, BLOCK, 77 * BLOCK), BLOCK);
			same(buf, w, 77);
			close(fd);
		}
}

static void one_directory(void)
{
	char name[40], other[40];
	struct dirent *e;
	int n = 0;
	DIR *d;

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			for (int i = 0; i < 100; i++) {
				snprintf(name, sizeof(name), "w%d-%d", w, i);
				snprintf(other, sizeof(other), "renamed%d-%d", w, i);
				close(open(name, O_CREAT | O_EXCL | O_WRONLY, 0644));
				if (i % 3 == 0)
					EQ(unlink(name), 0);
				else if (i % 3 == 1)
					EQ(rename(name, other), 0);
			}
			_exit(0);
		}
	wait_all(WRITERS);
	d = opendir(".");
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	EQ(n, WRITERS * 66);
}

static void one_winner(void)
{
	int *wins = map_anon(4096, MAP_SHARED);

	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			for (int i = 0; i < 100; i++) {
				char name[20];
				int fd;

				snprintf(name, sizeof(name), "lock%d", i);
				fd = open(name, O_CREAT | O_EXCL | O_WRONLY, 0644);
				if (fd >= 0)
					__atomic_fetch_add(&wins[i], 1, __ATOMIC_SEQ_CST), close(fd);
				else
					EQ(errno, EEXIST);
			}
			_exit(0);
		}
	wait_all(WRITERS);
	for (int i = 0; i < 100; i++)
		EQ(wins[i], 1);
}

static void mapping_and_write_agree(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	unsigned buf[BLOCK / 4], *p;

	EQ(ftruncate(fd, WRITERS * BLOCK), 0);
	p = mmap(NULL, WRITERS * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (int w = 0; w < WRITERS; w++)
		if (!FORK()) {
			for (int b = 0; b < 100; b++) {
				fill(buf, w, b);
				if (b % 2) {
					memcpy((char *)p + w * BLOCK, buf, BLOCK);
					EQ(pread(fd, buf, BLOCK, w * BLOCK), BLOCK);
				} else {
					EQ(pwrite(fd, buf, BLOCK, w * BLOCK), BLOCK);
					memcpy(buf, (char *)p + w * BLOCK, BLOCK);
				}
				same(buf, w, b);
			}
			_exit(0);
		}
	wait_all(WRITERS);
	EQ(msync(p, WRITERS * BLOCK, MS_SYNC), 0);
	for (int w = 0; w < WRITERS; w++) {
		EQ(pread(fd, buf, BLOCK, w * BLOCK), BLOCK);
		same(buf, w, 99);
	}
}

static void *map_writer(void *arg)
{
	unsigned w = (long)arg, buf[BLOCK / 4];
	unsigned *p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, thread_fd, (off_t)w * BLOCK);

	CHECK(p != MAP_FAILED);
	for (unsigned b = 0; b < 200; b++) {
		fill(buf, w, b);
		memcpy(p, buf, BLOCK);
		memset(buf, 0, BLOCK);
		EQ(pread(thread_fd, buf, BLOCK, (off_t)w * BLOCK), BLOCK);
		same(buf, w, b);
		fill(buf, w + 100, b);
		EQ(pwrite(thread_fd, buf, BLOCK, (off_t)w * BLOCK), BLOCK);
		same(p, w + 100, b);
		if (b % 50 == 0)
			EQ(munmap(p, BLOCK) || (p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, thread_fd,
							 (off_t)w * BLOCK)) == MAP_FAILED, 0);
	}
	return NULL;
}

static void mapping_and_write_agree_in_threads(void)
{
	pthread_t t[WRITERS];

	thread_fd = open("f", O_CREAT | O_RDWR, 0644);
	EQ(ftruncate(thread_fd, WRITERS * BLOCK), 0);
	for (long w = 0; w < WRITERS; w++)
		EQ(pthread_create(&t[w], NULL, map_writer, (void *)w), 0);
	for (int w = 0; w < WRITERS; w++)
		EQ(pthread_join(t[w], NULL), 0);
}

/*
 * What goes through a mapping is in the file after it and the cache are gone; what is private is
 * not.
 */
static void mapping_reaches_the_file(void)
{
	unsigned buf[BLOCK / 4], *p, *q;
	int fd = open("f", O_CREAT | O_RDWR, 0644);
	pid_t pid;

	EQ(ftruncate(fd, 4 * BLOCK), 0);
	pid = FORK();
	if (!pid) {
		p = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		for (int b = 0; b < 4; b++)
			fill(p + b * BLOCK / 4, 5, b);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(fsync(fd), 0);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	for (int b = 0; b < 4; b++) {
		EQ(pread(fd, buf, BLOCK, b * BLOCK), BLOCK);
		same(buf, 5, b);
	}
	p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	q = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);
	same(p, 5, 0);
	fill(buf, 6, 0);
	EQ(pwrite(fd, buf, BLOCK, 0), BLOCK);
	same(p, 6, 0);		/* not yet a copy */
	p[0]++;
	fill(buf, 7, 0);
	EQ(pwrite(fd, buf, BLOCK, 0), BLOCK);
	same(q, 7, 0);
	p[0]--;
	same(p, 6, 0);
	EQ(munmap(p, BLOCK), 0);
	same(q, 7, 0);
}

static void pipes_of_many(void)
{
	long sum = 0, want = 0, v;
	int p[2];

	EQ(pipe(p), 0);
	for (int w = 0; w < WRITERS; w++) {
		want += 1000L * w + 499500;
		if (!FORK()) {
			for (long i = 0; i < 1000; i++) {
				v = i + w;
				EQ(write(p[1], &v, sizeof(v)), sizeof(v));
			}
			_exit(0);
		}
	}
	close(p[1]);
	while (read(p[0], &v, sizeof(v)) == sizeof(v))
		sum += v;
	EQ(sum, want);
	wait_all(WRITERS);
}

static void read_past_the_cache(void)
{
	unsigned *buf = map_anon(BLOCK * 64, MAP_PRIVATE);
	int fd = open("f", O_CREAT | O_RDWR | O_DIRECT, 0644);

	if (fd < 0)
		SKIP("this file system has no O_DIRECT");
	for (int b = 0; b < 64; b++)
		fill(buf + b * BLOCK / 4, 1, b);
	EQ(write(fd, buf, BLOCK * 64), BLOCK * 64);
	memset(buf, 0, BLOCK * 64);
	EQ(pread(fd, buf, BLOCK * 64, 0), BLOCK * 64);
	for (int b = 0; b < 64; b++)
		same(buf + b * BLOCK / 4, 1, b);
}

static const struct test tests[] = {
	T(distinct_files), T(parts_of_one_file), T(appended_records), T(one_shared_offset), T(threads_on_one_file), T(threads_append),
	T(threads_on_distinct_files), T(threads_of_processes), T(one_directory), T(one_winner), T(mapping_and_write_agree),
	T(mapping_and_write_agree_in_threads), T(mapping_reaches_the_file), T(pipes_of_many), T(read_past_the_cache),
};
MAIN(tests)
