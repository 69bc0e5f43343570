/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PROCESSOR_H
#define _ASM_KBOX_PROCESSOR_H
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/vdso/processor.h>
#define TASK_SIZE		KBOX_PAGE_OFFSET
#define TASK_SIZE_MAX		TASK_SIZE
#define STACK_TOP		TASK_SIZE
#define STACK_TOP_MAX		STACK_TOP
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 3)
struct task_struct;
struct host_thread;
struct thread_struct {
	unsigned long sp;		/* saved kernel context: callee-saved registers, return address */
	struct host_thread *host;	/* where it runs; NULL: any thread will do */
	void *fpstate;			/* struct _xstate: the user's, in the host frame (fpstate.c) */
	unsigned long fsbase, gsbase;
	unsigned long trap_nr, error_code, cr2;
};
#define INIT_THREAD { }
#define KSTK_EIP(t)	(task_pt_regs(t)->ip)
#define KSTK_ESP(t)	(task_pt_regs(t)->sp)
#define task_pt_regs(t)	\
	((struct pt_regs *)((unsigned long)task_stack_page(t) + THREAD_SIZE - 64) - 1)
extern void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
extern unsigned long __get_wchan(struct task_struct *p);
static inline void prefetch(const void *x) { __builtin_prefetch(x); }
#define ARCH_HAS_PREFETCH
#define cache_line_size() 64
#endif
