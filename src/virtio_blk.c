// SPDX-License-Identifier: GPL-2.0-only
/* The image as a block device (virtio 1.2, 5.2). */
#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include "devices.h"
#include "disk.h"

#define SECTOR		512
#define MAX_DATA_SEGS	(KBOX_VQ_SIZE / 2 - 2)	/* two such requests fit into the ring, with header and status */
#define MAX_SEG		(128 << 10)		/* bytes */
#define MAX_ZERO	(1 << 17)		/* sectors of one discard */

/* Requests are done one after the other, so there is one at a time. */
static struct blk {
	struct disk disk;
	struct vq_request request;
} blk = { .disk.overlay = -1 };
static uint64_t served;

/* What is larger than our limits allow would keep other devices and the box's end waiting. */
static bool is_small(const struct vq_request *r)
{
	return vq_bytes(r->seg, r->nout + r->nin) <= (uint64_t)MAX_DATA_SEGS * MAX_SEG + SECTOR;
}

/* One range, as the driver was told. */
static bool zero_range(struct disk *k, bool discard, const struct iovec *seg, int nseg)
{
	struct virtio_blk_discard_write_zeroes z;

	if (nseg != 1 || seg->iov_len != sizeof(z))
		return false;
	guest_read(&z, seg->iov_base, sizeof(z));
	if (z.sector > k->size / SECTOR || z.num_sectors > MAX_ZERO)
		return false;
	return disk_zero(k, z.sector * SECTOR, (uint64_t)z.num_sectors * SECTOR,
			 discard || z.flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

static bool get_id(const struct iovec *in, int nin)
{
	if (nin != 1 || in->iov_len < VIRTIO_BLK_ID_BYTES)
		return false;
	memset(in->iov_base, 0, VIRTIO_BLK_ID_BYTES);
	memcpy(in->iov_base, "kbox-image", 10);
	return true;
}

/* The data segments, without header and status. */
static uint8_t request(struct disk *k, const struct virtio_blk_outhdr *h, const struct vq_request *r)
{
	const struct iovec *out = r->seg + 1, *in = r->seg + r->nout;
	int nout = r->nout - 1, nin = r->nin - 1;
	bool ok;

	if (h->sector > k->size / SECTOR)
		return VIRTIO_BLK_S_IOERR;
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		ok = disk_io(k, false, in, nin, h->sector * SECTOR);
		break;
	case VIRTIO_BLK_T_OUT:
		ok = disk_io(k, true, out, nout, h->sector * SECTOR);
		break;
	case VIRTIO_BLK_T_FLUSH:
		ok = disk_flush(k);
		break;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		ok = zero_range(k, h->type == VIRTIO_BLK_T_DISCARD, out, nout);
		break;
	case VIRTIO_BLK_T_GET_ID:
		ok = get_id(in, nin);
		break;
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
	return ok ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

/* Returns how many bytes have been written. */
static uint32_t serve(struct disk *k, const struct vq_request *r)
{
	const struct iovec *status = &r->seg[r->nout + r->nin - 1];
	struct virtio_blk_outhdr h;

	/* Linux gives header and status segments of their own. */
	if (r->nout < 1 || r->nin < 1 || r->seg[0].iov_len != sizeof(h) || status->iov_len != 1)
		return 0;
	guest_read(&h, r->seg[0].iov_base, sizeof(h));
	*(uint8_t *)status->iov_base = is_small(r) ? request(k, &h, r) : VIRTIO_BLK_S_IOERR;
	__atomic_fetch_add(&served, 1, __ATOMIC_RELAXED);
	return vq_bytes(r->seg + r->nout, r->nin);
}

static bool notify(struct device *d, int queue)
{
	struct blk *k = d->state;

	if (!device_pop(d, queue, &k->request))
		return false;
	device_push(d, queue, &k->request, serve(&k->disk, &k->request));
	return true;
}

uint64_t virtio_blk_served(void)
{
	return __atomic_load_n(&served, __ATOMIC_RELAXED);
}

int virtio_blk_overlay(void)
{
	return blk.disk.overlay;
}

void virtio_blk_overlay_filled(void)
{
	disk_find_held(&blk.disk);
}

static uint64_t features(const struct disk *k)
{
	uint64_t f = VIRTIO_VERSION_1 | 1 << VIRTIO_BLK_F_SIZE_MAX | 1 << VIRTIO_BLK_F_SEG_MAX |
		     1 << VIRTIO_BLK_F_BLK_SIZE | 1 << VIRTIO_BLK_F_FLUSH;

	if (k->read_only)
		return f | 1 << VIRTIO_BLK_F_RO;
	return f | 1 << VIRTIO_BLK_F_DISCARD | 1 << VIRTIO_BLK_F_WRITE_ZEROES;
}

static void config(const struct device *d, void *config)
{
	struct virtio_blk_config *c = config;
	const struct blk *k = d->state;

	c->capacity = k->disk.size / SECTOR;
	c->size_max = MAX_SEG;
	c->seg_max = MAX_DATA_SEGS;
	c->blk_size = SECTOR;
	c->max_discard_sectors = c->max_write_zeroes_sectors = MAX_ZERO;
	c->max_discard_seg = c->max_write_zeroes_seg = 1;
	c->discard_sector_alignment = DISK_BLOCK / SECTOR;
	c->write_zeroes_may_unmap = 1;
}

static bool init(struct device *d)
{
	const struct box *b = d->box;

	if (b->image_fd < 0)
		return false;
	if (!disk_init(&blk.disk, b->image_fd, b->opt.read_only,
		       b->opt.read_only ? 0 : b->opt.overlay_size))
		die("%s: %s", b->opt.image, reason(errno));
	d->state = &blk;
	d->features = features(&blk.disk);
	d->queue_size[0] = KBOX_VQ_SIZE;
	return true;
}

static const struct device_ops ops = {
	.id = VIRTIO_ID_BLOCK, .waits = true, .init = init, .config = config, .notify = notify,
};

DEVICE(ops);
