// SPDX-License-Identifier: GPL-2.0-only
/*
 * A control group of the box's own, where kbox may make one (cgroups(7)): it bounds the host
 * processes and threads that a hostile kernel can have. The supervisor is not in it. Its lock says
 * that its supervisor lives.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "box.h"
#include "group.h"

#define PREFIX	"kbox-"
#define TRIES	100
#define MOVES	1000

static struct {
	int parent;		/* our group's directory, in which it is */
	int dir;
	int members;		/* cgroup.procs of it */
	char name[40];
} group = { -1, -1, -1, "" };

static bool put(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == len;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool has_word(const char *list, const char *word, const char *between)
{
	size_t n = strlen(word);

	for (; *list; list += !!*list) {
		size_t len = strcspn(list, between);

		if (len == n && !memcmp(list, word, n))
			return true;
		list += len;
	}
	return false;
}

/*
 * The directory of our group in the hierarchy that bounds processes, from a line of the form
 * NUMBER:CONTROLLERS:PATH.
 */
static bool directory_of(char *line, char *path, size_t size)
{
	char *controllers = strchr(line, ':'), *name = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!name)
		return false;
	*name++ = 0;
	name[strcspn(name, "\n")] = 0;
	if (controllers[1] && !has_word(controllers + 1, "pids", ","))
		return false;
	snprintf(path, size, "/sys/fs/cgroup%s%s", controllers[1] ? "/pids" : "", name);
	return true;
}

/* Version 2 has it where the groups above pass it on. */
static bool bounds_processes(int dir)
{
	int fd = openat(dir, "cgroup.controllers", O_RDONLY | O_CLOEXEC);
	char list[512];
	ssize_t n;

	if (fd < 0)
		return !faccessat(dir, "cgroup.clone_children", F_OK, 0);	/* version 1 */
	n = read(fd, list, sizeof(list) - 1);
	close(fd);
	list[n < 0 ? 0 : n] = 0;
	return has_word(list, "pids", " \n");
}

static int open_parent(void)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[1024], path[1200];
	int dir = -1;

	while (f && dir < 0 && fgets(line, sizeof(line), f)) {
		if (!directory_of(line, path, sizeof(path)))
			continue;
		dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (dir >= 0 && !bounds_processes(dir)) {
			close(dir);
			dir = -1;
		}
	}
	if (f)
		fclose(f);
	return dir;
}

static void kill_members(int dir)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	if (f)
		fclose(f);
}

/*
 * What a supervisor left that was killed, and whoever is still in it: nobody else puts a process
 * there.
 */
static void remove_stale(int parent)
{
	int copy = openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *all = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;

	while (all && (e = readdir(all))) {
		int dir = strncmp(e->d_name, PREFIX, strlen(PREFIX)) ? -1 :
			openat(parent, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			continue;
		if (!flock(dir, LOCK_EX | LOCK_NB)) {
			kill_members(dir);
			unlinkat(parent, e->d_name, AT_REMOVEDIR);
		}
		close(dir);
	}
	if (all)
		closedir(all);
}

/*
 * Of version 2 a group with processes, as ours is, hands this controller only to groups that are
 * threaded. Where they may be others (the root, version 1) these two fail, which does not matter.
 */
static bool set_bound(unsigned int max)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", max);
	put(group.dir, "cgroup.type", "threaded");
	if (faccessat(group.dir, "pids.max", F_OK, 0))
		put(group.parent, "cgroup.subtree_control", "+pids");
	return put(group.dir, "pids.max", text);
}

/* Another kbox may take it for stale, and remove it, until it is locked. */
static bool make(int n, unsigned int max)
{
	snprintf(group.name, sizeof(group.name), PREFIX "%d.%d", getpid(), n);
	if (mkdirat(group.parent, group.name, 0755))
		return false;
	group.dir = openat(group.parent, group.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group.dir >= 0 && !flock(group.dir, LOCK_EX | LOCK_NB) && set_bound(max))
		group.members = openat(group.dir, "cgroup.procs", O_WRONLY | O_CLOEXEC);
	if (group.members >= 0)
		return true;
	unlinkat(group.parent, group.name, AT_REMOVEDIR);
	close(group.dir);
	return false;
}

/* Who is to be moved must be known: CONFIG_PROC_CHILDREN. */
static int open_children(void)
{
	return open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
}

bool group_make(unsigned int max)
{
	int children = open_children();

	if (is_hidden(KBOX_HIDE_CGROUP) || children < 0)
		return false;
	close(children);
	group.parent = open_parent();
	if (group.parent < 0)
		return false;
	remove_stale(group.parent);
	for (int n = 0; n < 3; n++)
		if (make(n, max)) {
			atexit(group_remove);
			return true;
		}
	close(group.parent);
	group.parent = -1;
	return false;
}

/* Its last processes may be gone a moment later than they are waited for. */
void group_remove(void)
{
	static const struct timespec moment = { 0, 10000000 };

	if (group.members < 0)
		return;
	for (int i = 0; i < TRIES && unlinkat(group.parent, group.name, AT_REMOVEDIR) && errno == EBUSY; i++)
		nanosleep(&moment, NULL);
}

static void list_children(char *list, size_t size)
{
	int fd = open_children();
	ssize_t n = fd < 0 ? 0 : read(fd, list, size - 1);

	list[n < 0 ? 0 : n] = 0;
	if (fd >= 0)
		close(fd);
}

/* One that has died meanwhile need not be moved. */
static bool move(const char *list)
{
	char text[16];

	for (long pid; (pid = strtol(list, (char **)&list, 10)) > 0;) {
		int len = snprintf(text, sizeof(text), "%ld", pid);

		if (write(group.members, text, len) != len && errno != ESRCH)
			return false;
	}
	return true;
}

/*
 * The host may take 20 ms for it, in which the box boots and may have got more processes, our
 * children like the first. When a list of them is the one that was moved, all are in.
 */
bool group_hold(void)
{
	char list[256], moved[256] = "";

	if (group.members < 0)
		return false;
	for (int i = 0; i < MOVES; i++) {
		list_children(list, sizeof(list));
		if (!strcmp(list, moved))
			return true;
		if (!move(list))
			return false;
		strcpy(moved, list);
	}
	return false;
}

int group_parent(void)
{
	return group.parent;
}
