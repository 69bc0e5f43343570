/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMU_CONTEXT_H
#define _ASM_KBOX_MMU_CONTEXT_H
#include <linux/mm_types.h>
#include <asm-generic/mm_hooks.h>
/* A user address space is a host process: there is nothing to load at a switch. */
static inline void switch_mm(struct mm_struct *prev, struct mm_struct *next, struct task_struct *t) { }
#define activate_mm activate_mm
extern void activate_mm(struct mm_struct *prev, struct mm_struct *next);
#define init_new_context init_new_context
static inline int init_new_context(struct task_struct *t, struct mm_struct *mm)
{
	mm->context.threads = 0;
	return 0;
}
#define deactivate_mm deactivate_mm
extern void deactivate_mm(struct task_struct *t, struct mm_struct *mm);
#include <asm-generic/mmu_context.h>
#endif
