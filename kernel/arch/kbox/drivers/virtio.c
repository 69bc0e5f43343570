// SPDX-License-Identifier: GPL-2.0-only
/* virtio transport: a device is a struct kbox_virtio in shared memory. */
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <asm/boot.h>
#include <asm/host.h>

struct kbox_vdev {
	struct virtio_device vdev;
	struct kbox_virtio *hw;
	u32 status;		/* as hw has it */
	int index;
};

#define to_kv(v) container_of(v, struct kbox_vdev, vdev)

static void kv_get(struct virtio_device *v, unsigned int off, void *buf, unsigned int len)
{
	struct kbox_virtio *hw = to_kv(v)->hw;

	if (off + len <= sizeof(hw->config))
		memcpy(buf, hw->config + off, len);
}

static void kv_set(struct virtio_device *v, unsigned int off, const void *buf, unsigned int len)
{
	struct kbox_virtio *hw = to_kv(v)->hw;

	if (off + len <= sizeof(hw->config))
		memcpy(hw->config + off, buf, len);
}

/* Only who finds the device asleep wakes it. */
static void kv_ring(struct kbox_vdev *kv, u32 what)
{
	if (__sync_fetch_and_or(&kv->hw->notify, what) != KBOX_NOTIFY_WAITED)
		return;
	if (kv->hw->wake)
		host_futex_wake(&kv->hw->notify);
	else
		kbox_ring(KBOX_BELL_VIRTIO + kv->index);
}

static u8 kv_get_status(struct virtio_device *v)
{
	struct kbox_vdev *kv = to_kv(v);

	return kv->status | (READ_ONCE(kv->hw->answered) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

/* The device need only know when it is to begin, and to end. */
static void kv_set_status(struct virtio_device *v, u8 status)
{
	struct kbox_vdev *kv = to_kv(v);

	kv->status = (kv->status & ~0xffu) + KBOX_STATUS_STEP + status;
	WRITE_ONCE(kv->hw->status, kv->status);
	if (!status || status & VIRTIO_CONFIG_S_DRIVER_OK)
		kv_ring(kv, KBOX_NOTIFY_STATUS);
}

/*
 * The memory of the queues is free after that, so it waits until the device has ended. One that has
 * not begun need not: at boot nobody answers yet.
 */
static void kv_reset(struct virtio_device *v)
{
	struct kbox_vdev *kv = to_kv(v);

	if (!(u8)kv->status)
		return;
	kv_set_status(v, 0);
	while (READ_ONCE(kv->hw->answered) != kv->status)
		fsleep(USEC_PER_MSEC);
}

static u64 kv_get_features(struct virtio_device *v)
{
	return to_kv(v)->hw->device_features;
}

static int kv_finalize_features(struct virtio_device *v)
{
	vring_transport_features(v);
	to_kv(v)->hw->driver_features = v->features;
	return 0;
}

static bool kv_notify(struct virtqueue *vq)
{
	kv_ring(to_kv(vq->vdev), 1u << vq->index);
	return true;
}

static void kv_del_vqs(struct virtio_device *v)
{
	struct virtqueue *vq, *n;

	list_for_each_entry_safe(vq, n, &v->vqs, list) {
		WRITE_ONCE(to_kv(v)->hw->vq[vq->index].ready, 0);
		vring_del_virtqueue(vq);
	}
}

static int kv_find_vqs(struct virtio_device *v, unsigned int n, struct virtqueue *vqs[],
		       struct virtqueue_info info[], struct irq_affinity *desc)
{
	struct kbox_virtio *hw = to_kv(v)->hw;
	unsigned int i, q = 0;

	for (i = 0; i < n; i++) {
		struct virtqueue *vq;

		if (!info[i].name) {
			vqs[i] = NULL;
			continue;
		}
		if (q >= KBOX_MAX_VQ || !hw->vq[q].size)
			goto fail;
		vq = vring_create_virtqueue(q, hw->vq[q].size, PAGE_SIZE, v, true, true, info[i].ctx,
					    kv_notify, info[i].callback, info[i].name);
		if (!vq)
			goto fail;
		vq->num_max = hw->vq[q].size;
		hw->vq[q].size = virtqueue_get_vring_size(vq);
		hw->vq[q].desc = virtqueue_get_desc_addr(vq);
		hw->vq[q].driver = virtqueue_get_avail_addr(vq);
		hw->vq[q].device = virtqueue_get_used_addr(vq);
		smp_mb();
		WRITE_ONCE(hw->vq[q].ready, 1);
		vqs[i] = vq;
		q++;
	}
	return 0;
fail:
	kv_del_vqs(v);
	return -ENOENT;
}

static const char *kv_bus_name(struct virtio_device *v)
{
	return "kbox";
}

static const struct virtio_config_ops kv_ops = {
	.get = kv_get, .set = kv_set, .get_status = kv_get_status, .set_status = kv_set_status,
	.reset = kv_reset, .find_vqs = kv_find_vqs, .del_vqs = kv_del_vqs,
	.get_features = kv_get_features, .finalize_features = kv_finalize_features, .bus_name = kv_bus_name,
};

static irqreturn_t kv_irq(int irq, void *data)
{
	struct kbox_vdev *kv = data;
	u32 isr = xchg(&kv->hw->isr, 0);
	struct virtqueue *vq;

	if (isr & 2)
		virtio_config_changed(&kv->vdev);
	if (isr & 1 && kv->status & VIRTIO_CONFIG_S_DRIVER_OK)
		list_for_each_entry(vq, &kv->vdev.vqs, list)
			vring_interrupt(irq, vq);
	return IRQ_HANDLED;
}

static void kv_release(struct device *d)
{
	kfree(to_kv(dev_to_virtio(d)));
}

static int __init kv_init(void)
{
	struct platform_device *parent = platform_device_register_simple("kbox-virtio", -1, NULL, 0);
	int i, ret;

	if (IS_ERR(parent))
		return PTR_ERR(parent);
	for (i = 0; i < KBOX_MAX_VIRTIO; i++) {
		struct kbox_vdev *kv;

		if (!kbox_shared->virtio[i].device_id)
			continue;
		kv = kzalloc(sizeof(*kv), GFP_KERNEL);
		if (!kv)
			return -ENOMEM;
		kv->hw = &kbox_shared->virtio[i];
		kv->index = i;
		kv->vdev.id.device = kv->hw->device_id;
		kv->vdev.id.vendor = KBOX_MAGIC;
		kv->vdev.config = &kv_ops;
		kv->vdev.dev.parent = &parent->dev;
		kv->vdev.dev.release = kv_release;
		ret = request_irq(KBOX_IRQ_VIRTIO + i, kv_irq, 0, "virtio", kv);
		if (!ret)
			ret = register_virtio_device(&kv->vdev);
		if (ret)
			return ret;
	}
	return 0;
}
device_initcall(kv_init);
