// SPDX-License-Identifier: GPL-2.0-only
/*
 * The directory of the sockets of boxes. A lock on it keeps apart who claims a name and who looks
 * which are left of boxes that were killed: a socket to which nobody listens is one of those.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "box.h"
#include "rundir.h"

#define PENDING 64		/* connections that the supervisor has not taken yet */

static struct {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev;
	ino_t ino;
	pid_t by;
} claimed;

bool is_name(const char *s)
{
	if (!isalnum((unsigned char)*s) || strlen(s) > NAME_LENGTH)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("._-", *s))
			return false;
	return true;
}

static void directory(char *path, size_t size)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (runtime && *runtime)
		snprintf(path, size, "%s/kbox", runtime);
	else
		snprintf(path, size, "/tmp/kbox-%u", geteuid());
}

/* In another's a client would give its descriptors away. */
static bool is_private(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & 077);
}

static void __attribute__((noreturn)) refuse_directory(const char *path)
{
	die("%s: it is not a directory of yours alone; remove it, or set XDG_RUNTIME_DIR to one", path);
}

/* Locked; it is made where there is none. */
static int lock_directory(void)
{
	char path[PATH_MAX];
	struct stat st;
	int fd;

	directory(path, sizeof(path));
	if (mkdir(path, 0700) && errno != EEXIST)
		die("%s: %s", path, reason(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", path, reason(errno));
	if (!is_private(&st))
		refuse_directory(path);
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			die("%s: %s", path, reason(errno));
	return fd;
}

static void address(struct sockaddr_un *un, const char *name)
{
	char path[PATH_MAX];

	directory(path, sizeof(path) - NAME_LENGTH - 1);
	strcat(strcat(path, "/"), name);
	if (strlen(path) >= sizeof(un->sun_path))
		die("%s: too long for a socket's name; set XDG_RUNTIME_DIR to a shorter one", path);
	un->sun_family = AF_UNIX;
	strcpy(un->sun_path, path);
}

/* Not to wait for a box that is stopped and has a queue already. */
static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		die("socket: %s", reason(errno));
	return fd;
}

/* False: there is none. */
static bool has_directory(void)
{
	char path[PATH_MAX];
	struct stat st;

	directory(path, sizeof(path));
	if (lstat(path, &st))
		return false;
	if (!S_ISDIR(st.st_mode) || !is_private(&st))
		refuse_directory(path);
	return true;
}

int connect_name(const char *name)
{
	struct sockaddr_un un;
	int fd;

	if (!has_directory())
		return -1;
	fd = new_socket();
	address(&un, name);
	if (!connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		fcntl(fd, F_SETFL, 0);
		return fd;
	}
	close(fd);
	return -1;
}

/* Of a locked directory. True: nobody listens there any more, and the name is free. */
static bool remove_stale(const char *name)
{
	struct sockaddr_un un;
	int fd = new_socket(), err;
	struct stat st;

	address(&un, name);
	err = connect(fd, (struct sockaddr *)&un, sizeof(un)) ? errno : 0;
	close(fd);
	return err == ENOENT || (err == ECONNREFUSED && !lstat(un.sun_path, &st) && S_ISSOCK(st.st_mode) &&
				 !unlink(un.sun_path));
}

/* Also of a process that cannot start its box. */
static void release_at_exit(void)
{
	if (watcher_pid() <= 0 && getpid() == claimed.by)
		release_name();
}

int claim_name(const char *name)
{
	struct sockaddr_un un;
	struct stat st;
	int dir = lock_directory(), fd = new_socket();
	mode_t mask;

	address(&un, name);
	if (!remove_stale(name))
		die("--name %s: there is such a box; see kbox ps", name);
	mask = umask(0177);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, PENDING) || lstat(un.sun_path, &st))
		die("%s: %s", un.sun_path, reason(errno));
	umask(mask);
	claimed.dev = st.st_dev;
	claimed.ino = st.st_ino;
	claimed.by = getpid();
	strcpy(claimed.path, un.sun_path);
	atexit(release_at_exit);
	close(dir);
	return fd;
}

void release_name(void)
{
	struct stat st;

	if (*claimed.path && !lstat(claimed.path, &st) && st.st_dev == claimed.dev && st.st_ino == claimed.ino)
		unlink(claimed.path);
}

void abandon_name(void)
{
	if (!*claimed.path)
		return;
	lock_directory();
	remove_stale(strrchr(claimed.path, '/') + 1);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void out_of_memory(const void *p)
{
	if (!p)
		die("%s", reason(ENOMEM));
}

char **all_names(void)
{
	int lock = lock_directory();
	DIR *dir = fdopendir(dup(lock));
	char **names = malloc(sizeof(*names)), **grown;
	struct dirent *e;
	size_t n = 0;

	out_of_memory(dir);
	out_of_memory(names);
	while ((e = readdir(dir))) {
		if (!is_name(e->d_name) || remove_stale(e->d_name))
			continue;
		grown = realloc(names, (n + 2) * sizeof(*names));
		out_of_memory(grown);
		names = grown;
		names[n] = strdup(e->d_name);
		out_of_memory(names[n++]);
	}
	names[n] = NULL;
	closedir(dir);
	close(lock);
	qsort(names, n, sizeof(*names), compare);
	return names;
}
