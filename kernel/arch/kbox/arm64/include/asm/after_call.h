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
	u32 insn;

	if (addr & 3)
		return false;
	insn = *(const u32 *)(addr - 4);
	*callee = 0;
	if ((insn & 0xfffffc1f) == 0xd63f0000)		/* blr */
		return true;
	if (insn >> 26 != 0x25)				/* bl */
		return false;
	*callee = addr - 4 + ((s32)(insn << 6) >> 4);
	return true;
}

/* Does this code end, somewhere, with a jump to "to"? */
static inline bool jumps_to(unsigned long start, unsigned long size, unsigned long to)
{
	unsigned long p;

	for (p = start; p + 4 <= start + size; p += 4) {
		u32 insn = *(const u32 *)p;

		if (insn >> 26 == 5 && p + ((s32)(insn << 6) >> 4) == to)
			return true;
	}
	return false;
}
#endif
