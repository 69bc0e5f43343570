// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host process has no more than vm.max_map_count mappings (65,530 by default). When the host
 * refuses one more, some go: those of page tables from which nothing has been filled since the
 * hand of a clock was there. It goes on where it stopped, so what one instruction needs at a time
 * stays: by the time the hand is there again all the others have gone.
 */
#include <linux/mm.h>
#include <uapi/asm/kbox.h>
#include <asm/host.h>
#include <asm/tlbflush.h>
#include "tlb.h"

#define SHARE		8		/* that part of all goes at a time */
#define SHARE_MIN	16UL		/* mappings */
#define FEW		2		/* mappings of a page table that cost much to bring back for what they free */

/* A mapping has been made for pages of this page table. */
void evict_filled(pte_t *table)
{
	unsigned long *note = note_of(table);

	*note |= NOTE_RECENT;
	if (*note / NOTE_MAPPING < PTRS_PER_PTE)
		*note += NOTE_MAPPING;
}

/*
 * Is it the first time that this is asked for the window since the table's mappings were evicted?
 */
bool evict_once_for(pte_t *table, unsigned int window)
{
	unsigned long *note = note_of(table), old = *note;

	*note |= NOTE_TRIED(window);
	return !(old & NOTE_TRIED(window));
}

/*
 * The next page table from *addr on, whose first address that becomes; NULL: there is none before
 * end.
 */
static pte_t *next_table(struct mm_struct *mm, unsigned long *addr, unsigned long end)
{
	unsigned long at = *addr & PMD_MASK;
	pmd_t *pmd;

	for (; at < end; at = kbox_walk_next(mm, at)) {
		pmd = kbox_walk_pmd(mm, at);
		if (pmd) {
			*addr = at;
			return pte_offset_kernel(pmd, at);
		}
	}
	return NULL;
}

/* How many mappings the host has at most. */
static unsigned long count_mappings(struct mm_struct *mm)
{
	unsigned long addr, n = 0;
	pte_t *table;

	for (addr = 0; (table = next_table(mm, &addr, TASK_SIZE)); addr += PMD_SIZE)
		n += *note_of(table) / NOTE_MAPPING;
	return n;
}

/*
 * All of user memory in [start, end), which are bounds of page tables. Returns how many mappings
 * that frees.
 */
static unsigned long evict(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	unsigned long freed = 0;
	pte_t *table;

	if (start < KBOX_HOME_START && end > KBOX_HOME_END)
		return evict(mm, start, KBOX_HOME_START) + evict(mm, KBOX_HOME_END, end);
	/* It is refused where all of this is in the midst of one mapping: nothing would be won. */
	if (start >= end || host_munmap(start, end))
		return 0;
	for (; (table = next_table(mm, &start, end)); start += PMD_SIZE) {
		unsigned long *note = note_of(table);

		if (!(*note / NOTE_MAPPING))
			continue;
		freed += *note / NOTE_MAPPING;
		*note &= NOTE_WINDOWS;
		kbox_mark_unmapped(table, PTRS_PER_PTE);
	}
	return freed;
}

void evict_all(struct mm_struct *mm)
{
	evict(mm, 0, TASK_SIZE);
}

/* Does the hand leave the table's mappings when it comes around for this time? */
static bool spare(unsigned long *note, unsigned int round)
{
	if (round == 0 && *note & NOTE_RECENT) {
		*note &= ~NOTE_RECENT;
		return true;
	}
	return round < 2 && *note / NOTE_MAPPING <= FEW;
}

/* The hand goes from start to end, until this many are freed. Neighbours go in one call. */
static unsigned long sweep(struct mm_struct *mm, unsigned long start, unsigned long end, unsigned int round, unsigned long want)
{
	unsigned long addr = start, from = 0, to = 0, pending = 0, freed = 0;
	pte_t *table = NULL;

	for (; freed + pending < want && (table = next_table(mm, &addr, end)); addr += PMD_SIZE) {
		unsigned long *note = note_of(table);

		if (!(*note / NOTE_MAPPING))
			continue;
		if (spare(note, round)) {
			freed += evict(mm, from, to);
			pending = from = to = 0;
			continue;
		}
		pending += *note / NOTE_MAPPING;
		if (!to)
			from = addr;
		to = min(addr + PMD_SIZE, TASK_SIZE);
	}
	freed += evict(mm, from, to);
	mm->context.host.hand = table ? addr : 0;
	return freed;
}

/*
 * The host's mappings are exhausted. The process that runs is the mm's; also without the CPU, where
 * who has it waits.
 */
void evict_some(struct mm_struct *mm)
{
	unsigned long want = max(count_mappings(mm) / SHARE, SHARE_MIN), hand, freed = 0;
	unsigned int round;

	mm->context.host.evicted = true;
	for (round = 0; round < 3 && freed < want; round++) {
		hand = mm->context.host.hand;
		freed += sweep(mm, hand, TASK_SIZE, round, want - freed);
		if (freed < want)
			freed += sweep(mm, 0, hand, round, want - freed);
	}
	if (!freed)
		evict_all(mm);
}
