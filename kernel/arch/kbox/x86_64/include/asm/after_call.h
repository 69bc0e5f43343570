/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_AFTER_CALL_H
#define _ASM_KBOX_AFTER_CALL_H
#include <linux/types.h>

/*
 * An address in the kernel's text: is there a call before it? Then *callee is what it calls; 0:
 * what a pointer says.
 */
static inline bool after_call(unsigned long addr, unsigned long *callee)
{
	const u8 *p = (const u8 *)addr;
	int n;

	if (p[-5] == 0xe8) {
		*callee = addr + *(const s32 *)(p - 4);
		return true;
	}
	*callee = 0;
	for (n = 2; n <= 7; n++)	/* ff /2 */
		if (p[-n] == 0xff && (p[1 - n] >> 3 & 7) == 2)
			return true;
	return false;
}

/* Does this code end, somewhere, with a jump to "to"? */
static inline bool jumps_to(unsigned long start, unsigned long size, unsigned long to)
{
	unsigned long p;

	for (p = start; p + 5 <= start + size; p++)
		if (p + 5 + *(const s32 *)(p + 1) == to && (*(const u8 *)p == 0xe9 || (*(const u8 *)p & 0xf0) == 0x80))
			return true;
	return false;
}
#endif
