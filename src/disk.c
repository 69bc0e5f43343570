// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "box.h"
#include "disk.h"

#define MAPPED_AROUND	(64UL << 10)	/* with a page that is read: the kernel's fault_around_bytes */

static uint64_t blocks(const struct disk *d)
{
	return (d->size + DISK_BLOCK - 1) / DISK_BLOCK;
}

static uint64_t bits_size(const struct disk *d)
{
	return (blocks(d) / 8 + DISK_BLOCK) & -DISK_BLOCK;
}

/* The blocks, and behind them the bits that say which of them are written. */
uint64_t disk_overlay_size(const struct disk *d)
{
	return blocks(d) * DISK_BLOCK + bits_size(d);
}

/* Nobody else has it, and it never changes its size. */
static int new_overlay(uint64_t size)
{
	int fd = new_memfd("kbox-overlay");

	if (fd >= 0 && !ftruncate(fd, size) && seal_size(fd))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

bool disk_init(struct disk *d, int fd, bool read_only, uint64_t overlay)
{
	struct stat st;

	if (fstat(fd, &st))
		return false;
	*d = (struct disk) { .fd = fd, .size = st.st_size, .read_only = read_only, .overlay = -1 };
	if (S_ISBLK(st.st_mode) && ioctl(fd, BLKGETSIZE64, &d->size))
		return false;
	if (!overlay)
		return true;
	d->room = overlay / DISK_BLOCK;
	d->held = calloc(1, blocks(d) / 8 + 1);
	d->overlay = new_overlay(disk_overlay_size(d));
	if (d->overlay < 0 || !d->held)
		return false;
	d->written = mmap(NULL, bits_size(d), PROT_READ | PROT_WRITE, MAP_SHARED, d->overlay, blocks(d) * DISK_BLOCK);
	return d->written != MAP_FAILED;
}

void disk_close(struct disk *d)
{
	if (d->overlay >= 0) {
		munmap(d->written, bits_size(d));
		close(d->overlay);
	}
	free(d->held);
}

/*
 * What is to be written to is memory of the guest's that is there, but often not yet mapped here.
 * The host maps one page for each that is written to, but for one that is read its neighbours, too.
 * So it is read first. What is there may change meanwhile, and is not looked at.
 */
static void map_first(const char *p, size_t n)
{
	for (const char *end = p + n; p < end; p += MAPPED_AROUND - (uintptr_t)p % MAPPED_AROUND)
		(void)*(const volatile char *)p;
}

static bool all(int fd, bool write, char *p, size_t n, uint64_t off)
{
	while (n) {
		ssize_t got = write ? pwrite(fd, p, n, off) : pread(fd, p, n, off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		off += got;
		n -= got;
	}
	return true;
}

static bool has(const uint8_t *bits, uint64_t block)
{
	return bits[block / 8] & 1 << block % 8;
}

static void set(uint8_t *bits, uint64_t first, uint64_t end)
{
	for (; first < end; first++)
		bits[first / 8] |= 1 << first % 8;
}

/* Before these blocks are written. False: the overlay would take more memory than it may. */
static bool take_room(struct disk *d, uint64_t first, uint64_t end)
{
	uint64_t more = 0;

	for (uint64_t i = first; i < end; i++)
		more += !has(d->held, i);
	if (more > d->room)
		return false;
	d->room -= more;
	set(d->held, first, end);
	return true;
}

/* They have become holes. */
static void give_room(struct disk *d, uint64_t first, uint64_t end)
{
	for (; first < end; first++) {
		d->room += has(d->held, first);
		d->held[first / 8] &= ~(1 << first % 8);
	}
}

/* A block that is written in part must be whole in the overlay first. */
static bool bring_in(struct disk *d, uint64_t block)
{
	uint64_t off = block * DISK_BLOCK, n = d->size - off < DISK_BLOCK ? d->size - off : DISK_BLOCK;
	char buf[DISK_BLOCK];

	if (has(d->written, block))
		return true;
	if (!all(d->fd, false, buf, n, off) || !all(d->overlay, true, buf, n, off))
		return false;
	set(d->written, block, block + 1);
	return true;
}

static bool bring_in_edges(struct disk *d, uint64_t off, uint64_t n)
{
	return (off % DISK_BLOCK == 0 || bring_in(d, off / DISK_BLOCK)) &&
	       ((off + n) % DISK_BLOCK == 0 || bring_in(d, (off + n) / DISK_BLOCK));
}

static bool overlay_write(struct disk *d, char *p, size_t n, uint64_t off)
{
	uint64_t first = off / DISK_BLOCK, end = (off + n + DISK_BLOCK - 1) / DISK_BLOCK;

	if (!take_room(d, first, end) || !bring_in_edges(d, off, n) || !all(d->overlay, true, p, n, off))
		return false;
	set(d->written, first, end);
	return true;
}

/* In runs of blocks that are in the same place. */
static bool overlay_read(struct disk *d, char *p, size_t n, uint64_t off)
{
	while (n) {
		uint64_t block = off / DISK_BLOCK, next = block + 1;
		bool over = has(d->written, block);
		size_t run;

		while (next * DISK_BLOCK < off + n && has(d->written, next) == over)
			next++;
		run = next * DISK_BLOCK - off;
		if (run > n)
			run = n;
		if (!all(over ? d->overlay : d->fd, false, p, run, off))
			return false;
		p += run;
		off += run;
		n -= run;
	}
	return true;
}

static bool one_by_one(struct disk *d, bool write, const struct iovec *seg, int nseg, uint64_t off)
{
	for (int i = 0; i < nseg; i++) {
		char *p = seg[i].iov_base;
		size_t n = seg[i].iov_len;
		bool ok;

		if (!n)
			continue;
		if (d->overlay < 0)
			ok = all(d->fd, write, p, n, off);
		else
			ok = write ? overlay_write(d, p, n, off) : overlay_read(d, p, n, off);
		if (!ok)
			return false;
		off += n;
	}
	return true;
}

static bool inside(const struct disk *d, uint64_t off, uint64_t n)
{
	return off <= d->size && n <= d->size - off;
}

bool disk_io(struct disk *d, bool write, const struct iovec *seg, int nseg, uint64_t off)
{
	uint64_t total = 0;

	for (int i = 0; i < nseg; i++)
		total += seg[i].iov_len;
	if (!inside(d, off, total) || (write && d->read_only))
		return false;
	for (int i = 0; i < nseg && !write; i++)
		map_first(seg[i].iov_base, seg[i].iov_len);
	if (d->overlay < 0) {
		ssize_t got = write ? pwritev(d->fd, seg, nseg, off) : preadv(d->fd, seg, nseg, off);

		if (got == (ssize_t)total)
			return true;
	}
	return one_by_one(d, write, seg, nseg, off);
}

static bool write_zeros(struct disk *d, uint64_t off, uint64_t len)
{
	static char zeros[64 << 10];

	while (len) {
		struct iovec v = { zeros, len < sizeof(zeros) ? len : sizeof(zeros) };

		if (!disk_io(d, true, &v, 1, off))
			return false;
		off += v.iov_len;
		len -= v.iov_len;
	}
	return true;
}

/* Whole blocks become holes of the overlay, which gives their memory back. */
static bool overlay_zero(struct disk *d, uint64_t off, uint64_t len)
{
	uint64_t first = (off + DISK_BLOCK - 1) / DISK_BLOCK, end = (off + len) / DISK_BLOCK;

	if (first >= end)
		return write_zeros(d, off, len);
	if (fallocate(d->overlay, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, first * DISK_BLOCK,
		      (end - first) * DISK_BLOCK))
		return write_zeros(d, off, len);
	give_room(d, first, end);
	set(d->written, first, end);
	return write_zeros(d, off, first * DISK_BLOCK - off) &&
	       write_zeros(d, end * DISK_BLOCK, off + len - end * DISK_BLOCK);
}

bool disk_zero(struct disk *d, uint64_t off, uint64_t len, bool free)
{
	int mode = free ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;

	if (!inside(d, off, len) || d->read_only)
		return false;
	if (!len)
		return true;
	if (d->overlay >= 0)
		return overlay_zero(d, off, len);
	return !fallocate(d->fd, mode | FALLOC_FL_KEEP_SIZE, off, len) || write_zeros(d, off, len);
}

bool disk_flush(struct disk *d)
{
	return d->overlay >= 0 || d->read_only || !fdatasync(d->fd);
}

/* What is no hole, but for the bits behind it. */
void disk_find_held(struct disk *d)
{
	off_t end = blocks(d) * DISK_BLOCK, data, hole = 0;

	while ((data = lseek(d->overlay, hole, SEEK_DATA)) >= 0 && data < end) {
		hole = lseek(d->overlay, data, SEEK_HOLE);
		take_room(d, data / DISK_BLOCK, (hole < 0 || hole > end ? end : hole + DISK_BLOCK - 1) / DISK_BLOCK);
		if (hole < 0)
			break;
	}
}
