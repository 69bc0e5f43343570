// SPDX-License-Identifier: GPL-2.0-only
/*
 * Z, the host thread without a task: it waits for interrupts and for the next clock event, if no
 * host thread that has parked does, and runs the kernel for them when nobody else does. It also
 * sees to it that nobody keeps the others waiting.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/stat.h>
#include <linux/jiffies.h>
#include <linux/time64.h>
#include <uapi/linux/time.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>

struct host_thread host_z = { .idle = 1 };

/* What Z keeps of its vCPU for itself. */
static struct {
	u64 next_poll;		/* while the CPU is contended; U64_MAX: it does not poll */
	u32 polls;		/* until it ends to poll, if none of them finds contention */
	u32 idles, quiet;	/* vcpu.idles at the last tick, and for how many ticks that has been so */
} z = { .next_poll = U64_MAX };

/*
 * Z cannot interrupt the kernel, but a loop in it that has no interrupts to take asks
 * need_resched(). While z_reads_current is set, current does not go away.
 */
static void set_need_resched_of_current(void)
{
	struct vcpu *v = this_vcpu();

	xchg(&v->z_reads_current, 1);
	__sync_fetch_and_or(&task_thread_info(READ_ONCE(v->current_task))->flags, _TIF_NEED_RESCHED);
	WRITE_ONCE(v->z_reads_current, 0);
}

/* Current has changed: the one that was may go away. */
void kbox_wait_for_z(void)
{
	while (unlikely(READ_ONCE(this_vcpu()->z_reads_current)))
		host_pause();
}

/* How long to wait for the event, as host_futex_wait() takes it. U64_MAX: there is none. */
static u64 until(u64 event, u64 now)
{
	return event == U64_MAX ? HOST_NO_TIMEOUT : event - now;
}

/* Z looks again at what it waits for. */
void kbox_wake_z(void)
{
	__sync_fetch_and_add(&kbox_shared->vcpu.z_seq, 1);
	host_futex_wake(&kbox_shared->vcpu.z_seq);
}

/*
 * The CPU is contended: user code of one task keeps it while others wait. Then Z polls every
 * POLL_NS, and preempts that task if it finds it in user mode, until POLLS polls have found no
 * contention.
 */
#define POLL_NS	(200 * NSEC_PER_USEC)
#define POLLS	5

enum contention { UNCONTENDED, POLLED, CONTENDED };	/* POLLED: it was contended, and Z has polled since then */

/*
 * Current goes to user mode, and others could run. On a host with one processor Z does not poll: it
 * would take the time of those that it polls for.
 */
void kbox_contended(void)
{
	u32 *contention = &this_vcpu()->contention;

	if (likely(READ_ONCE(*contention) == CONTENDED) || !kbox_spin || xchg(contention, CONTENDED) != UNCONTENDED)
		return;
	kbox_wake_z();
}

/*
 * The next event comes while Z sleeps, and nobody else may be there to see it. A tick may be late,
 * by as much as a tick: most often the first one after an idle time is not heard anyway, since idle
 * comes back before.
 */
void kbox_tell_z(void)
{
	u64 asleep = READ_ONCE(this_vcpu()->z_until), event = READ_ONCE(this_vcpu()->next_event);

	if (likely(asleep <= event || (this_vcpu()->event_is_tick && asleep <= event + TICK_NSEC)))
		return;
	WRITE_ONCE(this_vcpu()->z_until, 0);	/* once is enough */
	kbox_wake_z();
}

/* Those who watch look again: one is the watcher, others were, and nobody has told them since. */
void kbox_wake_watchers(void)
{
	__sync_fetch_and_add(&kbox_shared->vcpu.watch_seq, 1);
	host_futex_wake_all(&kbox_shared->vcpu.watch_seq);
}

/*
 * me watches no longer, and just parks. It may be the one that a raiser has woken: who has the CPU
 * takes what is pending, and where nobody has it Z is to look.
 */
static unsigned long unwatch(struct host_thread *me)
{
	sync_cmpxchg(&me->grant, GRANT_WATCHES, GRANT_NONE);
	if (READ_ONCE(*this_vcpu()->irq_pending) && !READ_ONCE(kbox_shared->vcpu.lock))
		kbox_wake_z();
	return 0;
}

/*
 * The CPU is idle's, which has let go of it on host thread me, and me parks. It waits for the next
 * event and for interrupts as well as for a grant: a sleeper whom one of these wakes is woken up
 * once, by the host, and not by Z in addition. Should somebody else take the CPU, they are no
 * longer ours: idle finds another watcher, or Z is told. Gives the sp of idle, with the CPU taken
 * for it; or 0: me just parks.
 */
unsigned long kbox_watch(struct host_thread *me)
{
	u64 now, event;
	u32 seq;

	kbox_poll_grant(me, READ_ONCE(this_vcpu()->next_event));
	if (sync_cmpxchg(&me->grant, GRANT_NONE, GRANT_WATCHES) != GRANT_NONE)
		return unwatch(me);
	for (;;) {
		seq = smp_load_acquire(&kbox_shared->vcpu.watch_seq);
		event = READ_ONCE(this_vcpu()->next_event);
		if (READ_ONCE(me->grant) == GRANT_GIVEN || READ_ONCE(this_vcpu()->watcher) != me)
			return unwatch(me);
		now = host_clock(CLOCK_MONOTONIC);
		if (event <= now || READ_ONCE(*this_vcpu()->irq_pending))
			break;
		host_futex_wait(&kbox_shared->vcpu.watch_seq, seq, until(event, now));
	}
	if (READ_ONCE(current) != &init_task || !kbox_cpu_trylock())
		return unwatch(me);
	if (current != &init_task || this_vcpu()->watcher != me) {
		/* Whoever has found us there waits no longer for the event: Z does. */
		WRITE_ONCE(this_vcpu()->watcher, NULL);
		sync_cmpxchg(&me->grant, GRANT_WATCHES, GRANT_NONE);
		xchg(&kbox_shared->vcpu.lock, 0);
		kbox_wake_z();
		return 0;
	}
	WRITE_ONCE(me->grant, GRANT_NONE);	/* a grant comes from who has the CPU */
	if (event <= now)
		__sync_fetch_and_or(this_vcpu()->irq_pending, 1 << KBOX_IRQ_TIMER);
	kbox_vmalloc_sync(me);
	kbox_take_host(me);
	return this_vcpu()->idle_ctx;
}

static bool watched(void)
{
	return READ_ONCE(current) == &init_task && READ_ONCE(this_vcpu()->watcher);
}

/*
 * There is a watcher. Z looks each tick, as long as idle goes and comes, so that it need not be
 * told when idle ends: it would be woken up beside a task that has just been, and be in its way. It
 * does so until nothing has been for QUIET ticks.
 */
#define QUIET 5

static u64 look_for_idle(u64 now)
{
	u32 idles = READ_ONCE(this_vcpu()->idles);

	z.quiet = idles == z.idles ? z.quiet + 1 : 0;
	z.idles = idles;
	return z.quiet < QUIET ? now + TICK_NSEC : U64_MAX;
}

/*
 * There is no next event now. While a task runs there is a tick, whose handler is about to set it:
 * should the task go on in the kernel, nobody tells.
 */
static u64 without_event(u64 now)
{
	if (watched())
		return look_for_idle(now);
	return READ_ONCE(current) == &init_task ? U64_MAX : now + TICK_NSEC;
}

static void begin_polling(u64 now)
{
	z.polls = POLLS;
	z.next_poll = now + POLL_NS;
}

/* Is it time to take the CPU for those who wait? */
static bool need_preempt(u64 now)
{
	u32 *contention = &this_vcpu()->contention;

	if (!z.polls) {
		if (READ_ONCE(*contention) == CONTENDED)
			begin_polling(now);
	} else if (now >= z.next_poll) {
		z.next_poll = now + POLL_NS;
		if (sync_cmpxchg(contention, CONTENDED, POLLED) == CONTENDED) {
			z.polls = POLLS;
			return !single_task_running();
		}
		if (--z.polls)
			return false;
		z.next_poll = U64_MAX;
		if (sync_cmpxchg(contention, POLLED, UNCONTENDED) == CONTENDED)
			begin_polling(now);
	}
	return false;
}

void __noreturn z_loop(void)
{
	u64 now, event;
	u32 seq, unheard = 0;
	bool preempt;

	for (;;) {
		seq = READ_ONCE(kbox_shared->vcpu.z_seq);
		xchg(&this_vcpu()->z_until, U64_MAX);
		event = watched() ? U64_MAX : READ_ONCE(this_vcpu()->next_event);
		now = host_clock(CLOCK_MONOTONIC);
		if (event <= now)
			__sync_fetch_and_or(this_vcpu()->irq_pending, 1 << KBOX_IRQ_TIMER);
		preempt = need_preempt(now);
		event = min(event, z.next_poll);
		if (event == U64_MAX)
			event = without_event(now);
		if (event > now && (READ_ONCE(kbox_shared->vcpu.lock) ||
				    !(READ_ONCE(*this_vcpu()->irq_pending) || READ_ONCE(this_vcpu()->entrants) || preempt))) {
			/*
			 * Who holds the CPU takes what is pending, and looks for more when he lets
			 * go of it.
			 */
			xchg(&this_vcpu()->z_until, event);
			unheard = 0;
			host_futex_wait(&kbox_shared->vcpu.z_seq, seq, until(event, now));
			continue;
		}
		if (!kbox_cpu_trylock()) {
			if (event > now)	/* taken just now: what was to be done is its holder's */
				continue;
			/* The timer is his too, once he has seen the bit. */
			if (unheard++)
				set_need_resched_of_current();
			host_futex_wait(&kbox_shared->vcpu.z_seq, seq, NSEC_PER_MSEC);
			continue;
		}
		WRITE_ONCE(this_vcpu()->z_until, 0);
		unheard = 0;
		kbox_vmalloc_sync(&host_z);
		kbox_swap(&host_z.loop_sp, kbox_foreign_context(&host_z));
	}
}
