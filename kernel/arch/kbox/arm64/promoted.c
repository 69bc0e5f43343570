// SPDX-License-Identifier: GPL-2.0-only
/* System calls from promoted calls of cancellation wrappers (docs/cancel-wrapper.md). */
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/entry-common.h>
#include <linux/mm.h>
#include <asm/gate_exit.h>
#include <asm/boot.h>
#include <asm/rewrite.h>
#include <asm/site.h>
#include <asm/slotregs.h>
#include "../rewrite/rewrite.h"

/* The wrapper that the bl before x30 called, of whichever map that is; 0: none. */
static unsigned long wrapper(struct mm_struct *mm, unsigned long x30)
{
	struct rewrite_map *map;
	struct patched_site *s;

	for (map = mm->context.maps; map; map = map->next) {
		s = image_site(map->image, x30 - 4 - map->base);
		if (s && s->site.kind != SITE_AT_CALL)
			return s->site.target + map->base;
	}
	return 0;
}

/* The program is at an entry or came from one that could not serve: it goes to its own wrapper. */
bool kbox_to_wrapper(struct pt_regs *regs)
{
	unsigned long to = wrapper(current->mm, regs->regs[30]);

	if (to)
		regs->pc = to;
	return to;
}

static long call(struct pt_regs *r, unsigned int nr, unsigned int kind)
{
	const u64 *a = r->regs + (kind == SITE_CANCEL_FIRST);

	return sys_call_table[nr](a[0], a[1], a[2], a[3], a[4], a[5]);
}

/*
 * As kbox_gate_call(). Tracers and filters are to see a call as they know it, so there the program
 * makes it by its wrapper.
 */
struct host_thread *kbox_promoted_call(struct pt_regs *regs, unsigned int nr, unsigned int kind)
{
	kbox_enter(regs_top(regs)->host);
	current->thread.fpstate = NULL;
	regs_forget_slot(regs);
	regs->syscallno = NO_SYSCALL;
	if (unlikely(nr >= NR_syscalls || READ_ONCE(current_thread_info()->syscall_work))) {
		kbox_to_wrapper(regs);
		kbox_exit(regs);
	}
	kbox_count(KBOX_CALLS_REWRITE);
	kbox_count(KBOX_CALLS_PROMOTED);
	regs_top(regs)->promoted = kind;
	syscall_begin(regs, nr);
	regs->regs[0] = call(regs, nr, kind);
	if (unlikely(READ_ONCE(current_thread_info()->syscall_work) & SYSCALL_WORK_EXIT)) {
		syscall_exit_to_user_mode_work(regs);
		local_irq_enable();
		kbox_exit(regs);
	}
	return gate_exit(regs, regs->regs[30]);
}
