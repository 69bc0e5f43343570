// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a file system owes to programs, beyond file.c: names, links, sparse files, directories that
 * change while they are read, objects that are removed while they are used, maps and calls that see
 * the same bytes. tests/host/volume-guest.t runs it on a directory of the host.
 *
 * "agent DIR" makes system calls that it reads from standard input (tests/host/volume.py).
 */
#include "tap.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <sched.h>
#include <setjmp.h>

#define PAGE 4096L

static int create(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void contains(const char *name, const char *text)
{
	char buf[1000];

	CHECK(access(name, F_OK) == 0);
	slurp(name, buf, sizeof(buf));
	IS(buf, text);
}

static struct stat stat_of(const char *name)
{
	struct stat st;

	EQ(lstat(name, &st), 0);
	return st;
}

static struct stat stat_fd(int fd)
{
	struct stat st;

	EQ(fstat(fd, &st), 0);
	return st;
}

/* Names */

static int entries(const char *dir)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	int n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

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

/* Files that are removed, or whose name another file gets, while they are open */

static void unlinked_and_open(void)
{
	int fd = create("f", "still here"), ro;
	char buf[20] = { 0 }, path[50], *p;

	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	EQ(unlink("f"), 0);
	EQ(stat_fd(fd).st_nlink, 0);
	EQ(ftruncate(fd, 5), 0);
	EQ(pwrite(fd, "S", 1, 0), 1);
	EQ(memcmp(p, "Still", 6), 0);
	p[1] = 'T';
	EQ(fchmod(fd, 0600), 0);
	EQ(stat_fd(fd).st_mode, S_IFREG | 0600);
	EQ(futimens(fd, (struct timespec[]) { { 5, 6 }, { 7, 8 } }), 0);
	EQ(stat_fd(fd).st_mtim.tv_nsec, 8);
	EQ(fsync(fd), 0);
	close(create("f", "another"));
	EQ(pread(fd, buf, 20, 0), 5);
	IS(buf, "STill");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	CHECK(ro >= 0);
	EQ(read(ro, buf, 20), 5);
	EQ(memcmp(buf, "STill", 5), 0);
	contains("f", "another");
}

static void renamed_over_open(void)
{
	int old = create("f", "old"), new = create("g", "new");
	char buf[10] = { 0 };

	EQ(rename("g", "f"), 0);
	EQ(stat_fd(old).st_nlink, 0);
	EQ(stat_fd(new).st_nlink, 1);
	EQ(pread(old, buf, 10, 0), 3);
	IS(buf, "old");
	EQ(pwrite(new, "NEW", 3, 0), 3);
	contains("f", "NEW");
	EQ(stat_fd(new).st_ino, stat_of("f").st_ino);
	FAILS(access("g", F_OK), ENOENT);
	EQ(pwrite(old, "OLD", 3, 0), 3);
	contains("f", "NEW");
}

/* The way many programs save: a thousand times, the reader always sees one of them whole. */
static void saved_again_and_again(void)
{
	volatile int *stop = map_anon(PAGE, MAP_SHARED);
	char text[40], all[4000];
	pid_t pid;

	close(create("f", "0 0"));
	pid = FORK();
	if (!pid) {
		for (int a, b; !*stop;) {
			EQ(slurp("f", all, sizeof(all)) > 0, 1);
			EQ(sscanf(all, "%d %d", &a, &b), 2);
			EQ(a, b);
		}
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d %d", i, i);
		close(create("f.new", text));
		EQ(rename("f.new", "f"), 0);
	}
	*stop = 1;
	CHILD_OK(pid);
}

static long renameat2_(const char *from, const char *to, int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

enum { NOREPLACE = 1, EXCHANGE = 2 };

static void exchange_and_noreplace(void)
{
	int a = create("a", "A"), b = create("b", "B");

	EQ(renameat2_("a", "b", EXCHANGE), 0);
	contains("a", "B");
	contains("b", "A");
	EQ(pwrite(a, "1", 1, 0), 1);
	EQ(pwrite(b, "2", 1, 0), 1);
	contains("a", "2");
	contains("b", "1");
	FAILS(renameat2_("a", "b", NOREPLACE), EEXIST);
	FAILS(renameat2_("a", "none", EXCHANGE), ENOENT);
	FAILS(renameat2_("a", "b", NOREPLACE | EXCHANGE), EINVAL);
	EQ(renameat2_("a", "c", NOREPLACE), 0);
	EQ(mkdir("d", 0755), 0);
	close(create("d/x", "X"));
	EQ(renameat2_("d", "b", EXCHANGE), 0);
	contains("b/x", "X");
	contains("d", "1");
	EQ(mkdir("e", 0755), 0);
	EQ(renameat2_("b", "e", EXCHANGE), 0);
	contains("e/x", "X");
	FAILS(access("b/x", F_OK), ENOENT);
	EQ(rmdir("b"), 0);
	FAILS(renameat2_("e", "e/x", EXCHANGE), EINVAL);
}

static void moved_directories(void)
{
	char buf[PATH_MAX];
	int d, fd;

	EQ(mkdir("a", 0755), 0);
	EQ(mkdir("a/b", 0755), 0);
	fd = create("a/b/f", "F");
	d = open("a/b", O_RDONLY | O_DIRECTORY);
	EQ(rename("a", "A"), 0);
	EQ(faccessat(d, "f", R_OK, 0), 0);
	EQ(mkdirat(d, "sub", 0755), 0);
	EQ(chdir("A/b/sub"), 0);
	EQ(rename("../../../A", "../../../z"), 0);
	CHECK(getcwd(buf, sizeof(buf)));
	CHECK(strlen(buf) > 8 && !strcmp(buf + strlen(buf) - 8, "/z/b/sub"));
	close(create("new", "N"));
	EQ(chdir("../../.."), 0);
	contains("z/b/sub/new", "N");
	EQ(pwrite(fd, "f", 1, 0), 1);
	contains("z/b/f", "f");
	FAILS(access("A", F_OK), ENOENT);
	FAILS(rename("z", "z/b/y"), EINVAL);
	EQ(rename("z/b", "b"), 0);
	contains("b/sub/new", "N");
	EQ(rmdir("z"), 0);
}

/*
 * The number of a removed file is given to the next one by some file systems. Who has the old one,
 * as a directory to be in, a FIFO or a socket, has nothing of the new one.
 */
static void a_directory_in_a_removed_ones_place(void)
{
	for (int i = 0; i < 20; i++) {
		EQ(mkdir("d", 0755), 0);
		EQ(chdir("d"), 0);
		EQ(rmdir("../d"), 0);
		EQ(stat_of(".").st_nlink, 0);
		EQ(mkdirat(open("/proc/self/cwd/..", O_PATH), "x", 0755) ? errno == ENOENT : 1, 1);
		EQ(chdir("/proc/self/cwd"), 0);
		FAILS(open("f", O_CREAT | O_WRONLY, 0644), ENOENT);
		EQ(chdir(".."), 0);
		EQ(rmdir("x"), 0);
	}
}

static void a_new_directory_is_alive(void)
{
	int top = open(".", O_PATH), old;

	for (int i = 0; i < 20; i++) {
		EQ(mkdir("d", 0755) | chdir("d"), 0);
		old = open(".", i % 2 ? O_RDONLY : O_PATH);
		EQ(unlinkat(top, "d", AT_REMOVEDIR), 0);
		EQ(mkdirat(top, "e", 0755), 0);
		FAILS(open("f", O_CREAT | O_WRONLY, 0644), ENOENT);
		FAILS(mkdirat(old, "g", 0755), ENOENT);
		EQ(fchdir(top), 0);
		close(create("e/f", "alive"));
		contains("e/f", "alive");
		EQ(entries("e"), 1);
		FAILS(faccessat(old, "f", F_OK, 0), ENOENT);
		EQ(stat_fd(old).st_nlink, 0);
		EQ(unlink("e/f") | rmdir("e"), 0);
		close(old);
	}
}

static void a_fifo_in_a_removed_ones_place(void)
{
	int old, new;
	char c;

	for (int i = 0; i < 20; i++) {
		EQ(mkfifo("old", 0600), 0);
		old = open("old", O_RDONLY | O_NONBLOCK);
		CHECK(old >= 0);
		EQ(unlink("old"), 0);
		EQ(mkfifo("new", 0600), 0);
		FAILS(open("new", O_WRONLY | O_NONBLOCK), ENXIO);
		new = open("new", O_RDWR);
		EQ(write(new, "x", 1), 1);
		EQ(read(old, &c, 1), 0);
		EQ(read(new, &c, 1), 1);
		close(old);
		close(new);
		EQ(unlink("new"), 0);
	}
}

static struct sockaddr_un name_of(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
	return a;
}

static int server_at(const char *name)
{
	struct sockaddr_un a = name_of(name);
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	EQ(bind(s, (void *)&a, sizeof(a)), 0);
	EQ(listen(s, 5), 0);
	return s;
}

static int call_at(const char *name)
{
	struct sockaddr_un a = name_of(name);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), ret;

	ret = connect(s, (void *)&a, sizeof(a));
	if (!ret)
		return s;
	ret = errno;
	close(s);
	errno = ret;
	return -1;
}

/* A server that is started again takes the name of the one that still serves. */
static void a_server_in_a_removed_ones_place(void)
{
	int old, new, client;

	for (int i = 0; i < 20; i++) {
		old = server_at("socket");
		EQ(unlink("socket"), 0);
		new = server_at("socket");
		client = call_at("socket");
		CHECK(client >= 0);
		FAILS(accept(old, NULL, NULL), EAGAIN);
		CHECK(accept(new, NULL, NULL) >= 0);
		close(new);
		close(client);
		FAILS(call_at("socket"), ECONNREFUSED);
		close(old);
		EQ(unlink("socket"), 0);
	}
}

/* Links */

static void hard_links(void)
{
	int fd = create("a", "A");

	EQ(mkdir("d", 0755), 0);
	EQ(link("a", "d/b"), 0);
	EQ(link("d/b", "c"), 0);
	EQ(stat_of("c").st_nlink, 3);
	EQ(stat_of("c").st_ino, stat_of("a").st_ino);
	EQ(pwrite(fd, "one", 3, 0), 3);
	contains("d/b", "one");
	EQ(chmod("d/b", 0640), 0);
	EQ(stat_of("a").st_mode & 0777, 0640);
	EQ(truncate("c", 2), 0);
	contains("a", "on");
	EQ(unlink("a"), 0);
	EQ(stat_fd(fd).st_nlink, 2);
	EQ(rename("c", "d/b"), 0);	/* the same file: nothing is done */
	EQ(stat_of("c").st_nlink, 2);
	EQ(unlink("c"), 0);
	EQ(stat_of("d/b").st_nlink, 1);
	EQ(symlink("d/b", "s"), 0);
	EQ(link("s", "t"), 0);
	CHECK(S_ISLNK(stat_of("t").st_mode));
	EQ(stat_of("t").st_ino, stat_of("s").st_ino);
	EQ(linkat(AT_FDCWD, "s", AT_FDCWD, "u", AT_SYMLINK_FOLLOW), 0);
	EQ(stat_of("u").st_ino, stat_fd(fd).st_ino);
	EQ(unlink("u") | unlink("d/b"), 0);
	FAILS(linkat(fd, "", AT_FDCWD, "w", 0), ENOENT);
	FAILS(link("/proc/self/exe", "x"), EXDEV);
}

static void links_that_lead(void)
{
	char path[PATH_MAX], name[20];

	CHECK(getcwd(path, sizeof(path) - 20));
	strcat(path, "/target");
	close(create("target", "T"));
	EQ(mkdir("d", 0755), 0);
	EQ(symlink(path, "absolute"), 0);
	contains("absolute", "T");
	EQ(symlink("../target", "d/up"), 0);
	contains("d/up", "T");
	EQ(symlink("d", "dir"), 0);
	contains("dir/up", "T");
	contains("dir/../target", "T");
	contains("dir/../dir/./up", "T");
	close(create("dir/new", "N"));
	contains("d/new", "N");
	EQ(symlink("target/", "slash"), 0);
	FAILS(open("slash", O_RDONLY), ENOTDIR);
	FAILS(open("target/x", O_RDONLY), ENOTDIR);
	FAILS(symlink("x", "dir"), EEXIST);
	FAILS(symlink("", "empty"), ENOENT);
	for (int i = 0; i < 45; i++) {
		snprintf(name, sizeof(name), i ? "l%d" : "target", i);
		snprintf(path, sizeof(path), "l%d", i + 1);
		EQ(symlink(name, path), 0);
	}
	contains("l40", "T");
	FAILS(open("l41", O_RDONLY), ELOOP);
	EQ(symlink("b", "a") | symlink("a", "b"), 0);
	FAILS(stat("a/x", &(struct stat) { 0 }), ELOOP);
	EQ(unlink("l41"), 0);
}

static void links_themselves(void)
{
	struct timespec t[2] = { { 1000, 1 }, { 2000, 2 } };
	char target[PATH_MAX], buf[PATH_MAX];
	int fd;

	memset(target, 'x', sizeof(target));
	target[4095] = 0;
	if (symlink(target, "longest")) {
		target[1000] = 0;
		EQ(symlink(target, "longest"), 0);
	}
	EQ(readlink("longest", buf, sizeof(buf)), strlen(target));
	EQ(memcmp(buf, target, strlen(target)), 0);
	EQ(readlink("longest", buf, 3), 3);
	EQ(stat_of("longest").st_size, strlen(target));
	EQ(symlink("nowhere", "s"), 0);
	EQ(utimensat(AT_FDCWD, "s", t, AT_SYMLINK_NOFOLLOW), 0);
	EQ(stat_of("s").st_mtim.tv_sec, 2000);
	EQ(stat_of("s").st_mode & 0777, 0777);
	fd = open("s", O_PATH | O_NOFOLLOW);
	CHECK(fd >= 0);
	EQ(readlinkat(fd, "", buf, sizeof(buf)), 7);
	FAILS(open("s", O_CREAT | O_EXCL | O_WRONLY, 0644), EEXIST);
	EQ(rename("s", "t"), 0);
	EQ(readlink("t", buf, sizeof(buf)), 7);
	FAILS(unlinkat(AT_FDCWD, "t", AT_REMOVEDIR), ENOTDIR);
	EQ(unlink("t"), 0);
}

/* Directories */

enum { MANY = 1000 };

static void make_many(void)
{
	char name[30];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "stays-%d", i);
		close(create(name, ""));
	}
}

/* Those that are there from the beginning to the end are seen once, whatever others come and go. */
static void read_while_it_changes(void)
{
	char name[40], *seen = map_anon(MANY, MAP_PRIVATE);
	struct dirent *e;
	int n = 0, i;
	DIR *d;

	make_many();
	d = opendir(".");
	CHECK(d);
	while ((e = readdir(d))) {
		if (sscanf(e->d_name, "stays-%d", &i) != 1)
			continue;
		CHECK(!seen[i]++);
		snprintf(name, sizeof(name), "comes-%d", n);
		if (n % 3 == 0)
			close(create(name, ""));
		snprintf(name, sizeof(name), "comes-%d", n - 30);
		if (n % 3 == 0 && n >= 30)
			EQ(unlink(name), 0);
		n++;
	}
	EQ(n, MANY);
	closedir(d);
}

/* To every tenth place one can go back. */
static void places_in_a_directory(void)
{
	static struct { long place; char name[NAME_MAX + 1]; } at[MANY / 10 + 10];
	struct dirent *e;
	int n = 0;
	DIR *d;

	make_many();
	d = opendir(".");
	for (int i = 0; (at[n].place = telldir(d)), (e = readdir(d)); i++)
		if (i % 10 == 0)
			snprintf(at[n++].name, sizeof(at[0].name), "%s", e->d_name);
	CHECK(n >= MANY / 10);
	for (int i = 0; i < n; i += 7) {
		seekdir(d, at[n - 1 - i].place);
		e = readdir(d);
		CHECK(e);
		IS(e->d_name, at[n - 1 - i].name);
	}
	closedir(d);
}

static void small_buffers(void)
{
	int d = open(".", O_RDONLY | O_DIRECTORY), n = 0;
	char buf[80];
	long got;

	make_many();
	FAILS(syscall(SYS_getdents64, d, buf, 10L), EINVAL);
	while ((got = syscall(SYS_getdents64, d, buf, sizeof(buf))) > 0)
		for (long at = 0; at < got; at += *(unsigned short *)(buf + at + 16))
			n++;
	EQ(got, 0);
	EQ(n, MANY + 2);
	EQ(syscall(SYS_getdents64, d, buf, sizeof(buf)), 0);
	close(create("late", ""));
	EQ(lseek(d, 0, SEEK_SET), 0);
	for (n = 0; (got = syscall(SYS_getdents64, d, buf, sizeof(buf))) > 0;)
		for (long at = 0; at < got; at += *(unsigned short *)(buf + at + 16))
			n++;
	EQ(n, MANY + 3);
	FAILS(syscall(SYS_getdents64, create("f", ""), buf, sizeof(buf)), ENOTDIR);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

/* Trees are removed as rm -r does it: each directory is read while its entries go. */
static void a_tree_is_removed(void)
{
	char name[60];

	EQ(mkdir("tree", 0755), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "tree/%d", i);
		EQ(mkdir(name, 0755), 0);
		for (int j = 0; j < 30; j++) {
			snprintf(name, sizeof(name), "tree/%d/%d", i, j);
			if (j % 3)
				close(create(name, "x"));
			else
				EQ(j % 2 ? symlink("nowhere", name) : mkdir(name, 0755), 0);
		}
	}
	EQ(nftw("tree", remove_one, 10, FTW_DEPTH | FTW_PHYS), 0);
	FAILS(access("tree", F_OK), ENOENT);
	EQ(entries("."), 0);
}

static void links_of_directories(void)
{
	EQ(mkdir("d", 0755), 0);
	EQ(mkdir("d/a", 0755) | mkdir("d/b", 0755), 0);
	if (stat_of("d").st_nlink == 1)
		SKIP("this file system counts no links of directories");
	EQ(stat_of("d").st_nlink, 4);
	EQ(rename("d/a", "a"), 0);
	EQ(stat_of("d").st_nlink, 3);
	EQ(rename("a", "d/b"), 0);
	EQ(stat_of("d").st_nlink, 3);
	EQ(rmdir("d/b"), 0);
	EQ(stat_of("d").st_nlink, 2);
}

/* Attributes */

static void set_times(const char *name, struct timespec a, struct timespec m)
{
	EQ(utimensat(AT_FDCWD, name, (struct timespec[]) { a, m }, 0), 0);
}

static void times(void)
{
	struct timespec omit = { 0, UTIME_OMIT }, now = { 0, UTIME_NOW };
	int fd = create("f", ""), ro = open("f", O_RDONLY);

	set_times("f", (struct timespec) { 100, 123456789 }, (struct timespec) { 4000000000, 987654321 });
	EQ(stat_of("f").st_atim.tv_sec, 100);
	EQ(stat_of("f").st_atim.tv_nsec, 123456789);
	EQ(stat_of("f").st_mtim.tv_sec, 4000000000);
	EQ(stat_of("f").st_mtim.tv_nsec, 987654321);
	set_times("f", omit, (struct timespec) { -5, 500 });
	EQ(stat_of("f").st_atim.tv_sec, 100);
	EQ(stat_of("f").st_mtim.tv_sec, -5);
	set_times("f", now, omit);
	CHECK(llabs((long long)stat_of("f").st_atim.tv_sec - (long long)time(NULL)) < 100);
	EQ(stat_of("f").st_mtim.tv_sec, -5);
	EQ(futimens(ro, (struct timespec[]) { { 7, 0 }, { 8, 0 } }), 0);
	EQ(stat_fd(fd).st_mtim.tv_sec, 8);
	EQ(chmod("f", 0400), 0);
	EQ(stat_of("f").st_mtim.tv_sec, 8);
	EQ(utimensat(AT_FDCWD, "f", NULL, 0), 0);
	CHECK(stat_of("f").st_mtim.tv_sec > 8);
	EQ(mkdir("d", 0755), 0);
	set_times("d", (struct timespec) { 9, 0 }, (struct timespec) { 10, 0 });
	EQ(stat_of("d").st_mtim.tv_sec, 10);
	close(create("d/x", ""));
	CHECK(stat_of("d").st_mtim.tv_sec > 10);
	FAILS(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT);
}

/* What a call changes has a time of now, and reading alone does not change it. */
static void changes_have_times(void)
{
	struct timespec old = { 1000, 0 };
	int fd = create("f", "x");
	char *p, c;

	set_times("f", old, old);
	EQ(pread(fd, &c, 1, 0), 1);
	EQ(stat_of("f").st_mtim.tv_sec, 1000);
	EQ(pwrite(fd, "y", 1, 0), 1);
	CHECK(stat_fd(fd).st_mtim.tv_sec > 1000);
	set_times("f", old, old);
	EQ(ftruncate(fd, 100), 0);
	CHECK(stat_fd(fd).st_mtim.tv_sec > 1000);
	set_times("f", old, old);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*p = 'z';
	EQ(msync(p, PAGE, MS_SYNC), 0);
	CHECK(stat_fd(fd).st_mtim.tv_sec > 1000);
	set_times(".", old, old);
	EQ(rename("f", "g"), 0);
	CHECK(stat_of(".").st_mtim.tv_sec > 1000);
	CHECK(stat_of("g").st_ctim.tv_sec > 1000);
}

static void modes(void)
{
	int fd;

	umask(0);
	for (int mode = 0; mode <= 07777; mode += 0421) {
		fd = open("f", O_CREAT | O_EXCL | O_RDWR, mode & 0777);
		CHECK(fd >= 0);
		EQ(stat_of("f").st_mode, S_IFREG | (mode & 0777));
		EQ(fchmod(fd, mode), 0);
		EQ(stat_fd(fd).st_mode, S_IFREG | mode);
		close(fd);
		EQ(unlink("f"), 0);
		EQ(mkdir("d", 0), 0);
		EQ(chmod("d", mode), 0);
		EQ(stat_of("d").st_mode, S_IFDIR | mode);
		EQ(rmdir("d"), 0);
	}
	umask(077);
	close(open("f", O_CREAT | O_RDWR, 0666));
	EQ(stat_of("f").st_mode & 0777, 0600);
	EQ(mkfifo("p", 0666), 0);
	EQ(stat_of("p").st_mode & 0777, 0600);
}

/* What a file's mode forbids to others does not hold for who makes it. */
static void made_with_a_mode_that_forbids(void)
{
	char buf[10];
	int fd;

	fd = open("a", O_CREAT | O_EXCL | O_RDWR, 0);
	CHECK(fd >= 0);
	EQ(write(fd, "x", 1), 1);
	EQ(pread(fd, buf, 10, 0), 1);
	fd = open("b", O_CREAT | O_EXCL | O_RDONLY, 0);
	CHECK(fd >= 0);
	EQ(read(fd, buf, 1), 0);
	fd = open("c", O_CREAT | O_EXCL | O_WRONLY, 0444);
	CHECK(fd >= 0);
	EQ(write(fd, "x", 1), 1);
	EQ(chmod("a", 0600), 0);
	contains("a", "x");
	EQ(chmod("b", 0200), 0);
	fd = open("b", O_WRONLY | O_TRUNC);
	CHECK(fd >= 0);
	EQ(mkdir("d", 0300), 0);
	close(create("d/f", ""));
	EQ(unlink("d/f"), 0);
	EQ(chmod("d", 0), 0);
	EQ(chmod("d", 0700), 0);
}

/* As a user who owns nothing here. */
static void as_another(void (*what)(void))
{
	pid_t pid = FORK();

	if (pid) {
		CHILD_OK(pid);
		return;
	}
	EQ(syscall(SYS_setgroups, 0, NULL), 0);
	EQ(syscall(SYS_setresgid, 12345, 12345, 12345), 0);
	EQ(syscall(SYS_setresuid, 12345, 12345, 12345), 0);
	what();
	_exit(0);
}

static void is_kept_out(void)
{
	FAILS(open("none", O_RDONLY), EACCES);
	FAILS(open("read", O_WRONLY), EACCES);
	CHECK(open("read", O_RDONLY) >= 0);
	FAILS(access("none", R_OK), EACCES);
	FAILS(chmod("read", 0777), EPERM);
	FAILS(utimensat(AT_FDCWD, "read", (struct timespec[2]) { { 1, 0 }, { 1, 0 } }, 0), EPERM);
	FAILS(unlink("read"), EACCES);
	FAILS(open("new", O_CREAT | O_WRONLY, 0644), EACCES);
	FAILS(rename("read", "r"), EACCES);
	FAILS(stat("locked/f", &(struct stat) { 0 }), EACCES);
	FAILS(open("locked", O_RDONLY), EACCES);
	FAILS(access("listed/f", F_OK), EACCES);
	EQ(entries("listed"), 1);
	FAILS(unlink("sticky/f"), EPERM);
	FAILS(rename("sticky/f", "sticky/g"), EPERM);
	FAILS(setxattr("read", "user.x", "", 0, 0), EACCES);
}

static void permissions(void)
{
	if (geteuid())
		SKIP("for root");
	EQ(chmod(".", 0755) | chmod("..", 0755), 0);
	for (int i = 0; i < 3; i++) {
		const char *dir = ((const char *[]) { "locked", "listed", "sticky" })[i];

		EQ(mkdir(dir, 0700), 0);
		EQ(chdir(dir), 0);
		close(create("f", ""));
		EQ(chdir(".."), 0);
	}
	EQ(chmod("listed", 0744) | chmod("sticky", 01777), 0);
	close(create("none", ""));
	close(create("read", ""));
	EQ(chmod("none", 0), 0);
	as_another(is_kept_out);
}

static void makes_own(void)
{
	int fd = open("public/f", O_CREAT | O_EXCL | O_RDWR, 0600);

	CHECK(fd >= 0);
	EQ(stat_of("public/f").st_uid, 12345);
	EQ(mkdir("public/d", 0700), 0);
	EQ(stat_of("public/d").st_uid, 12345);
	CHECK(open("public/f", O_RDWR) >= 0);
	close(create("public/d/x", ""));
	EQ(symlink("f", "public/s"), 0);
	EQ(stat_of("public/s").st_gid, 12345);
}

static void who_makes_it_owns_it(void)
{
	if (geteuid())
		SKIP("for root");
	EQ(chmod(".", 0755) | chmod("..", 0755), 0);
	EQ(mkdir("public", 0777), 0);
	EQ(chmod("public", 01777), 0);
	as_another(makes_own);
}

static void attributes_of_users(void)
{
	char buf[1000], value[700];
	int fd = create("f", "");

	memset(value, 'v', sizeof(value));
	if (setxattr("f", "user.a", "one", 3, XATTR_CREATE) && errno == EOPNOTSUPP)
		SKIP("this file system has no user attributes");
	FAILS(setxattr("f", "user.a", "x", 1, XATTR_CREATE), EEXIST);
	FAILS(setxattr("f", "user.b", "x", 1, XATTR_REPLACE), ENODATA);
	EQ(fsetxattr(fd, "user.empty", "", 0, 0), 0);
	EQ(fgetxattr(fd, "user.empty", buf, 10), 0);
	EQ(setxattr("f", "user.long", value, sizeof(value), 0), 0);
	EQ(getxattr("f", "user.long", NULL, 0), sizeof(value));
	FAILS(getxattr("f", "user.long", buf, 10), ERANGE);
	EQ(getxattr("f", "user.long", buf, sizeof(buf)), sizeof(value));
	EQ(memcmp(buf, value, sizeof(value)), 0);
	FAILS(listxattr("f", buf, 3), ERANGE);
	EQ(listxattr("f", NULL, 0), 7 + 11 + 10);
	EQ(mkdir("d", 0755), 0);
	EQ(setxattr("d", "user.d", "dir", 3, 0), 0);
	EQ(getxattr("d", "user.d", buf, 10), 3);
	EQ(removexattr("d", "user.d"), 0);
	FAILS(removexattr("d", "user.d"), ENODATA);
	EQ(symlink("f", "s"), 0);
	FAILS(lsetxattr("s", "user.x", "x", 1, 0), EPERM);
	EQ(getxattr("s", "user.a", buf, 10), 3);
	FAILS(setxattr("f", "none.x", "x", 1, 0), EOPNOTSUPP);
	EQ(rename("f", "g"), 0);
	EQ(getxattr("g", "user.a", buf, 10), 3);
}

/* A device is root's to make. What cannot be made is an error, and no end. */
static void devices(void)
{
	if (mknod("null", S_IFCHR | 0600, makedev(1, 3))) {
		CHECK(errno == EPERM || errno == EOPNOTSUPP || errno == EACCES);
	} else {
		CHECK(S_ISCHR(stat_of("null").st_mode));
		EQ(unlink("null"), 0);
	}
	if (mknod("disk", S_IFBLK | 0600, makedev(7, 0)))
		CHECK(errno == EPERM || errno == EOPNOTSUPP || errno == EACCES);
	EQ(mknod("file", S_IFREG | 0600, 0), 0);
	EQ(mknod("fifo", S_IFIFO | 0600, 0), 0);
	EQ(mknod("socket", S_IFSOCK | 0600, 0), 0);
	CHECK(S_ISSOCK(stat_of("socket").st_mode));
	FAILS(open("socket", O_RDONLY), ENXIO);
	EQ(unlink("socket") | unlink("fifo") | unlink("file"), 0);
}

/* The upper layer of an overlay, which makes devices of its own there. */
static void overlay_on_it(void)
{
	pid_t pid = FORK();

	if (pid) {
		CHILD_OK(pid);
		return;
	}
	EQ(mkdir("lower", 0755) | mkdir("upper", 0755) | mkdir("work", 0755) | mkdir("all", 0755), 0);
	close(create("lower/f", "F"));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(0);
	if (mount("o", "all", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work"))
		_exit(0);
	contains("all/f", "F");
	close(create("all/new", "N"));
	contains("upper/new", "N");
	if (unlink("all/f"))
		CHECK(errno == EPERM || errno == EIO || errno == EOPNOTSUPP);
	else
		FAILS(access("all/f", F_OK), ENOENT);
	umount("all");
	_exit(0);
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

/* Maps */

static sigjmp_buf back;

static void jump(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	siglongjmp(back, sig);
}

/* The signal that reading a byte there gives, or 0. */
static int faults(volatile char *p)
{
	int sig;

	on_signal(SIGBUS, jump, 0);
	on_signal(SIGSEGV, jump, 0);
	sig = sigsetjmp(back, 1);
	if (!sig)
		(void)*p;
	return sig;
}

static char *map(int fd, size_t n, int flags)
{
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void maps_and_calls_agree(void)
{
	int fd = create("f", "");
	char *s, *p, *again, c;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	p = map(fd, 4 * PAGE, MAP_PRIVATE);
	for (int i = 1; i < 100; i++) {
		EQ(pwrite(fd, &(char) { i }, 1, i * 150), 1);
		EQ(s[i * 150], i);
		EQ(p[i * 150], i);
		s[i * 150 + 1] = i;
		EQ(pread(fd, &c, 1, i * 150 + 1), 1);
		EQ(c, i);
	}
	p[PAGE] = 'p';
	EQ(pwrite(fd, "w", 1, PAGE), 1);
	EQ(p[PAGE], 'p');
	EQ(s[PAGE], 'w');
	again = map(fd, 4 * PAGE, MAP_PRIVATE);
	EQ(again[PAGE], 'w');
}

/* What is written to a shared map is in a private one that is made after it. */
static void private_maps_see_shared_ones(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	for (int i = 1; i < 100; i++) {
		s[i] = i;
		p = map(fd, 4 * PAGE, MAP_PRIVATE);
		EQ(p[i], i);
		EQ(munmap(p, 4 * PAGE), 0);
	}
}

/* And in one that is there already, as far as it has not been written to. */
static void private_maps_follow_shared_ones(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 4 * PAGE), 0);
	s = map(fd, 4 * PAGE, MAP_SHARED);
	p = map(fd, 4 * PAGE, MAP_PRIVATE);
	for (int i = 1; i < 100; i++) {
		s[2 * PAGE + i] = i;
		EQ(p[2 * PAGE + i], i);
	}
}

static void maps_beyond_the_end(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 2 * PAGE + 10), 0);
	s = map(fd, 5 * PAGE, MAP_SHARED);
	p = map(fd, 5 * PAGE, MAP_PRIVATE);
	EQ(s[2 * PAGE + 10], 0);
	EQ(faults(s + 3 * PAGE), SIGBUS);
	EQ(faults(p + 3 * PAGE), SIGBUS);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	EQ(faults(s + 3 * PAGE), 0);
	EQ(faults(p + 3 * PAGE), 0);
	EQ(pwrite(fd, "x", 1, 3 * PAGE), 1);
	EQ(s[3 * PAGE], 'x');
	EQ(p[3 * PAGE], 'x');
	EQ(ftruncate(fd, PAGE), 0);
	EQ(faults(s + 3 * PAGE), SIGBUS);
	EQ(faults(p + 3 * PAGE), SIGBUS);
	EQ(faults(s), 0);
	EQ(ftruncate(fd, 4 * PAGE), 0);
	EQ(s[3 * PAGE], 0);
	EQ(p[3 * PAGE], 0);
}

static void maps_outlive_descriptors(void)
{
	int fd = create("f", "0123456789");
	char *s = map(fd, PAGE, MAP_SHARED), *p = map(fd, PAGE, MAP_PRIVATE);
	pid_t pid;

	close(fd);
	EQ(unlink("f"), 0);
	EQ(s[3], '3');
	EQ(p[4], '4');
	pid = FORK();
	if (!pid) {
		s[3] = 'c';
		p[4] = 'c';
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(s[3], 'c');
	EQ(p[4], '4');
	s = mremap(s, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(s != MAP_FAILED);
	EQ(s[3], 'c');
}

static void maps_as_they_are_open(void)
{
	int ro, wo;

	close(create("f", "0123456789"));
	ro = open("f", O_RDONLY);
	wo = open("f", O_WRONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, wo, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0) == MAP_FAILED);
	EQ(errno, EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, ro, 0) != MAP_FAILED);
	ro = open(".", O_RDONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, ro, 0) == MAP_FAILED && errno == ENODEV);
}

/* A lock in a file that processes have mapped. */
static void futexes_in_files(void)
{
	int fd = create("f", "");
	volatile int *p;
	pid_t pid;

	EQ(ftruncate(fd, PAGE), 0);
	p = (int *)map(fd, PAGE, MAP_SHARED);
	pid = FORK();
	if (!pid) {
		int *mine = (int *)map(fd, PAGE, MAP_SHARED);

		while (!__atomic_load_n(mine, __ATOMIC_ACQUIRE))
			if (syscall(SYS_futex, mine, 0 /* FUTEX_WAIT */, 0, NULL))
				CHECK(errno == EAGAIN || errno == EINTR);
		_exit(0);
	}
	sleep_ms(20);
	__atomic_store_n(p, 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_futex, p, 1 /* FUTEX_WAKE */, 1) >= 0);
	CHILD_OK(pid);
}

static void punched_under_a_map(void)
{
	int fd = create("f", "");
	char *s, *p;

	EQ(ftruncate(fd, 8 * PAGE), 0);
	s = map(fd, 8 * PAGE, MAP_SHARED);
	memset(s, 'x', 8 * PAGE);
	p = map(fd, 8 * PAGE, MAP_PRIVATE);
	EQ(p[2 * PAGE], 'x');
	if (syscall(SYS_fallocate, fd, 3 /* punch, keep size */, 2 * PAGE, 2 * PAGE) &&
	    errno == EOPNOTSUPP)
		SKIP("this file system has no holes");
	EQ(s[2 * PAGE], 0);
	EQ(p[2 * PAGE], 0);
	EQ(s[4 * PAGE], 'x');
	s[2 * PAGE] = 'y';
	EQ(lseek(fd, 0, SEEK_HOLE), 3 * PAGE);
	EQ(lseek(fd, 3 * PAGE, SEEK_DATA), 4 * PAGE);
}

/* Programs */

static void copy_program(const char *to, mode_t mode)
{
	int in = open("/proc/self/exe", O_RDONLY);
	int out = open(to, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0700);
	off_t size = stat_fd(in).st_size;
	char *p;

	/* By a map, as linkers do it. */
	EQ(ftruncate(out, size), 0);
	p = map(out, size, MAP_SHARED);
	EQ(pread(in, p, size, 0), size);
	EQ(munmap(p, size), 0);
	EQ(fchmod(out, mode), 0);
	close(in);
	close(out);
}

static int runs(const char *program)
{
	pid_t pid = FORK();
	int st;

	if (!pid) {
		execl(program, program, "exits", NULL);
		_exit(errno);
	}
	EQ(waitpid(pid, &st, 0), pid);
	return st;
}

static void programs_from_here(void)
{
	int fd;

	copy_program("program", 0755);
	EQ(runs("./program"), 77 << 8);
	EQ(chmod("program", 0644), 0);
	EQ(runs("./program"), EACCES << 8);
	EQ(chmod("program", 0111), 0);
	EQ(runs("./program"), 77 << 8);
	EQ(chmod("program", 0755), 0);
	fd = open("program", O_WRONLY);
	CHECK(fd >= 0);
	EQ(runs("./program"), ETXTBSY << 8);
	close(fd);
	EQ(runs("./program"), 77 << 8);
	EQ(rename("program", "other"), 0);
	EQ(runs("./other"), 77 << 8);
	close(create("script", "#!./other exits\n"));
	EQ(chmod("script", 0755), 0);
	EQ(runs("./script"), 77 << 8);
}

static void runs_as_root(void)
{
	EQ(runs("./program"), 77 << 8);
	EQ(runs("./suid"), 78 << 8);
}

static void suid_programs(void)
{
	struct statvfs v;

	if (geteuid())
		SKIP("for root");
	EQ(statvfs(".", &v), 0);
	if (v.f_flag & ST_NOSUID)
		SKIP("this file system is mounted nosuid");
	EQ(chmod(".", 0755) | chmod("..", 0755), 0);
	copy_program("program", 0755);
	copy_program("suid", 04755);
	EQ(stat_of("suid").st_mode & 07777, 04755);
	as_another(runs_as_root);
	EQ(chmod("suid", 0755), 0);
	EQ(runs("./suid"), 77 << 8);
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
	T(appended_by_four), T(append_by_flag), T(unlinked_and_open), T(renamed_over_open),
	T(saved_again_and_again), T(exchange_and_noreplace), T(moved_directories),
	T(a_directory_in_a_removed_ones_place), T(a_new_directory_is_alive),
	T(a_fifo_in_a_removed_ones_place), T(a_server_in_a_removed_ones_place), T(hard_links),
	T(links_that_lead), T(links_themselves), T(read_while_it_changes), T(places_in_a_directory),
	T(small_buffers), T(a_tree_is_removed), T(links_of_directories), T(times),
	T(changes_have_times), T(modes), T(made_with_a_mode_that_forbids), T(permissions),
	T(who_makes_it_owns_it), T(attributes_of_users), T(devices), T(overlay_on_it),
	T(copy_ranges), T(copies_elsewhere), T(buffers_with_holes), T(buffers_in_files),
	T(maps_and_calls_agree), T(private_maps_see_shared_ones),
	T(private_maps_follow_shared_ones), T(maps_beyond_the_end), T(maps_outlive_descriptors),
	T(maps_as_they_are_open), T(futexes_in_files), T(punched_under_a_map),
	T(programs_from_here), T(suid_programs), T(many_are_open), T(all_at_once),
};

/*
 * agent: each line is a system call's name and its arguments: a number, b and a text's bytes in
 * hexadecimal, or o and the size of a buffer. The answer is what it gave, and these buffers.
 * "peek ADDRESS N" and "poke ADDRESS BYTES" are for maps: the signal that comes of it, if one does.
 */

#define CALL(name) { #name, SYS_##name }
static const struct { const char *name; long nr; } calls[] = {
	CALL(openat), CALL(close), CALL(read), CALL(write), CALL(pread64), CALL(pwrite64),
	CALL(lseek), CALL(ftruncate), CALL(truncate), CALL(fallocate), CALL(fsync), CALL(fdatasync),
	CALL(copy_file_range), CALL(statx), CALL(faccessat), CALL(mkdirat), CALL(mknodat),
	CALL(unlinkat), CALL(renameat2), CALL(linkat), CALL(symlinkat), CALL(readlinkat),
	CALL(fchmodat), CALL(fchmod), CALL(fchownat), CALL(utimensat), CALL(setxattr),
	CALL(getxattr), CALL(removexattr), CALL(getdents64), CALL(chdir), CALL(getcwd), CALL(flock),
	CALL(statfs), CALL(mmap), CALL(munmap), CALL(msync), CALL(umask), CALL(getuid),
	CALL(socket), CALL(connect), CALL(name_to_handle_at), CALL(open_by_handle_at),
};

static char memory[4 << 20];

static unsigned char nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static size_t unhex(char *to, const char *from)
{
	size_t n = 0;

	for (; from[0] && from[1]; from += 2)
		to[n++] = nibble(from[0]) << 4 | nibble(from[1]);
	to[n] = 0;
	return n;
}

static void say_bytes(const char *p, size_t n)
{
	putchar(' ');
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i] & 255);
	if (!n)
		putchar('-');
}

static void make_call(const char *name, char *rest)
{
	struct { char *at; size_t n; } out[6];
	long a[6] = { 0 }, ret = -ENOSYS;
	char *free = memory;
	int n = 0, outs = 0;

	for (char *word; n < 6 && (word = strtok_r(NULL, " ", &rest)); n++) {
		a[n] = *word == 'b' || *word == 'o' ? (long)free : strtol(word, NULL, 0);
		if (*word == 'b') {
			free += unhex(free, word + 1) + 1;
		} else if (*word == 'o') {
			out[outs].at = free;
			out[outs].n = strtol(word + 1, NULL, 0);
			memset(free, 0, out[outs].n);
			free += out[outs++].n;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (!strcmp(calls[i].name, name))
			ret = (ret = syscall(calls[i].nr, a[0], a[1], a[2], a[3], a[4], a[5])) < 0 ? -errno : ret;
	printf("%ld", ret);
	for (int i = 0; i < outs; i++)
		say_bytes(out[i].at, out[i].n);
}

static void look(char *at, const char *what, int write)
{
	size_t n = write ? unhex(memory, what) : strtoul(what, NULL, 0);
	int sig;

	on_signal(SIGBUS, jump, 0);
	on_signal(SIGSEGV, jump, 0);
	sig = sigsetjmp(back, 1);
	if (!sig)
		memcpy(write ? at : memory, write ? memory : at, n);
	printf("%d", sig);
	say_bytes(memory, sig ? 0 : n);
}

static int agent(void)
{
	static char line[2 * sizeof(memory) + 1000];
	char *rest, *name;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		name = strtok_r(line, " ", &rest);
		if (name && (!strcmp(name, "peek") || !strcmp(name, "poke"))) {
			char *at = (char *)strtol(strtok_r(NULL, " ", &rest), NULL, 0);

			look(at, strtok_r(NULL, " ", &rest), name[1] == 'o');
		} else if (name) {
			make_call(name, rest);
		}
		putchar('\n');
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exits"))
		return 77 + (getuid() != geteuid());
	if (argc == 3 && !strcmp(argv[1], "agent"))
		return chdir(argv[2]) ? 1 : agent();
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
