// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host threads made anew, in a box that has none yet: it has the memory of another one (snapshot.c).
 * Their tasks stand still, in saved contexts.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/context.h>
#include <asm/gate.h>
#include <asm/hostmm.h>
#include <asm/vcpu.h>
#include "threads.h"

/* Each goes on with what an arrival is first, and then with its own context. */
static void arrive_again(void)
{
	struct host_thread *h = current->thread.host;

	host_thread_settle(h);
	kbox_load(h->entry_sp);
}

static void forget_host(struct task_struct *t)
{
	struct host_thread *h = t->thread.host;

	h->grant = h->state = h->ipi = h->preempted = h->queued = h->vain = h->tid = 0;
	h->last = false;
	memset(&h->isa, 0, sizeof(h->isa));
	h->vmalloc_gen = kbox_vmalloc_gen;
	if (h->mm) {
		host_mm_forget(h->mm);
		kbox_gate_moved(h->mm);
	}
	if (!h->arrived)	/* that is what it begins with */
		return;
	h->arrived = false;
	h->entry_sp = t->thread.sp;
	t->thread.sp = kbox_new_context((void *)(t->thread.sp & ~15UL), arrive_again);
}

static void have_begun(bool done)
{
	if (!done)
		panic("the host has no process for each of the box's");
}

/* The others that have its mm are threads of its host process, which only one of these can make. */
static void renew_threads_of(struct task_struct *t)
{
	struct host_thread *h = t->thread.host;
	struct task_struct *g, *other;
	bool there = false;

	for_each_process_thread(g, other) {
		if (!other->thread.host || other->thread.host->tid || other->thread.host->mm != h->mm)
			continue;
		if (!there) {
			h->ctx = &current->thread.sp;
			kbox_move_to(h);
			h->ctx = &t->thread.sp;
			there = true;
		}
		have_begun(host_thread_begin(other->thread.host));
	}
}

void host_threads_renew(void)
{
	struct task_struct *g, *t;

	host_threads_forget();
	rcu_read_lock();
	for_each_process_thread(g, t)
		if (t->thread.host)
			forget_host(t);
	for_each_process_thread(g, t) {
		if (!t->thread.host || t->thread.host->tid)
			continue;
		have_begun(host_process_begin(t->thread.host));
		renew_threads_of(t);
	}
	rcu_read_unlock();
}
