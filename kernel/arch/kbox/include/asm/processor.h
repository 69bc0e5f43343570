/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PROCESSOR_H
#define _ASM_KBOX_PROCESSOR_H
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/vdso/processor.h>
#define TASK_SIZE_MAX		TASK_SIZE
#define STACK_TOP		TASK_SIZE
#define STACK_TOP_MAX		STACK_TOP
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 3)
struct task_struct;
struct host_thread;
#include <asm/thread.h>
#define INIT_THREAD { }
/* Top of a kernel stack, above the user's registers. */
struct stack_top {
	unsigned long resume;		/* of the call that came in by a patched site: where user code goes on ... */
	unsigned long resume_ip;	/* ... if that is still its ip */
	unsigned long retried;		/* see x86_64/landing.c */
	unsigned long promoted;		/* SITE_CANCEL_*: the call came in by one, see arm64/promoted.c */
	unsigned long pad[3];
	struct host_thread *host;
};
#define stack_top(stack) ((struct stack_top *)((unsigned long)(stack) + THREAD_SIZE) - 1)
#define task_pt_regs(t)	((struct pt_regs *)stack_top(task_stack_page(t)) - 1)
#define ARCH_MIN_TASKALIGN 64
extern void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp);
extern unsigned long __get_wchan(struct task_struct *p);
static inline void prefetch(const void *x) { __builtin_prefetch(x); }
#define ARCH_HAS_PREFETCH
#define cache_line_size() 64
/* kernel/prctl.c */
#define GET_TSC_CTL(addr)	kbox_get_tsc(addr)
#define SET_TSC_CTL(mode)	kbox_set_tsc(mode)
extern int kbox_get_tsc(unsigned long addr);
extern int kbox_set_tsc(unsigned int mode);
#endif
