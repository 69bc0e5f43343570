// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user code uses while its task is off the CPU: the scheduler does not see it, the host
 * thread's own clock does. docs/vcpu.md, "CPU time and scheduling"
 */
#include <linux/cgroup.h>
#include <linux/sched.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/kernel_stat.h>
#include <linux/posix-timers.h>
#include <linux/timer.h>
#include <asm/host.h>
#include <asm/profiled.h>
#include <asm/vcpu.h>

static bool timers_armed(struct task_struct *t)
{
	const struct posix_cputimer_base *b = t->posix_cputimers.bases;

	return READ_ONCE(t->signal->posix_cputimers.timers_active) ||
	       (b[CPUCLOCK_PROF].nextevt & b[CPUCLOCK_VIRT].nextevt & b[CPUCLOCK_SCHED].nextevt) != U64_MAX;
}

/* Who looks at a clock of a task's time sees what it has used so late. */
#define CHARGE_INTERVAL	(HZ / 40)

/* Its control group may limit its time, by cpu.max: that is the scheduler's business. */
static bool may_be_limited(struct task_struct *t)
{
	return !task_css_is_root(t, cpu_cgrp_id);
}

struct fetch {
	struct timer_list timer;
	struct host_thread *host;
};

static void pull_in(struct timer_list *timer)
{
	struct fetch *fetch = from_timer(fetch, timer, timer);

	kbox_preempt(fetch->host);
}

static void fetch_it(struct timer_list *timer)
{
	struct fetch *fetch = from_timer(fetch, timer, timer);

	wake_up_state(fetch->host->task, TASK_NORMAL);
}

/*
 * Current, in user code and off the CPU, sleeps until it comes in, or is to be charged. Nobody
 * fetches the tasks of a group whose time is used up: each comes by itself then, and is kept. One
 * with events that are counted (perf.c) is fetched at once.
 */
void kbox_sleep_detached(struct host_thread *me)
{
	struct fetch fetch = { .host = me };
	bool limited = may_be_limited(current);

	if (kbox_profiled(current))
		return;
	set_current_state(TASK_NORMAL | TASK_IN_USER);
	timer_setup_on_stack(&fetch.timer, limited ? pull_in : fetch_it, 0);
	mod_timer(&fetch.timer, jiffies + (limited || timers_armed(current) ? 1 : CHARGE_INTERVAL));
	schedule();
	timer_delete_sync(&fetch.timer);
	destroy_timer_on_stack(&fetch.timer);
	__set_current_state(TASK_RUNNING);
}

/* Current begins to run on me. */
void kbox_charge_begin(struct host_thread *me)
{
	me->used = host_thread_clock();
	me->charged = current->se.sum_exec_runtime;
}

/*
 * The scheduler has charged its share by the wall clock, which is never less than the host
 * thread's.
 */
static u64 uncharged(struct host_thread *me)
{
	u64 used = host_thread_clock(), charged = current->se.sum_exec_runtime, user = 0;

	if (used - me->used > charged - me->charged)
		user = (used - me->used) - (charged - me->charged);
	me->used = used;
	me->charged = charged + user;
	return user;
}

/*
 * As update_curr() does it. update_curr() also counts the time by the task's weight, which is for
 * tasks that share this CPU, and this user code ran on a processor of the host's. So it is called
 * only where a control group may have a limit.
 */
static void charge(u64 user)
{
	struct sched_entity *se;

	account_user_time(current, user);
	if (may_be_limited(current)) {
		for (se = &current->se; se; se = se->parent)
			se->exec_start -= user;
		task_sched_runtime(current);
	} else {
		current->se.sum_exec_runtime += user;
		account_group_exec_runtime(current, user);
		cgroup_account_cputime(current, user);
	}
}

/* Current has just come in from user code, on its own host thread, having been off the CPU. */
void kbox_charge_user(struct host_thread *me)
{
	u64 user = uncharged(me);

	local_irq_disable();
	if (user)
		charge(user);
	if (timers_armed(current))
		run_posix_cpu_timers();
	local_irq_enable();
}
