// SPDX-License-Identifier: GPL-2.0-only
/* Links, and directories that change while they are read. */
#include "volume.h"

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

static const struct test tests[] = {
	T(hard_links), T(links_that_lead), T(links_themselves), T(read_while_it_changes),
	T(places_in_a_directory), T(small_buffers), T(a_tree_is_removed), T(links_of_directories),
};

MAIN(tests)
