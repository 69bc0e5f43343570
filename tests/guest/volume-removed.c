// SPDX-License-Identifier: GPL-2.0-only
/* Files that are removed, or moved, or whose name another one gets, while they are open. */
#include "volume.h"
#include <sys/socket.h>
#include <sys/un.h>

static void unlinked_and_changed(void)
{
	int fd = create("f", "text");

	EQ(unlink("f"), 0);
	EQ(fchmod(fd, 0600), 0);
	EQ(stat_fd(fd).st_mode, S_IFREG | 0600);
	EQ(futimens(fd, (struct timespec[]) { { 5, 6 }, { 7, 8 } }), 0);
	EQ(stat_fd(fd).st_mtim.tv_nsec, 8);
}

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

static const struct test tests[] = {
	T(unlinked_and_changed), T(unlinked_and_open), T(renamed_over_open),
	T(saved_again_and_again), T(exchange_and_noreplace), T(moved_directories),
	T(a_directory_in_a_removed_ones_place), T(a_new_directory_is_alive),
	T(a_fifo_in_a_removed_ones_place), T(a_server_in_a_removed_ones_place),
};

MAIN(tests)
