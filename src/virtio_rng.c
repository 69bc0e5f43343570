// SPDX-License-Identifier: GPL-2.0-only
/* Entropy (virtio 1.2, 5.4): the host's. */
#include <linux/virtio_ids.h>
#include <sys/random.h>
#include "devices.h"

#define MAX_BYTES	(64 << 10)	/* of one request; a driver asks again */

/* Returns how many bytes have been written. */
static uint32_t serve(const struct vq_request *r)
{
	uint32_t done = 0;

	for (int i = r->nout; i < r->nout + r->nin; i++) {
		size_t want = r->seg[i].iov_len < MAX_BYTES - done ? r->seg[i].iov_len : MAX_BYTES - done;
		ssize_t n = getrandom(r->seg[i].iov_base, want, 0);

		if (n <= 0)
			break;
		done += n;
		/* What was written is one piece from the beginning. */
		if ((size_t)n < r->seg[i].iov_len)
			break;
	}
	return done;
}

static bool notify(struct device *d, int queue)
{
	static struct vq_request r;

	if (!device_pop(d, queue, &r))
		return false;
	device_push(d, queue, &r, serve(&r));
	return true;
}

static bool init(struct device *d)
{
	d->features = VIRTIO_VERSION_1;
	d->queue_size[0] = 64;
	return true;
}

static const struct device_ops ops = { .id = VIRTIO_ID_RNG, .init = init, .notify = notify };
DEVICE(ops);
