/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SITE_H
#define _ASM_KBOX_SITE_H
/*
 * Rewriting of one instruction, svc or the bl to a cancellation wrapper: by what it is replaced.
 * Pure functions of bytes, for the kernel and for programs of the host alike; nothing here knows
 * about pages or processes. docs/rewriting.md has the reasons, docs/cancel-wrapper.md those of bl.
 */
#define SITE_CALL	4	/* bytes of svc, and of any instruction */
#define SITE_JUMP	4	/* bytes of b */
#define SITE_AHEAD	0	/* bytes by which the jump may begin before the call */
#define SITE_BEFORE	4	/* bytes before a site that may be looked at */
#define SITE_AFTER	8	/* the same, from the site on */
#define SITE_REACH	(128 << 20)	/* of b and bl, in both directions */
#define SLOT_UNIT	32
#define SLOT_MAX	32	/* bytes of the longest slot */

/*
 * A page of slots begins with the addresses of the kernel's gates, for svc and for the two
 * conventions of cancellation wrappers, and with the entries to which bl goes: those need no slot,
 * since x30 says where they were called from.
 */
#define SLOT_GATE	0
#define SLOT_GATE_FIRST	8
#define SLOT_GATE_LAST	16
#define SLOT_GATES	3
#define SLOT_ENTRY_FIRST 24
#define SLOT_ENTRY_LAST	32
#define SLOT_HEAD	64

/*
 * A slot: what it puts where before it calls the gate, see site.c; where it goes on, with x30
 * pointing to the task's saved registers, whose first 31 words are x0 to x30; and the branch back
 * to the program.
 */
#define SLOT_STORED	0x08
#define SLOT_RESUME	0x10
#define SLOT_BACK	0x18
#define SLOT_REGS_X16	(16 * 8)
#define SLOT_REGS_X29	(29 * 8)

#ifndef __ASSEMBLY__
#include <linux/types.h>

enum site_kind {
	SITE_AT_CALL,		/* svc becomes b to a slot */
	SITE_CANCEL_FIRST,	/* bl becomes bl to SLOT_ENTRY_FIRST: the number is in x0 */
	SITE_CANCEL_LAST,	/* to SLOT_ENTRY_LAST: it is in x6 */
};

/* Why not. The order is that of site_refusal_text[]. */
enum site_refusal {
	SITE_OK,
	SITE_NOT_SYSCALL,	/* the bytes are no svc instruction, or no bl */
	SITE_SIGRETURN,		/* unwinders know signal trampolines by their bytes */
	SITE_UNREADABLE,	/* too little text around it */
	SITE_NOT_FILE,		/* not text of a file that is mapped privately */
	SITE_NO_ROOM,		/* no place for a slot */
	SITE_TAKEN,		/* it has been patched already */
	SITE_REFUSALS
};
extern const char *const site_refusal_text[];

/* Bytes as they are in memory from addr on. */
struct site_text {
	const u8 *bytes;
	u64 addr;
	u32 size;
};

struct site {
	u64 call;		/* address of the svc or bl instruction */
	u64 start;		/* the same: where the jump goes */
	enum site_kind kind;
	u64 target;		/* of bl; 0 for svc */
	u8 len;			/* bytes that the jump displaces */
	/* From site_emit(). */
	u64 slot;
	u8 slot_len;
	u8 resume;		/* offset in the slot: where the call returns to */
};

bool site_reaches(u64 from, u64 to);
enum site_refusal site_plan_at(const struct site_text *t, u64 call, struct site *s);
enum site_refusal site_plan_cancel(const struct site_text *t, u64 call, enum site_kind kind, struct site *s);
bool site_jump(const struct site *s, u64 slot, u8 jump[SITE_JUMP]);
bool site_emit(struct site *s, const struct site_text *t, u64 slot, u64 gates, u8 *code);
void site_head(u8 head[SLOT_HEAD], const u64 gates[SLOT_GATES]);
u64 site_original(const struct site *s, u64 ip);
u64 site_landing(const struct site *s, u64 ip);

/* Where the jump of a bl goes, given the start of a page of slots. */
static inline u64 site_entry(const struct site *s, u64 page)
{
	return page + (s->kind == SITE_CANCEL_FIRST ? SLOT_ENTRY_FIRST : SLOT_ENTRY_LAST);
}
#endif
#endif
