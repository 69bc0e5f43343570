/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SITE_H
#define _ASM_KBOX_SITE_H
/*
 * Rewriting of one system call instruction: what may be replaced, and by what. Pure
 * functions of bytes, for the kernel and for programs of the host alike; nothing
 * here knows about pages or processes. docs/rewriting.md has the reasons.
 */
#define SITE_CALL	2	/* bytes of syscall */
#define SITE_JUMP	5	/* bytes of jmp rel32 */
#define SITE_AHEAD	7	/* bytes by which the jump may begin before the call: of mov $nr,%eax */
#define SITE_BEFORE	64	/* bytes before a site that may be looked at */
#define SITE_AFTER	32	/* the same, from the site on */
#define SLOT_MAX	96	/* bytes of the longest slot */
#define SLOT_UNIT	8
#define SITE_INSNS	4	/* instructions that one jump can displace: syscall and three of a byte */

/*
 * A slot ends with a jump through one of two words at the head of its page: entries of
 * the kernel's gate. They get in rcx the address behind a syscall instruction that does
 * the same by a trap; that of SITE_AT_CALL has the distance to the site's own
 * return address in the word SLOT_DELTA bytes before rcx.
 */
#define SLOT_GATE_BEFORE 0
#define SLOT_GATE_AT	8
#define SLOT_HEAD	16
#define SLOT_DELTA	6

#ifndef __ASSEMBLY__
#include <linux/types.h>

/* Where the jump goes. */
enum site_kind {
	SITE_BEFORE_CALL,	/* over the one instruction that sets the number; syscall stays */
	SITE_AT_CALL,		/* over syscall and what follows it */
};

/* Why not. The order is that of site_refusal_text[]. */
enum site_refusal {
	SITE_OK,
	SITE_NOT_SYSCALL,	/* the bytes are no syscall instruction */
	SITE_SIGRETURN,		/* unwinders know signal trampolines by their bytes */
	SITE_UNREADABLE,	/* too little text around it */
	SITE_UNDECODED,		/* what follows is no instruction */
	SITE_FIXED,		/* a neighbour that cannot be moved (call, loop, another syscall) */
	SITE_NO_NUMBER,		/* before it, no instruction that sets the number */
	SITE_AMBIGUOUS,		/* or perhaps one: the bytes can be read in two ways */
	SITE_BORDER,		/* the jump would lie in two pages */
	SITE_NOT_FILE,		/* not text of a file that is mapped privately */
	SITE_NO_ROOM,		/* no place for a slot */
	SITE_TAKEN,		/* the jump of another site has bytes of it */
	SITE_REFUSALS
};
extern const char *const site_refusal_text[];

/* Bytes as they are in memory from addr on. */
struct site_text {
	const u8 *bytes;
	u64 addr;
	u32 size;
};

struct site_insn {
	u8 from;		/* offset from the site's start */
	u8 len;
	u8 to;			/* of its copy, offset from the slot's start */
};

struct site {
	u64 call;		/* address of the syscall instruction */
	u64 start;		/* where the jump goes */
	enum site_kind kind;
	u8 len;			/* bytes of the instructions that the jump displaces */
	u8 insns;		/* SITE_AT_CALL: how many follow syscall among them */
	struct site_insn insn[SITE_INSNS];
	u32 nr;			/* SITE_BEFORE_CALL: the number */
	/* From site_emit(). */
	u64 slot;
	u8 slot_len;
	u8 resume;		/* offset in the slot: where the call returns to */
};

enum site_refusal site_plan_before(const struct site_text *t, u64 call, struct site *s);
enum site_refusal site_plan_at(const struct site_text *t, u64 call, struct site *s);
bool site_jump(const struct site *s, u64 slot, u8 jump[SITE_JUMP]);
bool site_emit(struct site *s, const struct site_text *t, u64 slot, u64 gates, u8 *code);
u64 site_original(const struct site *s, u64 ip);
u64 site_landing(const struct site *s, u64 ip);
bool site_boundary(const struct site_text *t, u64 at, u64 known);
#endif
#endif
