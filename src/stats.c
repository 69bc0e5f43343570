// SPDX-License-Identifier: GPL-2.0-only
/* --stats: which way system calls came, and what became of their sites. */
#include <stdio.h>
#include "arch.h"
#include "box.h"

void print_stats(const struct kbox_boot *boot)
{
	const struct kbox_counter *c = boot->count;
	uint64_t all = c[KBOX_CALLS_REWRITE].n + c[KBOX_CALLS_TRAP].n;

	fprintf(stderr, "kbox: calls rewrite %llu trap %llu (%.1f %% by patched sites)\n", c[KBOX_CALLS_REWRITE].n,
		c[KBOX_CALLS_TRAP].n, all ? 100.0 * c[KBOX_CALLS_REWRITE].n / all : 0);
	fprintf(stderr, "kbox: sites patched %llu before and %llu at the instruction; calls bounced %llu"
		", landings %llu\n", c[KBOX_SITES_BEFORE].n, c[KBOX_SITES_AT].n, c[KBOX_CALLS_BOUNCED].n, c[KBOX_LANDINGS].n);
	/* docs/cancel-wrapper.md */
	if (ARCH_CANCEL_WRAPPERS)
		fprintf(stderr, "kbox: cancel_promote_allowed %llu, denied %llu, undone %llu; sites promoted %llu, calls %llu\n",
			c[KBOX_PROMOTE_ALLOWED].n, c[KBOX_PROMOTE_DENIED].n, c[KBOX_PROMOTE_UNDONE].n, c[KBOX_SITES_PROMOTED].n,
			c[KBOX_CALLS_PROMOTED].n);
	for (int i = KBOX_SITES_REFUSED; i < KBOX_COUNTS; i++)
		if (c[i].n)
			fprintf(stderr, "kbox: sites refused %llu: %.*s\n", c[i].n, (int)sizeof(c[i].name), c[i].name);
}
