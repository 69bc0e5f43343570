// SPDX-License-Identifier: GPL-2.0-only
/*
 * A branch is as long as what it replaces, so nothing is displaced and code may land on any site.
 * What it costs to come back is registers: svc preserves all of them, and a branch to an address
 * needs one that has it. A slot is such an address for its site alone, so it needs them only to
 * call the gate:
 *
 *	stp x29, x30, [sp, #-32]	below the stack pointer, where nothing may be kept: AAPCS64 6.4.5
 *	stp x16, x17, [sp, #-16]
 *	ldr x16, <SLOT_GATE>
 *	blr x16
 *	ldp x16, x17, [x30, #SLOT_REGS_X16]	the gate comes back here, x30 is the task's saved registers
 *	ldp x29, x30, [x30, #SLOT_REGS_X29]
 *	b site + 4
 *
 * Should the stores fault then the task is at its svc still, and that is what is done.
 */
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif
#include <asm/site.h>
#include "../rewrite/a64.h"

#define SP	31

const char *const site_refusal_text[SITE_REFUSALS] = {
	[SITE_OK] = "can be rewritten",
	[SITE_NOT_SYSCALL] = "not a system call",
	[SITE_SIGRETURN] = "a signal trampoline, which unwinders know by its bytes",
	[SITE_UNREADABLE] = "too little text around it",
	[SITE_NOT_FILE] = "not the text of a file",
	[SITE_NO_ROOM] = "no place for a slot within reach",
	[SITE_TAKEN] = "it has been patched already",
};

/* The instruction at addr; 0, which is none that is looked for, outside of the text. */
static u32 word_at(const struct site_text *t, u64 addr)
{
	u64 off = addr - t->addr;

	return addr >= t->addr && off < t->size && t->size - off >= 4 && !(addr & 3) ? a64_get(t->bytes + off) : 0;
}

/* Does b at "from" get there? */
bool site_reaches(u64 from, u64 to)
{
	s64 rel = to - from;

	return rel >= -(s64)SITE_REACH && rel < SITE_REACH && !(rel & 3);
}

static void plan(struct site *s, u64 call, enum site_kind kind, u64 target)
{
	*s = (struct site) { .call = call, .start = call, .kind = kind, .target = target, .len = SITE_JUMP };
}

/* Plan for svc. A trampoline is told by the instruction before it, so that one must be there. */
enum site_refusal site_plan_at(const struct site_text *t, u64 call, struct site *s)
{
	if (!a64_is_svc(word_at(t, call)))
		return SITE_NOT_SYSCALL;
	if (call - t->addr < 4)
		return SITE_UNREADABLE;
	if (a64_movz(word_at(t, call - 4), 8) == A64_NR_SIGRETURN)
		return SITE_SIGRETURN;
	plan(s, call, SITE_AT_CALL, 0);
	return SITE_OK;
}

/* Plan for the bl there, which cancel_scan() has found to be a system call of this kind. */
enum site_refusal site_plan_cancel(const struct site_text *t, u64 call, enum site_kind kind, struct site *s)
{
	u32 bl = word_at(t, call);

	if (!a64_is_bl(bl))
		return SITE_NOT_SYSCALL;
	plan(s, call, kind, a64_target(bl, call));
	return SITE_OK;
}

/* The branch to a slot, or to an entry, there; false: out of reach. */
bool site_jump(const struct site *s, u64 slot, u8 jump[SITE_JUMP])
{
	s64 rel = slot - s->start;

	if (!site_reaches(s->start, slot))
		return false;
	a64_put(jump, s->kind == SITE_AT_CALL ? a64_b(rel) : a64_bl(rel));
	return true;
}

/* A literal is within 1 MiB. */
static bool put_literal(u8 *p, u64 addr, unsigned int reg, u64 literal)
{
	s64 rel = literal - addr;

	a64_put(p, a64_ldr_literal(reg, rel));
	return rel >= -(1 << 20) && rel < 1 << 20 && !(rel & 3);
}

static bool put_branch(u8 *p, u64 addr, u64 target)
{
	a64_put(p, a64_b(target - addr));
	return site_reaches(addr, target);
}

/*
 * The slot's code, at most SLOT_MAX bytes, for this address, with the head of its page at
 * that one. False: something is out of reach. (bl has none: its entries are in the head.)
 */
bool site_emit(struct site *s, const struct site_text *t, u64 slot, u64 gates, u8 *code)
{
	(void)t;
	s->slot = slot;
	s->resume = SLOT_RESUME;
	s->slot_len = SLOT_BACK + 4;
	a64_put(code, a64_stp(29, 30, SP, -32));
	a64_put(code + 4, a64_stp(16, 17, SP, -16));
	a64_put(code + SLOT_RESUME - 4, a64_blr(16));
	a64_put(code + SLOT_RESUME, a64_ldp(16, 17, 30, SLOT_REGS_X16));
	a64_put(code + SLOT_RESUME + 4, a64_ldp(29, 30, 30, SLOT_REGS_X29));
	return s->kind == SITE_AT_CALL && put_literal(code + SLOT_STORED, slot + SLOT_STORED, 16, gates + SLOT_GATE) &&
	       put_branch(code + SLOT_BACK, slot + SLOT_BACK, s->call + SITE_CALL);
}

static void put_entry(u8 *head, unsigned int entry, unsigned int gate)
{
	a64_put(head + entry, a64_ldr_literal(16, (int)gate - (int)entry));
	a64_put(head + entry + 4, a64_br(16));
}

/* What a page of slots begins with. */
void site_head(u8 head[SLOT_HEAD], const u64 gates[SLOT_GATES])
{
	unsigned int at;

	memcpy(head, gates, SLOT_GATES * sizeof(*gates));
	for (at = SLOT_GATES * sizeof(*gates); at < SLOT_HEAD; at += 4)
		a64_put(head + at, A64_BRK);
	put_entry(head, SLOT_ENTRY_FIRST, SLOT_GATE_FIRST);
	put_entry(head, SLOT_ENTRY_LAST, SLOT_GATE_LAST);
}

/*
 * ip is in the slot: where the program would be had it not been rewritten. Before the gate
 * nothing has happened yet, so that is the site's start; after it the call has been made.
 */
u64 site_original(const struct site *s, u64 ip)
{
	return ip - s->slot < s->resume ? s->start : s->start + s->len;
}

/* Where the instruction is now that was at ip, inside a jump: an instruction is all of a jump. */
u64 site_landing(const struct site *s, u64 ip)
{
	(void)s;
	(void)ip;
	return 0;
}
