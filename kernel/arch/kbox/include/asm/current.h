/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CURRENT_H
#define _ASM_KBOX_CURRENT_H
/*
 * A virtual CPU: what there is once for each, and that all host threads see. There is one of them,
 * so that this_vcpu() is a constant. Here are its words; asm/vcpu.h has what is done with them.
 */
#ifndef __ASSEMBLY__
#include <linux/types.h>

struct task_struct;
struct host_thread;

/* Written by who has the CPU, unless something else is said. Times are of the host's CLOCK_MONOTONIC, in ns. */
struct vcpu {
	struct task_struct *current_task;	/* not derived from the stack: kernel code runs on any */
	unsigned long irqs_on;			/* interrupts are enabled (asm/irqflags.h) */
	u32 *irq_pending;			/* bits of KBOX_IRQ_*, which anybody raises: of struct kbox_vcpu */
	u32 irqs_of_user;			/* those that came while user code ran, and are not taken yet */
	bool in_irqs;				/* handlers run */

	struct host_thread *host;		/* on which the CPU runs now */
	struct host_thread *watcher;		/* while idle has let go of the CPU: it waits for the next event; NULL: Z does */
	u32 idles;				/* how often idle has let go of the CPU */
	struct task_struct *last;		/* whom switch_to came from */
	unsigned long idle_ctx;			/* the saved sp of idle, while it has let go of the CPU */

	u64 next_event;				/* of the clock event device; U64_MAX: none */
	bool event_is_tick;			/* that is no finer than a tick */

	/* Written without the CPU as well. */
	struct host_thread *entrants __attribute__((aligned(64)));	/* lock-free stack: host threads that want in */
	u64 z_until;				/* Z sleeps until then; 0: it does not sleep */
	u32 z_reads_current;			/* Z does, and the task must not go away */
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
