/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMU_CONTEXT_H
#define _ASM_KBOX_MMU_CONTEXT_H
#include <linux/mm_types.h>
#include <asm/gate.h>
extern int arch_dup_mmap(struct mm_struct *old, struct mm_struct *new);
static inline void arch_exit_mmap(struct mm_struct *mm) { }
static inline bool arch_vma_access_permitted(struct vm_area_struct *vma, bool write, bool execute, bool foreign) { return true; }
/* A user address space is a host process: there is nothing to load at a switch. */
static inline void switch_mm(struct mm_struct *prev, struct mm_struct *next, struct task_struct *t) { }
#define activate_mm activate_mm
extern void activate_mm(struct mm_struct *prev, struct mm_struct *next);
#define init_new_context init_new_context
static inline int init_new_context(struct task_struct *t, struct mm_struct *mm)
{
	memset(&mm->context, 0, sizeof(mm->context));
	return kbox_gate_new(mm);
}
#define destroy_context destroy_context
extern void destroy_context(struct mm_struct *mm);
#define deactivate_mm deactivate_mm
extern void deactivate_mm(struct task_struct *t, struct mm_struct *mm);
#include <asm-generic/mmu_context.h>
#endif
