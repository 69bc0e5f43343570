// SPDX-License-Identifier: GPL-2.0-only
#include <linux/stacktrace.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <asm/sections.h>

#ifdef CONFIG_STACKTRACE
/* Without frame pointers: every text address on the stack (kernel: kernel/stacktrace.c asks for it). */
void save_stack_trace_tsk(struct task_struct *t, struct stack_trace *trace)
{
	unsigned long *sp = t == current ? __builtin_frame_address(0) : (unsigned long *)t->thread.sp;
	unsigned long *end = (void *)(((unsigned long)sp | (THREAD_SIZE - 1)) + 1);

	for (; sp < end && trace->nr_entries < trace->max_entries; sp++) {
		if (!__kernel_text_address(*sp))
			continue;
		if (trace->skip)
			trace->skip--;
		else
			trace->entries[trace->nr_entries++] = *sp;
	}
}

void save_stack_trace(struct stack_trace *trace)
{
	save_stack_trace_tsk(current, trace);
}
#endif

void show_stack(struct task_struct *t, unsigned long *sp, const char *lvl)
{
	unsigned long *end;
	int n = 0;

	if (!t)
		t = current;
	if (!sp)
		sp = t == current ? __builtin_frame_address(0) : (unsigned long *)t->thread.sp;
	end = (void *)(((unsigned long)sp | (THREAD_SIZE - 1)) + 1);
	printk("%sCall trace (every text address on the stack):\n", lvl);
	for (; sp < end && n < 40; sp++)
		if (__kernel_text_address(*sp)) {
			printk("%s %pS\n", lvl, (void *)*sp);
			n++;
		}
}
