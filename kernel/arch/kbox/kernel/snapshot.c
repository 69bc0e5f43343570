// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest stands still, and all that there is of it is in its memory. Then it goes on: here, or
 * where the supervisor of another box has put a copy of that memory. docs/snapshot.md
 */
#include <linux/capability.h>
#include <linux/freezer.h>
#include <linux/interrupt.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <linux/suspend.h>
#include <linux/workqueue.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/hosttrap.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>
#include "../drivers/hostfd.h"
#include "snapshot.h"

/* All others stand still while one is waited for, so that is half of what a suspend has. */
#define PATIENCE_MSECS	10000

/* Where the kernel goes on, and whether that is in another box. */
static struct {
	unsigned long sp;
	bool elsewhere;
} point;

static void answer(enum kbox_freeze freeze)
{
	smp_store_release(&kbox_shared->freeze, freeze);
	kbox_ring(KBOX_BELL_FREEZE);
}

/*
 * The FP and vector state of a task, and its segment bases, may be nowhere but in its host thread's
 * registers.
 */
static void hold_registers(void)
{
	struct task_struct *g, *t, *self = current;

	rcu_read_lock();
	for_each_process_thread(g, t) {
		if (!t->thread.host || !t->thread.host->arrived)
			continue;
		xchg(&this_vcpu()->current_task, t);
		kbox_wait_for_z();
		if (t->thread.host == this_vcpu()->host)
			regs_hold();
		else
			host_thread_hold(t->thread.host);
		xchg(&this_vcpu()->current_task, self);
		kbox_wait_for_z();
	}
	rcu_read_unlock();
}

static void say_held(void)
{
	int fd = -1;

	memset(kbox_shared->held, 0, sizeof(kbox_shared->held));
	while ((fd = hostfd_next(&hostfd_table, fd)) >= 0)
		if (fd < KBOX_MAX_OFFER)
			kbox_shared->held[fd / 64] |= 1UL << fd % 64;
}

/* With the point saved; nobody else gets the CPU meanwhile. */
static void wait_here(struct host_thread *me, struct host_thread *unused)
{
	answer(KBOX_FROZEN);
	while (smp_load_acquire(&kbox_shared->freeze) == KBOX_FROZEN)
		host_futex_wait(&kbox_shared->freeze, KBOX_FROZEN, HOST_NO_TIMEOUT);
	kbox_load(point.sp);
}

/* Random numbers must not be those of other copies. */
static void stir(void)
{
	add_device_randomness(kbox_boot->seed, sizeof(kbox_boot->seed));
	memzero_explicit(kbox_boot->seed, sizeof(kbox_boot->seed));
	random_fops.unlocked_ioctl(NULL, RNDRESEEDCRNG, 0);
}

/* In another box there are no host threads yet, and other files behind the descriptors. */
static void arrive_elsewhere(void)
{
	point.elsewhere = false;
	kbox_vdso_host();
	host_threads_renew();
	hostfd_renew();
	stir();
	kbox_ring(KBOX_BELL_FREEZE);	/* the word may already say that it is to stand still again */
}

static void freeze(struct work_struct *work)
{
	if (READ_ONCE(kbox_shared->freeze) != KBOX_FREEZE)	/* it has been asked for twice */
		return;
	if (freeze_processes()) {
		answer(KBOX_UNFREEZABLE);
		return;
	}
	hold_registers();
	say_held();
	kbox_admit_entrants();
	kbox_switch_stack(&point.sp, this_vcpu()->host, NULL, NULL, wait_here);
	if (point.elsewhere)
		arrive_elsewhere();
	thaw_processes();
}

/* The host thread that has begun in the other box goes on with the point. */
void __noreturn snapshot_resume(void)
{
	point.elsewhere = true;
	kbox_load(point.sp);
}

static DECLARE_WORK(freezing_work, freeze);

static irqreturn_t freeze_irq(int irq, void *dev)
{
	if (READ_ONCE(kbox_shared->freeze) == KBOX_FREEZE)
		queue_work(system_long_wq, &freezing_work);
	return IRQ_HANDLED;
}

static int __init snapshot_init(void)
{
	freeze_timeout_msecs = PATIENCE_MSECS;
	return request_irq(KBOX_IRQ_FREEZE, freeze_irq, 0, "freeze", NULL);
}
device_initcall(snapshot_init);
