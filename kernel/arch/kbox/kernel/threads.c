// SPDX-License-Identifier: GPL-2.0-only
/* Host threads and host processes: made, kept in reserve, ended. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <asm/boot.h>
#include <asm/context.h>
#include <asm/host.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/rewrite.h>
#include <asm/vcpu.h>
#include "threads.h"

/*
 * Spare host processes have an empty user address space, but the host's page tables
 * of guest memory are warm: that is most of what a new host process costs.
 */
#define SPARES_MAX	8

#define CLONE_HOST_PROCESS (CLONE_PARENT | CLONE_FILES | CLONE_PARENT_SETTID | SIGCHLD)
#define CLONE_HOST_THREAD (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_PARENT_SETTID)

static struct host_thread *spares, *graveyard;
static unsigned int nspares;

static void assign(struct host_thread *h, struct task_struct *t, struct mm_struct *mm)
{
	h->task = t;
	h->ctx = &t->thread.sp;
	h->mm = mm;
	mm->context.host.threads++;
	h->arrived = h->last = false;
	h->fate = FATE_LIVES;
}

/*
 * Records of host threads that have ended: the threads themselves cannot free them, and the
 * scheduler must not.
 */
static void reap(void)
{
	struct host_thread **link = &graveyard, *h;

	while ((h = *link)) {
		if (smp_load_acquire(&h->state) != HT_GONE) {
			link = &h->next;
			continue;
		}
		*link = h->next;
		kfree(h);
	}
}

/* The record of a host thread to be; NULL without memory. */
static struct host_thread *new_record(void)
{
	struct host_thread *h;

	reap();
	h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (h)
		h->vmalloc_gen = kbox_vmalloc_gen;
	return h;
}

/*
 * Where the host has it (Linux 5.11), a system call of user code becomes a SIGSYS before the
 * seccomp filter is run, which would do the same. It is not inherited.
 */
static void dispatch_user_calls(void)
{
	if (kbox_boot->hidden & KBOX_HIDE_DISPATCH)
		return;
	host_dispatch_calls(__hostcall_start, __hostcall_end);
}

static void thread_start(struct host_thread *h)
{
	dispatch_user_calls();
	kbox_park(h);
}

static void process_start(struct host_thread *h)
{
	host_set_pdeathsig(SIGKILL);
	if (host_getppid() != kbox_boot->supervisor_pid)
		host_exit_group(1);
	host_mm_drop();
	dispatch_user_calls();
	kbox_park(h);
}

/* Host-clone with the first frame on the record's own little stack; false: the host refuses. */
static bool clone_for(struct host_thread *h, unsigned long flags, void (*fn)(struct host_thread *))
{
	unsigned long *sp = h->own_stack + ARRAY_SIZE(h->own_stack);

	*--sp = 0;
	*--sp = (unsigned long)fn;
	if (host_clone(flags, sp, &h->tid, h) < 0)
		return false;
	h->tgid = flags & CLONE_THREAD ? this_vcpu()->host->tgid : h->tid;
	return true;
}

bool host_thread_begin(struct host_thread *h)
{
	return clone_for(h, CLONE_HOST_THREAD, thread_start);
}

bool host_process_begin(struct host_thread *h)
{
	return clone_for(h, CLONE_HOST_PROCESS, process_start);
}

/* NULL: the host refuses, or there is no memory. */
static struct host_thread *start(unsigned long flags, void (*fn)(struct host_thread *))
{
	struct host_thread *h = new_record();

	if (h && !clone_for(h, flags, fn)) {
		kfree(h);
		return NULL;
	}
	return h;
}

/*
 * One in the first process, which begins with fn on a stack of 1 KiB and never has the CPU. From
 * initcalls, which run there; else it is false.
 */
bool host_thread_for_kernel(void (*fn)(struct host_thread *h))
{
	return this_vcpu()->host == &host_z && start(CLONE_HOST_THREAD, fn);
}

/* One that waits for a grant ends instead. */
static void send_away(struct host_thread *h)
{
	h->fate = FATE_EXITS;
	kbox_grant(h);
	while (smp_load_acquire(&h->state) != HT_GONE)
		host_yield();
	kfree(h);
}

static struct host_thread *spare_or_new(void)
{
	struct host_thread *h = spares;

	if (!h)
		return start(CLONE_HOST_PROCESS, process_start);
	spares = h->next;
	nspares--;
	return h;
}

/*
 * A host thread in current's host process, which waits for the CPU to go on with the saved context
 * of t; NULL: as above.
 */
struct host_thread *host_thread_take(struct task_struct *t, struct mm_struct *mm)
{
	struct host_thread *h = start(CLONE_HOST_THREAD, thread_start);

	if (h)
		assign(h, t, mm);
	return h;
}

/* A host process with nothing but the kernel in it, whose thread waits likewise; NULL: as above. */
struct host_thread *host_process_take(struct task_struct *t, struct mm_struct *mm)
{
	struct host_thread *h = spare_or_new();

	if (h)
		assign(h, t, mm);
	return h;
}

/* For an exec of current, which cannot fail any more when it needs it. */
bool host_process_reserve(void)
{
	if (!current->thread.reserved)
		current->thread.reserved = spare_or_new();
	return current->thread.reserved;
}

struct host_thread *host_process_take_reserved(struct mm_struct *mm)
{
	struct host_thread *h = current->thread.reserved;

	current->thread.reserved = NULL;
	assign(h, current, mm);
	return h;
}

void host_process_unreserve(void)
{
	struct host_thread *h = current->thread.reserved;

	current->thread.reserved = NULL;
	if (h && nspares < SPARES_MAX) {
		h->next = spares;
		spares = h;
		nspares++;
	} else if (h) {
		send_away(h);
	}
}

void host_thread_settle(struct host_thread *h)
{
	kbox_vmalloc_sync(h);
	HOST_OF_STACK(task_stack_page(current)) = h;
	host_altstack(current);
	tls_load();
	kbox_arrive_tsc();
	kbox_gate_open();
	kbox_charge_begin(h);
	h->arrived = true;
}

/* Current has begun to run on a host thread that was waiting for it. */
void host_thread_arrive(void)
{
	regs_forget_slot(current_pt_regs());
	host_thread_settle(current->thread.host);
}

/* The task of h lets go of its mm. */
void host_thread_leave_mm(struct host_thread *h)
{
	kbox_gate_close(h);
	h->last = !--h->mm->context.host.threads;
	h->mm = NULL;
}

/*
 * The task of h has come to its end, or to another host thread: so ends h, when the CPU has left
 * it.
 */
void host_thread_die(struct host_thread *h)
{
	h->fate = FATE_EXITS;
	if (h->last && nspares < SPARES_MAX) {
		h->fate = FATE_SPARE;
		nspares++;
	}
}

/* The CPU leaves a dead host thread, which may still look at its record if it is a spare. */
void host_thread_bury(struct host_thread *h)
{
	struct host_thread **list = h->fate == FATE_SPARE ? &spares : &graveyard;

	h->next = *list;
	*list = h;
}

/* The task for which h was made will never run. */
void host_thread_discard(struct host_thread *h)
{
	h->mm->context.host.threads--;
	send_away(h);
}

/*
 * Has what the registers of a parked host thread have of its task, which is current for that, put
 * into memory.
 */
void host_thread_hold(struct host_thread *h)
{
	WRITE_ONCE(h->holds, 1);
	kbox_grant(h);
	while (smp_load_acquire(&h->holds))
		host_yield();
}

static void forget_list(struct host_thread **list)
{
	struct host_thread *h;

	while ((h = *list)) {
		*list = h->next;
		kfree(h);
	}
}

void host_threads_forget(void)
{
	forget_list(&spares);
	forget_list(&graveyard);
	nspares = 0;
}
