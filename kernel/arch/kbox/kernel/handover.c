// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the CPU goes from one host thread to another: grants, and what a host thread does without the
 * CPU. It parks, below the saved context of its task, since a host signal that comes then puts its
 * frame there; or it ends, or becomes a spare, on a stack of its own. docs/vcpu.md
 */
#include <linux/sched.h>
#include <linux/sched/debug.h>
#include <linux/time.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/vcpu.h>

/*
 * Where polling for a grant was in vain SPIN_VAIN times in a row, on a host that has other things
 * to do, it goes on for less long, 1 / 2^SPIN_LESS of it; and for all of it at times, to see
 * whether that is still so.
 */
#define SPIN_VAIN	4
#define SPIN_AGAIN	20
#define SPIN_LESS	3

/* An entrant that has found the lock free so often in a row takes the CPU. */
#define PATIENCE	20

#define NEAR_NS		(20 * NSEC_PER_USEC)

u32 kbox_spin = 300;

static bool is_granted(const struct host_thread *me)
{
	/*
	 * Before its grant the granter has said whether there may be an IPI, and done all that me
	 * is to see.
	 */
	return smp_load_acquire(&me->grant) == GRANT_GIVEN;
}

/* Gives the CPU, which is ours, to a host thread. From here on it is no longer ours. */
void kbox_grant(struct host_thread *to)
{
	bool in_user = READ_ONCE(to->state) != HT_KERNEL;
	u32 tid = to->tid, tgid = to->tgid, was;

	if (in_user)
		WRITE_ONCE(to->ipi, IPI_PERHAPS);
	was = xchg(&to->grant, GRANT_GIVEN);
	if (was == GRANT_WATCHES) {
		kbox_wake_watchers();
	} else if (was == GRANT_ASLEEP) {
		if (in_user)
			smp_store_release(&to->ipi, IPI_NONE);
		host_futex_wake(&to->grant);
	} else if (in_user && READ_ONCE(to->state) == HT_DOOR) {
		smp_store_release(&to->ipi, IPI_NONE);
	} else if (in_user) {
		host_tgkill(tgid, tid, IPI_SIGNAL);
		smp_store_release(&to->ipi, IPI_SENT);
	}
}

/* Out of user code, without a grant. The CPU is ours. */
void kbox_preempt(struct host_thread *h)
{
	if (READ_ONCE(h->state) != HT_USER)
		return;
	host_tgkill(h->tgid, h->tid, IPI_SIGNAL);
	WRITE_ONCE(h->preempted, 1);	/* and whoever is to see it waits for the CPU, which is ours */
}

/* An IPI has been sent that may not have come yet: now it does. */
void kbox_take_ipis(struct host_thread *me)
{
	if (me->ipi || me->preempted)
		host_take_signals();
	me->ipi = IPI_NONE;
	me->preempted = 0;
}

/* There is a grant: the CPU is ours. */
static void take_grant(struct host_thread *me)
{
	while (smp_load_acquire(&me->ipi) == IPI_PERHAPS)
		host_pause();
	kbox_take_ipis(me);
	WRITE_ONCE(me->grant, GRANT_NONE);
}

static void sleep_until_granted(struct host_thread *me)
{
	if (sync_cmpxchg(&me->grant, GRANT_NONE, GRANT_ASLEEP) == GRANT_GIVEN)	/* cmpxchg() need not be atomic in a UP kernel */
		return;
	while (!is_granted(me))
		host_futex_wait(&me->grant, GRANT_ASLEEP, HOST_NO_TIMEOUT);
}

/*
 * Polls for a grant for a while, but not beyond the event, where that is near: then there is no
 * sleep before it.
 */
void kbox_poll_grant(struct host_thread *me, u64 event)
{
	u32 spin = me->vain < SPIN_VAIN ? kbox_spin : kbox_spin >> SPIN_LESS;
	bool near = event != U64_MAX && event < host_clock(CLOCK_MONOTONIC) + NEAR_NS;

	while (!is_granted(me)) {
		if (near && host_clock(CLOCK_MONOTONIC) >= event)
			return;
		if (!spin--) {
			if (++me->vain >= SPIN_AGAIN)
				me->vain = SPIN_VAIN - 1;
			return;
		}
		host_pause();
	}
	me->vain = 0;
}

/*
 * An entrant waits until the CPU is granted to it (true), or else can be taken, and has been
 * (false).
 */
bool kbox_wait_grant(struct host_thread *me)
{
	u32 spin = kbox_spin, idle = 0;

	xchg(&me->state, HT_DOOR);
	while (!is_granted(me) && spin--) {
		host_pause();
		idle = READ_ONCE(kbox_shared->vcpu.lock) ? 0 : idle + 1;
		if (idle > PATIENCE && kbox_cpu_trylock())
			return false;
	}
	sleep_until_granted(me);
	take_grant(me);
	return true;
}

/* There is a grant, for its task's saved context. */
static void __noreturn go_on(struct host_thread *me)
{
	take_grant(me);
	if (me->fate == FATE_EXITS)	/* the task will not come */
		kbox_thread_exit(me);
	if (unlikely(me->holds)) {
		regs_hold();
		smp_store_release(&me->holds, 0);
		kbox_park(me);
	}
	kbox_load(*me->ctx);
}

/* Without the CPU, on a stack that nobody else comes to; a new host thread begins so. */
void __noreturn kbox_park(struct host_thread *me)
{
	if (me->loop_sp)
		kbox_load(me->loop_sp);
	kbox_poll_grant(me, U64_MAX);
	sleep_until_granted(me);
	go_on(me);
}

/* fate: as it was when the CPU was ours. A spare may have another task since then. */
static void __noreturn without_cpu(struct host_thread *me, enum ht_fate fate)
{
	if (fate == FATE_EXITS)
		kbox_thread_exit(me);
	if (fate == FATE_SPARE)
		host_mm_drop();
	kbox_park(me);
}

static void handed_over(struct host_thread *me, struct host_thread *to)
{
	enum ht_fate fate = me->fate;

	kbox_grant(to);
	without_cpu(me, fate);
}

/*
 * Where me can be without the CPU, when the running context is another task's, or that of a task
 * that me has no more.
 */
static void *own_stack(struct host_thread *me)
{
	if (me->fate != FATE_LIVES)
		return me->own_stack + ARRAY_SIZE(me->own_stack);
	return (void *)(me->idle ? me->loop_sp : *me->ctx);
}

/*
 * The CPU leaves this host thread for another one, with the running task's context saved. __sched:
 * that a task is switched is not where it waits.
 */
void __sched kbox_hand_over(struct task_struct *prev, struct host_thread *to)
{
	struct host_thread *me = this_vcpu()->host;
	bool own = prev->thread.host == me && me->fate == FATE_LIVES;

	kbox_take_host(to);
	kbox_switch_stack(&prev->thread.sp, me, to, own ? NULL : own_stack(me), handed_over);
}

/* Idle has let go of the CPU. */
static void released(struct host_thread *me, struct host_thread *unused)
{
	enum ht_fate fate = me->fate;
	unsigned long idle;

	xchg(&kbox_shared->vcpu.lock, 0);
	if (READ_ONCE(*this_vcpu()->irq_pending) || READ_ONCE(this_vcpu()->entrants))
		kbox_wake_z();
	if (fate != FATE_LIVES || me->idle)
		without_cpu(me, fate);
	idle = kbox_watch(me);
	if (idle)
		kbox_load(idle);
	sleep_until_granted(me);
	go_on(me);
}

/*
 * Idle gives the CPU to nobody. If an interrupt or an entrant slipped in, Z is told. This host
 * thread parks, and may be the one to wait for the next event: then idle goes on here.
 */
void kbox_release(struct host_thread *me)
{
	kbox_switch_stack(&this_vcpu()->idle_ctx, me, NULL, own_stack(me), released);
}
