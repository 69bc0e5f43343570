/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CURRENT_H
#define _ASM_KBOX_CURRENT_H
/*
 * The state of a virtual CPU, which all host threads see. There is one virtual CPU, so that
 * this_vcpu() is a constant. asm/vcpu.h has what is done with it.
 */
#ifndef __ASSEMBLY__
#include <linux/types.h>

struct task_struct;
struct host_thread;

/*
 * Who has the CPU writes these, unless something else is said. Times are of the host's
 * CLOCK_MONOTONIC, in ns.
 */
struct vcpu {
	struct task_struct *current_task;	/* kernel code runs on any stack, so it does not tell */
	unsigned long irqs_on;			/* interrupts are enabled (asm/irqflags.h) */
	u32 *irq_pending;			/* bits of KBOX_IRQ_*, in struct kbox_vcpu */
	u32 irqs_of_user;			/* came in user mode, and are not taken yet */
	bool in_irqs;				/* handlers of interrupts run */

	struct host_thread *host;		/* the CPU runs on it */
	/* It waits for the next event while idle has let go of the CPU. NULL: Z waits. */
	struct host_thread *watcher;
	u32 idles;				/* how often idle has let go of the CPU */
	struct task_struct *last;		/* the task that switch_to() came from */
	unsigned long idle_ctx;			/* idle's saved sp, while it has let go of the CPU */

	u64 next_event;				/* of the clock event device; U64_MAX: none */
	bool event_is_tick;			/* that event is no finer than a tick */

	/*
	 * Others write these, too. entrants is a lock-free stack of host threads that want the CPU.
	 */
	struct host_thread *entrants __attribute__((aligned(64)));
	u64 z_until;				/* Z sleeps until then; 0: it does not sleep */
	u32 z_reads_current;			/* Z looks at the current task, which must stay */
	u32 contention;				/* enum contention, of z.c */
} __attribute__((aligned(64)));

extern struct vcpu vcpu0;

static inline struct vcpu *this_vcpu(void)
{
	return &vcpu0;
}

#define current (vcpu0.current_task)
#endif
#endif
