// SPDX-License-Identifier: GPL-2.0-only
/* The walker over code segments: what both instruction sets have in common. See walk.h. */
#include <linux/types.h>
#include "walk_isa.h"

/* A kernel walks its own instruction set and has only that; programs of the host have both. */
#ifdef __KERNEL__
#ifdef __aarch64__
#define WALK(isa) walk_aarch64
#else
#error "no walker for this instruction set is needed in a kernel"
#endif
#else
#define WALK(isa) ((isa) == KBOX_ISA_X86_64 ? walk_x86_64 : walk_aarch64)
#endif

bool wrapper_nr_scan_segment(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie)
{
	return WALK(isa)(bytes, addr, size, callback, cookie);
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
 * not return at once. One whose number is set far away, or comes from a variable, is not seen.
 */
bool kbox_rewrite_has_fork_sites(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size)
{
	return !wrapper_nr_scan_segment(isa, bytes, addr, size, not_fork, &isa);
}
