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

/* It goes with the root, as in a distribution: what is left below the new root is in every copy of the namespace. */
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

/* A directory of the layer's, as its upper one is to be seen. */
static void copy_attributes(const char *from, const char *to)
{
	struct stat st;

	if (stat(from, &st) || chown(to, st.st_uid, st.st_gid) || chmod(to, st.st_mode & 07777))
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
 * What is written is the tmpfs' at /memory. A renamed directory stays one, and what is only given
 * another owner or mode is not copied, unless the upper layer is to be an archive by itself. Inode numbers are those of below: with xino they would have
 * the top bits set, and programs that keep them in a double would take one file for another.
 */
static void mount_layer(size_t i)
{
	const struct volume *v = &config.volumes[i];
	char lower[64], upper[64], work[64], target[4096 + 64], options[512];
	int whole = config.diff >= 0;

	snprintf(lower, sizeof(lower), "/memory/%zu.lower", i);
	snprintf(upper, sizeof(upper), "/memory/%zu", i);
	snprintf(work, sizeof(work), "/memory/%zu.work", i);
	snprintf(target, sizeof(target), "/root%s", v->target);
	if (mkdir(lower, 0755) || mkdir(upper, 0755) || mkdir(work, 0755))
		fail(upper);
	mount_volume(i, lower);
	copy_attributes(lower, upper);
	if (!strcmp(v->target, "/"))
		make_places(upper);
	else if (!make_directories(target))
		cannot(v, v->target);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=%s,metacopy=%s,xino=off",
		 lower, upper, work, whole ? "off" : "on", whole ? "off" : "on");
	if (mount("kbox", target, "overlay", 0, options))
		cannot(v, "overlay");
}

/* One layer is the root, or several are in it, which is a directory of that memory then. */
static void mount_layers(void)
{
	char size[48] = "mode=0755";

	if (config.overlay)
		snprintf(size, sizeof(size), "mode=0755,size=%lu", config.overlay);
	mkdir("/memory", 0755);
	if (mount("tmpfs", "/memory", "tmpfs", 0, size))
		fail("tmpfs");
	if (strcmp(config.volumes[0].target, "/")) {
		if (mkdir("/memory/root", 0755) || mount("/memory/root", "/root", NULL, MS_BIND, NULL))
			fail("/root");
		make_places("/root");
	}
	for (size_t i = 0; i < config.layers; i++)
		mount_layer(i);
	if (config.diff >= 0)
		diff_layers("/memory");
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
		if ((int)i != config.root)
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
