/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_GATE_EXIT_H
#define _ASM_GATE_EXIT_H
/* Where calls by a gate end, with the CPU in hand. */
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <asm/gate.h>
#include <asm/syscall.h>
#include <asm/vcpu.h>

/* The gate, which restores few registers, may go back to user code, at "back". */
static __always_inline bool gate_may_return(struct pt_regs *regs, unsigned long back)
{
	if (READ_ONCE(current_thread_info()->flags) & (_TIF_WORK_MASK | _TIF_DEBUG))
		return false;
	return !syscall_left(regs) && instruction_pointer(regs) == back && !current->thread.fpstate && gate_leaves();
}

/*
 * The call is made. Gives the gate the host thread if there is nothing to do before user mode but to
 * let go of the CPU; else this does not return.
 */
static __always_inline struct host_thread *gate_exit(struct pt_regs *regs, unsigned long back)
{
	struct host_thread *me = regs_top(regs)->host;

	if (unlikely(!gate_may_return(regs, back)))
		kbox_exit(regs);
	kbox_to_user(me);
	return me;
}
#endif
