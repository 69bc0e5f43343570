// SPDX-License-Identifier: GPL-2.0-only
/* The root file system image: what it must be, and who may write it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box.h"

/* Offsets in the ext4 superblock, which is at byte 1024 (kernel: fs/ext4/ext4.h). */
enum { SB = 1024, BLOCKS_LO = 4, LOG_BLOCK_SIZE = 24, MAGIC = 56, INCOMPAT = 96, BLOCKS_HI = 0x150 };
#define INCOMPAT_64BIT 0x80

static uint32_t le32(const unsigned char *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

static const char *check_kind(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return "is a directory; give an ext4 image file";
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return "is not a file; give an ext4 image file";
	if (S_ISREG(st->st_mode) && !st->st_size)
		return "is empty; make an image with mke2fs -d, or scripts/mkimage";
	return NULL;
}

const char *check_image(int fd)
{
	unsigned char sb[1024];
	const char *why;
	uint64_t blocks;
	struct stat st;

	if (fstat(fd, &st))
		return strerror(errno);
	why = check_kind(&st);
	if (why)
		return why;
	if (pread(fd, sb, sizeof(sb), SB) != sizeof(sb) || sb[MAGIC] != 0x53 || sb[MAGIC + 1] != 0xef)
		return "is not an ext4 image; make one with mke2fs -d, or scripts/mkimage";
	if (le32(sb + LOG_BLOCK_SIZE) > 6)
		return "has a damaged superblock; run e2fsck on it";
	blocks = le32(sb + BLOCKS_LO);
	if (le32(sb + INCOMPAT) & INCOMPAT_64BIT)
		blocks |= (uint64_t)le32(sb + BLOCKS_HI) << 32;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size >> (10 + le32(sb + LOG_BLOCK_SIZE)) < blocks)
		return "is truncated: its file system is larger than the file; restore it";
	return NULL;
}

/* One writer, or any number of readers. The lock goes with the open file: nothing to clean up. */
bool lock_image(int fd, bool write)
{
	return !flock(fd, (write ? LOCK_EX : LOCK_SH) | LOCK_NB);
}

int open_image(const struct options *o)
{
	bool write = !o->read_only && !o->ephemeral;
	const char *why;
	/* O_NONBLOCK: a named pipe would keep us waiting */
	int fd = open(o->image, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 && (errno == EACCES || errno == EROFS) && write)
		die("%s: %s; use --read-only or --ephemeral", o->image, strerror(errno));
	if (fd < 0 && errno == EISDIR)
		die("%s: is a directory; give an ext4 image file", o->image);
	if (fd < 0)
		die("%s: %s", o->image, reason(errno));
	why = check_image(fd);
	if (why)
		die("%s: %s", o->image, why);
	if (lock_image(fd, write))
		return fd;
	if (errno != EWOULDBLOCK)
		die("%s: cannot be locked: %s; copy it to a file system that can", o->image, strerror(errno));
	die("%s: in use by another box; wait for it%s", o->image,
	    write ? ", or use --ephemeral where that one only reads" : "");
}
