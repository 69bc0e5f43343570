/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_DEBUGREG_H
#define _ASM_KBOX_DEBUGREG_H
#include <linux/sched.h>
#include <asm/hosttrap.h>
/*
 * There are none to be had: a host thread cannot step itself. TIF_DEBUG means here that a tracer
 * has set the thread pointer, which is loaded on the way to user mode.
 */
static inline void debug_free(struct task_struct *t) { }
static inline void debug_mm_free(struct mm_struct *mm) { }
static inline bool debug_leaves(struct pt_regs *regs)
{
	tls_load();
	kbox_gate_open();
	return true;
}
static inline void debug_mapping(unsigned long addr, unsigned long pages) { }
static inline void debug_entered(struct pt_regs *regs, int trap) { }
static inline void debug_copy(struct task_struct *p) { }
#endif
