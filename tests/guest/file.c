// SPDX-License-Identifier: GPL-2.0-only
/* Files: contents, names, directories, links, sizes, locks, notification. */
#include "tap.h"
#include <dirent.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <sys/sendfile.h>

static int create(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_EXCL | O_RDWR, 0644);

	CHECK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void contains(const char *name, const char *text)
{
	char buf[1000];

	CHECK(access(name, R_OK) == 0);
	slurp(name, buf, sizeof(buf));
	IS(buf, text);
}

static off_t size_of(const char *name)
{
	struct stat st;

	EQ(stat(name, &st), 0);
	return st.st_size;
}

static void write_seek_read(void)
{
	int fd = create("f", "hello, world");
	char buf[20] = { 0 };

	EQ(lseek(fd, 0, SEEK_CUR), 12);
	EQ(lseek(fd, 7, SEEK_SET), 7);
	EQ(read(fd, buf, sizeof(buf)), 5);
	IS(buf, "world");
	EQ(read(fd, buf, sizeof(buf)), 0);
	EQ(lseek(fd, -5, SEEK_END), 7);
	EQ(write(fd, "there", 5), 5);
	EQ(pread(fd, buf, 5, 0), 5);
	EQ(pwrite(fd, "J", 1, 0), 1);
	EQ(lseek(fd, 0, SEEK_CUR), 12);
	contains("f", "Jello, there");
	FAILS(lseek(fd, -1, SEEK_SET), EINVAL);
	FAILS(lseek(fd, 0, 99), EINVAL);
	EQ(close(fd), 0);
	FAILS(close(fd), EBADF);
	FAILS(read(fd, buf, 1), EBADF);
}

static void open_flags(void)
{
	int fd = create("f", "some text");

	FAILS(open("f", O_CREAT | O_EXCL | O_RDWR, 0644), EEXIST);
	FAILS(open("none", O_RDONLY), ENOENT);
	FAILS(open("f/x", O_RDONLY), ENOTDIR);
	FAILS(open(".", O_WRONLY), EISDIR);
	FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	close(fd);
	fd = open("f", O_RDONLY);
	FAILS(write(fd, "x", 1), EBADF);
	close(fd);
	fd = open("f", O_WRONLY);
	FAILS(read(fd, (char[1]) { 0 }, 1), EBADF);
	close(fd);
	fd = open("f", O_WRONLY | O_TRUNC);
	EQ(size_of("f"), 0);
	close(fd);
	fd = open("f", O_PATH);
	CHECK(fd >= 0);
	FAILS(read(fd, (char[1]) { 0 }, 1), EBADF);
}

static void append(void)
{
	int a = create("f", ""), b;

	close(a);
	a = open("f", O_WRONLY | O_APPEND);
	b = open("f", O_WRONLY | O_APPEND);
	for (int i = 0; i < 3; i++) {
		EQ(write(a, "a", 1), 1);
		EQ(write(b, "b", 1), 1);
		EQ(lseek(a, 0, SEEK_SET), 0);
	}
	contains("f", "ababab");
}

static void vectors(void)
{
	char a[3], b[4];
	struct iovec out[] = { { "one", 3 }, { "", 0 }, { "four", 4 } }, in[] = { { a, 3 }, { b, 4 } };
	int fd = create("f", "");

	EQ(writev(fd, out, 3), 7);
	EQ(preadv(fd, in, 2, 0), 7);
	CHECK(!memcmp(a, "one", 3) && !memcmp(b, "four", 4));
	EQ(pwritev(fd, out, 1, 7), 3);
	contains("f", "onefourone");
}

static void rename_files(void)
{
	close(create("a", "A"));
	close(create("b", "B"));
	EQ(rename("a", "b"), 0);
	contains("b", "A");
	FAILS(rename("a", "c"), ENOENT);
	EQ(mkdir("d", 0755), 0);
	EQ(rename("b", "d/b"), 0);
	contains("d/b", "A");
	EQ(rename("d", "e"), 0);
	contains("e/b", "A");
	FAILS(rename("e", "e/f"), EINVAL);
	close(create("c", "C"));
	FAILS(rename("c", "e"), EISDIR);
	FAILS(rename("e", "c"), ENOTDIR);
	EQ(mkdir("full", 0755), 0);
	close(create("full/x", ""));
	FAILS(rename("e", "full"), ENOTEMPTY);
	FAILS(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "e/b", 1), EEXIST);
	EQ(syscall(SYS_renameat2, AT_FDCWD, "c", AT_FDCWD, "e/b", 2), 0);
	contains("c", "A");
	contains("e/b", "C");
}

static void hard_links(void)
{
	struct stat a, b;

	close(create("a", "A"));
	EQ(link("a", "b"), 0);
	EQ(stat("a", &a), 0);
	EQ(stat("b", &b), 0);
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_nlink, 2);
	EQ(unlink("a"), 0);
	contains("b", "A");
	FAILS(link("none", "c"), ENOENT);
	FAILS(link("b", "b"), EEXIST);
	EQ(mkdir("d", 0755), 0);
	FAILS(link("d", "e"), EPERM);
}

static void symbolic_links(void)
{
	char buf[100] = { 0 };
	struct stat st;
	int fd;

	close(create("target", "T"));
	EQ(symlink("target", "s"), 0);
	EQ(readlink("s", buf, sizeof(buf)), 6);
	IS(buf, "target");
	contains("s", "T");
	EQ(lstat("s", &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	EQ(st.st_size, 6);
	FAILS(open("s", O_RDONLY | O_NOFOLLOW), ELOOP);
	EQ(symlink("loop", "loop"), 0);
	FAILS(open("loop", O_RDONLY), ELOOP);
	EQ(symlink("nowhere", "dangling"), 0);
	FAILS(open("dangling", O_RDONLY), ENOENT);
	fd = open("dangling", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0);
	EQ(size_of("nowhere"), 0);
	EQ(unlink("s"), 0);
	contains("target", "T");
	FAILS(readlink("target", buf, sizeof(buf)), EINVAL);
}

static void directories(void)
{
	enum { N = 500 };
	char seen[N] = { 0 }, name[50];
	struct dirent *e;
	int dots = 0;
	DIR *d;

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "a-rather-long-file-name-%d", i);
		close(create(name, ""));
	}
	d = opendir(".");
	CHECK(d);
	while ((e = readdir(d))) {
		int i;

		if (e->d_name[0] == '.') {
			dots++;
			continue;
		}
		EQ(sscanf(e->d_name, "a-rather-long-file-name-%d", &i), 1);
		CHECK(i >= 0 && i < N && !seen[i]);
		seen[i] = 1;
	}
	EQ(dots, 2);
	for (int i = 0; i < N; i++)
		CHECK(seen[i]);
	rewinddir(d);
	CHECK(readdir(d));
	EQ(mkdir("sub", 0700), 0);
	FAILS(mkdir("sub", 0700), EEXIST);
	FAILS(rmdir("."), EINVAL);
	FAILS(rmdir(name), ENOTDIR);
	close(create("sub/x", ""));
	FAILS(rmdir("sub"), ENOTEMPTY);
	FAILS(unlink("sub"), EISDIR);
	EQ(unlink("sub/x"), 0);
	EQ(rmdir("sub"), 0);
	FAILS(access("sub", F_OK), ENOENT);
}

static void unlinked_but_open(void)
{
	int fd = create("f", "still here");
	char buf[20] = { 0 };
	struct stat st;

	EQ(unlink("f"), 0);
	FAILS(access("f", F_OK), ENOENT);
	EQ(pread(fd, buf, sizeof(buf), 0), 10);
	IS(buf, "still here");
	EQ(fstat(fd, &st), 0);
	EQ(st.st_nlink, 0);
}

static void truncation(void)
{
	int fd = create("f", "0123456789");
	char buf[20];

	EQ(ftruncate(fd, 4), 0);
	contains("f", "0123");
	EQ(truncate("f", 8), 0);
	EQ(pread(fd, buf, 20, 0), 8);
	CHECK(!memcmp(buf, "0123\0\0\0\0", 8));
	FAILS(ftruncate(fd, -1), EINVAL);
	EQ(ftruncate(fd, 1LL << 32), 0);
	EQ(size_of("f"), 1LL << 32);
	EQ(pwrite(fd, "x", 1, (1LL << 32) - 1), 1);
	EQ(pread(fd, buf, 20, (1LL << 32) - 2), 2);
	EQ(buf[0], 0);
	EQ(buf[1], 'x');
}

static void holes_and_fallocate(void)
{
	int fd = create("f", "");
	struct stat st;
	char buf[4096], *all = malloc(1 << 20);

	EQ(posix_fallocate(fd, 0, 1 << 20), 0);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_size, 1 << 20);
	CHECK(st.st_blocks >= (1 << 20) / 512);
	memset(all, 'x', 1 << 20);
	EQ(pwrite(fd, all, 1 << 20, 0), 1 << 20);
	EQ(syscall(SYS_fallocate, fd, 3 /* punch, keep size */, 65536L, 131072L), 0);
	EQ(pread(fd, buf, 4096, 65536), 4096);
	for (int i = 0; i < 4096; i++)
		EQ(buf[i], 0);
	EQ(pread(fd, buf, 1, 65535), 1);
	EQ(buf[0], 'x');
	EQ(lseek(fd, 0, SEEK_HOLE), 65536);
	EQ(lseek(fd, 65536, SEEK_DATA), 65536 + 131072);
	FAILS(lseek(fd, 1 << 20, SEEK_DATA), ENXIO);
	free(all);
}

static void large_file(void)
{
	enum { SIZE = 16 << 20 };
	unsigned *p = map_anon(SIZE, MAP_PRIVATE), *q = map_anon(SIZE, MAP_PRIVATE);
	int fd = create("f", "");

	for (unsigned i = 0; i < SIZE / 4; i++)
		p[i] = i * 2654435761U;
	EQ(write(fd, p, SIZE), SIZE);
	EQ(fsync(fd), 0);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	EQ(pread(fd, q, SIZE, 0), SIZE);
	CHECK(!memcmp(p, q, SIZE));
	EQ(fdatasync(fd), 0);
}

static void temporary_file(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0600);
	char path[50];

	if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR))
		SKIP("this file system has no O_TMPFILE");
	CHECK(fd >= 0);
	EQ(write(fd, "tmp", 3), 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EQ(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW), 0);
	contains("named", "tmp");
}

static void mode_and_owner(void)
{
	struct stat st;
	int fd;

	umask(027);
	fd = open("f", O_CREAT | O_RDWR, 0666);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_mode, S_IFREG | 0640);
	EQ(st.st_uid, geteuid());
	EQ(chmod("f", 04711), 0);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_mode, S_IFREG | 04711);
	if (geteuid())
		return;
	EQ(chown("f", 12, 34), 0);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_uid, 12);
	EQ(st.st_gid, 34);
	EQ(st.st_mode, S_IFREG | 0711);
}

static void times(void)
{
	struct timespec set[2] = { { 1000000000, 123000000 }, { 1100000000, 456000000 } }, now;
	struct stat st;
	int fd = create("f", "");

	clock_gettime(CLOCK_REALTIME, &now);
	EQ(fstat(fd, &st), 0);
	CHECK(llabs((long long)st.st_mtime - now.tv_sec) <= 2);
	EQ(futimens(fd, set), 0);
	EQ(fstat(fd, &st), 0);
	EQ(st.st_atim.tv_sec, 1000000000);
	EQ(st.st_mtim.tv_sec, 1100000000);
	EQ(st.st_mtim.tv_nsec, 456000000);
	EQ(write(fd, "x", 1), 1);
	EQ(fstat(fd, &st), 0);
	CHECK(st.st_mtime >= now.tv_sec - 1);
}

static void extended_attributes(void)
{
	char buf[20] = { 0 };

	close(create("f", ""));
	if (setxattr("f", "user.test", "value", 5, 0) && errno == EOPNOTSUPP)
		SKIP("this file system has no user attributes");
	EQ(getxattr("f", "user.test", buf, sizeof(buf)), 5);
	IS(buf, "value");
	EQ(listxattr("f", buf, sizeof(buf)), sizeof("user.test"));
	EQ(removexattr("f", "user.test"), 0);
	FAILS(getxattr("f", "user.test", buf, sizeof(buf)), ENODATA);
}

static void special_files(void)
{
	struct stat st;
	int r, w;
	char c;

	EQ(mkfifo("p", 0600), 0);
	EQ(stat("p", &st), 0);
	CHECK(S_ISFIFO(st.st_mode));
	FAILS(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("p", O_RDONLY | O_NONBLOCK);
	w = open("p", O_WRONLY);
	CHECK(r >= 0 && w >= 0);
	EQ(write(w, "x", 1), 1);
	EQ(read(r, &c, 1), 1);
	FAILS(read(r, &c, 1), EAGAIN);
	r = open("/dev/zero", O_RDONLY);
	EQ(read(r, &c, 1), 1);
	EQ(c, 0);
	w = open("/dev/null", O_RDWR);
	EQ(write(w, "abc", 3), 3);
	EQ(read(w, &c, 1), 0);
	w = open("/dev/full", O_RDWR);
	FAILS(write(w, "abc", 3), ENOSPC);
}

static void random_bytes(void)
{
	int fd = open("/dev/urandom", O_RDONLY), same = 0;
	unsigned char a[4096], b[4096], zero[4096];
	long ones = 0;

	CHECK(fd >= 0);
	EQ(read(fd, a, sizeof(a)), sizeof(a));
	EQ(read(fd, b, sizeof(b)), sizeof(b));
	for (size_t i = 0; i < sizeof(a); i++) {
		same += a[i] == b[i];
		ones += __builtin_popcount(a[i]) + __builtin_popcount(b[i]);
	}
	CHECK(same < 200);			/* 16 are likely */
	CHECK(ones > 31000 && ones < 34500);	/* 32768 are likely */
	EQ(syscall(SYS_getrandom, a, 256, 0), 256);
	CHECK(memcmp(a, b, 256));
	memset(a, 'x', sizeof(a));
	memset(zero, 0, sizeof(zero));
	fd = open("/dev/zero", O_RDWR);
	EQ(read(fd, a, sizeof(a)), sizeof(a));
	CHECK(!memcmp(a, zero, sizeof(a)));
	EQ(write(fd, b, sizeof(b)), sizeof(b));
	EQ(((char *)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0))[4095], 0);
}

static void other_allocations(void)
{
	int fd = create("f", "0123456789");
	struct stat st;
	char buf[10];

	if (syscall(SYS_fallocate, fd, 1 /* keep size */, 0L, 1L << 20) && errno == EOPNOTSUPP)
		SKIP("this file system has no fallocate");
	EQ(fstat(fd, &st), 0);
	EQ(st.st_size, 10);
	CHECK(st.st_blocks >= (1 << 20) / 512);
	EQ(syscall(SYS_fallocate, fd, 0, 0L, 5000L), 0);
	EQ(size_of("f"), 5000);
	EQ(pread(fd, buf, 10, 0), 10);
	CHECK(!memcmp(buf, "0123456789", 10));
	if (!syscall(SYS_fallocate, fd, 16 /* zero */, 2L, 3L)) {
		EQ(pread(fd, buf, 10, 0), 10);
		CHECK(!memcmp(buf, "01\0\0\0" "56789", 10));
	} else {
		EQ(errno, EOPNOTSUPP);
	}
	FAILS(syscall(SYS_fallocate, fd, 0, -1L, 10L), EINVAL);
	FAILS(syscall(SYS_fallocate, fd, 0, 0L, 0L), EINVAL);
	FAILS(syscall(SYS_fallocate, fd, 2 /* punch without keep size */, 0L, 10L), EOPNOTSUPP);
	FAILS(syscall(SYS_fallocate, open("f", O_RDONLY), 0, 0L, 10L), EBADF);
}

static void advice(void)
{
	int fd = create("f", "0123456789"), p[2];

	EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
	EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
	EQ(pipe(p), 0);
	EQ(posix_fadvise(p[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	EQ(readahead(fd, 0, 10), 0);
	EQ(syscall(SYS_sync_file_range, fd, 0L, 0L, 7), 0);
	contains("f", "0123456789");
}

/* Entries that go while the directory is read, and places in it. */
static void directory_places(void)
{
	enum { N = 500 };
	long place = 0;
	char name[300], *seen = map_anon(N, MAP_PRIVATE);
	struct dirent *e;
	int n = 0;
	DIR *d;

	for (int i = 0; i < N; i++) {
		snprintf(name, sizeof(name), "%d", i);
		close(create(name, ""));
	}
	d = opendir(".");
	CHECK(d);
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		EQ(e->d_type == DT_REG || e->d_type == DT_UNKNOWN, 1);
		CHECK(!seen[atoi(e->d_name)]++);
		if (++n == 250)
			place = telldir(d), snprintf(name, sizeof(name), "%s", e->d_name);
	}
	EQ(n, N);
	seekdir(d, place);
	for (n = 0; (e = readdir(d)); n += e->d_name[0] != '.')
		CHECK(strcmp(e->d_name, name));
	CHECK(n == 250);
	rewinddir(d);
	for (n = 0; (e = readdir(d));)
		if (e->d_name[0] != '.') {
			EQ(unlink(e->d_name), 0);
			n++;
		}
	EQ(n, N);
	rewinddir(d);
	for (n = 0; readdir(d);)
		n++;
	EQ(n, 2);
}

static void locks_by_flock(void)
{
	int fd = create("f", ""), other = open("f", O_RDWR), ready[2];
	pid_t pid;
	char c;

	EQ(pipe(ready), 0);
	EQ(flock(fd, LOCK_EX), 0);
	FAILS(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	EQ(flock(fd, LOCK_SH), 0);
	EQ(flock(other, LOCK_SH | LOCK_NB), 0);
	EQ(flock(other, LOCK_UN), 0);
	EQ(flock(fd, LOCK_EX | LOCK_NB), 0);
	pid = FORK();
	if (!pid) {
		FAILS(flock(open("f", O_RDWR), LOCK_EX | LOCK_NB), EWOULDBLOCK);
		_exit(0);
	}
	CHILD_OK(pid);
	pid = FORK();
	if (!pid) {
		int mine = open("f", O_RDWR);

		EQ(write(ready[1], "x", 1), 1);
		EQ(flock(mine, LOCK_EX), 0);
		_exit(0);
	}
	EQ(read(ready[0], &c, 1), 1);
	sleep_ms(30);
	EQ(waitpid(pid, NULL, WNOHANG), 0);
	EQ(flock(fd, LOCK_UN), 0);
	CHILD_OK(pid);
}

static int record(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	int r = fcntl(fd, cmd, &l);

	return r ? r : cmd == F_GETLK ? l.l_type == F_UNLCK ? 0 : l.l_pid : 0;
}

static void locks_by_fcntl(void)
{
	int fd = create("f", "0123456789"), p[2];
	pid_t pid, me = getpid();
	char c;

	EQ(pipe(p), 0);
	EQ(record(fd, F_SETLK, F_WRLCK, 0, 5), 0);
	pid = FORK();
	if (!pid) {
		FAILS(record(fd, F_SETLK, F_WRLCK, 4, 1), EAGAIN);
		EQ(record(fd, F_GETLK, F_WRLCK, 4, 1), me);
		EQ(record(fd, F_SETLK, F_WRLCK, 5, 5), 0);
		EQ(write(p[1], "x", 1), 1);
		EQ(record(fd, F_SETLKW, F_WRLCK, 0, 5), 0);
		_exit(0);
	}
	EQ(read(p[0], &c, 1), 1);
	EQ(record(fd, F_GETLK, F_WRLCK, 7, 1), pid);
	SOON(sleeps_in_a_call(pid));
	FAILS(record(fd, F_SETLKW, F_WRLCK, 6, 1), EDEADLK);
	EQ(record(fd, F_SETLK, F_UNLCK, 0, 5), 0);
	CHILD_OK(pid);
	EQ(record(fd, F_GETLK, F_WRLCK, 0, 0), 0);
}

static void open_file_locks(void)
{
	int a = create("f", "0123456789"), b = open("f", O_RDWR);
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };

	EQ(fcntl(a, 37 /* F_OFD_SETLK */, &l), 0);
	FAILS(fcntl(b, 37, &l), EAGAIN);
	l.l_start = 5;
	EQ(fcntl(b, 37, &l), 0);
	EQ(close(a), 0);
	l.l_start = 0;
	EQ(fcntl(b, 37, &l), 0);
}

static void notification(void)
{
	_Alignas(struct inotify_event) char buf[4096];
	int in = inotify_init1(IN_NONBLOCK), w;
	struct inotify_event *e = (void *)buf;
	unsigned cookie;
	ssize_t n;

	CHECK(in >= 0);
	w = inotify_add_watch(in, ".", IN_CREATE | IN_DELETE | IN_MOVE);
	CHECK(w > 0);
	FAILS(read(in, buf, sizeof(buf)), EAGAIN);
	close(create("f", ""));
	EQ(rename("f", "g"), 0);
	EQ(unlink("g"), 0);
	n = read(in, buf, sizeof(buf));
	CHECK(n > 0);
	EQ(e->mask, IN_CREATE);
	IS(e->name, "f");
	e = (void *)((char *)(e + 1) + e->len);
	EQ(e->mask, IN_MOVED_FROM);
	cookie = e->cookie;
	e = (void *)((char *)(e + 1) + e->len);
	EQ(e->mask, IN_MOVED_TO);
	EQ(e->cookie, cookie);
	IS(e->name, "g");
	e = (void *)((char *)(e + 1) + e->len);
	EQ(e->mask, IN_DELETE);
	EQ((char *)(e + 1) + e->len - buf, n);
	EQ(inotify_rm_watch(in, w), 0);
}

static void by_directory_descriptor(void)
{
	struct stat st;
	int d, fd;

	EQ(mkdir("d", 0755), 0);
	d = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(d >= 0);
	fd = openat(d, "f", O_CREAT | O_WRONLY, 0644);
	CHECK(fd >= 0);
	EQ(fstatat(d, "f", &st, 0), 0);
	EQ(faccessat(d, "f", W_OK, 0), 0);
	EQ(linkat(d, "f", d, "g", 0), 0);
	EQ(renameat(d, "g", AT_FDCWD, "h"), 0);
	EQ(access("h", F_OK), 0);
	EQ(fchdir(d), 0);
	EQ(access("f", F_OK), 0);
	EQ(unlinkat(d, "f", 0), 0);
	EQ(unlinkat(AT_FDCWD, "../d", AT_REMOVEDIR), 0);
	FAILS(openat(d, "x", O_CREAT | O_WRONLY, 0644), ENOENT);
	FAILS(openat(fd, "x", O_RDONLY), ENOTDIR);
}

static void long_names(void)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 10];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = 0;
	FAILS(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	name[NAME_MAX] = 0;
	close(create(name, "x"));
	contains(name, "x");
	memset(path, '/', sizeof(path));
	path[PATH_MAX + 1] = 0;
	FAILS(open(path, O_RDONLY), ENAMETOOLONG);
	for (int i = 0; i < 60; i++) {
		EQ(mkdir("deep", 0755), 0);
		EQ(chdir("deep"), 0);
	}
	CHECK(getcwd(path, sizeof(path)));
	CHECK(strlen(path) > 300);
}

static void copies(void)
{
	int in = create("in", "0123456789"), out = create("out", "");
	off_t at = 3;

	EQ(sendfile(out, in, &at, 4), 4);
	EQ(at, 7);
	contains("out", "3456");
	at = 0;
	EQ(syscall(SYS_copy_file_range, in, &at, out, NULL, 3UL, 0), 3);
	contains("out", "3456012");
}

static void large_copies(void)
{
	enum { SIZE = 3 << 20 };
	unsigned *p = map_anon(SIZE, MAP_PRIVATE), *q = map_anon(SIZE, MAP_PRIVATE);
	int in = create("in", ""), out = create("out", ""), s[2], n = 0;
	ssize_t r;
	pid_t pid;

	for (unsigned i = 0; i < SIZE / 4; i++)
		p[i] = i * 2246822519U;
	EQ(write(in, p, SIZE), SIZE);
	EQ(lseek(in, 0, SEEK_SET), 0);
	while ((r = sendfile(out, in, NULL, SIZE)) > 0)
		n += r;
	EQ(r, 0);
	EQ(n, SIZE);
	EQ(pread(out, q, SIZE, 0), SIZE);
	CHECK(!memcmp(p, q, SIZE));
	EQ(ftruncate(out, 0), 0);
	EQ(lseek(in, 0, SEEK_SET) + lseek(out, 0, SEEK_SET), 0);
	for (n = 0; (r = syscall(SYS_copy_file_range, in, NULL, out, NULL, (size_t)SIZE, 0)) > 0;)
		n += r;
	EQ(r, 0);
	EQ(n, SIZE);
	memset(q, 0, SIZE);
	EQ(pread(out, q, SIZE, 0), SIZE);
	CHECK(!memcmp(p, q, SIZE));
	EQ(pipe(s), 0);
	pid = FORK();
	if (!pid) {
		off_t at = 0;

		close(s[0]);
		while (at < SIZE)
			CHECK(sendfile(s[1], in, &at, SIZE - at) > 0);
		_exit(0);
	}
	close(s[1]);
	memset(q, 0, SIZE);
	for (n = 0; (r = read(s[0], (char *)q + n, SIZE - n)) > 0;)
		n += r;
	EQ(n, SIZE);
	CHECK(!memcmp(p, q, SIZE));
	CHILD_OK(pid);
	FAILS(sendfile(out, s[0], NULL, 10), EINVAL);
}

static void size_limit(void)
{
	struct rlimit l = { 1000, 1000 };
	char buf[2000];
	int fd = create("f", "");

	memset(buf, 'x', sizeof(buf));
	signal(SIGXFSZ, SIG_IGN);
	EQ(setrlimit(RLIMIT_FSIZE, &l), 0);
	EQ(write(fd, buf, 2000), 1000);
	FAILS(write(fd, buf, 1), EFBIG);
}

static void file_system(void)
{
	struct statvfs v;
	struct stat st;
	int fd = create("f", "x");

	EQ(statvfs(".", &v), 0);
	CHECK(v.f_bsize >= 512 && v.f_blocks > 0 && v.f_bfree <= v.f_blocks);
	EQ(v.f_namemax, 255);
	EQ(stat("/proc", &st), 0);
	CHECK(S_ISDIR(st.st_mode));
	EQ(syscall(SYS_syncfs, fd), 0);
	sync();
}

static void statx_call(void)
{
	struct { uint32_t mask, blksize; uint64_t attributes; uint32_t nlink, uid, gid; uint16_t mode, pad; uint64_t ino, size, rest[30]; } sx;

	close(create("f", "12345"));
	EQ(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x7ff, &sx), 0);
	EQ(sx.size, 5);
	EQ(sx.mode, S_IFREG | 0644);
	EQ(sx.nlink, 1);
}

static const struct test tests[] = {
	T(write_seek_read), T(open_flags), T(append), T(vectors), T(rename_files), T(hard_links), T(symbolic_links), T(directories),
	T(unlinked_but_open), T(truncation), T(holes_and_fallocate), T(large_file), T(temporary_file), T(mode_and_owner), T(times),
	T(extended_attributes), T(special_files), T(locks_by_flock), T(locks_by_fcntl), T(open_file_locks), T(notification),
	T(by_directory_descriptor), T(long_names), T(copies), T(size_limit), T(file_system), T(statx_call), T(random_bytes),
	T(other_allocations), T(advice), T(directory_places), T(large_copies),
};
MAIN(tests)
