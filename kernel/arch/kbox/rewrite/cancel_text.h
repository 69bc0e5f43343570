/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_CANCEL_TEXT_H
#define KBOX_REWRITE_CANCEL_TEXT_H
/* What the parts of the detection of cancellation wrappers have in common. */
#include "a64.h"
#include "cancel.h"

#define CANCEL_DEPTH	2	/* so many calls or tail calls may come between the wrapper and the svc */
#define SHUFFLE_MIN	4	/* moves before a svc: the number's and three arguments' */
#define SHUFFLE_MAX	7

struct cancel_text {
	const u8 *bytes;
	u64 addr, size;
};

/* The instruction there; false: none is. */
static inline bool cancel_word(const struct cancel_text *t, u64 addr, u32 *w)
{
	u64 off = addr - t->addr;

	if (addr & 3 || off >= t->size || t->size - off < 4)
		return false;
	*w = a64_get(t->bytes + off);
	return true;
}

unsigned int cancel_shuffle(const struct cancel_text *t, u64 at, unsigned int from);
enum cancel_verdict cancel_last_target(const struct cancel_text *t, u64 target, u64 *inner);
#endif
