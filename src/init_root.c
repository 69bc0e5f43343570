// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's root: the image, or directories of the host (hostfs), of which one is written or
 * several are the lower layers of overlays in memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "init.h"

/* A directory that a read-only image lacks is left out. */
static void mount_in(const char *type, const char *dir, unsigned long flags, const char *data)
{
	mkdir(dir, 0755);
	if (mount(type, dir, type, flags, data) && errno != ENOENT)
		dprintf(2, "kbox: cannot mount %s on %s: %s\n", type, dir, strerror(errno));
}

/*
 * It goes with the root, as in a distribution: what is left below the new root is in every copy of
 * the namespace.
 */
static void move_dev(void)
{
	mkdir("dev", 0755);
	if (mount("/dev", "dev", NULL, MS_MOVE, NULL) && errno != ENOENT)
		dprintf(2, "kbox: cannot move /dev: %s\n", strerror(errno));
}

static void mount_system(void)
{
	static const char *const links[][2] = {
		{ "pts/ptmx", "dev/ptmx" }, { "/proc/self/fd", "dev/fd" }, { "fd/0", "dev/stdin" },
		{ "fd/1", "dev/stdout" }, { "fd/2", "dev/stderr" },
	};

	mount_in("proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_in("sysfs", "sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	mount_in("cgroup2", "sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "nsdelegate");
	move_dev();
	mount_in("devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620,ptmxmode=666");
	mount_in("tmpfs", "dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
	mount_in("mqueue", "dev/mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	/* The host's own system has one of its memory, in which the current directory may be. */
	if (config.root_is != ROOT_OWN)
		mount_in("tmpfs", "tmp", MS_NOSUID | MS_NODEV, "mode=1777");
	unlink("dev/ptmx");
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]))
			continue;	/* without /dev in the image */
}

/* Fields of ext4's superblock, which is at byte 1024 (kernel: fs/ext4/ext4.h). */
enum { RESERVED_LO = 8, LOG_CLUSTER_SIZE = 28, JOURNAL_SIZE = 0x14c, RESERVED_HI = 0x154 };

static unsigned int superblock(int fd, off_t field)
{
	unsigned char b[4];

	if (pread(fd, b, sizeof(b), 1024 + field) != sizeof(b))
		fail("/dev/vda");
	return b[0] | b[1] << 8 | b[2] << 16 | (unsigned int)b[3] << 24;
}

/*
 * What is reserved for root is a part of the image's size, and may be more than there is for all.
 * A mounted file system sees what is written to its superblock, as tune2fs(8) does it.
 */
static void end_root_reserve(int fd)
{
	if (pwrite(fd, "\0\0\0", 4, 1024 + RESERVED_LO) != 4 || pwrite(fd, "\0\0\0", 4, 1024 + RESERVED_HI) != 4)
		fail("/dev/vda");
}

/* The image need not have a /sys, and nothing of it runs yet. */
static void set_attribute(const char *path, unsigned long value)
{
	char text[24];
	int fd, n = snprintf(text, sizeof(text), "%lu", value);

	mkdir("/sys", 0755);
	if (mount("sysfs", "/sys", "sysfs", 0, ""))
		fail("sysfs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, n) != n)
		fail(path);
	close(fd);
	umount("/sys");
	rmdir("/sys");
}

/*
 * Free blocks for which the overlay has no memory are reserved, so that who writes too much is
 * told ENOSPC by write(2). An eighth of the overlay is left for what is written in place: inodes,
 * bitmaps, directories and files of the image. The journal, where there is one, has room beside
 * that. Blocks of removed files are given back (discard), since others may be written then. Each
 * discard is a request to the device, so it is asked for only where the free blocks have not all
 * room.
 */
static void bound_by_overlay(int journal)
{
	int fd = open("/dev/vda", O_RDWR | O_CLOEXEC);
	unsigned long in_place = config.overlay / 8 + (journal ? superblock(fd, JOURNAL_SIZE) : 0), room, free;
	struct statfs st;

	if (in_place > config.overlay / 2)
		in_place = config.overlay / 2;
	room = config.overlay - in_place;
	if (statfs("/root", &st))
		fail("/root");
	free = st.f_bfree * st.f_bsize;
	if (free > room) {
		if (mount(NULL, "/root", NULL, MS_REMOUNT, "discard"))
			fail("discard");
		end_root_reserve(fd);
		set_attribute("/sys/fs/ext4/vda/reserved_clusters", (free - room) >> (10 + superblock(fd, LOG_CLUSTER_SIZE)));
	}
	close(fd);
}

static int mount_root(const char *options)
{
	return mount("/dev/vda", "/root", "ext4", config.read_only ? MS_RDONLY : 0, options);
}

/*
 * noload: the journal of an image that may not be written cannot be replayed, and what is dropped
 * at the end needs none, unless there is something in it.
 */
static void mount_image(void)
{
	int journal = !(config.read_only || config.overlay) || mount_root("noload");

	if (journal && mount_root(""))
		fail("cannot mount the image");
	if (config.overlay)
		bound_by_overlay(journal);
}

/* One line, and the end of the box. */
static void __attribute__((noreturn)) cannot(const struct volume *v, const char *what)
{
	dprintf(2, "kbox: %s: %s: %s\n", v->arg, what, strerror(errno));
	goodbye(125 << 8);
	_exit(125);
}

static void mount_volume(size_t i, const char *dir)
{
	const struct volume *v = &config.volumes[i];
	char source[32];

	snprintf(source, sizeof(source), "volume:%zu", i);
	if (mount(source, dir, "hostfs", v->read_only ? MS_RDONLY : 0, config.data))
		cannot(v, v->target);
}

/* The directories above it, too, and itself. */
static int make_directories(const char *path)
{
	char *copy = strdup(path);
	int ok = copy != NULL;

	for (char *slash = copy; ok && (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		ok = !mkdir(copy, 0755) || errno == EEXIST;
		*slash = '/';
	}
	ok = ok && (!mkdir(path, 0755) || errno == EEXIST);
	free(copy);
	return ok;
}

static int make_file(const char *path)
{
	char *slash = strrchr(path, '/');
	int ok, fd;

	*slash = 0;
	ok = !*path || make_directories(path);
	*slash = '/';
	fd = ok ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644) : -1;
	return fd >= 0 && !close(fd);
}

/* A new directory, as another one is seen. */
static void copy_attributes(const char *from, const char *to)
{
	struct stat st;

	if (stat(from, &st) || chown(to, st.st_uid, st.st_gid) || chmod(to, st.st_mode & 07777) ||
	    utimensat(AT_FDCWD, to, (struct timespec[]) { st.st_atim, st.st_mtim }, 0))
		fail(from);
}

/* Below dir, where the root is to be. */
static void make_places(const char *dir)
{
	char path[4096 + 64];

	for (size_t i = 0; i < config.nplaces; i++) {
		const struct place *p = &config.places[i];

		snprintf(path, sizeof(path), "%s%s", dir, p->path);
		if (*p->link ? symlink(p->link, path) : mkdir(path, 0755) && errno != EEXIST)
			fail(p->path);
		if (lchown(path, p->uid, p->gid) || (!*p->link && chmod(path, p->mode)))
			fail(p->path);
	}
}

/*
 * The root is overlays: one for each layer, and, if no layer is the root itself, one in which they
 * are mounted. What is written is in one tree, "upper", in which each has the directory of its
 * target. What kbox makes in the root, places and mount points, is in another one, "base", which is
 * a layer above the others. So "upper" has nothing but what has changed. All is in the tmpfs at
 * /memory, or, with --upper, upper and work in a volume, which is /memory/host.
 */
#define BASE	"/memory/base"
#define NOTHING	"/memory/nothing"

/*
 * Directories of "upper" on the way to a target are those of "base", until something happens to
 * them.
 */
static void make_way(const char *upper, const char *target)
{
	char from[4096 + 64], to[4096 + 64];

	for (const char *end = target; end; end = strchr(end + 1, '/')) {
		const char *next = strchr(end + 1, '/');
		int n = next ? next - target : (int)strlen(target);

		snprintf(from, sizeof(from), BASE "%.*s", n, target);
		snprintf(to, sizeof(to), "%s%.*s", upper, n, target);
		if (!mkdir(to, 0755))
			copy_attributes(from, to);
		else if (errno != EEXIST)
			fail(target);
	}
}

/* A name without the characters that separate mount options, for a path that may have them. */
static void name_tree(char *name, size_t size, const char *what, size_t i, const char *tree, const char *target)
{
	char path[4096 + 64];

	snprintf(name, size, "/memory/%zu.%s", i, what);
	snprintf(path, sizeof(path), "%s%s", tree, target);
	unlink(name);
	if (symlink(path, name))
		fail(name);
}

/*
 * A renamed directory stays one, and what is only given another owner or mode is not copied, where
 * the upper tree is for the overlay alone. Inode numbers are those of below: with xino they would
 * have the top bits set, and programs that keep them in a double would take one file for another.
 */
static const char *overlay_options(void)
{
	if (config.upper >= 0)
		return "userxattr,index=off,xino=off";
	if (config.diff >= 0)
		return "redirect_dir=nofollow,metacopy=off,index=off,xino=off";
	return "redirect_dir=on,metacopy=on,index=off,xino=off";
}

/* In "base" itself there is nothing above the layer. */
static void mount_overlay(size_t i, const char *lower, const char *target, const char *tree, int above_base)
{
	char upper[64], base[64], work[64], path[4096 + 64], options[512];

	name_tree(upper, sizeof(upper), "upper", i, tree, target);
	name_tree(base, sizeof(base), "base", i, BASE, target);
	snprintf(work, sizeof(work), "%s.work/%zu", tree, i);
	snprintf(path, sizeof(path), "/root%s", target);
	if (mkdir(work, 0700) && errno != EEXIST)
		fail(work);
	snprintf(options, sizeof(options), "lowerdir=%s%s%s,upperdir=%s,workdir=%s,%s", above_base ? base : "",
		 above_base ? ":" : "", lower, upper, work, above_base ? overlay_options() : "index=off,xino=off");
	if (mount("kbox", path, "overlay", 0, options))
		fail(config.upper >= 0 && above_base ? "--upper: overlay" : "overlay");
}

static int is_root(const struct volume *v)
{
	return !strcmp(v->target, "/");
}

/*
 * All of them, or their end. The number behind the last layer's is that of a root without a layer.
 */
static void mount_overlays(const char *tree, int above_base)
{
	char lower[64];

	if (!is_root(&config.volumes[0]))
		mount_overlay(config.layers, NOTHING, "", tree, above_base);
	for (size_t i = 0; i < config.layers; i++) {
		const struct volume *v = &config.volumes[i];

		if (above_base)
			make_way(tree, v->target);
		snprintf(lower, sizeof(lower), "/memory/%zu.lower", i);
		mount_overlay(i, lower, is_root(v) ? "" : v->target, tree, above_base);
	}
}

static void unmount_overlays(void)
{
	char path[4096 + 64];

	for (size_t i = config.layers; i--;) {
		snprintf(path, sizeof(path), "/root%s", is_root(&config.volumes[i]) ? "" : config.volumes[i].target);
		if (umount(path))
			fail(path);
	}
	if (!is_root(&config.volumes[0]) && umount("/root"))
		fail("/root");
}

/* Where overlayfs prepares what is to appear in the tree. */
static void make_work(const char *tree)
{
	char work[64];

	snprintf(work, sizeof(work), "%s.work", tree);
	if (mkdir(work, 0700) && errno != EEXIST)
		fail(work);
}

static void mount_lowers(void)
{
	char lower[64], base[4096 + 64];

	for (size_t i = 0; i < config.layers; i++) {
		const struct volume *v = &config.volumes[i];

		snprintf(lower, sizeof(lower), "/memory/%zu.lower", i);
		snprintf(base, sizeof(base), BASE "%s", v->target);
		if (mkdir(lower, 0755))
			fail(lower);
		mount_volume(i, lower);
		if (!make_directories(base))
			cannot(v, v->target);
		copy_attributes(lower, base);
	}
}

/*
 * By the paths that the guest's programs have: what is there stays, and what cannot be made is
 * missed later.
 */
static void make_mount_points(void)
{
	static const char *const own[] = { "/dev", "/proc", "/sys", "/tmp" };
	char resolv[] = RESOLV_CONF, hosts[] = HOSTS;
	int outside = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (outside < 0 || chroot("/root") || chdir("/"))
		fail("/root");
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]) && config.system; i++)
		mkdir(own[i], 0755);
	if (config.net && lstat(resolv, &st))
		make_file(resolv);
	if (config.net && lstat(hosts, &st))
		make_file(hosts);
	for (size_t i = config.layers; i < config.nvolumes; i++) {
		const struct volume *v = &config.volumes[i];

		if ((int)i == config.upper || v->below || !stat(v->target, &st))
			continue;
		if (*v->file)
			make_file(v->target);
		else
			make_directories(v->target);
	}
	if (fchdir(outside) || chroot("."))
		fail("/");
	close(outside);
}

static void mount_memory(void)
{
	char size[48] = "mode=0755";

	if (config.overlay)
		snprintf(size, sizeof(size), "mode=0755,size=%lu", config.overlay);
	mkdir("/memory", 0755);
	if (mount("tmpfs", "/memory", "tmpfs", 0, size) || mkdir(NOTHING, 0755))
		fail("tmpfs");
}

/* --upper's directory may be in the root, where it would be seen to grow. */
static void hide_upper(const char *path)
{
	char hidden[4096 + 64];

	snprintf(hidden, sizeof(hidden), "/root%s", path);
	if (*path && mount("kbox", hidden, "tmpfs", MS_RDONLY, "mode=0755") && errno != ENOENT)
		fail(path);
}

static const char *mount_upper(void)
{
	if (config.upper < 0)
		return "/memory/upper";
	mkdir("/memory/host", 0755);
	mount_volume(config.upper, "/memory/host");
	return "/memory/host/upper";
}

static void mount_layers(void)
{
	const char *upper;

	mount_memory();
	mount_lowers();
	make_places(BASE);
	make_work(BASE);
	mount_overlays(BASE, 0);
	make_mount_points();
	unmount_overlays();
	upper = mount_upper();
	make_work(upper);
	make_way(upper, "/");
	mount_overlays(upper, 1);
	if (config.upper >= 0)
		hide_upper(config.volumes[config.upper].target);
	if (config.diff >= 0)
		diff_trees("/memory", upper);
}

static void make_root(void)
{
	switch (config.root_is) {
	case ROOT_IMAGE:
		mount_image();
		break;
	case ROOT_OWN:
	case ROOT_OVERLAY:
		mount_layers();
		break;
	case ROOT_VOLUME:
		mount_volume(config.root, "/root");
		break;
	}
}

/* The musl of some distributions has no functions for these. */
#define OPEN_TREE_CLONE		1
#define MOVE_MOUNT_F_EMPTY_PATH	4

/*
 * A volume of one file is mounted where nobody will see it, before the root is one. What is mounted
 * at the target later is the file.
 */
static int open_file(size_t i)
{
	const struct volume *v = &config.volumes[i];
	char dir[32], path[512];
	int fd;

	snprintf(dir, sizeof(dir), "/file.%zu", i);
	snprintf(path, sizeof(path), "%s/%s", dir, v->file);
	mkdir(dir, 0700);
	mount_volume(i, dir);
	fd = syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | O_CLOEXEC);
	if (fd < 0)
		cannot(v, v->file);
	return fd;
}

void enter_root(void)
{
	make_root();
	for (size_t i = 0; i < config.nvolumes; i++)
		if (*config.volumes[i].file)
			config.volumes[i].fd = open_file(i);
	if (chdir("/root"))
		fail("/root");
	if (config.system)
		mount_system();
	if (mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		fail("cannot change the root");
}

/* A mount point that would have to be made in a volume, of which the host would see it. */
static void check_mount_point(const struct volume *v)
{
	struct stat st;

	if (!v->below || !stat(v->target, &st))
		return;
	dprintf(2, "kbox: %s: %s is in another volume, and not there; make it first\n", v->arg, v->target);
	goodbye(125 << 8);
}

/* The shorter paths first: one may be in another. */
static int by_target(const void *a, const void *b)
{
	const struct volume *x = &config.volumes[*(const size_t *)a], *y = &config.volumes[*(const size_t *)b];

	return (int)strlen(x->target) - (int)strlen(y->target);
}

static void mount_file(const struct volume *v)
{
	struct stat st;

	if ((stat(v->target, &st) && !make_file(v->target)) ||
	    syscall(SYS_move_mount, v->fd, "", AT_FDCWD, v->target, MOVE_MOUNT_F_EMPTY_PATH))
		cannot(v, v->target);
	close(v->fd);
}

static void mount_directory(size_t i)
{
	const struct volume *v = &config.volumes[i];

	if (!make_directories(v->target))
		cannot(v, v->target);
	mount_volume(i, v->target);
}

/* In the new root, whose symlinks lead where they do for its programs. */
void mount_volumes(void)
{
	size_t order[config.nvolumes + 1], n = 0;

	for (size_t i = config.layers; i < config.nvolumes; i++)
		if ((int)i != config.root && (int)i != config.upper)
			order[n++] = i;
	/* cppcheck-suppress uninitvar ; the first n are set */
	qsort(order, n, sizeof(*order), by_target);
	for (size_t i = 0; i < n; i++) {
		const struct volume *v = &config.volumes[order[i]];

		check_mount_point(v);
		if (*v->file)
			mount_file(v);
		else
			mount_directory(order[i]);
	}
}
