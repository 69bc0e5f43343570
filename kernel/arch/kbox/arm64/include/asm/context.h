/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CONTEXT_H
#define _ASM_KBOX_CONTEXT_H
/* Saved kernel contexts, as kbox_swap() (entry.S) makes them: x19 to x30. */
static inline unsigned long kbox_new_context(void *stack, void (*fn)(void))
{
	unsigned long *sp = (unsigned long *)((unsigned long)stack & ~15UL) - 12;

	memset(sp, 0, 12 * sizeof(long));
	sp[11] = (unsigned long)fn;
	return (unsigned long)sp;
}
#endif
