// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of cancellation wrappers: see cancel.h. What the wrapper does is proved in cancel_last.c
 * for glibc's kind.
 */
#include <linux/types.h>
#include "a64.h"
#include "cancel_text.h"

#define NR_MAX		1024
#define LOOK_BACK	8	/* so many instructions before the bl may the number be loaded */

const char *const cancel_verdict_text[CANCEL_VERDICTS] = {
	[CANCEL_OK] = "makes the system call that it is given",
	[CANCEL_TAIL_CALL] = "a tail call, which does not come back here",
	[CANCEL_OUTSIDE] = "its target is not in this text",
	[CANCEL_NOT_WRAPPER] = "its target makes no system call with the number it is given",
	[CANCEL_TOO_DEEP] = "its target hands the number on too often",
	[CANCEL_NOT_RAW] = "its target returns something else than the result",
	[CANCEL_BELOW] = "its target does more than that, but calls a wrapper for it",
};

/*
 * mov x8, x<from>; mov x0, x<from + 1>; mov x1, x<from + 2>...: how many of them are there in this
 * order, from "at" on?
 */
unsigned int cancel_shuffle(const struct cancel_text *t, u64 at, unsigned int from)
{
	unsigned int n;
	u32 w;

	for (n = 0; n < SHUFFLE_MAX && cancel_word(t, at + 4 * n, &w); n++)
		if (!a64_is_this_mov(w, n ? n - 1 : 8, from + n))
			break;
	return n;
}

/* The first instruction that does something: behind landing pads, and where plain branches lead. */
static enum cancel_verdict first_insn(const struct cancel_text *t, u64 *at)
{
	unsigned int hops = 0, pads = 0;
	u32 w;

	while (cancel_word(t, *at, &w)) {
		if (a64_is_b(w)) {
			if (++hops > CANCEL_DEPTH)
				return CANCEL_TOO_DEEP;
			*at = a64_target(w, *at);
		} else if (a64_is_hint(w) && ++pads < 4) {
			*at += 4;
		} else {
			return CANCEL_OK;
		}
	}
	return CANCEL_OUTSIDE;
}

/*
 * musl's kind is short enough to be compared: the number and its arguments move down by one
 * register, svc, ret. A function that only branches to it, as __syscall_cp() does, is as good as
 * it.
 */
static enum cancel_verdict first_target(const struct cancel_text *t, u64 at)
{
	enum cancel_verdict v = first_insn(t, &at);
	unsigned int n;
	u32 w;

	if (v)
		return v;
	n = cancel_shuffle(t, at, 0);
	if (n < SHUFFLE_MIN || !cancel_word(t, at + 4 * n, &w) || !a64_is_svc(w))
		return CANCEL_NOT_WRAPPER;
	return cancel_word(t, at + 4 * n + 4, &w) && w == A64_RET ? CANCEL_OK : CANCEL_NOT_RAW;
}

enum cancel_verdict cancel_target(const u8 *bytes, u64 addr, u64 size, u64 target, enum cancel_convention convention)
{
	const struct cancel_text t = { .bytes = bytes, .addr = addr, .size = size };
	u64 inner;

	return convention == CANCEL_NR_FIRST ? first_target(&t, target) : cancel_last_target(&t, target, &inner);
}

/*
 * Is there but one way through the n instructions before this address, and does none write the
 * register?
 */
static bool untouched(const struct cancel_text *t, u64 addr, unsigned int n, unsigned int reg)
{
	u32 w;

	for (; n; n--)
		if (!cancel_word(t, addr - 4 * n, &w) || a64_is_control(w) || a64_written(w) & 1u << reg)
			return false;
	return true;
}

/*
 * movz of a number to this register, which is there still at the bl. Most calls have none, so that
 * is looked for first.
 */
static bool loaded(const struct cancel_text *t, u64 bl, unsigned int reg, u32 *nr)
{
	unsigned int back;
	s32 imm;
	u32 w;

	for (back = 1; back <= LOOK_BACK && cancel_word(t, bl - 4 * back, &w); back++) {
		imm = a64_movz(w, reg);
		if (imm < 0)
			continue;
		*nr = imm;
		return imm < NR_MAX && untouched(t, bl, back - 1, reg);
	}
	return false;
}

#define INNER_MAX	4
#define TARGETS_MAX	1024	/* so many are followed, so that a scan takes no longer than it may */

/*
 * A scan under way. All calls go to the same few wrappers, so what the last target is, is
 * remembered.
 */
struct scan {
	struct cancel_text t;
	cancel_fn *callback;
	void *cookie;
	u64 target, inner;
	enum cancel_verdict verdict;
	u64 reported[INNER_MAX];
	unsigned int nreported, ntargets;
};

/*
 * Is it a call of musl's kind, or would be but for the target's end? Few functions are, so that is
 * looked at first.
 */
static bool first_site(const struct cancel_text *t, struct cancel_site *s)
{
	s->convention = CANCEL_NR_FIRST;
	s->verdict = first_target(t, s->target);
	if (s->verdict == CANCEL_OUTSIDE || s->verdict == CANCEL_NOT_WRAPPER)
		return false;
	return loaded(t, s->addr, 0, &s->nr);
}

/* The target of the bl at addr, which is in the text. */
static u64 call_target(const struct cancel_text *t, u64 addr)
{
	return a64_target(a64_get(t->bytes + (addr - t->addr)), addr);
}

static void look_up(struct scan *q, u64 target)
{
	u64 inner;

	if (target == q->target)
		return;
	q->target = target;
	q->verdict = CANCEL_NOT_WRAPPER;
	if (q->ntargets++ >= TARGETS_MAX)
		return;
	q->verdict = cancel_last_target(&q->t, target, &q->inner);
	if (q->verdict == CANCEL_NOT_RAW && q->inner &&
	    cancel_last_target(&q->t, call_target(&q->t, q->inner), &inner) == CANCEL_OK)
		q->verdict = CANCEL_BELOW;
}

/* Does it load a number for glibc's kind? */
static bool last_site(struct scan *q, struct cancel_site *s)
{
	if (!loaded(&q->t, s->addr, 6, &s->nr))
		return false;
	look_up(q, s->target);
	s->convention = CANCEL_NR_LAST;
	s->verdict = q->verdict;
	return true;
}

/* The call of a wrapper in a function that does more: once, whoever calls that. */
static bool report_inner(struct scan *q)
{
	struct cancel_site s = { .addr = q->inner, .target = call_target(&q->t, q->inner), .nr = CANCEL_NR_ANY };
	unsigned int i;

	for (i = 0; i < q->nreported; i++)
		if (q->reported[i] == q->inner)
			return true;
	if (q->nreported == INNER_MAX)
		return true;
	q->reported[q->nreported++] = q->inner;
	s.convention = CANCEL_NR_LAST;
	s.verdict = CANCEL_OK;
	return q->callback(&s, q->cookie);
}

/*
 * A branch, with or without link. Without, it is of interest only if it is a tail call of a
 * wrapper.
 */
static bool report(struct scan *q, u64 addr, u32 w)
{
	struct cancel_site s = { .addr = addr, .target = a64_target(w, addr) };

	if (!first_site(&q->t, &s) && !last_site(q, &s))
		return true;
	if (s.verdict == CANCEL_BELOW && !report_inner(q))
		return false;
	if (a64_is_b(w)) {
		if (s.verdict != CANCEL_OK)
			return true;
		s.verdict = CANCEL_TAIL_CALL;
	}
	return q->callback(&s, q->cookie);
}

bool cancel_scan(const u8 *bytes, u64 addr, u64 size, cancel_fn *callback, void *cookie)
{
	struct scan q = {
		.t = { .bytes = bytes, .addr = addr, .size = size },
		.callback = callback,
		.cookie = cookie,
		.target = 1,	/* where no branch goes */
	};
	u64 off;
	u32 w;

	for (off = -addr & 3; off < size && size - off >= 4; off += 4) {
		w = a64_get(bytes + off);
		if ((a64_is_b(w) || a64_is_bl(w)) && !report(&q, addr + off, w))
			return false;
	}
	return true;
}
