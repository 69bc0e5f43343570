// SPDX-License-Identifier: GPL-2.0-only
/* The device side: a thread that answers the guest's doorbell. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "devices.h"

#define STACK_SIZE (256UL << 10)	/* of a thread */

static struct device devices[KBOX_MAX_VIRTIO];

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void raise_irq(struct kbox_boot *boot, int irq)
{
	__atomic_fetch_or(&boot->irq_pending, 1u << irq, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&boot->cpu_lock, __ATOMIC_SEQ_CST)) {
		__atomic_fetch_add(&boot->z_seq, 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &boot->z_seq, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

/* True if the driver wants to hear of what was done. */
static bool serve_queue(struct device *d, struct virtqueue *q)
{
	static struct vq_request r;
	bool any = false;

	while (vq_pop(q, &r)) {
		vq_push(q, &r, d->serve(d, &r));
		any = true;
	}
	return any && vq_wants_interrupt(q);
}

static void serve(struct box *b, int i)
{
	struct device *d = &devices[i];
	uint32_t notify = __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST);
	bool tell = false;

	if (!d->serve)
		return;
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (notify & 1u << q)
			tell |= serve_queue(d, &d->vq[q]);
	if (tell) {
		__atomic_fetch_or(&d->hw->isr, 1, __ATOMIC_SEQ_CST);
		raise_irq(b->boot, KBOX_IRQ_VIRTIO + i);
	}
}

static void *doorbell_thread(void *arg)
{
	struct box *b = arg;
	uint32_t bells;

	for (;;) {
		bells = __atomic_exchange_n(&b->boot->doorbell, 0, __ATOMIC_SEQ_CST);
		if (!bells) {
			futex_wait(&b->boot->doorbell, 0);
			continue;
		}
		if (bells & 1u << KBOX_BELL_EXIT)
			supervisor_wake();
		/* Before the devices, which may take their time. */
		if (bells & 1u << KBOX_BELL_POLL)
			poller_wake();
		if (bells & 1u << KBOX_BELL_OUTPUT)
			console_output_bell();
		if (bells & 1u << KBOX_BELL_INPUT)
			console_input_bell();
		for (int i = 0; i < KBOX_MAX_VIRTIO; i++)
			if (bells & 1u << (KBOX_BELL_VIRTIO + i))
				serve(b, i);
	}
	return NULL;
}

/*
 * Filters of containers older than clone3(2) refuse it with EPERM, and libc knows another way only if
 * there is no such call. Of filters that refuse a call the last one's error counts.
 */
static void without_clone3(void)
{
	static struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	static const struct sock_fprog prog = { sizeof(f) / sizeof(f[0]), f };

	if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* pthread_create(3) says EAGAIN also where there is no memory for the stack. */
static bool have_stack(void)
{
	void *p = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && !munmap(p, STACK_SIZE);
}

void start_thread(void *(*fn)(void *), struct box *b)
{
	pthread_attr_t attr;
	pthread_t t;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&t, &attr, fn, b);
	if (err == EPERM) {
		without_clone3();
		err = pthread_create(&t, &attr, fn, b);
	}
	if (err == EAGAIN && !have_stack())
		err = ENOMEM;
	if (err)
		die("cannot start a thread: %s", reason(err));
	pthread_attr_destroy(&attr);
}

void init_devices(struct box *b)
{
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++) {
		devices[i].hw = &b->boot->virtio[i];
		for (int q = 0; q < KBOX_MAX_VQ; q++)
			devices[i].vq[q] = (struct virtqueue) {
				.mem = b->mem, .mem_size = b->opt.mem, .hw = &devices[i].hw->vq[q],
			};
	}
	virtio_blk_init(&devices[0], b);
	virtio_rng_init(&devices[1], b);
}

void start_devices(struct box *b)
{
	start_poller(b);
	start_console(b);
	start_thread(doorbell_thread, b);
}
