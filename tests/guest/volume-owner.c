// SPDX-License-Identifier: GPL-2.0-only
/* What a file has beside its bytes: times, modes, owners, attributes; and who may run it. */
#include "volume.h"
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <sched.h>

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

static const struct test tests[] = {
	T(times), T(changes_have_times), T(modes), T(made_with_a_mode_that_forbids), T(permissions),
	T(who_makes_it_owns_it), T(attributes_of_users), T(devices), T(overlay_on_it),
	T(programs_from_here), T(suid_programs),
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "exits"))
		return 77 + (getuid() != geteuid());
	return tap_main(argc, argv, tests, ARRAY_SIZE(tests));
}
