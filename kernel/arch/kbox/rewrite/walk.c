// SPDX-License-Identifier: GPL-2.0-only
/* The walker over code segments of both instruction sets: see walk.h. */
#include <linux/types.h>
#include <asm/site.h>
#include "walk.h"

#define INSN_MAX	15	/* no x86 instruction is longer */

/* The bytes around a site that site.c may look at, cut off where the segment ends. */
static struct site_text around(const u8 *bytes, u64 addr, u64 size, u64 off)
{
	u64 from = off > SITE_BEFORE ? off - SITE_BEFORE : 0;
	u64 to = size - off > SITE_AFTER ? off + SITE_AFTER : size;

	return (struct site_text) { .bytes = bytes + from, .addr = addr + from, .size = to - from };
}

/*
 * A site that has trapped is an instruction, and site_boundary() reads up to it. Of bytes that
 * have not run yet nothing is known, so both sides are read:
 *
 * met_before(): the readings that come to "at" have met before it.
 *
 * met_behind(): the same for those that come to some place well behind "at", where readings
 * that went past it would have met the others, and all of these go through "at".
 */
static bool met_before(const struct site_text *t, u64 at)
{
	unsigned int back;

	/* One of INSN_MAX readings is the right one, so that many are needed. */
	for (back = 1; back <= INSN_MAX && at - t->addr >= back + INSN_MAX - 1; back++)
		if (site_boundary(t, at - back, at))
			return true;
	return false;
}

static bool met_behind(const struct site_text *t, u64 at)
{
	unsigned int left = t->addr + t->size - at;
	unsigned int ahead = left > INSN_MAX ? left - INSN_MAX : 1;

	for (; ahead <= left; ahead++)
		if (site_boundary(t, at, at + ahead))
			return true;
	return false;
}

/*
 * Is it a syscall instruction? No: no reading comes to it, so these two bytes are part of another
 * instruction. Unsure: some do and some do not, or there is too little before it, or what follows
 * is no code. (A constant among the code is not told from code.)
 */
static bool x86_is_site(const struct site_text *t, struct wrapper_site *s)
{
	bool early = s->addr - t->addr < 2 * INSN_MAX;
	bool agreed = site_boundary(t, s->addr, s->addr + 2);

	s->unsure = early || !agreed || !met_behind(t, s->addr);
	return early || agreed || met_before(t, s->addr);
}

/* xor %eax,%eax, in its two encodings */
static bool x86_sets_zero(const struct site_text *t, u64 call)
{
	const u8 *p = t->bytes + (call - t->addr);

	return call - t->addr >= 2 && (p[-2] == 0x31 || p[-2] == 0x33) && p[-1] == 0xc0 &&
	       site_boundary(t, call - 2, call);
}

static void x86_number(const struct site_text *t, struct wrapper_site *s)
{
	struct site plan;

	s->nr = WRAPPER_NR_NONE;
	switch (site_plan_before(t, s->addr, &plan)) {
	case SITE_OK:
	case SITE_SIGRETURN:
		s->nr = plan.nr;
		break;
	case SITE_AMBIGUOUS:
		/* The bytes are there. Where the readings agree they belong to something else, as after a REX prefix. */
		if (!met_before(t, s->addr)) {
			s->nr = plan.nr;
			s->unsure = true;
		}
		break;
	default:
		if (x86_sets_zero(t, s->addr))
			s->nr = 0;
	}
}

static bool x86_scan(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	struct wrapper_site s;
	struct site_text t;
	u64 off;

	for (off = 0; off + 1 < size; off++) {
		if (bytes[off] != 0x0f || bytes[off + 1] != 0x05)
			continue;
		t = around(bytes, addr, size, off);
		s.addr = addr + off;
		if (!x86_is_site(&t, &s))
			continue;
		x86_number(&t, &s);
		s.class = s.nr != WRAPPER_NR_NONE && size - off > 2 && bytes[off + 2] == 0xc3 ? SITE_WRAPPER : SITE_COMPLEX;
		if (!callback(&s, cookie))
			return false;
	}
	return true;
}

#define A64_SVC		0xd4000001
#define A64_RET		0xd65f03c0
#define A64_MOVZ_X8	0xd2800008
#define A64_MOVZ_W8	0x52800008
#define A64_MOVZ_IMM	0x001fffe0

/* The word at this offset; 0, which is no instruction that is looked for, outside of the segment. */
static u32 a64_word(const u8 *bytes, u64 size, u64 off)
{
	const u8 *p = bytes + off;

	if (off >= size || size - off < 4)
		return 0;
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

static s32 a64_number(u32 word)
{
	u32 op = word & ~A64_MOVZ_IMM;

	if (op != A64_MOVZ_X8 && op != A64_MOVZ_W8)
		return WRAPPER_NR_NONE;
	return (word & A64_MOVZ_IMM) >> 5;
}

static bool a64_scan(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	struct wrapper_site s = { .unsure = false };
	u64 first = -addr & 3, off;	/* instructions are aligned */

	for (off = first; off < size; off += 4) {
		if (a64_word(bytes, size, off) != A64_SVC)
			continue;
		s.addr = addr + off;
		s.nr = off > first ? a64_number(a64_word(bytes, size, off - 4)) : WRAPPER_NR_NONE;
		s.class = s.nr != WRAPPER_NR_NONE && a64_word(bytes, size, off + 4) == A64_RET ? SITE_WRAPPER : SITE_COMPLEX;
		if (!callback(&s, cookie))
			return false;
	}
	return true;
}

bool wrapper_nr_scan_segment(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	return (isa == KBOX_ISA_X86_64 ? x86_scan : a64_scan)(bytes, addr, size, callback, cookie);
}

bool kbox_rewrite_is_fork(enum kbox_isa isa, s32 nr)
{
	/* clone3, the same everywhere */
	if (nr == 435)
		return true;
	/* clone, fork, vfork; aarch64 has clone alone */
	return isa == KBOX_ISA_X86_64 ? nr >= 56 && nr <= 58 : nr == 220;
}

static bool not_fork(const struct wrapper_site *s, void *cookie)
{
	return !kbox_rewrite_is_fork(*(enum kbox_isa *)cookie, s->nr);
}

/*
 * A site counts whatever its class is: libc's fork and clone have work to do in the child and do
 * not return at once. One whose number is set earlier, or comes from a variable, is not seen.
 */
bool kbox_rewrite_has_fork_sites(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size)
{
	return !wrapper_nr_scan_segment(isa, bytes, addr, size, not_fork, &isa);
}
