/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CONTEXT_H
#define _ASM_KBOX_CONTEXT_H
/* Saved kernel contexts, as kbox_swap() (entry.S) makes them: six registers and where to go on. */
static inline unsigned long kbox_new_context(void *stack, void (*fn)(void))
{
	unsigned long *sp = stack;

	*--sp = 0;
	*--sp = (unsigned long)fn;
	sp -= 6;
	memset(sp, 0, 6 * sizeof(long));
	return (unsigned long)sp;
}
#endif
