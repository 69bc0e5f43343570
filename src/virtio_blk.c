// SPDX-License-Identifier: GPL-2.0-only
/* The image as a block device (virtio 1.2, 5.2). */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include "devices.h"

#define SECTOR	512
#define BLOCK	4096		/* unit of the overlay of --ephemeral */

struct blk {
	int fd;
	uint64_t size;		/* bytes */
	bool read_only;
	int overlay;		/* memfd with the written blocks, or -1 */
	uint8_t *written;	/* bit per block of the overlay */
};

static bool in_overlay(const struct blk *k, uint64_t block)
{
	return k->written[block / 8] & 1 << block % 8;
}

/* A block partly written must be whole in the overlay first. */
static int bring_in(struct blk *k, uint64_t block)
{
	char buf[BLOCK] = { 0 };

	if (in_overlay(k, block))
		return 0;
	if (pread(k->fd, buf, BLOCK, block * BLOCK) < 0 || pwrite(k->overlay, buf, BLOCK, block * BLOCK) != BLOCK)
		return -1;
	k->written[block / 8] |= 1 << block % 8;
	return 0;
}

/* One piece of I/O that does not cross a block of the overlay. */
static ssize_t overlay_piece(struct blk *k, bool write, char *p, size_t n, uint64_t off)
{
	uint64_t block = off / BLOCK;

	if (!write)
		return pread(in_overlay(k, block) ? k->overlay : k->fd, p, n, off);
	if (n == BLOCK)
		k->written[block / 8] |= 1 << block % 8;
	else if (bring_in(k, block))
		return -1;
	return pwrite(k->overlay, p, n, off);
}

static bool transfer(struct blk *k, bool write, const struct iovec *seg, int nseg, uint64_t off)
{
	for (int i = 0; i < nseg; i++) {
		char *p = seg[i].iov_base;
		size_t left = seg[i].iov_len;

		if (off > k->size || left > k->size - off)
			return false;
		while (left) {
			size_t n = left;
			ssize_t got;

			if (k->overlay >= 0) {
				n = BLOCK - off % BLOCK;
				if (n > left)
					n = left;
				got = overlay_piece(k, write, p, n, off);
			} else {
				got = write ? pwrite(k->fd, p, n, off) : pread(k->fd, p, n, off);
			}
			if (got <= 0)
				return false;
			p += got;
			off += got;
			left -= got;
		}
	}
	return true;
}

/* Whole runs at once where there is no overlay. */
static bool transfer_all(struct blk *k, bool write, const struct iovec *seg, int nseg, uint64_t off)
{
	size_t total = 0;
	ssize_t got;

	for (int i = 0; i < nseg; i++)
		total += seg[i].iov_len;
	if (k->overlay >= 0 || off > k->size || total > k->size - off)
		return transfer(k, write, seg, nseg, off);
	got = write ? pwritev(k->fd, seg, nseg, off) : preadv(k->fd, seg, nseg, off);
	return got == (ssize_t)total || transfer(k, write, seg, nseg, off);
}

/* Discarded or zeroed ranges read as zeros. */
static uint8_t zero_ranges(struct blk *k, const struct iovec *seg, int nseg)
{
	struct virtio_blk_discard_write_zeroes z;
	static const char zeros[BLOCK];

	for (int i = 0; i < nseg; i++) {
		for (size_t o = 0; o + sizeof(z) <= seg[i].iov_len; o += sizeof(z)) {
			uint64_t off, len;

			memcpy(&z, (char *)seg[i].iov_base + o, sizeof(z));
			off = z.sector * SECTOR;
			len = (uint64_t)z.num_sectors * SECTOR;
			if (z.sector > k->size / SECTOR || len > k->size - off)
				return VIRTIO_BLK_S_IOERR;
			if (k->overlay < 0 &&
			    !fallocate(k->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off, len))
				continue;
			for (; len; ) {
				size_t n = BLOCK - off % BLOCK;
				struct iovec v;

				if (n > len)
					n = len;
				v = (struct iovec) { (void *)zeros, n };
				if (!transfer(k, true, &v, 1, off))
					return VIRTIO_BLK_S_IOERR;
				off += n;
				len -= n;
			}
		}
	}
	return VIRTIO_BLK_S_OK;
}

static uint8_t request(struct blk *k, const struct virtio_blk_outhdr *h, struct vq_request *r, uint32_t *written)
{
	struct iovec *out = r->seg + 1, *in = r->seg + r->nout;
	int nout = r->nout - 1, nin = r->nin - 1;
	uint64_t off = h->sector * SECTOR;

	if (h->sector > k->size / SECTOR)
		return VIRTIO_BLK_S_IOERR;
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		for (int i = 0; i < nin; i++)
			*written += in[i].iov_len;
		return transfer_all(k, false, in, nin, off) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_OUT:
		if (k->read_only)
			return VIRTIO_BLK_S_IOERR;
		return transfer_all(k, true, out, nout, off) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_FLUSH:
		return k->overlay >= 0 || k->read_only || !fdatasync(k->fd) ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return k->read_only ? VIRTIO_BLK_S_IOERR : zero_ranges(k, out, nout);
	case VIRTIO_BLK_T_GET_ID:
		if (nin < 1 || in[0].iov_len < VIRTIO_BLK_ID_BYTES)
			return VIRTIO_BLK_S_IOERR;
		memset(in[0].iov_base, 0, VIRTIO_BLK_ID_BYTES);
		memcpy(in[0].iov_base, "kbox-image", 10);
		*written = VIRTIO_BLK_ID_BYTES;
		return VIRTIO_BLK_S_OK;
	}
	return VIRTIO_BLK_S_UNSUPP;
}

static uint32_t serve(struct device *d, struct vq_request *r)
{
	struct virtio_blk_outhdr h;
	struct iovec *last = r->seg + r->nout + r->nin - 1;
	uint32_t written = 0;

	/* Linux gives header and status segments of their own. */
	if (r->nout < 1 || r->nin < 1 || r->seg[0].iov_len != sizeof(h) || last->iov_len != 1)
		return 0;
	memcpy(&h, r->seg[0].iov_base, sizeof(h));
	*(uint8_t *)last->iov_base = request(d->state, &h, r, &written);
	return written + 1;
}

void virtio_blk_init(struct device *d, struct box *b)
{
	struct virtio_blk_config *c = (void *)d->hw->config;
	struct blk *k = calloc(1, sizeof(*k));
	struct stat st;

	if (!k || fstat(b->image_fd, &st))
		die("%s: %s", b->opt.image, strerror(errno));
	k->size = st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(b->image_fd, BLKGETSIZE64, &k->size))
		die("%s: %s", b->opt.image, strerror(errno));
	k->fd = b->image_fd;
	k->read_only = b->opt.read_only;
	k->overlay = -1;
	if (b->opt.ephemeral) {
		k->overlay = memfd_create("kbox-overlay", MFD_CLOEXEC);
		k->written = calloc(1, k->size / BLOCK / 8 + 1);
		if (k->overlay < 0 || !k->written || ftruncate(k->overlay, (k->size + BLOCK - 1) & -BLOCK))
			die("--ephemeral: %s", strerror(errno));
	}
	c->capacity = k->size / SECTOR;
	c->seg_max = 126;
	c->blk_size = SECTOR;
	c->max_discard_sectors = c->max_write_zeroes_sectors = 1 << 20;
	c->max_discard_seg = c->max_write_zeroes_seg = 1;
	c->discard_sector_alignment = BLOCK / SECTOR;
	d->hw->device_id = 2;
	d->hw->device_features = 1ULL << 32 | 1 << VIRTIO_BLK_F_SEG_MAX | 1 << VIRTIO_BLK_F_BLK_SIZE |
		1 << VIRTIO_BLK_F_FLUSH | (k->read_only ? 1 << VIRTIO_BLK_F_RO :
		1 << VIRTIO_BLK_F_DISCARD | 1 << VIRTIO_BLK_F_WRITE_ZEROES);
	d->hw->vq[0].size = KBOX_VQ_SIZE;
	d->serve = serve;
	d->state = k;
}
