// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every path ends in the guest's own root, and /proc knows no process but the guest's. The wrapper
 * sets KBOX_HOST_PID to a process of the host and KBOX_HOST_FILE to a file there; without them
 * those two checks have nothing to look for.
 */
#include "tap.h"
#include <dirent.h>
#include <sys/mount.h>
#include <sys/utsname.h>

static void same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (stat(a, &x) || stat(b, &y))
		tap_fail(__FILE__, __LINE__, "%s or %s: errno %d", a, b, errno);
	if (x.st_dev != y.st_dev || x.st_ino != y.st_ino)
		tap_fail(__FILE__, __LINE__, "%s is not %s", a, b);
	tap_checks++;
}

static void dots(void)
{
	char path[3 * 1000 + 20] = "";

	same_file("/..", "/");
	same_file("/../../../..", "/");
	same_file("/proc/../..", "/");
	for (int i = 0; i < 1000; i++)
		strcat(path, "../");
	same_file(path, "/");
	strcat(path, "etc/passwd");
	same_file(path, "/etc/passwd");
	EQ(chdir("/"), 0);
	EQ(chdir(".."), 0);
	same_file(".", "/");
}

static void links(void)
{
	EQ(symlink("../../../../../../../../../../..", "up"), 0);
	same_file("up", "/");
	EQ(symlink("/", "root"), 0);
	same_file("root", "/");
	same_file("root/etc/passwd", "/etc/passwd");
	EQ(symlink("/../../etc/passwd", "passwd"), 0);
	same_file("passwd", "/etc/passwd");
}

static void proc_links(void)
{
	char link[100] = { 0 };

	same_file("/proc/self/root", "/");
	same_file("/proc/self/root/..", "/");
	same_file("/proc/self/root/../../etc/passwd", "/etc/passwd");
	EQ(readlink("/proc/self/root", link, sizeof(link)), 1);
	IS(link, "/");
	same_file("/proc/self/cwd", ".");
	same_file("/proc/thread-self/root", "/");
	if (!getenv("KBOX_HOST_PID") && access("/proc/1/root/", F_OK))
		return;		/* not everybody may look there, outside a box */
	same_file("/proc/1/root", "/");
	same_file("/proc/1/root/..", "/");
	same_file("/proc/1/root/etc/passwd", "/etc/passwd");
}

static void descriptors(void)
{
	char path[50];
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	CHECK(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d/..", fd);
	same_file(path, "/");
	EQ(fchdir(fd), 0);
	fd = openat(fd, "../../../..", O_RDONLY | O_DIRECTORY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	same_file(path, "/");
}

static void no_stray_descriptors(void)
{
	struct dirent *e;
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	CHECK(d);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) > 2 && atoi(e->d_name) != dirfd(d))
			n++;
	if (getenv("KBOX_HOST_PID"))
		EQ(n, 0);
	CHECK(n >= 0);
}

static void resolve_flags(void)
{
	struct { uint64_t flags, mode, resolve; } how = { O_RDONLY, 0, 0x08 /* BENEATH */ };

	EQ(symlink("/etc/passwd", "out"), 0);
	FAILS(syscall(SYS_openat2, AT_FDCWD, "out", &how, sizeof(how)), EXDEV);
	FAILS(syscall(SYS_openat2, AT_FDCWD, "../..", &how, sizeof(how)), EXDEV);
	how.resolve = 0x10;	/* IN_ROOT */
	FAILS(syscall(SYS_openat2, AT_FDCWD, "out", &how, sizeof(how)), ENOENT);
	how.resolve = 0x04;	/* NO_SYMLINKS */
	FAILS(syscall(SYS_openat2, AT_FDCWD, "out", &how, sizeof(how)), ELOOP);
	how.resolve = 0x02;	/* NO_MAGICLINKS */
	FAILS(syscall(SYS_openat2, AT_FDCWD, "/proc/self/exe", &how, sizeof(how)), ELOOP);
}

static void change_root(void)
{
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	EQ(mkdir("jail", 0755), 0);
	EQ(mkdir("jail/in", 0755), 0);
	pid = FORK();
	if (!pid) {
		EQ(chroot("jail"), 0);
		EQ(chdir("/"), 0);
		FAILS(access("/etc/passwd", F_OK), ENOENT);
		FAILS(access("/../../etc/passwd", F_OK), ENOENT);
		EQ(access("../../in", F_OK), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(access("/etc/passwd", F_OK), 0);
}

static void processes(void)
{
	struct dirent *e;
	DIR *d = opendir("/proc");
	int n = 0, me = 0, one = 0;

	CHECK(d);
	while ((e = readdir(d))) {
		int pid = atoi(e->d_name);

		n += pid > 0;
		me += pid == getpid();
		one += pid == 1;
	}
	EQ(me, 1);
	EQ(one, 1);
	CHECK(n >= 2);
}

static void nobody_of_the_host(void)
{
	const char *pid = getenv("KBOX_HOST_PID");
	char path[100], text[300];
	struct dirent *e;
	DIR *d;

	if (!pid)
		SKIP("not in a box");
	d = opendir("/proc");
	CHECK(d);
	while ((e = readdir(d))) {
		if (atoi(e->d_name) <= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/%.30s/cmdline", e->d_name);
		slurp(path, text, sizeof(text));
		if (strstr(text, "prove") || strstr(text, "kbox-launcher"))
			tap_fail(__FILE__, __LINE__, "%s is %s", path, text);
	}
	if (atoi(pid) > 1000)
		FAILS(kill(atoi(pid), 0), ESRCH);
}

static void no_file_of_the_host(void)
{
	const char *file = getenv("KBOX_HOST_FILE");
	char path[PATH_MAX];
	static const char *const way[] = { "", "/..", "/proc/self/root", "/proc/1/root", "/proc/self/root/..", "/proc/1/cwd" };

	if (!file)
		SKIP("not in a box");
	for (size_t i = 0; i < ARRAY_SIZE(way); i++) {
		snprintf(path, sizeof(path), "%s%s", way[i], file);
		FAILS(access(path, F_OK), ENOENT);
	}
}

/* In a box, whose pids are handed out in turn, nobody is younger than the child just made. */
static void nobody_above(void)
{
	pid_t pid = FORK();
	struct dirent *e;
	char path[100];
	DIR *d;

	if (!pid)
		for (;;)
			pause();
	d = opendir("/proc");
	CHECK(d);
	while ((e = readdir(d)))
		if (getenv("KBOX_HOST_PID") && atoi(e->d_name) > pid)
			tap_fail(__FILE__, __LINE__, "/proc/%s, but the youngest is %d", e->d_name, pid);
	for (int i = pid + 1; getenv("KBOX_HOST_PID") && i < 32768; i++) {
		snprintf(path, sizeof(path), "/proc/%d", i);
		FAILS(access(path, F_OK), ENOENT);
	}
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	same_file(path, "/");
	EQ(kill(pid, SIGKILL), 0);
	EQ(waitpid(pid, NULL, 0), pid);
	FAILS(access(path, F_OK), ENOENT);
}

/* Ways out of a chroot that lead only to the guest's own root. */
static void out_of_a_jail(void)
{
	int root = open("/", O_RDONLY | O_DIRECTORY);
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	CHECK(root >= 0);
	EQ(mkdir("jail", 0755), 0);
	EQ(mkdir("jail/inner", 0755), 0);
	pid = FORK();
	if (!pid) {
		EQ(chroot("jail"), 0);
		EQ(fchdir(root), 0);
		for (int i = 0; i < 100; i++)
			EQ(chdir(".."), 0);
		EQ(chroot("."), 0);
		same_file("/", "/..");
		EQ(access("/etc/passwd", F_OK), 0);
		same_file("/proc/self/root", "/");
		_exit(0);
	}
	CHILD_OK(pid);
	pid = FORK();
	if (!pid) {
		EQ(chdir("jail"), 0);
		EQ(chroot("inner"), 0);		/* the working directory is outside now */
		for (int i = 0; i < 100; i++)
			EQ(chdir(".."), 0);
		EQ(chroot("."), 0);
		same_file("/", "/..");
		EQ(access("/etc/passwd", F_OK), 0);
		_exit(0);
	}
	CHILD_OK(pid);
}

static void text_is_free_of_the_host(const char *path)
{
	static char text[100000];
	const char *file = getenv("KBOX_HOST_FILE");
	char *dir, *end;

	if (!slurp(path, text, sizeof(text)))
		return;
	tap_checks++;
	dir = strdup(file);
	end = strrchr(dir, '/');
	if (end > dir)
		*end = 0;
	if (strstr(text, dir) || strstr(text, "memfd:kbox"))
		tap_fail(__FILE__, __LINE__, "%s tells of the host: %.300s", path, text);
	free(dir);
}

static void no_names_of_the_host(void)
{
	static const char *const path[] = { "/proc/self/maps", "/proc/self/smaps", "/proc/self/mounts", "/proc/self/mountinfo",
		"/proc/self/cgroup", "/proc/self/status", "/proc/self/stat", "/proc/1/cmdline",
		"/proc/1/maps", "/proc/1/mountinfo", "/proc/1/status", "/proc/cmdline", "/proc/partitions", "/proc/swaps", "/proc/locks",
		"/proc/net/unix", "/proc/net/tcp", "/proc/version", "/proc/iomem", "/proc/ioports", "/proc/modules", "/proc/interrupts",
		"/etc/hostname" };

	if (!getenv("KBOX_HOST_FILE"))
		SKIP("not in a box");
	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		text_is_free_of_the_host(path[i]);
}

/*
 * No mapping that /proc shows lies in the kernel's part, and none of its numbers leads anywhere
 * outside.
 */
static void maps_end_below_the_kernel(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[1000];
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		unsigned long from, to;

		EQ(sscanf(line, "%lx-%lx", &from, &to), 2);
		CHECK(from < to);
		if (getenv("KBOX_HOST_PID") && !strstr(line, "[vsyscall]") && !strstr(line, "[vdso]") && !strstr(line, "[vvar"))
			CHECK(to <= BOX_HOME || from >= BOX_HOME_END);
		n++;
	}
	CHECK(n > 3);
}

static void map_files(void)
{
	char line[1000];
	FILE *f = fopen("/proc/self/maps", "r");
	int n = 0;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		char *name = strchr(line, '/');

		if (!name || strstr(name, "(deleted)"))
			continue;
		name[strcspn(name, "\n")] = 0;
		EQ(access(name, F_OK), 0);
		n++;
	}
	CHECK(n > 0);
}

static void names(void)
{
	struct utsname u;
	char text[300], host[100];

	EQ(uname(&u), 0);
	IS(u.sysname, "Linux");
	CHECK(slurp("/proc/sys/kernel/ostype", text, sizeof(text)) > 0);
	IS(text, "Linux\n");
	slurp("/proc/sys/kernel/osrelease", text, sizeof(text));
	text[strcspn(text, "\n")] = 0;
	IS(text, u.release);
	slurp("/proc/sys/kernel/hostname", text, sizeof(text));
	text[strcspn(text, "\n")] = 0;
	IS(text, u.nodename);
	EQ(gethostname(host, sizeof(host)), 0);
	IS(host, u.nodename);
	slurp("/proc/version", text, sizeof(text));
	CHECK(strstr(text, u.release));
}

static void mounts_are_private(void)
{
	pid_t pid;

	if (geteuid())
		SKIP("needs root");
	EQ(mkdir("m", 0755), 0);
	pid = FORK();
	if (!pid) {
		if (syscall(SYS_unshare, 0x20000 /* NEWNS */))
			SKIP("no mount namespaces here");
		EQ(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		EQ(mount("none", "m", "tmpfs", 0, NULL), 0);
		close(open("m/x", O_CREAT | O_WRONLY, 0600));
		EQ(access("m/x", F_OK), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	FAILS(access("m/x", F_OK), ENOENT);
}

static const struct test tests[] = {
	T(dots), T(links), T(proc_links), T(descriptors), T(no_stray_descriptors), T(resolve_flags), T(change_root), T(processes),
	T(nobody_above), T(out_of_a_jail), T(nobody_of_the_host), T(no_file_of_the_host), T(no_names_of_the_host),
	T(maps_end_below_the_kernel), T(map_files), T(names), T(mounts_are_private),
};
MAIN(tests)
