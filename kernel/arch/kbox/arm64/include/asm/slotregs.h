/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SLOTREGS_H
#define _ASM_KBOX_SLOTREGS_H
/*
 * The registers that a slot lends the gate, in the order in which it puts them below the stack
 * pointer.
 */
struct slot_regs {
	unsigned long x29, x30, x16, x17;
};

static inline struct slot_regs slot_regs(const struct pt_regs *r)
{
	return (struct slot_regs) { r->regs[29], r->regs[30], r->regs[16], r->regs[17] };
}

/* What a trap in a slot is. */
enum left_slot {
	SLOT_NOT,	/* no slot at all, or one that does not matter: as if the site's own instruction were next */
	SLOT_CALL,	/* the system call itself: it could not be made by the gate */
	SLOT_DONE,	/* of no concern to the program */
};
/* promoted.c */
#ifdef CONFIG_KBOX_PROMOTE
extern bool kbox_to_wrapper(struct pt_regs *regs);
#else
static inline bool kbox_to_wrapper(struct pt_regs *regs) { return false; }
#endif
/* slotregs.c */
#ifdef CONFIG_KBOX_REWRITE
extern enum left_slot leave_slot(struct pt_regs *regs, const struct slot_regs *lent, int sig, unsigned int ec);
#else
static inline enum left_slot leave_slot(struct pt_regs *regs, const struct slot_regs *lent, int sig, unsigned int ec)
{
	return SLOT_NOT;
}
#endif
#endif
