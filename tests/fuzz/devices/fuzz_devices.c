// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device side of the box against a guest that owns its kernel. An input says what the image
 * and its network are (two bytes), then what the guest does and when the devices are at work.
 */
#define _GNU_SOURCE
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/virtio_ids.h>
/* Itself, for what is static there. */
#include "devices.c"
#include "disk.h"
#include "hostile.h"

#define GUARD		4096UL			/* on each side of memory; ASAN watches it */
#define LOOKS		20000			/* at the devices, until nothing is left to do */

static struct box b;
static struct disk *disk;
static char image[DISK_SIZE];
static struct device *card;
static int served;				/* in this look, but for the card's */
static int frames;				/* those, or parts of them, in all */

void die(const char *fmt, ...)
{
	finding(fmt, __FILE__, __LINE__);
}

const char *reason(int err)
{
	return strerror(err);
}

bool is_hidden(enum kbox_hide feature)
{
	(void)feature;
	return false;
}

void start_thread(void *(*fn)(void *), void *arg)
{
	(void)fn, (void)arg;
}

void loop_call(struct call *c, int ms)
{
	(void)c, (void)ms;
}

void bell_answer_at_once(int bell, void (*fn)(void *arg), void *arg)
{
	(void)bell, (void)fn, (void)arg;
}

void raise_irq(struct kbox_vcpu *vcpu, int irq)
{
	vcpu->irq_pending |= 1u << irq;
}

static struct device_ops watched[KBOX_MAX_VIRTIO];
static const struct device_ops *real[KBOX_MAX_VIRTIO];

static bool watched_notify(struct device *d, int queue)
{
	MUST(b.shared->exit_kind == KBOX_RUNNING);
	watch.moved = watch.random = 0;
	return real[d - devices]->notify(d, queue);
}

/* The devices take what they are given from here. */
bool __real_vq_pop(struct virtqueue *q, struct vq_request *r);
bool __wrap_vq_pop(struct virtqueue *q, struct vq_request *r);

bool __wrap_vq_pop(struct virtqueue *q, struct vq_request *r)
{
	if (!__real_vq_pop(q, r))
		return false;
	if (q >= card->vq && q < card->vq + KBOX_MAX_VQ)
		frames++;
	else
		served++;
	MUST(r->nout >= 0 && r->nin >= 0 && r->nout + r->nin <= VQ_MAX_SEGS);
	for (int i = 0; i < r->nout + r->nin; i++) {
		uint64_t at = (char *)r->seg[i].iov_base - b.mem;

		MUST(at <= MEM && r->seg[i].iov_len <= MEM - at);
	}
	return true;
}

static uint64_t bits(const uint8_t *map)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i <= DISK_SIZE / DISK_BLOCK; i++)
		n += map[i / 8] >> i % 8 & 1;
	return n;
}

/* Behind the blocks are the bits that say which of them are written. */
static void check_overlay(void)
{
	uint64_t behind = disk_overlay_size(disk) - ((DISK_SIZE + DISK_BLOCK - 1) & -DISK_BLOCK);
	struct stat st;

	if (disk->overlay < 0)
		return;
	MUST(!fstat(disk->overlay, &st));
	MUST((uint64_t)st.st_size == disk_overlay_size(disk));
	MUST((uint64_t)st.st_blocks * 512 <= b.opt.overlay_size + behind);
	MUST(bits(disk->held) + disk->room == b.opt.overlay_size / DISK_BLOCK);
	MUST((uint64_t)st.st_blocks * 512 <= bits(disk->held) * DISK_BLOCK + behind);
}

static void check_file(void)
{
	static char now[DISK_SIZE];
	struct stat st;

	MUST(!fstat(b.image_fd, &st) && st.st_size == DISK_SIZE);
	if (!watch.frozen)
		return;
	MUST(!lseek(b.image_fd, 0, SEEK_SET) && read(b.image_fd, now, DISK_SIZE) == DISK_SIZE);
	MUST(!memcmp(now, image, DISK_SIZE));
}

/* Where the queue that is in use may be, whatever the guest has said since. */
static void check_queue(const struct virtqueue *q)
{
	if (!q->running)
		return;
	MUST(q->size <= KBOX_VQ_SIZE && !(q->size & (q->size - 1)));
	MUST((char *)q->desc >= b.mem && (char *)q->desc + 16 * q->size <= b.mem + MEM);
	MUST((char *)q->avail >= b.mem && (char *)q->avail + 4 + 2 * q->size <= b.mem + MEM);
	MUST((char *)q->used >= b.mem && (char *)q->used + 4 + 8 * q->size <= b.mem + MEM);
}

/*
 * The guest's answers: no more than requests were served, unless it has set up the queue anew. The
 * card keeps some for what the engine sends later.
 */
static void check_answers(const uint16_t before[KBOX_MAX_VIRTIO][KBOX_MAX_VQ])
{
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		for (int q = 0; q < KBOX_MAX_VQ; q++) {
			uint16_t now = devices[i].vq[q].next_used;
			int most = &devices[i] == card ? frames : served;

			MUST((uint16_t)(now - before[i][q]) <= most || now <= most);
			MUST(devices[i].running || !devices[i].vq[q].running);
			check_queue(&devices[i].vq[q]);
		}
}

static bool one_look(void)
{
	uint16_t before[KBOX_MAX_VIRTIO][KBOX_MAX_VQ];
	bool more = false;

	for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
		for (int q = 0; q < KBOX_MAX_VQ; q++)
			before[i][q] = devices[i].vq[q].next_used;
	served = 0;
	for (int i = 0; i < KBOX_MAX_VIRTIO && devices[i].ops; i++)
		more |= device_serve(&devices[i]);
	more |= engine_turn();
	MUST(served <= 2 * KBOX_MAX_VQ * BATCH);
	check_answers(before);
	check_overlay();
	return more;
}

static void devices_work(void)
{
	int looks = 0;

	while (one_look())
		MUST(++looks < LOOKS);
}

/* Guest memory with nothing around it. */
static void make_memory(void)
{
	char *p = mmap(NULL, MEM + 4 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(p != MAP_FAILED && !mprotect(p + GUARD, MEM + 2 * GUARD, PROT_READ | PROT_WRITE));
	b.mem = p + 2 * GUARD;
	b.boot = (void *)(b.mem + KBOX_BOOT_PHYS);
	b.shared = (void *)(b.mem + KBOX_SHARED_PHYS);
	ASAN_POISON_MEMORY_REGION(b.mem - GUARD, GUARD);
	ASAN_POISON_MEMORY_REGION(b.mem + MEM, GUARD);
}

static void reset(void)
{
	unsigned flags = input(1), blocks = input(1);

	if (!b.mem) {
		make_memory();
		for (size_t i = 0; i < DISK_SIZE; i++)
			image[i] = random();
		b.image_fd = watch.image = memfd_create("image", MFD_CLOEXEC);
	}
	MUST(put_image(image, DISK_SIZE) == DISK_SIZE);
	memset(b.mem, 0, MEM);
	b.opt = (struct options) { .mem = MEM, .read_only = flags & 1, .ephemeral = flags & 2 };
	b.opt.overlay_size = b.opt.ephemeral ? DISK_BLOCK * (blocks % 80 + 1) : 0;
	network_begin(&b, flags);
	init_devices(&b);
	card = &devices[0];
	MUST(card->ops->id == VIRTIO_ID_NET && devices[1].ops->id == VIRTIO_ID_BLOCK);
	frames = 0;
	disk = devices[1].state;	/* what it begins with */
	watch.overlay = disk->overlay;
	watch.frozen = b.opt.read_only || b.opt.ephemeral;
	for (int i = 0; i < KBOX_MAX_VIRTIO && devices[i].ops; i++) {
		real[i] = devices[i].ops;
		watched[i] = *real[i];
		watched[i].notify = watched_notify;
		devices[i].ops = &watched[i];
	}
	guest_begin(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	input_begin(p, n);
	reset();
	while (input_left()) {
		unsigned what = input(1);

		if (what % 4 == 0)
			devices_work();
		else if (what % 16 == 15)
			engine_step();
		else
			guest_step();
	}
	devices_work();
	check_file();
	disk_close(disk);
	return 0;
}
