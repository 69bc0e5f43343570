// SPDX-License-Identifier: GPL-2.0-only
/* There are no frame pointers: a trace is every text address on the stack. */
#include <linux/stacktrace.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <asm/sections.h>

static unsigned long *stack_of(struct task_struct *t)
{
	return t == current ? __builtin_frame_address(0) : (unsigned long *)t->thread.sp;
}

/* The next text address from *sp on; 0 at the end of the stack. */
static unsigned long next_text_address(unsigned long **sp)
{
	while ((unsigned long)*sp & (THREAD_SIZE - 1)) {
		unsigned long addr = *(*sp)++;

		if (__kernel_text_address(addr))
			return addr;
	}
	return 0;
}

#ifdef CONFIG_STACKTRACE
/* For kernel/stacktrace.c. */
void save_stack_trace_tsk(struct task_struct *t, struct stack_trace *trace)
{
	unsigned long *sp = stack_of(t), addr;

	while (trace->nr_entries < trace->max_entries && (addr = next_text_address(&sp))) {
		if (trace->skip)
			trace->skip--;
		else
			trace->entries[trace->nr_entries++] = addr;
	}
}

void save_stack_trace(struct stack_trace *trace)
{
	save_stack_trace_tsk(current, trace);
}
#endif

void show_stack(struct task_struct *t, unsigned long *sp, const char *lvl)
{
	unsigned long addr;
	int n;

	if (!sp)
		sp = stack_of(t ?: current);
	printk("%sCall trace (every text address on the stack):\n", lvl);
	for (n = 0; n < 40 && (addr = next_text_address(&sp)); n++)
		printk("%s %pS\n", lvl, (void *)addr);
}
