// SPDX-License-Identifier: GPL-2.0-only
/* Traps in slots: the program's own registers, and its pc, as if there were none. */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <asm/gate.h>
#include <asm/hostframe.h>
#include <asm/rewrite.h>
#include <asm/slotregs.h>
#include "../rewrite/rewrite.h"

static bool from_stack(const struct pt_regs *regs, struct slot_regs *s)
{
	return !copy_from_user(s, (void __user *)(regs->sp - sizeof(*s)), sizeof(*s));
}

/* With the CPU in hand: a slot has just put them there. */
bool gate_take_regs(struct pt_regs *regs)
{
	struct slot_regs s;

	regs_top(regs)->promoted = 0;
	if (!from_stack(regs, &s))
		return false;
	regs->regs[29] = s.x29;
	regs->regs[30] = s.x30;
	regs->regs[16] = s.x16;
	regs->regs[17] = s.x17;
	return true;
}

/* The gate did not find its task. x30 is where the slot goes on. */
static enum left_slot bounced(struct pt_regs *regs)
{
	regs->pc = kbox_original_ip(current->mm, regs->regs[30]);
	if (gate_take_regs(regs))
		return SLOT_CALL;
	force_sig(SIGSEGV);
	return SLOT_DONE;
}

/*
 * A store of the slot below the stack pointer has failed. Where the stack can be written to, that
 * is mended and the slot begins again; elsewhere the program can still make system calls.
 */
static enum left_slot no_stack(struct pt_regs *regs, int sig)
{
	size_t size = sizeof(struct slot_regs);

	if (sig == SIGSEGV && !fault_in_writeable((char __user *)regs->sp - size, size))
		return SLOT_DONE;
	regs->pc += SITE_CALL;
	return SLOT_CALL;
}

/* The entries of promoted calls are in the head of each page of slots. */
static bool in_head(struct mm_struct *mm, unsigned long pc)
{
	struct rewrite_map *map;

	for (map = IS_ENABLED(CONFIG_KBOX_PROMOTE) ? mm->context.maps : NULL; map; map = map->next)
		if (image_has_slots(map->image, pc - map->base) && (pc & ~PAGE_MASK) < SLOT_HEAD)
			return true;
	return false;
}

/*
 * Came from user code, perhaps in a slot. lent: what the last call by the gate has left in the
 * task's registers.
 */
enum left_slot leave_slot(struct pt_regs *regs, const struct slot_regs *lent, int sig, unsigned int ec)
{
	struct patched_site *s;
	struct rewrite_map *map;
	struct slot_regs stack;
	unsigned int off;
	bool lost = false;

	if (regs->pc == (unsigned long)kbox_gate_bounced)
		return bounced(regs);
	if (regs->pc == (unsigned long)kbox_cancel_bounced || in_head(current->mm, regs->pc)) {
		kbox_to_wrapper(regs);
		return sig == SIGSYS ? SLOT_DONE : SLOT_NOT;
	}
	s = site_of_slot(current->mm, regs->pc, true, &map);
	if (!s && ec == EC_INSN_ABORT && kbox_lost_slot(current->mm, regs->pc)) {
		s = site_of_slot(current->mm, regs->pc, false, &map);
		lost = true;
	}
	if (!s)
		return SLOT_NOT;
	off = regs->pc - map->base - s->site.slot;
	regs->pc = site_original(&s->site, regs->pc - map->base) + map->base;
	switch (off) {
	case 0:
	case SLOT_STORED - 4:
		return ec == EC_DATA_ABORT || sig == SIGBUS ? no_stack(regs, sig) : lost ? SLOT_DONE : SLOT_NOT;
	case SLOT_RESUME - 4:
		if (!from_stack(regs, &stack)) {
			force_sig(SIGSEGV);
			return SLOT_DONE;
		}
		regs->regs[16] = stack.x16;
		break;
	case SLOT_RESUME:
		regs->regs[16] = lent->x16;
		regs->regs[17] = lent->x17;
		fallthrough;
	case SLOT_RESUME + 4:
		regs->regs[29] = lent->x29;
		regs->regs[30] = lent->x30;
	}
	return lost ? SLOT_DONE : SLOT_NOT;
}
