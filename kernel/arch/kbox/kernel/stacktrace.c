// SPDX-License-Identifier: GPL-2.0-only
/*
 * There are no frame pointers and no unwind tables. A stack has return addresses and what looks
 * like them, left there by calls that have returned. So an address counts only if a call is before
 * it, and the caller of a function is the next one that calls it.
 */
#include <linux/kallsyms.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/stacktrace.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <asm/after_call.h>
#include <asm/sections.h>
#include <asm/syscall.h>

static unsigned long *stack_of(struct task_struct *t)
{
	return t == current ? __builtin_frame_address(0) : (unsigned long *)t->thread.sp;
}

/* Above it are the user's registers, if there are any. */
static unsigned long *top_of_stack(unsigned long *sp)
{
	return (unsigned long *)stack_top((unsigned long)sp & ~(THREAD_SIZE - 1)) - sizeof(struct pt_regs) / sizeof(long);
}

/* Not the vsyscall page: that is text to stock Linux, and nobody can read it. */
static bool is_text(unsigned long addr)
{
	return __kernel_text_address(addr) && !in_gate_area_no_mm(addr);
}

/*
 * The next return address from *sp on; 0 at the end of the stack. Where a function begins is a
 * pointer to it.
 */
static unsigned long next_return(unsigned long **sp, unsigned long *end, unsigned long *callee)
{
	unsigned long addr, size, offset;

	while (*sp < end) {
		addr = *(*sp)++;
		if (is_text(addr) && after_call(addr, callee) &&
		    kallsyms_lookup_size_offset(addr, &size, &offset) && offset)
			return addr;
	}
	return 0;
}

/*
 * That a call of "callee" comes to the function at "to": by itself, or by the jump that its own
 * last call has become.
 */
static bool comes_to(unsigned long callee, unsigned long to)
{
	unsigned long size, offset;

	if (callee == to)
		return true;
	/* What looks like a call need not be one. */
	return is_text(callee) && kallsyms_lookup_size_offset(callee, &size, &offset) && !offset &&
	       is_text(callee + size - 1) && jumps_to(callee, size, to);
}

/*
 * Who has called the function that "from" is in: the next direct call that comes to it. Else, the
 * next call by a pointer, which may be; else, the next one of all. From 0: that, too.
 */
static unsigned long caller(unsigned long **sp, unsigned long *end, unsigned long from)
{
	unsigned long *at = *sp, size, offset, callee, addr, first = next_return(sp, end, &callee), *after = *sp;
	bool by_pointer = false;

	if (!from || !kallsyms_lookup_size_offset(from, &size, &offset))
		return first;
	*sp = at;
	while ((addr = next_return(sp, end, &callee))) {
		if (callee && comes_to(callee, from - offset))
			return addr;
		if (callee || by_pointer)
			continue;
		by_pointer = true;
		first = addr;
		after = *sp;
	}
	*sp = after;
	return first;
}

/* Of a task that does not run; or of current, from here. */
static void walk(bool (*take)(void *, unsigned long), void *cookie, struct task_struct *t, unsigned long *sp)
{
	unsigned long *end = top_of_stack(sp), addr = 0;

	while ((addr = caller(&sp, end, addr)) && take(cookie, addr))
		;
}

void arch_stack_walk(stack_trace_consume_fn consume_entry, void *cookie, struct task_struct *t, struct pt_regs *regs)
{
	if (!kbox_in_user(t ?: current))
		walk(consume_entry, cookie, t, regs ? (unsigned long *)kernel_stack_pointer(regs) : stack_of(t ?: current));
}

static bool waits_in(void *where, unsigned long addr)
{
	if (in_sched_functions(addr))
		return true;
	*(unsigned long *)where = addr;
	return false;
}

/* What a task waits in; p does not run. In user code, it waits for nothing. */
unsigned long __get_wchan(struct task_struct *p)
{
	unsigned long where = 0;

	if (!kbox_in_user(p))
		walk(waits_in, &where, p, stack_of(p));
	return where;
}

void show_stack(struct task_struct *t, unsigned long *sp, const char *lvl)
{
	unsigned long addr, callee;
	int n;

	if (!sp)
		sp = stack_of(t ?: current);
	printk("%sCall trace (every return address on the stack):\n", lvl);
	for (n = 0; n < 40 && (addr = next_return(&sp, top_of_stack(sp), &callee)); n++)
		printk("%s %pS\n", lvl, (void *)addr);
}
