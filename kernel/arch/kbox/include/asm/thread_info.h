/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_THREAD_INFO_H
#define _ASM_KBOX_THREAD_INFO_H
#include <asm/page.h>
#define THREAD_SIZE_ORDER	CONFIG_KERNEL_STACK_ORDER
#define THREAD_SIZE		(PAGE_SIZE << THREAD_SIZE_ORDER)
#ifndef __ASSEMBLY__
struct thread_info {
	unsigned long flags;
	int preempt_count;
	int cpu;
	unsigned long syscall_work;
};
#define INIT_THREAD_INFO(tsk) { .preempt_count = INIT_PREEMPT_COUNT }
#endif
#define TIF_NOTIFY_RESUME	1
#define TIF_SIGPENDING		2
#define TIF_NEED_RESCHED	3
#define TIF_SINGLESTEP		4
#define TIF_SYSCALL_TRACE	5
#define TIF_SYSCALL_AUDIT	6
#define TIF_SECCOMP		7
#define TIF_SYSCALL_TRACEPOINT	8
#define TIF_NOTIFY_SIGNAL	9
#define TIF_RESTORE_SIGMASK	10
#define TIF_MEMDIE		11
#define TIF_POLLING_NRFLAG	12
#define TIF_DEBUG		13	/* of a debugger: before user mode there may be something to do (asm/debugreg.h) */
#define TIF_FORCED_TF		14	/* it is by a tracer that the task steps */
#define TIF_BLOCKSTEP		15	/* to the next branch */
#define TIF_UPROBE		16
#define TIF_TSC_SIGSEGV		17	/* PR_SET_TSC */
#define TIF_TAGGED_ADDR		18	/* PR_SET_TAGGED_ADDR_CTRL */
#define _TIF_NOTIFY_RESUME	(1 << TIF_NOTIFY_RESUME)
#define _TIF_SIGPENDING		(1 << TIF_SIGPENDING)
#define _TIF_NEED_RESCHED	(1 << TIF_NEED_RESCHED)
#define _TIF_SINGLESTEP		(1 << TIF_SINGLESTEP)
#define _TIF_SYSCALL_TRACE	(1 << TIF_SYSCALL_TRACE)
#define _TIF_SYSCALL_AUDIT	(1 << TIF_SYSCALL_AUDIT)
#define _TIF_SECCOMP		(1 << TIF_SECCOMP)
#define _TIF_SYSCALL_TRACEPOINT	(1 << TIF_SYSCALL_TRACEPOINT)
#define _TIF_NOTIFY_SIGNAL	(1 << TIF_NOTIFY_SIGNAL)
#define _TIF_DEBUG		(1 << TIF_DEBUG)
#define _TIF_UPROBE		(1 << TIF_UPROBE)
#define _TIF_WORK_MASK (_TIF_NOTIFY_RESUME | _TIF_SIGPENDING | _TIF_NEED_RESCHED | _TIF_NOTIFY_SIGNAL)
#define _TIF_SYSCALL_WORK (_TIF_SYSCALL_TRACE | _TIF_SYSCALL_AUDIT | _TIF_SECCOMP | _TIF_SYSCALL_TRACEPOINT | _TIF_SINGLESTEP)
#endif
