// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of user code, for perf_event_open(2). They are counted and sampled while their task is on
 * the CPU. So the tasks that have some are never off it while they run user code (vcpu.c): who
 * wants the CPU, or the clock, has them come in first, and then the scheduler decides, as on a
 * machine of one processor. What of the ISA's registers has which number: $(ISA)/perf_regs.c.
 */
#include <linux/file.h>
#include <linux/perf_event.h>
#include <linux/ptrace.h>
#include <linux/sched/task_stack.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <asm/profiled.h>
#include <asm/rewrite.h>

static unsigned int cpu_clocks;		/* events that sample whoever runs, by the clock */

/* Is it to be on the CPU while it runs user code? */
bool kbox_profiled(struct task_struct *t)
{
	return cpu_clocks || (t->perf_event_ctxp && t->perf_event_ctxp->nr_events);
}

static void clock_ends(struct perf_event *event)
{
	cpu_clocks--;
}

static bool samples_all(const struct perf_event *event)
{
	return event->attr.type == PERF_TYPE_SOFTWARE && event->attr.config <= PERF_COUNT_SW_TASK_CLOCK &&
	       !(event->attach_state & PERF_ATTACH_TASK);
}

SYSCALL_DEFINE5(kbox_perf_event_open, struct perf_event_attr __user *, attr, pid_t, pid, int, cpu, int, group,
		unsigned long, flags)
{
	long fd = sys_perf_event_open(attr, pid, cpu, group, flags);
	struct file *file = fd < 0 ? NULL : fget(fd);
	struct perf_event *event;

	if (!file)
		return fd;
	event = file->private_data;
	/* Clocks have nothing of their own to do at their end. */
	if (samples_all(event) && !event->destroy) {
		event->destroy = clock_ends;
		cpu_clocks++;
	}
	fput(file);
	return fd;
}

/* What is patched is not seen. */
unsigned long perf_instruction_pointer(struct pt_regs *regs)
{
	if (user_mode(regs) && current->mm && current->mm->context.maps)
		return kbox_original_ip(current->mm, instruction_pointer(regs));
	return instruction_pointer(regs);
}

u64 perf_reg_abi(struct task_struct *t)
{
	return PERF_SAMPLE_REGS_ABI_64;
}

void perf_get_regs_user(struct perf_regs *user, struct pt_regs *regs)
{
	user->regs = task_pt_regs(current);
	user->abi = perf_reg_abi(current);
}

/* A frame record of code that keeps frame pointers is the same on both ISAs. */
void perf_callchain_user(struct perf_callchain_entry_ctx *entry, struct pt_regs *regs)
{
	struct { unsigned long next, ret; } frame;
	unsigned long at = frame_pointer(regs);

	perf_callchain_store(entry, instruction_pointer(regs));
	while (entry->nr < entry->max_stack && at && !(at & (sizeof(long) - 1))) {
		if (copy_from_user_nofault(&frame, (void __user *)at, sizeof(frame)))
			return;
		perf_callchain_store(entry, frame.ret);
		if (frame.next <= at)
			return;
		at = frame.next;
	}
}
