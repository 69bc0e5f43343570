// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one virtual CPU: whose task is current, and the ways between user code and the kernel.
 * docs/vcpu.md
 */
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/slab.h>
#include <linux/sched/stat.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/resume_user_mode.h>
#include <linux/entry-common.h>
#include <asm/boot.h>
#include <asm/context.h>
#include <asm/debugreg.h>
#include <asm/host.h>
#include <asm/rewrite.h>
#include <asm/switch_to.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>

#define DETACH_STACK	(12 << 10)	/* of a kernel stack, from its bottom: see detach() */

struct vcpu vcpu0 = {
	.current_task = &init_task,
	.irq_pending = (void *)(KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS + offsetof(struct kbox_shared, vcpu.irq_pending)),
	.next_event = U64_MAX,
};

bool kbox_cpu_trylock(void)
{
	return sync_cmpxchg(&kbox_shared->vcpu.lock, 0, 1) == 0;
}

/* The CPU comes to this host thread. */
void kbox_take_host(struct host_thread *h)
{
	struct host_thread *old = this_vcpu()->host;

	if (h == old)
		return;
	this_vcpu()->host = h;
	if (unlikely(old->fate != FATE_LIVES))
		host_thread_bury(old);
}

/*
 * Z sleeps for longer than until the next event. That does no harm while idle is next, or the
 * kernel for a moment, but not where a task may go on for long: in user mode, which is seen on the
 * way there, or in the kernel after a rest of any length.
 */
static void event_of_next(struct task_struct *prev, struct task_struct *next)
{
	if (prev == &init_task)
		kbox_tell_z();
	else if (next != &init_task)
		set_tsk_thread_flag(next, TIF_NOTIFY_RESUME);
}

struct task_struct *__sched __switch_to(struct task_struct *prev, struct task_struct *next)
{
	struct host_thread *to = next->thread.host;

	xchg(&this_vcpu()->current_task, next);
	kbox_wait_for_z();
	this_vcpu()->last = prev;
	if (READ_ONCE(prev->__state) == TASK_DEAD && prev->thread.host) {
		host_thread_die(prev->thread.host);
		prev->thread.host = NULL;	/* it may be freed before the task is reaped */
	}
	if (READ_ONCE(prev->__state) & TASK_IN_USER)
		kbox_shown_as_running(prev);
	if (unlikely(READ_ONCE(this_vcpu()->z_until) > this_vcpu()->next_event))
		event_of_next(prev, next);
	if (!to || to == this_vcpu()->host)
		kbox_swap(&prev->thread.sp, next->thread.sp);
	else
		kbox_hand_over(prev, to);
	kbox_vmalloc_sync(this_vcpu()->host);
	return this_vcpu()->last;
}

/*
 * Runs as current, a user task in user mode (or about to go there), on the lower
 * part of its kernel stack: sleep until it wants in or is wanted. Then go on where
 * its host thread waits.
 */
static void detach(void)
{
	struct host_thread *me = current->thread.host;

	kbox_sleep_detached(me);
	if (this_vcpu()->host != me)
		kbox_hand_over(current, me);
	kbox_vmalloc_sync(me);
	WRITE_ONCE(me->state, HT_KERNEL);
	kbox_swap(&current->thread.sp, me->entry_sp);
	BUG();
}

/* Sets up detach() on the lower stack of the current task; gives the sp to swap to. */
static unsigned long detach_context(void)
{
	return kbox_new_context(task_stack_page(current) + DETACH_STACK - 64, detach);
}

/*
 * The lock is ours but current is somebody else: the sp to swap to, for the kernel to run without
 * it.
 */
unsigned long kbox_foreign_context(struct host_thread *me)
{
	kbox_take_host(me);
	if (current == &init_task)
		return this_vcpu()->idle_ctx;
	this_vcpu()->irqs_of_user = READ_ONCE(*this_vcpu()->irq_pending);
	return detach_context();
}

static void enqueue(struct host_thread *me)
{
	struct host_thread *old;

	if (xchg(&me->queued, 1))
		return;
	do {
		old = READ_ONCE(this_vcpu()->entrants);
		me->next = old;
	} while (!__sync_bool_compare_and_swap(&this_vcpu()->entrants, old, me));
}

/* With the CPU in hand: let those in who wait at the door. */
void kbox_admit_entrants(void)
{
	struct host_thread *h, *next;

	if (likely(!READ_ONCE(this_vcpu()->entrants)))
		return;
	h = xchg(&this_vcpu()->entrants, NULL);
	for (; h; h = next) {
		next = h->next;
		xchg(&h->queued, 0);
		if (READ_ONCE(h->state) != HT_KERNEL)
			wake_up_state(h->task, TASK_NORMAL);
	}
}

/* With the lock just taken: become current, or have the kernel make us so. */
static void attach(struct host_thread *me)
{
	kbox_vmalloc_sync(me);
	if (likely(current == me->task)) {
		kbox_take_host(me);
		WRITE_ONCE(me->state, HT_KERNEL);
		return;
	}
	kbox_take_ipis(me);
	enqueue(me);
	WRITE_ONCE(me->state, HT_DOOR);	/* a grant that comes while it parks is no reason for an IPI */
	kbox_swap(&me->entry_sp, kbox_foreign_context(me));
	kbox_charge_user(me);
}

/* Current goes on, with the CPU, on another host thread that waits for it; returns there. */
void kbox_move_to(struct host_thread *h)
{
	kbox_hand_over(current, h);
}

/* From user mode into the kernel: returns with the CPU in hand and current == me->task. */
void kbox_enter(struct host_thread *me)
{
	if (likely(kbox_cpu_trylock())) {
		attach(me);
		return;
	}
	enqueue(me);		/* a full barrier: the holder sees us, or we see the lock free */
	if (kbox_cpu_trylock() || !kbox_wait_grant(me)) {
		attach(me);
		return;
	}
	/*
	 * The scheduler may take the CPU away before detach() has come to its end: that is no user
	 * code either.
	 */
	kbox_swap(&me->entry_sp, *me->ctx);
	kbox_charge_user(me);
}

/*
 * Inside the kernel a patched site is never seen: ip is where it would be in the original text.
 * Just before user mode, a call that came in by a slot goes on there.
 */
static void to_original(struct pt_regs *regs)
{
	if (current->mm && current->mm->context.maps)
		instruction_pointer_set(regs, kbox_original_ip(current->mm, instruction_pointer(regs)));
}

static void to_slot(struct pt_regs *regs)
{
	struct stack_top *top = regs_top(regs);

	if (top->resume_ip && instruction_pointer(regs) == top->resume_ip)
		instruction_pointer_set(regs, top->resume);
}

static void exit_work(struct pt_regs *regs)
{
	unsigned long work;

	for (;;) {
		local_irq_enable();
		if (READ_ONCE(*this_vcpu()->irq_pending))
			kbox_take_irqs();
		kbox_admit_entrants();
		kbox_tell_z();
		work = READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK;
		if (!work)
			return;
		if (work & _TIF_NEED_RESCHED)
			schedule();
		if (work & (_TIF_SIGPENDING | _TIF_NOTIFY_SIGNAL)) {
			kbox_leave_host_vdso(regs);
			arch_do_signal_or_restart(regs);
		}
		if (work & _TIF_NOTIFY_RESUME)
			resume_user_mode_work(regs);
	}
}

/*
 * User mode is next, where current stays current even if others wait: most often it is back before
 * one of them could be awake. Who stays for long is taken off the CPU, by an entrant that has
 * looked for PATIENCE, or by Z.
 */
void kbox_to_user(struct host_thread *me)
{
	lockdep_sys_exit();	/* no lock is held */
	WRITE_ONCE(me->state, HT_USER);
	if (!single_task_running())
		kbox_contended();
}

/* From the kernel to user mode. */
void __noreturn kbox_exit(struct pt_regs *regs)
{
	struct host_thread *me;

	for (;;) {
		if (unlikely(test_thread_flag(TIF_DEBUG)))
			debug_entered(regs, -1);
		do {
			to_original(regs);
			exit_work(regs);
		} while (unlikely(test_thread_flag(TIF_DEBUG)) && !debug_leaves(regs));
		me = current->thread.host;	/* exec may have been a step */
		kbox_to_user(me);
		to_slot(regs);
		kbox_leave(me, regs, me->task->thread.fpstate);
		attach(me);	/* somebody may have detached us in between */
	}
}

/* On the way to user mode the CPU was let go of, and taken again since there was more to do. */
void __noreturn kbox_exit_again(struct host_thread *me, struct pt_regs *regs)
{
	attach(me);
	kbox_exit(regs);
}

/* The grant came before the user's state was restored: the IPI found us in kernel text. */
void kbox_reenter(struct host_thread *me, struct pt_regs *regs)
{
	kbox_enter(me);
	kbox_exit(regs);
}

void arch_cpu_idle(void)
{
	struct host_thread *me = this_vcpu()->host;

	raw_local_irq_enable();
	kbox_admit_entrants();
	raw_local_irq_disable();
	if (need_resched())
		return;
	WRITE_ONCE(this_vcpu()->idles, this_vcpu()->idles + 1);
	WRITE_ONCE(this_vcpu()->watcher, me->fate != FATE_LIVES || me->idle ? NULL : me);
	WRITE_ONCE(kbox_shared->vcpu.watched, !!this_vcpu()->watcher);
	smp_mb();	/* Z sees that it is on it, or we see that it sleeps */
	if (me->fate != FATE_LIVES)
		kbox_tell_z();
	kbox_release(me);
	WRITE_ONCE(kbox_shared->vcpu.watched, 0);
	raw_local_irq_enable();
	kbox_admit_entrants();
	raw_local_irq_disable();
}
