// SPDX-License-Identifier: GPL-2.0-only
/*
 * Z, the host thread without a task: it waits for interrupts, and for the next clock event if no
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

/*
 * Z cannot interrupt the kernel, but a loop in it that has no interrupts to take asks
 * need_resched(). While nagging is set, current does not go away.
 */
static u32 nagging;

static void nag(void)
{
	xchg(&nagging, 1);
	__sync_fetch_and_or(&task_thread_info(READ_ONCE(current_task))->flags, _TIF_NEED_RESCHED);
	WRITE_ONCE(nagging, 0);
}

/* Current is about to change. */
void kbox_nag_done(void)
{
	while (unlikely(READ_ONCE(nagging)))
		host_pause();
}

/* How long to wait for the event, as host_futex_wait() takes it. U64_MAX: there is none. */
static u64 until(u64 event, u64 now)
{
	return event == U64_MAX ? HOST_NO_TIMEOUT : event - now;
}

/* Z looks again at what it waits for. */
static void wake_z(void)
{
	__sync_fetch_and_add(&kbox_shared->vcpu.z_seq, 1);
	host_futex_wake(&kbox_shared->vcpu.z_seq);
}

/*
 * Do tasks wait for the CPU while that of the user code of another one is kept? Then Z looks every LOOK_NS until it has seen
 * LOOKS times that none does.
 */
#define LOOK_NS (200 * NSEC_PER_USEC)
#define LOOKS 5

static u32 crowd;
enum { ALONE, LOOKED, CROWDED };

/* Current goes to user mode, and others could run. With one processor it would be in their way either way. */
void kbox_others_wait(void)
{
	if (likely(READ_ONCE(crowd) == CROWDED) || !kbox_spin || xchg(&crowd, CROWDED) != ALONE)
		return;
	wake_z();
}

/*
 * The next event comes while Z sleeps, and nobody else may be there to see it. A tick may be late,
 * by as much as a tick: most often the first one after an idle time is not heard anyway, since idle
 * comes back before.
 */
void kbox_tell_z(void)
{
	u64 asleep = READ_ONCE(kbox_z_until), event = READ_ONCE(kbox_next_event);

	if (likely(asleep <= event || (kbox_event_is_tick && asleep <= event + TICK_NSEC)))
		return;
	WRITE_ONCE(kbox_z_until, 0);	/* once is enough */
	wake_z();
}

#define NEAR_NS (20 * NSEC_PER_USEC)

/* What kbox_wait in entry.S does. The next event may be as near as that: then there is no sleep before it. */
static void kbox_spin_for_grant(struct host_thread *me)
{
	u64 event = READ_ONCE(kbox_next_event), now = host_clock(CLOCK_MONOTONIC);
	u32 spin = me->vain < SPIN_VAIN ? kbox_spin : kbox_spin >> SPIN_LESS;
	bool near = event < now + NEAR_NS;

	while (READ_ONCE(me->grant) != 1) {
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
 * The CPU is idle's, which has let go of it on host thread me, and me parks. It waits for the next
 * event as well as for a grant: a sleeper whose time comes then is woken up once, by the host, and
 * not by Z in addition. Should somebody else take the CPU, the next event is no longer ours: idle
 * finds another watcher, or Z is told. Gives the sp of idle, with the CPU taken for it; or 0: me
 * just parks.
 */
unsigned long kbox_watch(struct host_thread *me)
{
	u64 now, event;

	kbox_spin_for_grant(me);
	if (sync_cmpxchg(&me->grant, 0, 2))
		return 0;
	for (;;) {
		event = READ_ONCE(kbox_next_event);
		if (READ_ONCE(me->grant) == 1 || READ_ONCE(kbox_cpu.watcher) != me)
			return 0;
		now = host_clock(CLOCK_MONOTONIC);
		if (event <= now)
			break;
		host_futex_wait(&me->grant, 2, until(event, now));
	}
	if (READ_ONCE(current_task) != &init_task || !kbox_cpu_trylock())
		return 0;
	if (current != &init_task || kbox_cpu.watcher != me) {
		/* Whoever has found us there waits no longer for the event: Z does. */
		WRITE_ONCE(kbox_cpu.watcher, NULL);
		xchg(&kbox_shared->vcpu.lock, 0);
		wake_z();
		return 0;
	}
	WRITE_ONCE(me->grant, 0);	/* a grant comes from who has the CPU */
	__sync_fetch_and_or(kbox_irq_pending, 1 << KBOX_IRQ_TIMER);
	kbox_vmalloc_sync(me);
	kbox_take_host(me);
	return kbox_cpu.idle_ctx;
}

static bool watched(void)
{
	return READ_ONCE(current_task) == &init_task && READ_ONCE(kbox_cpu.watcher);
}

/*
 * There is a watcher. Z looks each tick, as long as idle goes and comes, so that it need not be
 * told when idle ends: it would be woken up beside a task that has just been, and be in its way. It
 * does so until nothing has been for QUIET ticks.
 */
#define QUIET 5

static u64 look_for_idle(u64 now)
{
	static u32 seen, quiet;
	u32 idles = READ_ONCE(kbox_cpu.idles);

	quiet = idles == seen ? quiet + 1 : 0;
	seen = idles;
	return quiet < QUIET ? now + TICK_NSEC : U64_MAX;
}

/*
 * There is no next event now. While a task runs there is a tick, whose handler is about to set it: should the task go on in
 * the kernel, nobody tells.
 */
static u64 without_event(u64 now)
{
	if (watched())
		return look_for_idle(now);
	return READ_ONCE(current_task) == &init_task ? U64_MAX : now + TICK_NSEC;
}

static u64 next_look = U64_MAX;
static u32 looks;

static void look_again(u64 now)
{
	looks = LOOKS;
	next_look = now + LOOK_NS;
}

/* Is it time to take the CPU for them? */
static bool look(u64 now)
{
	if (!looks) {
		if (READ_ONCE(crowd) == CROWDED)
			look_again(now);
	} else if (now >= next_look) {
		next_look = now + LOOK_NS;
		if (sync_cmpxchg(&crowd, CROWDED, LOOKED) == CROWDED) {
			looks = LOOKS;
			return !single_task_running();
		}
		if (--looks)
			return false;
		next_look = U64_MAX;
		if (sync_cmpxchg(&crowd, LOOKED, ALONE) == CROWDED)
			look_again(now);
	}
	return false;
}

void __noreturn z_loop(void)
{
	u64 now, event;
	u32 seq, unheard = 0;
	bool others;

	for (;;) {
		seq = READ_ONCE(kbox_shared->vcpu.z_seq);
		xchg(&kbox_z_until, U64_MAX);
		event = watched() ? U64_MAX : READ_ONCE(kbox_next_event);
		now = host_clock(CLOCK_MONOTONIC);
		if (event <= now)
			__sync_fetch_and_or(kbox_irq_pending, 1 << KBOX_IRQ_TIMER);
		others = look(now);
		event = min(event, next_look);
		if (event == U64_MAX)
			event = without_event(now);
		if (event > now && (READ_ONCE(kbox_shared->vcpu.lock) ||
				    !(READ_ONCE(*kbox_irq_pending) || READ_ONCE(kbox_cpu.entrants) || others))) {
			/* Who holds the CPU takes what is pending, and looks for more when he lets go of it. */
			xchg(&kbox_z_until, event);
			unheard = 0;
			host_futex_wait(&kbox_shared->vcpu.z_seq, seq, until(event, now));
			continue;
		}
		if (!kbox_cpu_trylock()) {
			if (event > now)	/* taken just now: what was to be done is its holder's */
				continue;
			/* The timer is his too, once he has seen the bit. */
			if (unheard++)
				nag();
			host_futex_wait(&kbox_shared->vcpu.z_seq, seq, NSEC_PER_MSEC);
			continue;
		}
		WRITE_ONCE(kbox_z_until, 0);
		unheard = 0;
		kbox_vmalloc_sync(&host_z);
		kbox_swap(&host_z.loop_sp, kbox_foreign_context(&host_z));
	}
}
