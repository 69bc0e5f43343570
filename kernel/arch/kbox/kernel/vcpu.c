// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one virtual CPU: who may run kernel code, and how host threads hand that
 * right to each other. docs/architecture.md, "Who runs the kernel".
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

struct kbox_cpu kbox_cpu;
struct task_struct *current_task = &init_task;

/* How often to look before a sleep: the host takes longer than that to wake one up. 0: there is one processor. */
u32 kbox_spin = 300;

/* An entrant that has seen user mode so often without a break takes the CPU. */
#define PATIENCE 20

bool kbox_cpu_trylock(void)
{
	return sync_cmpxchg(&kbox_shared->vcpu.lock, 0, 1) == 0;
}

static unsigned long park_sp(struct host_thread *me)
{
	return me->dead || me->idle ? (unsigned long)__builtin_frame_address(0) - 512 : *me->ctx;
}

/* The CPU comes to this host thread. */
void kbox_take_host(struct host_thread *h)
{
	struct host_thread *old = kbox_cpu.host;

	if (h == old)
		return;
	kbox_cpu.host = h;
	if (unlikely(old->dead))
		host_thread_bury(old);
}

/*
 * The CPU leaves this host thread for another one, with the running task's context saved. __sched:
 * that a task is switched is not where it waits.
 */
static void __sched hand_over(struct task_struct *prev, struct host_thread *to)
{
	struct host_thread *me = kbox_cpu.host;

	kbox_take_host(to);
	if (prev->thread.host == me && !me->dead)
		kbox_handover(&prev->thread.sp, me, to, (unsigned long)__builtin_frame_address(0) - 512);
	else
		kbox_handover(&prev->thread.sp, me, to, park_sp(me));
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

struct task_struct * __sched __switch_to(struct task_struct *prev, struct task_struct *next)
{
	struct host_thread *to = next->thread.host;

	xchg(&current_task, next);
	kbox_nag_done();
	kbox_cpu.last = prev;
	if (READ_ONCE(prev->__state) == TASK_DEAD && prev->thread.host)
		host_thread_die(prev->thread.host);
	if (READ_ONCE(prev->__state) & TASK_IN_USER)
		kbox_shown_as_running(prev);
	if (unlikely(READ_ONCE(kbox_z_until) > kbox_next_event))
		event_of_next(prev, next);
	if (!to || to == kbox_cpu.host)
		kbox_swap(&prev->thread.sp, next->thread.sp);
	else
		hand_over(prev, to);
	kbox_vmalloc_sync(kbox_cpu.host);
	return kbox_cpu.last;
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
	if (kbox_cpu.host != me)
		hand_over(current, me);
	kbox_vmalloc_sync(me);
	me->in_user = 0;
	kbox_swap(&current->thread.sp, me->entry_sp);
	BUG();
}

/* Sets up detach() on the lower stack of the current task; gives the sp to swap to. */
static unsigned long detach_context(void)
{
	return kbox_new_context(task_stack_page(current) + DETACH_STACK - 64, detach);
}

/* The lock is ours but current is somebody else: the sp to swap to, for the kernel to run without it. */
unsigned long kbox_foreign_context(struct host_thread *me)
{
	kbox_take_host(me);
	if (current == &init_task)
		return kbox_cpu.idle_ctx;
	kbox_irqs_of_user = READ_ONCE(*kbox_irq_pending);
	return detach_context();
}

static void enqueue(struct host_thread *me)
{
	struct host_thread *old;

	if (xchg(&me->queued, 1))
		return;
	do {
		old = READ_ONCE(kbox_cpu.entrants);
		me->next_entrant = old;
	} while (!__sync_bool_compare_and_swap(&kbox_cpu.entrants, old, me));
}

/* With the CPU in hand: let those in who wait at the door. */
void kbox_admit_entrants(void)
{
	struct host_thread *h, *next;

	if (likely(!READ_ONCE(kbox_cpu.entrants)))
		return;
	h = xchg(&kbox_cpu.entrants, NULL);
	for (; h; h = next) {
		next = h->next_entrant;
		xchg(&h->queued, 0);
		if (h->in_user)
			wake_up_state(h->task, TASK_NORMAL);
	}
}

/* A kick has been sent that may not have come yet: now it does. */
static void take_kicks(struct host_thread *me)
{
	if (me->kick || me->pulled)
		host_take_signals();
	me->kick = me->pulled = 0;
}

/* Out of user code, without a grant. */
void kbox_pull_in(struct host_thread *h)
{
	if (!h->in_user || READ_ONCE(h->waiting))
		return;
	host_tgkill(h->tgid, h->tid, KICK_SIGNAL);
	WRITE_ONCE(h->pulled, 1);	/* and whoever is to see it waits for the CPU, which is ours */
}

/* An entrant waits until the CPU is granted to it (true), or else can be taken, and has been (false). */
static bool wait_grant(struct host_thread *me)
{
	u32 spin = kbox_spin, idle = 0;

	xchg(&me->waiting, 1);
	while (READ_ONCE(me->grant) != 1 && spin--) {
		host_pause();
		idle = READ_ONCE(kbox_shared->vcpu.lock) ? 0 : idle + 1;
		if (idle > PATIENCE && kbox_cpu_trylock()) {
			WRITE_ONCE(me->waiting, 0);
			return false;
		}
	}
	if (sync_cmpxchg(&me->grant, 0, 2) == 0)	/* cmpxchg() need not be atomic in a UP kernel */
		while (READ_ONCE(me->grant) != 1)
			host_futex_wait(&me->grant, 2, HOST_NO_TIMEOUT);
	while (READ_ONCE(me->kick) == KICK_PERHAPS)
		host_pause();
	smp_rmb();	/* what the granter did comes before its grant */
	take_kicks(me);
	WRITE_ONCE(me->grant, 0);
	return true;
}

/* With the lock just taken: become current, or have the kernel make us so. */
static void attach(struct host_thread *me)
{
	kbox_vmalloc_sync(me);
	if (likely(current == me->task)) {
		kbox_take_host(me);
		me->in_user = 0;
		return;
	}
	take_kicks(me);
	enqueue(me);
	WRITE_ONCE(me->waiting, 1);	/* a grant that comes while it parks is no reason for a kick */
	kbox_swap(&me->entry_sp, kbox_foreign_context(me));
	WRITE_ONCE(me->waiting, 0);
	kbox_charge_user(me);
}

/* Current goes on, with the CPU, on another host thread that waits for it; returns there. */
void kbox_move_to(struct host_thread *h)
{
	hand_over(current, h);
}

/* From user mode into the kernel: returns with the CPU in hand and current == me->task. */
void kbox_enter(struct host_thread *me)
{
	if (likely(kbox_cpu_trylock())) {
		attach(me);
		return;
	}
	enqueue(me);		/* a full barrier: the holder sees us, or we see the lock free */
	if (kbox_cpu_trylock() || !wait_grant(me)) {
		attach(me);
		return;
	}
	/*
	 * The scheduler may take the CPU away before detach() has come to its end: that is no user
	 * code either.
	 */
	kbox_swap(&me->entry_sp, *me->ctx);
	WRITE_ONCE(me->waiting, 0);
	kbox_charge_user(me);
}

/*
 * Inside the kernel a patched site is never seen: ip is where it would be in the original text. Just
 * before user mode, a call that came in by a slot goes on there.
 */
static void to_original(struct pt_regs *regs)
{
	if (current->mm && current->mm->context.maps)
		instruction_pointer_set(regs, kbox_original_ip(current->mm, instruction_pointer(regs)));
}

static void to_slot(struct pt_regs *regs)
{
	struct stack_top *top = (void *)(regs + 1);

	if (top->resume_ip && instruction_pointer(regs) == top->resume_ip)
		instruction_pointer_set(regs, top->resume);
}

static void exit_work(struct pt_regs *regs)
{
	unsigned long work;

	for (;;) {
		local_irq_enable();
		if (READ_ONCE(*kbox_irq_pending))
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
 * User mode is next, where current stays current even if others wait: most often it is back before one of them could be
 * awake. Who stays for long is taken off the CPU, by an entrant that has looked for PATIENCE, or by Z.
 */
void kbox_to_user(struct host_thread *me)
{
	me->in_user = 1;
	if (!single_task_running())
		kbox_others_wait();
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

/* The grant came before the user's state was restored: the kick found us in kernel text. */
void kbox_reenter(struct host_thread *me, struct pt_regs *regs)
{
	kbox_enter(me);
	kbox_exit(regs);
}

void arch_cpu_idle(void)
{
	struct host_thread *me = kbox_cpu.host;

	raw_local_irq_enable();
	kbox_admit_entrants();
	raw_local_irq_disable();
	if (need_resched())
		return;
	WRITE_ONCE(kbox_cpu.idles, kbox_cpu.idles + 1);
	WRITE_ONCE(kbox_cpu.watcher, me->dead || me->idle ? NULL : me);
	smp_mb();	/* Z sees that it is on it, or we see that it sleeps */
	if (me->dead)
		kbox_tell_z();
	kbox_release(&kbox_cpu.idle_ctx, me, park_sp(me));
	raw_local_irq_enable();
	kbox_admit_entrants();
	raw_local_irq_disable();
}
