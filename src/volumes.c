// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes: directories of the host that the guest mounts. They are looked at here before anything
 * is started, and opened in the box's first process, which sees nothing else of the host's then.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "box.h"
#include "broker.h"
#include "doctor.h"
#include "fence.h"
#include "idmap.h"
#include "landlock.h"

/*
 * The next field, NULL if there is none: up to a colon, without the backslashes that make a colon
 * or a backslash one of a path.
 */
static char *field(const char **s)
{
	char *copy = *s ? malloc(strlen(*s) + 1) : NULL, *p = copy;

	if (!*s)
		return NULL;
	if (!copy)
		die("%s", reason(ENOMEM));
	for (; **s && **s != ':'; (*s)++) {
		if (**s == '\\' && ((*s)[1] == ':' || (*s)[1] == '\\'))
			(*s)++;
		*p++ = **s;
	}
	*p = 0;
	*s = **s ? *s + 1 : NULL;
	return copy;
}

static bool is_access(const char *s)
{
	return !strcmp(s, "ro") || !strcmp(s, "rw");
}

bool parse_volume(const char *arg, struct volume_arg *v, const char **err)
{
	const char *s = arg;
	char *source = field(&s), *target = field(&s), *access = field(&s);

	if (target && !access && is_access(target)) {
		access = target;
		target = NULL;
	}
	if (s || (access && !is_access(access)))
		*err = "give SRC[:DST][:ro|:rw], and \\: for a colon of a path";
	else if (!*source || (target && !*target))
		*err = "a path is empty; give SRC[:DST][:ro|:rw]";
	else
		*err = NULL;
	*v = (struct volume_arg) { arg, source, target, access && is_access(access) ? access[1] : 0 };
	free(access);
	if (*err) {
		free(source);
		free(target);
		*v = (struct volume_arg) { 0 };
	}
	return !*err;
}

char *clean_path(const char *base, const char *path)
{
	size_t room = strlen(base) + strlen(path) + 3, n = 0;
	char *clean = malloc(room), *both = malloc(room);

	if (!clean || !both)
		die("%s", reason(ENOMEM));
	snprintf(both, room, "%s/%s", *path == '/' ? "" : base, path);
	for (char *word = strtok(both, "/"); word; word = strtok(NULL, "/")) {
		if (!strcmp(word, ".."))
			while (n && clean[--n] != '/')
				;
		else if (strcmp(word, "."))
			n += sprintf(clean + n, "/%s", word);
	}
	strcpy(clean + n, n ? "" : "/");
	free(both);
	return clean;
}

bool is_below(const char *path, const char *dir)
{
	size_t n = strcmp(dir, "/") ? strlen(dir) : 0;

	return !strncmp(path, dir, n) && (!path[n] || path[n] == '/');
}

int add_volume(struct volumes *v, const char *arg, const char *target, uint32_t flags)
{
	if (v->n == KBOX_MAX_VOLUMES)
		die("%s: too many volumes, a box has %d at most", arg, KBOX_MAX_VOLUMES);
	v->volume[v->n] = (struct volume) { .arg = arg, .target = target, .flags = flags, .file = "" };
	return v->n++;
}

void add_part(struct volumes *v, const char *path, const char *at, int volume)
{
	if (v->parts == MAX_PARTS)
		die("too many directories of the host for one box");
	v->part[v->parts++] = (struct part) { path, at, volume, false };
}

/* A string of two. */
static char *joined(const char *a, const char *b)
{
	char *both = malloc(strlen(a) + strlen(b) + 1);

	if (!both)
		die("%s", reason(ENOMEM));
	return strcat(strcpy(both, a), b);
}

/* What -v or --root names can be read. A named pipe would keep us waiting. */
static mode_t check_source(const char *name, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		die("%s: %s: %s", name, path, reason(errno));
	close(fd);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		die("%s: %s is neither a directory nor a file; see --fd", name, path);
	return st.st_mode;
}

static void add_directory(struct volumes *v, const char *name, const char *path, const char *target,
			  uint32_t flags)
{
	add_part(v, path, "", add_volume(v, name, target, flags));
}

/*
 * A file is a volume that has nothing else: a directory that is empty but for it, or, without a
 * namespace, the one that it is in, of which nothing else can be opened.
 */
static void add_file(struct volumes *v, const char *name, const char *path, const char *target, uint32_t flags)
{
	char *real = realpath(path, NULL), *slash;
	int i = add_volume(v, name, target, flags);

	if (!real)
		die("%s: %s: %s", name, path, reason(errno));
	slash = strrchr(real, '/');
	v->volume[i].file = slash + 1;
	if (v->fence == BY_NAMESPACE) {
		add_part(v, real, slash, i);
		v->part[v->parts - 1].is_file = true;
	} else {
		*slash = 0;
		add_part(v, *real ? real : "/", "", i);
	}
}

/* Where to mount it: on the host's own system a relative path is below COMMAND's directory. */
static char *target_of(const struct options *o, const struct volume_arg *a, const char *name)
{
	char cwd[PATH_MAX], *target;

	if (a->target && *a->target != '/' && o->root_is != ROOT_OWN)
		die("%s: in an image or --root give DST from / on", name);
	if (a->target) {
		target = clean_path(o->cwd, a->target);
	} else {
		if (*a->source != '/' && !getcwd(cwd, sizeof(cwd)))
			die("%s: the current directory: %s", name, strerror(errno));
		target = clean_path(*a->source == '/' ? "" : cwd, a->source);
	}
	if (!strcmp(target, "/"))
		die("%s: it would hide the root; give --root %s", name, a->source);
	return target;
}

static void find_targets(const struct options *o, char *target[])
{
	for (size_t i = 0; i < o->nvolumes; i++) {
		const char *name = joined("-v ", o->volumes[i].arg);

		target[i] = target_of(o, &o->volumes[i], name);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(target[i], target[j]))
				die("%s: at %s is another volume already", name, target[i]);
	}
}

/*
 * The guest's root gives files away and makes devices. A user of the host does neither, so that is
 * kept in attributes. On his own system he is who he is there.
 */
static uint32_t kept_flags(const struct options *o)
{
	if (o->root_is == ROOT_OWN)
		return 0;
	return geteuid() ? KBOX_VOLUME_OWNERS : KBOX_VOLUME_DEVICES;
}

/* Of what the caller has named. */
static uint32_t given_flags(const struct options *o)
{
	return kept_flags(o) | (o->host_special ? KBOX_VOLUME_SPECIAL : 0);
}

/* Those of -v that are written, or those that are not. */
static void add_given(struct volumes *v, const struct options *o, char *target[], bool written)
{
	for (size_t i = 0; i < o->nvolumes; i++) {
		const struct volume_arg *a = &o->volumes[i];
		const char *name = joined("-v ", a->arg);
		uint32_t flags = written ? given_flags(o) : given_flags(o) | KBOX_VOLUME_READ_ONLY;

		if ((a->access != 'o') != written)
			continue;
		if (S_ISDIR(check_source(name, a->source)))
			add_directory(v, name, a->source, target[i], flags);
		else
			add_file(v, name, a->source, target[i], flags);
	}
}

/* Whether one is in the other. dir is clean, part need not be. */
static bool shares(const char *dir, const char *part)
{
	char *real = realpath(part, NULL);
	bool shared = real && (is_below(real, dir) || is_below(dir, real));

	free(real);
	return shared;
}

static void add_root(struct volumes *v, const struct options *o, enum root kind)
{
	const char *name;

	if (o->root_is != kind)
		return;
	name = joined("--root ", o->root.arg);
	if (!S_ISDIR(check_source(name, o->root.source)))
		die("%s: is a file; give a directory, or an image with -S", name);
	if (kind == ROOT_VOLUME)
		v->root = v->n;
	else
		v->layers = 1;
	add_directory(v, name, o->root.source, "/",
		      kind == ROOT_VOLUME ? given_flags(o) : kept_flags(o) | KBOX_VOLUME_READ_ONLY | KBOX_VOLUME_STEADY);
}

/*
 * What is written to the root. The guest's overlay needs more than the user may do, so that is kept
 * in attributes here, too. In the root itself the directory is not to be seen, as it would grow
 * there by being read: its target is where it would be, or "".
 */
static void add_upper(struct volumes *v, const struct options *o)
{
	const char *seen = "", *name;
	char *real, *root;

	if (!o->upper)
		return;
	name = joined("--upper ", o->upper);
	real = open_upper(o->upper);
	root = o->root_is == ROOT_OWN ? "/" : realpath(o->root.source, NULL);
	if (root && is_below(root, real))
		die("%s: the root is in it; give another directory", name);
	if (root && is_below(real, root))
		seen = real + (strcmp(root, "/") ? strlen(root) : 0);
	for (int i = 0; i < v->parts; i++)
		if (v->part[i].volume >= v->layers && shares(real, v->part[i].path))
			die("%s: it is in the same place as a volume; give another directory", name);
	v->upper = v->n;
	add_directory(v, name, real, seen, KBOX_VOLUME_STEADY | (geteuid() ? KBOX_VOLUME_OWNERS : KBOX_VOLUME_DEVICES));
}

/* A mount point is made in the root, but in no volume beside it: nobody would expect it there. */
static void find_outer(struct volumes *v)
{
	for (int i = v->layers; i < v->n; i++)
		for (int j = v->layers; j < v->n; j++)
			v->volume[i].below |= i != j && j != v->root && i != v->upper && j != v->upper &&
					      is_below(v->volume[i].target, v->volume[j].target);
}

/* The guest's kernel opens by it alone. It is younger than some filters of containers. */
static void need_openat2(void)
{
	uint64_t how[3] = { O_PATH | O_CLOEXEC };	/* struct open_how */
	int fd = syscall(SYS_openat2, AT_FDCWD, ".", how, sizeof(how));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		die("openat2: %s; directories of the host need Linux 5.12, and a container that allows this call",
		    strerror(errno));
	if (fd >= 0)
		close(fd);
}

static enum volume_fence find_fence(void)
{
	need_openat2();
	if (works(namespaces_work))
		return BY_NAMESPACE;
	if (landlock_abi())
		return BY_LANDLOCK;
	return works(broker_works) ? BY_BROKER : BY_NOTHING;
}

void find_volumes(struct box *b)
{
	const struct options *o = &b->opt;
	struct volumes *v = &b->volumes;
	char **target;

	v->root = v->upper = -1;
	if (o->root_is == ROOT_IMAGE && !o->nvolumes)
		return;
	target = calloc(o->nvolumes + 1, sizeof(*target));
	if (!target)
		die("%s", reason(ENOMEM));
	v->fence = find_fence();
	if (v->fence == BY_NOTHING)
		die("this host has neither user namespaces nor Landlock, which would keep a box in its directories, nor "
		    "what a broker needs (Linux 5.19, /proc, seccomp_unotify(2)); see kbox doctor");
	find_targets(o, target);
	if (o->root_is == ROOT_OWN)
		show_own_system(b, target, o->nvolumes);
	add_root(v, o, ROOT_OVERLAY);
	add_given(v, o, target, false);
	v->written = v->n;
	add_root(v, o, ROOT_VOLUME);
	add_given(v, o, target, true);
	add_upper(v, o);
	find_outer(v);
	map_owners(v, o);
	if (changes_by_path(v))
		strcat(v->data, *v->data ? ",by_path" : "by_path");
	free(target);
}

/* The lowest number with as many free ones behind it. */
static int free_numbers(int n)
{
	int first = 3;

	for (int fd = first; fd < first + n; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			first = fd + 1;
	return first;
}

static void open_parts(const struct volumes *v, int fd[])
{
	for (int i = 0; i < v->parts; i++) {
		const struct part *p = &v->part[i];

		fd[i] = open(p->path, O_PATH | O_CLOEXEC | (p->is_file ? 0 : O_DIRECTORY));
		if (fd[i] < 0)
			die("%s: %s: %s", v->volume[p->volume].arg, p->path, reason(errno));
	}
}

/* One after the other, so that the filter can tell them. */
static void number(struct volumes *v, struct kbox_boot *boot, const int fd[])
{
	v->fd = free_numbers(v->n);
	for (int i = 0; i < v->n; i++) {
		boot->volume[i] = (struct kbox_volume) { v->fd + i, v->volume[i].flags };
		if (dup3(fd[i], v->fd + i, O_CLOEXEC) < 0)
			die("%s: %s", v->volume[i].arg, reason(errno));
		close(fd[i]);
	}
	boot->volumes = v->n;
	boot->volume_paths = v->fence != BY_LANDLOCK;
}

void enter_volumes(struct box *b, int fds)
{
	struct volumes *v = &b->volumes;
	const char *what = "a mount namespace";
	int fd[MAX_PARTS];

	if (!v->n)
		return;
	umask(0);	/* modes are the guest's */
	if (v->fence == BY_NAMESPACE && !new_namespace(v))
		die("%s: %s", what, reason(errno));
	if (v->fence == BY_NAMESPACE && v->written < v->n && !keep_null_as_it_is(fds))
		die("/dev/null: %s", reason(errno));
	open_parts(v, fd);
	if (v->fence == BY_NAMESPACE && !move_into_volumes(v, fd, &what))
		die("%s: %s", what, reason(errno));
	number(v, b->boot, fd);
	drop_capabilities();
}
