// SPDX-License-Identifier: GPL-2.0-only
/*
 * kbox run without another root: the guest's root is the host's own system, as far as programs need
 * it, and the command is the caller's as it would be on the host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box.h"

/* What is shown of it, beside the current directory. */
static const char *const shown[] = {
	"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc", "/opt", "/nix", "/var/lib",
};

/* What programs look for, and find empty. */
static const char *const empty[] = {
	"/home", "/root", "/run", "/srv", "/mnt", "/media", "/tmp", "/var/cache", "/var/lock", "/var/log",
	"/var/run", "/var/spool", "/var/tmp",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static void *have(void *p)
{
	if (!p)
		die("%s", reason(ENOMEM));
	return p;
}

static bool is_place(const struct volumes *v, const char *path)
{
	for (int i = 0; i < v->places; i++)
		if (!strcmp(v->place[i].path, path))
			return true;
	return false;
}

/* As it is on the host, if it is there. False: there is no way to what is below it. */
static bool add_place(struct volumes *v, const char *path)
{
	char link[PATH_MAX] = "";
	struct stat st;

	if (is_place(v, path))
		return true;
	if (lstat(path, &st) || (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode)) || v->places == MAX_PLACES)
		return false;
	if (S_ISLNK(st.st_mode) && readlink(path, link, sizeof(link) - 1) < 0)
		return false;
	v->place[v->places++] = (struct place) {
		have(strdup(path)), have(strdup(link)), st.st_mode & 07777, st.st_uid, st.st_gid };
	return S_ISDIR(st.st_mode);
}

/* The directories above it first. A path is clean. */
static bool add_parents(struct volumes *v, const char *path)
{
	char *dir = have(strdup(path));
	bool ok = add_place(v, "/");

	for (char *slash = strchr(dir + 1, '/'); ok && slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		ok = add_place(v, dir);
		*slash = '/';
	}
	free(dir);
	return ok;
}

static bool is_shown(const struct volumes *v, const char *path)
{
	for (int i = 0; i < v->parts; i++)
		if (is_below(path, v->part[i].path))
			return true;
	return false;
}

/*
 * In a namespace all are one tree, the lower layer of one overlay. Without one each is a layer of
 * its own: the directory in which they are together is the host's root, which is not to be shown.
 */
static void show(struct volumes *v, const char *path)
{
	const uint32_t flags = KBOX_VOLUME_READ_ONLY | KBOX_VOLUME_STEADY;

	if (v->fence == BY_NAMESPACE && !v->n)
		v->layers = 1 + add_volume(v, "the host's system", "/", flags);
	if (v->fence != BY_NAMESPACE)
		v->layers = 1 + add_volume(v, "the host's system", path, flags);
	add_part(v, path, v->fence == BY_NAMESPACE ? path : "", v->n - 1);
}

/* The links among them are places, and lead to what is shown. */
static void show_if_there(struct volumes *v, const char *path)
{
	struct stat st;

	if (is_shown(v, path) || lstat(path, &st) || !add_parents(v, path))
		return;
	if (S_ISLNK(st.st_mode))
		add_place(v, path);
	else if (S_ISDIR(st.st_mode) && !access(path, R_OK | X_OK))
		show(v, path);
}

/* Where the guest has file systems of its own. */
static bool is_kernels(const char *path)
{
	return is_below(path, "/proc") || is_below(path, "/sys") || is_below(path, "/dev");
}

static void show_current_directory(struct volumes *v, char *target[], size_t n)
{
	char *cwd = getcwd(NULL, 0);

	if (!cwd)
		die("the current directory: %s; go to another one", strerror(errno));
	for (size_t i = 0; i < n; i++)
		if (is_below(cwd, target[i]))
			return;
	if (is_kernels(cwd))
		die("%s: the guest has a file system of its own there; give the directory with -v %s, or go to "
		    "another one", cwd, cwd);
	if (strcmp(cwd, "/"))
		show_if_there(v, cwd);
}

void show_own_system(struct box *b, char *target[], size_t n)
{
	struct volumes *v = &b->volumes;
	const char *home = getenv("HOME");

	for (size_t i = 0; i < COUNT(shown); i++)
		show_if_there(v, shown[i]);
	show_current_directory(v, target, n);
	for (size_t i = 0; i < COUNT(empty); i++)
		if (!is_shown(v, empty[i]) && add_parents(v, empty[i]))
			add_place(v, empty[i]);
	if (home && *home == '/') {
		home = clean_path("", home);
		if (!is_shown(v, home) && !is_kernels(home) && add_parents(v, home))
			add_place(v, home);
	}
	if (!v->layers)
		die("the host's system: there is no directory that can be shown");
}

static bool is_set(const struct options *o, const char *var)
{
	size_t len = strcspn(var, "=") + 1;

	for (size_t i = 0; i < o->nenv; i++)
		if (!strncmp(o->env[i], var, len))
			return true;
	return false;
}

/* -e comes first, and once. KBOX_AGAIN is between kbox and itself. */
static void take_environment(struct options *o)
{
	size_t n = 0;

	while (environ[n])
		n++;
	o->env = have(realloc(o->env, (o->nenv + n + 1) * sizeof(*o->env)));
	for (size_t given = o->nenv, i = 0; i < n; i++) {
		struct options only = { .env = o->env, .nenv = given };

		if (!is_set(&only, environ[i]) && strncmp(environ[i], "KBOX_AGAIN=", 11))
			o->env[o->nenv++] = environ[i];
	}
	o->env[o->nenv] = NULL;
}

static void take_user(struct options *o)
{
	int n = getgroups(0, NULL);

	o->uid = geteuid();
	o->gid = getegid();
	o->groups = have(calloc(n < 0 ? 1 : n + 1, sizeof(*o->groups)));
	n = getgroups(n < 0 ? 0 : n, o->groups);
	o->ngroups = n < 0 ? 0 : n;
}

void take_after_caller(struct options *o)
{
	char *cwd = getcwd(NULL, 0);

	if (!cwd)
		die("the current directory: %s; go to another one", strerror(errno));
	o->cwd = clean_path(cwd, o->cwd ? o->cwd : ".");
	free(cwd);
	umask(o->umask = umask(0));
	if (!o->ids_given)
		take_user(o);
	if (!o->clear_env)
		take_environment(o);
}
