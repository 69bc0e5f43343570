/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMU_H
#define _ASM_KBOX_MMU_H
#include <asm/hostmm.h>
struct rewrite_map;
struct rewrite_seen;
struct pt_regs;
struct gate_entry;
struct host_thread;
struct debug_mm;
typedef struct {
	struct host_mm host;		/* what its host process has mapped */
	bool protected;			/* fork has done what the next flush_tlb_mm() is for */
	unsigned int gathering;		/* so many tasks move its pages: they map them when all have moved (mm/gather.c) */
	/* Where the program writes to page after page, in as many places at a time (mm/prefault.c). */
	struct { unsigned long next; unsigned int pages; } ahead[4];	/* where the next such fault would be; what the last one made */
	unsigned int ahead_last;
	struct task_struct *filling;	/* its fault maps its pages when it has them all, */
	bool replacing;			/* but the next one at once: the host still has what was there before, */
	bool alone;			/* or when it has them all, too, since nobody else is in user code there */
	struct rewrite_map *maps;	/* what of its text is patched */
	struct rewrite_seen *seen;	/* sites that have trapped */
	unsigned long vdso;		/* where exec has mapped it */
	struct debug_mm *debug;		/* pages that a debugger watches, see mm/watch.c */
	bool unpromoted;		/* its calls of cancellation wrappers stay as they are, see rewrite/promote.c */
	/* What arm64's gate finds tasks by (findtask.c). */
	struct pt_regs **gate_page;
	struct gate_entry *gate_table;
	struct host_thread *gate_mapped;
} mm_context_t;
#endif
