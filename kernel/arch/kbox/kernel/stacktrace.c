// SPDX-License-Identifier: GPL-2.0-only
#include <linux/stacktrace.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <asm/sections.h>

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
