// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code that comes to a patched site in another way than from its start: by a single step, or by a
 * jump into what the site's jump has replaced.
 */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/gate.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "../rewrite/rewrite.h"

/*
 * A single step has ended at ip: if it was the jump to a slot, make of it what the original
 * instruction does. True: that is the system call itself, and ip is behind it.
 */
bool kbox_stepped(struct mm_struct *mm, struct pt_regs *regs)
{
	struct rewrite_map *map;
	struct patched_site *s = site_of_slot(mm, regs->ip, true, &map);

	if (!s || regs->ip - map->base != s->site.slot)
		return false;
	regs->ip = s->site.call + map->base;
	if (s->site.kind == SITE_BEFORE_CALL) {
		regs->ax = s->site.nr;
		return false;
	}
	regs->ip += 2;
	return true;
}

/* The text there is mapped with our jumps in it: not written to by the process or its tracer. */
static bool is_patched(struct mm_struct *mm, unsigned long addr)
{
	pte_t *ptep = kbox_walk(mm, addr);

	return ptep && pte_present(*ptep) && !pte_special(*ptep) && kbox_patched_pfn(mm, addr, pte_pfn(*ptep)) != pte_pfn(*ptep);
}

/* There is an int3 at ip in the text as the guest knows it. */
static bool has_breakpoint(struct mm_struct *mm, unsigned long ip)
{
	pte_t *ptep = kbox_walk(mm, ip);

	return ptep && pte_present(*ptep) && !pte_special(*ptep) && *((u8 *)page_address(pte_page(*ptep)) + (ip & ~PAGE_MASK)) == 0xcc;
}

/*
 * The jump on which code has landed may have gone since then, because another thread has written to
 * the text: then the program tries again. What faults twice in a row is its own fault.
 */
static bool try_again(struct mm_struct *mm, unsigned long ip, bool breakpoint)
{
	struct stack_top *top = stack_top(task_stack_page(current));

	if (breakpoint)
		return !has_breakpoint(mm, ip);
	if (top->retried == ip) {
		top->retried = 0;
		return false;
	}
	top->retried = ip;
	return true;
}

/*
 * A fault (breakpoint: by an int3) at ip: if code has landed inside a jump of ours, where it is to
 * go on, else 0.
 */
unsigned long kbox_landing_ip(struct mm_struct *mm, unsigned long ip, bool breakpoint)
{
	struct patched_site *s;
	struct rewrite_map *map;
	u64 to;

	for (map = mm->context.maps; map; map = map->next) {
		s = image_site(map->image, ip - map->base);
		to = s ? site_landing(&s->site, ip - map->base) : 0;
		if (to && is_patched(mm, ip))
			return to + map->base;
		if (to && try_again(mm, ip, breakpoint))
			return ip;
	}
	return 0;
}
