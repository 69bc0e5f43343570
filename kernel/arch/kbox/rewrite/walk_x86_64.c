// SPDX-License-Identifier: GPL-2.0-only
/* The walker over code segments of x86_64, whose instructions have to be found first. */
#include <linux/types.h>
#include <asm/site.h>
#include "walk_isa.h"

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
static bool is_site(const struct site_text *t, struct wrapper_site *s)
{
	bool early = s->addr - t->addr < 2 * INSN_MAX;
	bool agreed = site_boundary(t, s->addr, s->addr + 2);

	s->unsure = early || !agreed || !met_behind(t, s->addr);
	return early || agreed || met_before(t, s->addr);
}

/* xor %eax,%eax, in its two encodings */
static bool sets_zero(const struct site_text *t, u64 call)
{
	const u8 *p = t->bytes + (call - t->addr);

	return call - t->addr >= 2 && (p[-2] == 0x31 || p[-2] == 0x33) && p[-1] == 0xc0 &&
	       site_boundary(t, call - 2, call);
}

static void number(const struct site_text *t, struct wrapper_site *s)
{
	struct site plan;

	s->nr = WRAPPER_NR_NONE;
	switch (site_plan_before(t, s->addr, &plan)) {
	case SITE_OK:
	case SITE_SIGRETURN:
		s->nr = plan.nr;
		break;
	case SITE_AMBIGUOUS:
		/*
		 * The bytes are there. Where the readings agree they belong to something else, as
		 * after a REX prefix.
		 */
		if (!met_before(t, s->addr)) {
			s->nr = plan.nr;
			s->unsure = true;
		}
		break;
	default:
		if (sets_zero(t, s->addr))
			s->nr = 0;
	}
}

bool walk_x86_64(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	struct wrapper_site s;
	struct site_text t;
	u64 off;

	for (off = 0; off + 1 < size; off++) {
		if (bytes[off] != 0x0f || bytes[off + 1] != 0x05)
			continue;
		t = around(bytes, addr, size, off);
		s.addr = addr + off;
		if (!is_site(&t, &s))
			continue;
		number(&t, &s);
		s.class = s.nr != WRAPPER_NR_NONE && size - off > 2 && bytes[off + 2] == 0xc3 ? SITE_WRAPPER : SITE_COMPLEX;
		if (!callback(&s, cookie))
			return false;
	}
	return true;
}
