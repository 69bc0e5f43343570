/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PROCESSOR_H
#define _ASM_KBOX_PROCESSOR_H
#include <asm/page.h>
#include <asm/ptrace.h>
#include <asm/vdso/processor.h>
struct task_struct;
struct host_thread;
#include <asm/thread.h>
#define TASK_SIZE		kbox_task_size
#define STACK_TOP		TASK_SIZE
#define STACK_TOP_MAX		STACK_TOP
#define HAVE_ARCH_UNMAPPED_AREA
#define HAVE_ARCH_UNMAPPED_AREA_TOPDOWN
#define HAVE_ARCH_HUGETLB_UNMAPPED_AREA
extern unsigned long kbox_task_size;	/* the home is below it: mm/place.c */
#define HOME_SIZE		(KBOX_HOME_END - KBOX_HOME_START)
/*
 * Below TASK_SIZE_MAX, and not in the home. Where the addresses are a power of two of pieces as
 * large as the home, one comparison is enough: that piece becomes number 0, and then the last one.
 */
static __always_inline bool kbox_user_address(unsigned long addr)
{
#ifdef __x86_64__
	return (addr / HOME_SIZE ^ KBOX_HOME_START / HOME_SIZE) - 1 < (TASK_SIZE_MAX + HOME_SIZE - 1) / HOME_SIZE - 1;
#else
	return addr - KBOX_HOME_START >= HOME_SIZE && addr < TASK_SIZE_MAX;
#endif
}
static inline bool kbox_meets_home(unsigned long start, unsigned long size)
{
	return start < KBOX_HOME_END && start + size > KBOX_HOME_START;
}
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
/* regs: the user's, on a kernel stack. */
#define regs_top(regs)	((struct stack_top *)((regs) + 1))
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
