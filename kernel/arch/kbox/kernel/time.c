// SPDX-License-Identifier: GPL-2.0-only
/* The guest's clocks are the host's: CLOCK_MONOTONIC in nanoseconds is the clocksource. */
#include <linux/clocksource.h>
#include <linux/clockchips.h>
#include <linux/interrupt.h>
#include <linux/timekeeping.h>
#include <linux/timex.h>
#include <linux/workqueue.h>
#include <linux/delay.h>
#include <linux/sched/clock.h>
#include <linux/sched/task.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>
#include "../../../kernel/time/tick-internal.h"	/* tick_next_period */

/*
 * What CLOCK_MONOTONIC was when the timekeeper asked for it, until the timekeeper has begun to
 * count from there.
 */
static u64 boot_clock __initdata;

static u64 read_clock(struct clocksource *cs)
{
	return host_clock(CLOCK_MONOTONIC);
}

static u64 __init read_boot_clock(struct clocksource *cs)
{
	cs->read = read_clock;
	return boot_clock;
}

/* From the first moment on: no other clock could tell how long the boot takes. */
static struct clocksource kbox_clocksource __refdata = {
	.name = "host", .rating = 499, .read = read_boot_clock, .mult = 1 << 20, .shift = 20, .vdso_clock_mode = VDSO_CLOCKMODE_HOST,
	.mask = CLOCKSOURCE_MASK(64), .flags = CLOCK_SOURCE_IS_CONTINUOUS,
};

/*
 * The host's clock is none that its vDSO can read: ask the host itself, from now on, and guests ask
 * the kernel.
 */
void host_clock_lost(void)
{
	kbox_boot->vdso_clock_gettime = 0;
	kbox_clocksource.vdso_clock_mode = VDSO_CLOCKMODE_NONE;
}

struct clocksource * __init clocksource_default_clock(void)
{
	if (!kbox_boot->vdso_clock_gettime)
		host_clock_lost();
	return &kbox_clocksource;
}

u64 notrace sched_clock(void)
{
	return host_clock(CLOCK_MONOTONIC);
}

static int set_next_event(unsigned long delta, struct clock_event_device *dev)
{
	this_vcpu()->event_is_tick = !(ktime_sub(dev->next_event, tick_next_period) % TICK_NSEC);
	WRITE_ONCE(this_vcpu()->next_event, host_clock(CLOCK_MONOTONIC) + delta);
	/*
	 * Z may sleep for longer than that. Idle looks to it by itself, see vcpu.c; others when
	 * they go to user mode.
	 */
	smp_mb();
	if (READ_ONCE(this_vcpu()->z_until) > this_vcpu()->next_event && current != &init_task)
		set_tsk_thread_flag(current, TIF_NOTIFY_RESUME);
	return 0;
}

static int set_state(struct clock_event_device *dev)
{
	WRITE_ONCE(this_vcpu()->next_event, U64_MAX);
	return 0;
}

static struct clock_event_device kbox_clockevent = {
	.name = "host", .rating = 499, .features = CLOCK_EVT_FEAT_ONESHOT,
	.set_next_event = set_next_event, .set_state_shutdown = set_state,
	.set_state_oneshot_stopped = set_state,
	.mult = 1, .shift = 0, .irq = KBOX_IRQ_TIMER,
	.min_delta_ns = 1000, .min_delta_ticks = 1000,
	.max_delta_ns = NSEC_PER_SEC * 3600, .max_delta_ticks = NSEC_PER_SEC * 3600,
};

static irqreturn_t timer_irq(int irq, void *dev)
{
	WRITE_ONCE(this_vcpu()->next_event, U64_MAX);
	kbox_clockevent.event_handler(&kbox_clockevent);
	return IRQ_HANDLED;
}

/*
 * What the host's wall clock is ahead of its CLOCK_MONOTONIC, both at one moment as nearly as can
 * be: *at.
 */
static s64 wall_offset(u64 *at)
{
	u64 before, real, took, best = U64_MAX;
	s64 offset = 0;
	int i;

	for (i = 0; i < 16; i++) {
		before = host_clock(CLOCK_MONOTONIC);
		real = host_clock(CLOCK_REALTIME);
		took = host_clock(CLOCK_MONOTONIC) - before;
		if (took < best) {
			best = took;
			*at = before + took / 2;
			offset = real - *at;
		}
	}
	return offset;
}

static s64 host_offset;

void __init read_persistent_wall_and_boot_offset(struct timespec64 *wall, struct timespec64 *boot)
{
	host_offset = wall_offset(&boot_clock);
	*wall = ns_to_timespec64(boot_clock + host_offset);
	*boot = ns_to_timespec64(boot_clock);
}

/*
 * The host's wall clock has been set, or has gone on while the host was asleep: by as much the
 * guest's is changed.
 */
static void follow_host(struct work_struct *work)
{
	struct __kernel_timex change = { .modes = ADJ_SETOFFSET | ADJ_NANO };
	struct timespec64 by;
	u64 at;
	s64 step = wall_offset(&at) - host_offset;

	if (abs(step) > NSEC_PER_MSEC) {
		host_offset += step;
		by = ns_to_timespec64(step);
		change.time.tv_sec = by.tv_sec;
		change.time.tv_usec = by.tv_nsec;
		do_adjtimex(&change);
	}
	schedule_delayed_work(to_delayed_work(work), HZ);
}

/* An idle box is not woken for it. */
static DECLARE_DEFERRABLE_WORK(follow, follow_host);

static int __init follow_init(void)
{
	schedule_delayed_work(&follow, HZ);
	return 0;
}
late_initcall(follow_init);

void __init time_init(void)
{
	kbox_clockevent.cpumask = cpumask_of(0);
	if (request_irq(KBOX_IRQ_TIMER, timer_irq, IRQF_TIMER, "timer", NULL))
		panic("no timer interrupt");
	__clocksource_register(&kbox_clocksource);
	clockevents_register_device(&kbox_clockevent);
}

void calibrate_delay(void)
{
	loops_per_jiffy = 1000000000 / HZ;
}

void __ndelay(unsigned long ns)
{
	u64 end = host_clock(CLOCK_MONOTONIC) + ns;

	while (host_clock(CLOCK_MONOTONIC) < end)
		cpu_relax();
}

void __udelay(unsigned long us) { __ndelay(us * 1000); }
void __const_udelay(unsigned long x) { __ndelay((x * 1000) / 0x10c7); }
void __delay(unsigned long loops) { __ndelay(loops); }
