// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers: host threads of the box's first process that make one host call at a time for a task,
 * which sleeps. A worker never has the CPU. It touches guest memory only where a request says so,
 * and tells the end of the call by an interrupt, as the supervisor does.
 */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/interrupt.h>
#include <linux/spinlock.h>
#include <asm/boot.h>
#include <asm/hostthread.h>
#include <asm/vcpu.h>
#include "hostio.h"

#define WORKERS	4

enum call { PREADV, FSYNC, FDATASYNC };

struct request {
	enum call call;
	int fd;
	const struct host_iovec *iov;
	int n;
	loff_t pos;
	ssize_t ret;
	struct completion done;
	struct list_head queue;
};

/* Who has it: the kernel while it is FREE or DONE, the worker while it is BUSY. A futex. */
enum worker_state { FREE, BUSY, DONE };

static struct worker {
	u32 state;
	struct request *request;
} workers[WORKERS];

static unsigned int nworkers;
static LIST_HEAD(waiting);	/* requests without a worker */
static DEFINE_SPINLOCK(lock);

static ssize_t make_call(const struct request *r)
{
	switch (r->call) {
	case PREADV:
		return host_preadv(r->fd, r->iov, r->n, r->pos, 0);
	case FSYNC:
		return host_fsync(r->fd, false);
	case FDATASYNC:
		return host_fsync(r->fd, true);
	}
	return -EINVAL;
}

/* Who has the CPU takes it when he looks; if nobody has, Z is to look. */
static void raise(void)
{
	__sync_fetch_and_or(&kbox_shared->vcpu.irq_pending, 1 << KBOX_IRQ_HOSTIO);
	if (!READ_ONCE(kbox_shared->vcpu.lock))
		kbox_wake_z();
}

static void work(struct host_thread *h)
{
	static u32 numbers;
	struct worker *w = &workers[__sync_fetch_and_add(&numbers, 1)];
	u32 state;

	for (;;) {
		while ((state = smp_load_acquire(&w->state)) != BUSY)
			host_futex_wait(&w->state, state, HOST_NO_TIMEOUT);
		w->request->ret = make_call(w->request);
		smp_store_release(&w->state, DONE);
		raise();
	}
}

static void give(struct worker *w, struct request *r)
{
	w->request = r;
	smp_store_release(&w->state, BUSY);
	host_futex_wake(&w->state);
}

static irqreturn_t hostio_irq(int irq, void *dev)
{
	struct request *next;
	struct worker *w;

	spin_lock(&lock);
	for (w = workers; w < workers + nworkers; w++) {
		if (smp_load_acquire(&w->state) != DONE)
			continue;
		w->state = FREE;
		complete(&w->request->done);
		next = list_first_entry_or_null(&waiting, struct request, queue);
		if (next) {
			list_del(&next->queue);
			give(w, next);
		}
	}
	spin_unlock(&lock);
	return IRQ_HANDLED;
}

static ssize_t ask(struct request *r)
{
	struct worker *w;

	if (!nworkers)
		return make_call(r);
	init_completion(&r->done);
	spin_lock_irq(&lock);
	for (w = workers; w < workers + nworkers && w->state != FREE; w++)
		;
	if (w < workers + nworkers)
		give(w, r);
	else
		list_add_tail(&r->queue, &waiting);
	spin_unlock_irq(&lock);
	wait_for_completion_io(&r->done);
	return r->ret;
}

ssize_t hostio_preadv(int fd, const struct host_iovec *iov, int n, loff_t pos)
{
	return ask(&(struct request) { .call = PREADV, .fd = fd, .iov = iov, .n = n, .pos = pos });
}

int hostio_fsync(int fd, bool datasync)
{
	return ask(&(struct request) { .call = datasync ? FDATASYNC : FSYNC, .fd = fd });
}

ssize_t hostio_preadv_now(int fd, const struct host_iovec *iov, int n, loff_t pos, bool *no_nowait)
{
	ssize_t ret;

	if (!nworkers || *no_nowait)
		return host_preadv(fd, iov, n, pos, 0);
	ret = host_preadv(fd, iov, n, pos, (__force int)RWF_NOWAIT);
	if (ret != -EOPNOTSUPP)
		return ret;
	*no_nowait = true;
	return host_preadv(fd, iov, n, pos, 0);
}

/* A thread of the first process, which lives as long as the box: that is where initcalls run. */
static int __init hostio_init(void)
{
	if (!kbox_boot->volumes)
		return 0;
	if (request_irq(KBOX_IRQ_HOSTIO, hostio_irq, 0, "hostio", NULL))
		return -ENOMEM;
	while (nworkers < WORKERS && host_thread_for_kernel(work))
		nworkers++;
	return 0;
}
late_initcall(hostio_init);
