// SPDX-License-Identifier: GPL-2.0-only
/* What -v says, where it leads, and what a process in the volumes' namespace finds. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"
#include "doctor.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void arguments(void **state)
{
	static const struct { const char *arg, *source, *target; char access; } good[] = {
		{ "a", "a", NULL, 0 }, { "a:b", "a", "b", 0 }, { "a:b:ro", "a", "b", 'o' }, { "a:b:rw", "a", "b", 'w' },
		{ "a:ro", "a", NULL, 'o' }, { "a:./ro", "a", "./ro", 0 }, { ".:.", ".", ".", 0 }, { "ro:rw:ro", "ro", "rw", 'o' },
		{ "a\\:b:c", "a:b", "c", 0 }, { "a\\:", "a:", NULL, 0 }, { "a\\\\:b", "a\\", "b", 0 }, { "a\\b", "a\\b", NULL, 0 },
		{ "/x y:/\xff", "/x y", "/\xff", 0 }, { "ro", "ro", NULL, 0 },
	};
	static const char *const bad[] = {
		"", ":", "a:", ":a", "a:b:", "a::ro", "a:b:x", "a:b:ro:", "a:b:ro:rw", "a:b:c:ro", ":ro", "a:b:RO", "a:b:ro,z",
	};
	const char *err;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		struct volume_arg v;

		print_message("# %s\n", good[i].arg);
		assert_true(parse_volume(good[i].arg, &v, &err));
		assert_true(same(v.source, good[i].source) && same(v.target, good[i].target));
		assert_int_equal(v.access, good[i].access);
		free(v.source);
		free(v.target);
	}
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct volume_arg v;

		print_message("# '%s'\n", bad[i]);
		assert_false(parse_volume(bad[i], &v, &err));
		assert_non_null(err);
	}
}

static void clean_paths(void **state)
{
	static const char *const paths[][3] = {
		{ "/a", "b", "/a/b" }, { "/a", "/b", "/b" }, { "/a", ".", "/a" }, { "/a", "..", "/" }, { "/a", "../../b", "/b" },
		{ "/", "x//y/./z/", "/x/y/z" }, { "", "/", "/" }, { "/a/b", "./../c", "/a/c" }, { "/a", "...", "/a/..." },
		{ "/a", ".b/..c", "/a/.b/..c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		char *got = clean_path(paths[i][0], paths[i][1]);

		assert_string_equal(got, paths[i][2]);
		free(got);
	}
}

static void below(void **state)
{
	(void)state;
	assert_true(is_below("/a", "/a"));
	assert_true(is_below("/a/b", "/a"));
	assert_true(is_below("/a", "/"));
	assert_true(is_below("/", "/"));
	assert_false(is_below("/ab", "/a"));
	assert_false(is_below("/a", "/a/b"));
	assert_false(is_below("/", "/a"));
}

/* A directory with one that is read, one that is written, and one of which volume 2 is composed. */
static char tree[] = "/tmp/kbox-volumes.XXXXXX";

static void make_file(const char *path)
{
	int fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static int make_tree(void **state)
{
	(void)state;
	strcpy(tree + strlen(tree) - 6, "XXXXXX");
	assert_non_null(mkdtemp(tree));
	assert_int_equal(chmod(tree, 0755), 0);
	assert_int_equal(chdir(tree), 0);
	assert_false(mkdir("read", 0777) || mkdir("written", 0777) || mkdir("read/sub", 0777));
	assert_int_equal(chmod("written", 0777) | chmod("read", 0777), 0);
	make_file("read/file");
	make_file("secret");
	assert_int_equal(chmod("secret", 0666), 0);
	assert_int_equal(symlink("/proc/self/root", "read/out"), 0);
	assert_int_equal(symlink("../secret", "read/up"), 0);
	return chdir("/");
}

static int remove_tree(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

static const char *failed;
#define NEED(what) do { if (!(what)) { failed = #what; return 1; } } while (0)

static bool only(const char *path, const char *names)
{
	char found[1000] = "";
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);

	for (int i = 0; i < n; i++)
		if (*list[i]->d_name != '.')
			strcat(strcat(found, list[i]->d_name), " ");
	return !strcmp(found, names);
}

static char path[4][100];

static void volumes_of(struct volumes *v)
{
	static const char *const names[] = { "read", "written", "read/sub" };

	*v = (struct volumes) { .n = 3, .parts = 5 };
	for (int i = 0; i < 3; i++) {
		snprintf(path[i], sizeof(path[i]), "%s/%s", tree, names[i]);
		v->volume[i] = (struct volume) { .arg = names[i], .flags = i == 1 ? 0 : KBOX_VOLUME_READ_ONLY };
		v->part[i] = (struct part) { path[i], i == 2 ? "/deep/down" : "", i, false };
	}
	v->part[3] = (struct part) { path[0], "/deep/up", 2, false };
	v->part[4] = (struct part) { path[3], "/deep/name", 2, true };
	snprintf(path[3], sizeof(path[3]), "%s/secret", tree);
}

static int in_volumes(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2];
	const char *what = "";
	struct volumes v;
	struct statvfs fs;
	struct stat st;
	int fd[5], null = open("/dev/null", O_WRONLY | O_APPEND), zero = open("/dev/zero", O_RDWR);

	volumes_of(&v);
	NEED(new_namespace(&v));
	NEED(keep_null_as_it_is(zero + 1));
	for (int i = 0; i < 5; i++)
		NEED((fd[i] = open(v.part[i].path, O_PATH)) >= 0);
	NEED(move_into_volumes(&v, fd, &what));
	drop_capabilities();
	NEED(write(null, "x", 1) == 1 && fcntl(null, F_GETFL) & O_APPEND && read(null, &st, 1) < 0 && errno == EBADF);
	NEED(!fstat(null, &st) && fchmod(null, st.st_mode & 07777) && errno == EROFS);
	NEED(fchown(null, st.st_uid, st.st_gid) && errno == EROFS && futimens(null, NULL) && errno == EROFS);
	NEED(read(zero, &st, 1) == 1);
	NEED(only("/", "0 1 2 ") && only("/0", "file out sub up ") && only("/2/deep", "down name up ") && only("/2/deep/up", "file out sub up "));
	NEED(open("/0/new", O_WRONLY | O_CREAT, 0644) < 0 && errno == EROFS);
	NEED(open("/2/deep/up/new", O_WRONLY | O_CREAT, 0644) < 0 && errno == EROFS);
	NEED(open("/2/new", O_WRONLY | O_CREAT, 0644) < 0 && errno == EROFS);
	NEED(open("/new", O_WRONLY | O_CREAT, 0644) < 0 && errno == EROFS);
	NEED(chmod("/0", 0700) && errno == EROFS);
	NEED(open("/2/deep/name", O_RDONLY) >= 0 && open("/2/deep/name", O_WRONLY) < 0 && errno == EROFS);
	NEED(openat(fd[1], "new", O_WRONLY | O_CREAT, 0644) >= 0);
	NEED(!fstatat(fd[0], "../1/new", &st, 0) && st.st_uid == geteuid());
	NEED(open("/0/out/etc", O_RDONLY) < 0 && open("/0/up", O_RDONLY) < 0 && open("/1/../../tmp", O_RDONLY) < 0);
	for (int i = 0; i < 3; i++)
		NEED(!fstatvfs(fd[i], &fs) && fs.f_flag & ST_NOSUID && fs.f_flag & ST_NODEV);
	NEED(mknod("/1/device", S_IFCHR | 0666, 0x105) || open("/1/device", O_RDONLY) < 0);
	NEED(umount2("/1", 2) && errno == EPERM);
	NEED(!syscall(SYS_capget, &header, caps) && !(caps[0].effective & 1U << CAP_SYS_ADMIN));
	return 0;
}

static int in_child(int (*fn)(void), uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (uid && (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid)))
			_exit(99);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);	/* as exec makes it: /proc/self is his */
		status = fn();
		if (status)
			fprintf(stderr, "# uid %u: %s: %s\n", uid, failed, strerror(errno));
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void nothing_but_volumes(void **state)
{
	(void)state;
	if (!works(namespaces_work))
		skip();
	assert_int_equal(in_child(in_volumes, geteuid()), 0);
}

/* In a user namespace, then. */
static void for_a_user(void **state)
{
	(void)state;
	if (geteuid() || in_child(in_volumes, 65534) == 99)
		skip();
	assert_int_equal(in_child(in_volumes, 65534), 0);
}

static int hidden(void)
{
	setenv("KBOX_HIDE", "namespaces", 1);
	read_hidden();
	return new_namespace(&(struct volumes) { 0 }) || errno != ENOSYS;
}

static void absent(void **state)
{
	(void)state;
	assert_int_equal(in_child(hidden, geteuid()), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arguments), cmocka_unit_test(clean_paths), cmocka_unit_test(below),
		cmocka_unit_test_setup_teardown(nothing_but_volumes, make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(for_a_user, make_tree, remove_tree),
		cmocka_unit_test(absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
