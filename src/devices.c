// SPDX-License-Identifier: GPL-2.0-only
/* The device side: a thread that answers the guest's doorbell. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "devices.h"
#include "lockin.h"

#define BATCH		16		/* requests of a queue, then the other bells */
#define STACK_SIZE (256UL << 10)	/* of a thread */

static struct device devices[KBOX_MAX_VIRTIO];
static bool ending;			/* the box: nothing more is begun */

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

static bool has_rung(const struct box *b, int bell)
{
	return __atomic_load_n(&b->boot->doorbell, __ATOMIC_SEQ_CST) & 1u << bell;
}

/*
 * True if the driver wants to hear of what was done. A driver can offer requests as fast as they
 * are served, so only some are, and none once the end has rung.
 */
static bool serve_queue(const struct box *b, struct device *d, int i)
{
	static struct vq_request r;
	struct virtqueue *q = &d->vq[i];
	int n;

	for (n = 0; n < BATCH && !has_rung(b, KBOX_BELL_EXIT) && !(n && has_rung(b, KBOX_BELL_POLL)); n++) {
		if (!vq_pop(q, &r)) {
			d->unfinished &= ~(1u << i);
			break;
		}
		vq_push(q, &r, d->serve(d, &r));
	}
	return n && vq_wants_interrupt(q);
}

static void serve(struct box *b, int i)
{
	struct device *d = &devices[i];
	bool tell = false;

	if (!d->serve)
		return;
	d->unfinished |= __atomic_exchange_n(&d->hw->notify, 0, __ATOMIC_SEQ_CST) & ((1u << KBOX_MAX_VQ) - 1);
	for (int q = 0; q < KBOX_MAX_VQ; q++)
		if (d->unfinished & 1u << q)
			tell |= serve_queue(b, d, q);
	if (tell) {
		__atomic_fetch_or(&d->hw->isr, 1, __ATOMIC_SEQ_CST);
		raise_irq(b->boot, KBOX_IRQ_VIRTIO + i);
	}
}

/* The devices come last, since they may take their time. */
bool serve_bells(struct box *b)
{
	uint32_t bells = __atomic_exchange_n(&b->boot->doorbell, 0, __ATOMIC_SEQ_CST);
	bool more = false;

	if (bells & 1u << KBOX_BELL_EXIT) {
		ending = true;
		supervisor_wake();
	}
	if (bells & 1u << KBOX_BELL_POLL)
		poller_wake();
	if (bells & 1u << KBOX_BELL_OUTPUT)
		console_output_bell();
	if (bells & 1u << KBOX_BELL_INPUT)
		console_input_bell();
	for (int i = 0; i < KBOX_MAX_VIRTIO && !ending; i++) {
		if (bells & 1u << (KBOX_BELL_VIRTIO + i) || devices[i].unfinished)
			serve(b, i);
		more |= devices[i].unfinished;
	}
	return more && !ending;
}

/*
 * Nothing of the image runs before the guest's kernel has read it. So nothing is served until the
 * fences stand.
 */
static sem_t opened;

void open_devices(void)
{
	sem_post(&opened);
}

static void *doorbell_thread(void *arg)
{
	struct box *b = arg;

	while (sem_wait(&opened))
		;
	for (;;)
		if (!serve_bells(b))
			futex_wait(&b->boot->doorbell, 0);
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

struct beginning {
	void *(*fn)(void *);
	struct box *box;
	sem_t locked;
};

static void *begin(void *arg)
{
	struct beginning *b = arg;
	void *(*fn)(void *) = b->fn;
	struct box *box = b->box;

	lock_in_thread();
	sem_post(&b->locked);	/* its memory goes */
	return fn(box);
}

/* The thread is locked in when this returns, so that its filter may come. */
void start_thread(void *(*fn)(void *), struct box *b)
{
	struct beginning beginning = { .fn = fn, .box = b };
	pthread_attr_t attr;
	pthread_t t;
	int err;

	sem_init(&beginning.locked, 0, 0);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&t, &attr, begin, &beginning);
	if (err == EPERM) {
		without_clone3();
		err = pthread_create(&t, &attr, begin, &beginning);
	}
	if (err == EAGAIN && !have_stack())
		err = ENOMEM;
	if (err)
		die("cannot start a thread: %s", reason(err));
	pthread_attr_destroy(&attr);
	while (sem_wait(&beginning.locked))
		;
}

void init_devices(struct box *b)
{
	ending = false;
	for (int i = 0; i < KBOX_MAX_VIRTIO; i++) {
		devices[i] = (struct device) { .hw = &b->boot->virtio[i] };
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
	sem_init(&opened, 0, 0);
	start_poller(b);
	start_console(b);
	start_thread(doorbell_thread, b);
}
