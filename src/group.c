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
#define TRIES	100	/* to remove it, 10 ms apart */
#define PASSES	20	/* over the list of children; from half on they are stopped */

static struct {
	int parent;		/* our group's directory, in which it is */
	int dir;
	int members;		/* cgroup.procs of it */
	int children;		/* of the supervisor: a list of processes */
	char name[40];
} group = { -1, -1, -1, -1, "" };

static bool put(int dir, const char *file, const char *text)
{
	int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == len;

	if (fd >= 0)
		close(fd);
	return ok;
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

/*
 * Version 2 has it where the groups above pass it on; processes are moved by who may write to the
 * list of the group that they come from.
 */
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
	return has_word(list, "pids", " \n") && !faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS);
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

/* Of a threaded group the host lists threads alone, and a thread's number does for kill(2). */
static void kill_members(int dir)
{
	bool threaded = !faccessat(dir, "cgroup.threads", F_OK, 0);
	int fd = openat(dir, threaded ? "cgroup.threads" : "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int pid;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid > 0)
			kill(pid, SIGKILL);
	if (f)
		fclose(f);
}

/* make()'s names, and no others. */
static bool is_a_box(const char *name)
{
	size_t prefix = strlen(PREFIX);
	int pid, n, end = 0;

	if (sscanf(name, PREFIX "%d.%d%n", &pid, &n, &end) != 2 || name[end])
		return false;
	return strspn(name + prefix, "0123456789.") == strlen(name + prefix);	/* no blanks, no signs */
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
		int dir = is_a_box(e->d_name) ? openat(parent, e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

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

bool group_make(unsigned int max)
{
	if (is_hidden(KBOX_HIDE_CGROUP))
		return false;
	/* Who is to be moved must be known: CONFIG_PROC_CHILDREN. */
	group.children = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (group.children < 0)
		return false;
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

/* A list that is longer is of a box that makes more than it may. */
#define LIST_MAX (1 << 16)

static void list_children(char list[LIST_MAX])
{
	ssize_t n = 0, got;

	while (n < LIST_MAX - 1 && (got = pread(group.children, list + n, LIST_MAX - 1 - n, n)) > 0)
		n += got;
	list[n] = 0;
}

/* One that has died meanwhile need not be moved. */
static bool move(const char *list, pid_t first, pid_t but)
{
	char text[16];

	for (long pid; (pid = strtol(list, (char **)&list, 10)) > 0;) {
		int len = snprintf(text, sizeof(text), "%ld", pid);

		/* Others are children that kbox was started with. */
		if (pid == but || (pid != first && getpgid(pid) != first))
			continue;
		if (write(group.members, text, len) != len && errno != ESRCH)
			return false;
	}
	return true;
}

/*
 * What a moved one starts is in the group. When a list of them all is the one that was moved, all
 * are in. Who makes more faster than they are moved is stopped meanwhile.
 */
bool group_hold(pid_t first, pid_t but)
{
	static char list[LIST_MAX], moved[LIST_MAX];
	bool stopped = false, all = false, ok = group.members >= 0;

	moved[0] = 0;
	for (int i = 0; ok && i < PASSES; i++) {
		list_children(list);
		all = !strcmp(list, moved);
		if (all)
			break;
		if (i == PASSES / 2)
			stopped = !kill(-first, SIGSTOP);
		ok = move(list, first, but);
		strcpy(moved, list);
	}
	if (stopped)
		kill(-first, SIGCONT);
	return ok && all;
}

int group_parent(void)
{
	return group.parent;
}
