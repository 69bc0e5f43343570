// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a new program's areas begin, as arch/x86/mm/mmap.c has it. The kernel's own (mm/util.c)
 * takes a stack without a limit for a wish for the old layout; here it is a stack that has five
 * sixths of the addresses.
 */
#include <linux/elf.h>
#include <linux/elf-randomize.h>
#include <linux/mm.h>
#include <linux/personality.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

unsigned long arch_mmap_rnd(void)
{
	return (get_random_long() & ((1UL << mmap_rnd_bits) - 1)) << PAGE_SHIFT;
}

unsigned long arch_randomize_brk(struct mm_struct *mm)
{
	return randomize_page(mm->brk, SZ_1G);
}

void arch_pick_mmap_layout(struct mm_struct *mm, struct rlimit *stack)
{
	bool randomize = current->flags & PF_RANDOMIZE;
	unsigned long rnd = randomize ? arch_mmap_rnd() : 0;
	unsigned long pad = stack_guard_gap + (randomize ? STACK_RND_MASK << PAGE_SHIFT : 0);
	unsigned long gap = stack->rlim_cur + pad < pad ? stack->rlim_cur : stack->rlim_cur + pad;

	mm->mmap_legacy_base = TASK_UNMAPPED_BASE + rnd;
	if (current->personality & ADDR_COMPAT_LAYOUT || sysctl_legacy_va_layout) {
		mm->mmap_base = mm->mmap_legacy_base;
		clear_bit(MMF_TOPDOWN, &mm->flags);
	} else {
		mm->mmap_base = PAGE_ALIGN(STACK_TOP - clamp(gap, SZ_128M, TASK_SIZE / 6 * 5) - rnd);
		set_bit(MMF_TOPDOWN, &mm->flags);
	}
}
