/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_OUTOFLINE_H
#define _ASM_KBOX_OUTOFLINE_H
/* One instruction of the program's that is executed by itself: outofline.c. */
#include <linux/bits.h>
#include <linux/types.h>
struct pt_regs;

enum outofline {
	OUT_AGAIN,	/* there is something else to do first, a signal perhaps */
	OUT_DONE,	/* it has been simulated */
	OUT_GOES,	/* it will be executed in user mode */
};
extern enum outofline outofline_begin(struct pt_regs *regs, bool whole);
extern bool outofline_end(struct pt_regs *regs);
extern bool insn_text(unsigned long pc, u32 *insn);

/* ldxr, stxr and the like, which have bit 22 for a load; casp looks like one of them. */
static inline bool insn_is_exclusive(u32 insn)
{
	return (insn & 0x3f800000) == 0x08000000 && (insn >> 31 || !(insn & BIT(21)));
}

static inline bool insn_loads_exclusive(u32 insn)
{
	return insn_is_exclusive(insn) && insn & BIT(22);
}

/* trap.c */
extern void kbox_user_abort(struct pt_regs *regs, unsigned long addr, u64 esr);
#endif
