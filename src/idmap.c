// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whose files are whose in volumes (--map-id): what the guest's kernel is told, and the numbers
 * that a user namespace has to have for that.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "box.h"
#include "idmap.h"

/* Those of a user namespace that are mapped to nobody. */
#define OVERFLOW_ID	65534U

static bool has(const struct id_map *m, uint32_t id)
{
	return id - m->host < m->count;
}

static bool any_has(const struct volumes *v, uint32_t id)
{
	for (int i = 0; i < v->nid_maps; i++)
		if (has(&v->id_map[i], id))
			return true;
	return false;
}

/* One mount option. */
static void add_option(struct volumes *v, const char *name, uint32_t host, uint32_t guest, uint32_t count)
{
	size_t n = strlen(v->data);

	snprintf(v->data + n, sizeof(v->data) - n, "%s%s=%u:%u:%u", n ? "," : "", name, host, guest, count);
}

/*
 * With an image or a directory as root the caller's files are the guest root's. On the host's own
 * system the caller is who he is, and what a user namespace does not map is the system's, root's;
 * but for nobody, who has these numbers himself.
 */
void map_owners(struct volumes *v, const struct options *o)
{
	unsigned int uid = geteuid(), gid = getegid();

	v->nid_maps = o->nid_maps;
	memcpy(v->id_map, o->id_map, sizeof(v->id_map));
	for (int i = 0; i < v->nid_maps; i++) {
		const struct id_map *m = &v->id_map[i];

		add_option(v, "uid", m->host, m->guest, m->count);
		add_option(v, "gid", m->host, m->guest, m->count);
	}
	if (o->root_is != ROOT_OWN) {
		add_option(v, "uid", uid, 0, 1);
		add_option(v, "gid", gid, 0, 1);
	} else if (uid && uid != OVERFLOW_ID && gid != OVERFLOW_ID && v->fence == BY_NAMESPACE) {
		add_option(v, "uid", OVERFLOW_ID, 0, 1);
		add_option(v, "gid", OVERFLOW_ID, 0, 1);
	}
}

static bool put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	ssize_t len = strlen(text);
	bool ok = fd >= 0 && write(fd, text, len) == len;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* The user is who he was. Nobody else is anybody there. */
static bool map_caller(uid_t uid, gid_t gid)
{
	char users[32], groups[32];

	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	return put("/proc/self/uid_map", users) && put("/proc/self/setgroups", "deny") &&
	       put("/proc/self/gid_map", groups);
}

#define TRIPLE	3	/* numbers of a line of uid_map */

/* What newuidmap(1) or newgidmap(1) is to do: the caller's own number and each range, unchanged. */
static bool run_helper(const struct volumes *v, const char *program, pid_t pid, uint32_t own)
{
	char number[1 + TRIPLE * (MAX_ID_MAPS + 1)][16], *argv[2 + TRIPLE * (MAX_ID_MAPS + 1) + 1];
	int n = 0, status, null;
	pid_t child;

	snprintf(number[n++], sizeof(*number), "%d", pid);
	for (int i = -1; i < v->nid_maps; i++) {
		uint32_t first = i < 0 ? own : v->id_map[i].host, count = i < 0 ? 1 : v->id_map[i].count;

		if (i < 0 && any_has(v, own))
			continue;
		snprintf(number[n++], sizeof(*number), "%u", first);
		snprintf(number[n++], sizeof(*number), "%u", first);
		snprintf(number[n++], sizeof(*number), "%u", count);
	}
	argv[0] = (char *)program;
	for (int i = 0; i < n; i++)
		argv[i + 1] = number[i];
	argv[n + 1] = NULL;
	child = fork();
	if (!child) {
		/* What it has to say is of numbers that the user did not give it. */
		null = open("/dev/null", O_WRONLY);
		if (null >= 0)
			dup2(null, 2);
		execvp(program, argv);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && !status;
}

/*
 * Others' numbers are given by programs of the host's that are root's, and must be asked from
 * outside of the namespace: by a process that waits there until it has been made.
 */
static pid_t start_asking(const struct volumes *v, int *go)
{
	pid_t self = getpid(), child;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int fd[2];
	char byte;

	if (pipe2(fd, O_CLOEXEC))
		return -1;
	child = fork();
	if (child) {
		close(fd[0]);
		*go = fd[1];
		return child;
	}
	close(fd[1]);
	if (read(fd[0], &byte, 1) != 1)
		_exit(1);
	_exit(!run_helper(v, "newuidmap", self, uid) || !run_helper(v, "newgidmap", self, gid));
}

static bool enter_with_ranges(const struct volumes *v, bool (*enter)(void))
{
	int go, status, err;
	pid_t child = start_asking(v, &go);
	bool in;

	if (child < 0)
		return false;
	in = enter();
	err = errno;
	if (in)
		(void)!write(go, "", 1);
	close(go);
	if (waitpid(child, &status, 0) != child || (in && status))
		die("--map-id: the host lets this user have no such numbers in a namespace; "
		    "install uidmap, and see subuid(5)");
	errno = err;
	return in;
}

bool enter_user_namespace(const struct volumes *v, bool (*enter)(void))
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	return v->nid_maps ? enter_with_ranges(v, enter) : enter() && map_caller(uid, gid);
}
