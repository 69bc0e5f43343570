// SPDX-License-Identifier: GPL-2.0-only
/* --stats: which way system calls came, and what became of their sites. */
#include <stdio.h>
#include "arch.h"
#include "box.h"

static unsigned long long number(const struct kbox_boot *boot, enum kbox_count i)
{
	return __atomic_load_n(&boot->count[i].n, __ATOMIC_RELAXED);
}

static void print_calls(unsigned long long rewrite, unsigned long long trap)
{
	double all = (double)rewrite + trap;

	fprintf(stderr, "kbox: calls rewrite %llu trap %llu (%.1f %% by patched sites)\n", rewrite, trap,
		all ? 100 * rewrite / all : 0);
}

static void print_refused(const struct kbox_boot *boot, enum kbox_count i)
{
	char name[sizeof(boot->count[i].name) + 1];
	unsigned long long n = number(boot, i);

	printable(name, boot->count[i].name, sizeof(boot->count[i].name));
	if (n)
		fprintf(stderr, "kbox: sites refused %llu: %s\n", n, name);
}

void print_stats(const struct kbox_boot *boot)
{
	print_calls(number(boot, KBOX_CALLS_REWRITE), number(boot, KBOX_CALLS_TRAP));
	fprintf(stderr, "kbox: sites patched %llu before and %llu at the instruction; calls bounced %llu, landings %llu\n",
		number(boot, KBOX_SITES_BEFORE), number(boot, KBOX_SITES_AT), number(boot, KBOX_CALLS_BOUNCED),
		number(boot, KBOX_LANDINGS));
	/* docs/cancel-wrapper.md */
	if (ARCH_CANCEL_WRAPPERS)
		fprintf(stderr, "kbox: cancel_promote_allowed %llu, denied %llu, undone %llu; sites promoted %llu, calls %llu\n",
			number(boot, KBOX_PROMOTE_ALLOWED), number(boot, KBOX_PROMOTE_DENIED),
			number(boot, KBOX_PROMOTE_UNDONE), number(boot, KBOX_SITES_PROMOTED),
			number(boot, KBOX_CALLS_PROMOTED));
	for (int i = KBOX_SITES_REFUSED; i < KBOX_COUNTS; i++)
		print_refused(boot, i);
}
