/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_WORD_AT_A_TIME_H
#define _ASM_KBOX_WORD_AT_A_TIME_H
#include <asm/page.h>
#include <asm-generic/word-at-a-time.h>

extern unsigned long load_across_pages(const void *addr);	/* mm/zeropad.c */

/*
 * Of a string, the word at addr, which may go past the string's end: what lies behind the last
 * mapped page reads as 0. The ISAs' own ports take a fault there. Here code on a borrowed host
 * thread may not fault (docs/memory.md), so the load looks first.
 */
static inline unsigned long load_unaligned_zeropad(const void *addr)
{
	if (likely(((unsigned long)addr & ~PAGE_MASK) <= PAGE_SIZE - sizeof(long)))
		return *(const unsigned long *)addr;
	return load_across_pages(addr);
}
#endif
