// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which memory a guest gets by default: what control groups and the host's accounting leave, read
 * from a tree of files.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "box.h"

static char root[64];

/* root/path, with the directories that it is in. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *p = full + strlen(root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		mkdir(full, 0700);
	}
	f = fopen(full, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int new_tree(void **state)
{
	(void)state;
	strcpy(root, "/tmp/kbox-test.XXXXXX");
	return !mkdtemp(root);
}

static int remove_tree(void **state)
{
	char command[80];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void nothing_said(void **state)
{
	(void)state;
	assert_string_equal(host_mem(root).what, "the host's memory");
	assert_true(host_mem(root).bytes > KBOX_MEM_MIN);
}

#define GROUP "the memory limit of its control group"

static void version_2(void **state)
{
	(void)state;
	put("proc/self/cgroup", "0::/user.slice/a.scope\n");
	put("sys/fs/cgroup/user.slice/a.scope/memory.max", "max\n");
	assert_string_equal(host_mem(root).what, "the host's memory");
	put("sys/fs/cgroup/user.slice/a.scope/memory.max", "20000000\n");
	assert_string_equal(host_mem(root).what, GROUP);
	assert_int_equal(host_mem(root).bytes, 20000000);
	/* The group around it, and that of a container, whose path is not what is mounted. */
	put("sys/fs/cgroup/user.slice/memory.max", "10000000\n");
	assert_int_equal(host_mem(root).bytes, 10000000);
	put("sys/fs/cgroup/memory.max", "9000000\n");
	put("proc/self/cgroup", "0::/elsewhere\n");
	assert_int_equal(host_mem(root).bytes, 9000000);
	put("proc/self/cgroup", "0::/\n");
	assert_int_equal(host_mem(root).bytes, 9000000);
}

static void version_1(void **state)
{
	(void)state;
	put("proc/self/cgroup", "12:cpu,cpuacct:/x\n5:memory:/docker/0123\n1:name=systemd:/y\n0::/z\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	assert_string_equal(host_mem(root).what, "the host's memory");
	put("sys/fs/cgroup/memory/docker/0123/memory.limit_in_bytes", "30000000\n");
	put("sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1\n");
	assert_string_equal(host_mem(root).what, GROUP);
	assert_int_equal(host_mem(root).bytes, 30000000);
	put("proc/self/cgroup", "5:blkio,memory:/docker/0123\n");
	assert_int_equal(host_mem(root).bytes, 30000000);
	put("proc/self/cgroup", "5:memorylike:/docker/0123\n");
	assert_string_equal(host_mem(root).what, "the host's memory");
}

static void no_groups(void **state)
{
	static const char *const texts[] = { "", "\n", "0", "0:", "0::", "::\n", "x\ny\n", "0::\n", "4:memory\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("proc/self/cgroup", texts[i]);
		assert_string_equal(host_mem(root).what, "the host's memory");
	}
}

static void strict_accounting(void **state)
{
	(void)state;
	put("proc/meminfo", "MemTotal:       9999 kB\nCommitLimit:     100000 kB\nCommitted_AS:    40000 kB\n");
	for (int mode = 0; mode < 2; mode++) {
		put("proc/sys/vm/overcommit_memory", mode ? "1\n" : "0\n");
		assert_string_equal(host_mem(root).what, "the host's memory");
	}
	put("proc/sys/vm/overcommit_memory", "2\n");
	assert_string_equal(host_mem(root).what, "what vm.overcommit_memory=2 leaves");
	assert_int_equal(host_mem(root).bytes, 60000 << 10);
	put("proc/meminfo", "CommitLimit:     100000 kB\nCommitted_AS:    140000 kB\n");
	assert_int_equal(host_mem(root).bytes, 0);
}

/* In a process of its own, which touches what the host cannot give. */
static int touch(bool guests)
{
	static struct box b = { .opt.mem = KBOX_MEM_MIN };
	int fd = memfd_create("nothing", 0);
	void *want = guests ? (void *)KBOX_PAGE_OFFSET : NULL;
	char *p = mmap(want, KBOX_MEM_MIN, PROT_READ | PROT_WRITE, MAP_SHARED | (guests ? MAP_FIXED_NOREPLACE : 0), fd, 0);

	setrlimit(RLIMIT_CORE, &(struct rlimit) { 0, 0 });
	guard_memory(&b);
	p[4096] = 1;
	return 0;
}

static void no_page(void **state)
{
	int status, out[2];
	char said[256] = "";

	(void)state;
	assert_int_equal(pipe(out), 0);
	for (int guests = 0; guests < 2; guests++) {
		if (!fork()) {
			dup2(out[1], 2);
			_exit(touch(guests));
		}
		assert_true(wait(&status) > 0);
		if (guests)
			assert_true(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAIL);
		else
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
	}
	close(out[1]);
	assert_true(read(out[0], said, sizeof(said) - 1) > 0);
	assert_non_null(strstr(said, "kbox: the host has no more memory for the guest; "));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, new_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(nothing_said), IN_TREE(version_2), IN_TREE(version_1), IN_TREE(no_groups), IN_TREE(strict_accounting),
		cmocka_unit_test(no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
