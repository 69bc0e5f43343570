// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user code uses while its task is off the CPU (docs/architecture.md, "Who runs
 * the kernel"): the scheduler does not see it, the host thread's own clock does.
 */
#include <linux/cgroup.h>
#include <linux/sched.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/kernel_stat.h>
#include <linux/posix-timers.h>
#include <asm/kbox.h>
#include <asm/unistd.h>

static u64 host_thread_clock(void)
{
	struct { s64 sec, nsec; } ts;

	HCALL(__NR_clock_gettime, CLOCK_THREAD_CPUTIME_ID, &ts, 0, 0, 0, 0);
	return ts.sec * NSEC_PER_SEC + ts.nsec;
}

static bool timers_armed(struct task_struct *t)
{
	const struct posix_cputimer_base *b = t->posix_cputimers.bases;

	return READ_ONCE(t->signal->posix_cputimers.timers_active) ||
	       (b[CPUCLOCK_PROF].nextevt & b[CPUCLOCK_VIRT].nextevt & b[CPUCLOCK_SCHED].nextevt) != U64_MAX;
}

/* Who looks at a clock of a task's time sees what it has used so late. */
#define CHARGE_INTERVAL	(HZ / 40)

/* Jiffies after which current, in user code and off the CPU, is to come and be charged. */
long kbox_charge_interval(void)
{
	return timers_armed(current) ? 1 : CHARGE_INTERVAL;
}

/* Current begins to run on me. */
void kbox_charge_begin(struct host_thread *me)
{
	me->used = host_thread_clock();
	me->charged = current->se.sum_exec_runtime;
}

/* The scheduler has charged its share by the wall clock, which is never less than the host thread's. */
static u64 uncharged(struct host_thread *me)
{
	u64 used = host_thread_clock(), charged = current->se.sum_exec_runtime, user = 0;

	if (used - me->used > charged - me->charged)
		user = (used - me->used) - (charged - me->charged);
	me->used = used;
	me->charged = charged + user;
	return user;
}

/* Current has just come in from user code, on its own host thread, having been off the CPU. */
void kbox_charge_user(struct host_thread *me)
{
	u64 user = uncharged(me);

	local_irq_disable();
	if (user) {
		current->se.sum_exec_runtime += user;	/* as update_curr() does it */
		account_group_exec_runtime(current, user);
		cgroup_account_cputime(current, user);
		account_user_time(current, user);
	}
	if (timers_armed(current))
		run_posix_cpu_timers();
	local_irq_enable();
}
