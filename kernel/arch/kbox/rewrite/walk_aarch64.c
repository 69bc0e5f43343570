// SPDX-License-Identifier: GPL-2.0-only
/* The walker over code segments of aarch64, where every fourth byte begins an instruction. */
#include <linux/types.h>
#include "a64.h"
#include "walk_isa.h"

#define LOOK_BACK	16	/* so many instructions may come between the number and the call */

/*
 * The number that the svc at this offset gets: set by an instruction before it from which there is
 * but one way to it, and no other has written x8 in between. Compilers put the arguments, and
 * whatever else, after the number.
 */
static s32 number(const u8 *bytes, u64 first, u64 off)
{
	unsigned int back;

	for (back = 1; back <= LOOK_BACK && off >= first + 4 * back; back++) {
		u32 w = a64_get(bytes + off - 4 * back);
		s32 nr = a64_movz(w, 8);

		if (nr >= 0)
			return nr;
		if (a64_is_control(w) || a64_written(w) & 1 << 8)
			break;
	}
	return WRAPPER_NR_NONE;
}

bool walk_aarch64(const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	struct wrapper_site s = { .unsure = false };
	u64 first = -addr & 3, off;
	bool returns;

	for (off = first; off < size && size - off >= 4; off += 4) {
		if (!a64_is_svc(a64_get(bytes + off)))
			continue;
		returns = size - off >= 8 && a64_get(bytes + off + 4) == A64_RET;
		s.addr = addr + off;
		s.nr = number(bytes, first, off);
		s.class = s.nr != WRAPPER_NR_NONE && returns ? SITE_WRAPPER : SITE_COMPLEX;
		if (!callback(&s, cookie))
			return false;
	}
	return true;
}
