/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_WALK_H
#define KBOX_REWRITE_WALK_H
/*
 * Where a code segment makes system calls, and with which numbers: read from its bytes
 * before any of it has run. Pure functions, for the kernel and for programs of the host.
 */
#include <linux/types.h>

enum kbox_isa { KBOX_ISA_X86_64, KBOX_ISA_AARCH64 };

enum wrapper_class {
	SITE_WRAPPER,		/* number, call, return: the result goes to the caller as it is */
	SITE_COMPLEX,		/* the code around the call looks at the result, or sets the number elsewhere */
};

#define WRAPPER_NR_NONE	(-1)

struct wrapper_site {
	u64 addr;		/* of the syscall or svc instruction */
	s32 nr;			/* set right before it (aarch64: among the instructions before it), or WRAPPER_NR_NONE */
	enum wrapper_class class;
	bool unsure;		/* the bytes can be read in another way too */
};

/* Called for each site in order; false ends the walk. */
typedef bool wrapper_fn(const struct wrapper_site *s, void *cookie);

/* The bytes are a segment that will be at addr. False: the callback has ended the walk. */
bool wrapper_nr_scan_segment(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size, wrapper_fn *callback, void *cookie);

/* fork, vfork, clone and clone3 */
bool kbox_rewrite_is_fork(enum kbox_isa isa, s32 nr);
bool kbox_rewrite_has_fork_sites(enum kbox_isa isa, const u8 *bytes, u64 addr, u64 size);
#endif
