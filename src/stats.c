// SPDX-License-Identifier: GPL-2.0-only
/* --stats: which way system calls came, and what became of their sites. */
#include <stdio.h>
#include "arch.h"
#include "box.h"

static unsigned long long number(const struct kbox_shared *shared, enum kbox_count i)
{
	return __atomic_load_n(&shared->count[i].n, __ATOMIC_RELAXED);
}

static void print_calls(unsigned long long rewrite, unsigned long long trap)
{
	double all = (double)rewrite + trap;

	fprintf(stderr, "kbox: calls rewrite %llu trap %llu (%.1f %% by patched sites)\n", rewrite, trap,
		all ? 100 * rewrite / all : 0);
}

static void print_refused(const struct kbox_shared *shared, enum kbox_count i)
{
	char name[sizeof(shared->count[i].name) + 1];
	unsigned long long n = number(shared, i);

	printable(name, shared->count[i].name, sizeof(shared->count[i].name));
	if (n)
		fprintf(stderr, "kbox: sites refused %llu: %s\n", n, name);
}

void print_stats(const struct kbox_shared *shared)
{
	print_calls(number(shared, KBOX_CALLS_REWRITE), number(shared, KBOX_CALLS_TRAP));
	fprintf(stderr, "kbox: sites patched %llu before and %llu at the instruction; calls bounced %llu, landings %llu\n",
		number(shared, KBOX_SITES_BEFORE), number(shared, KBOX_SITES_AT), number(shared, KBOX_CALLS_BOUNCED),
		number(shared, KBOX_LANDINGS));
	/* docs/cancel-wrapper.md */
	if (ARCH_CANCEL_WRAPPERS)
		fprintf(stderr, "kbox: cancel_promote_allowed %llu, denied %llu, undone %llu; sites promoted %llu, calls %llu\n",
			number(shared, KBOX_PROMOTE_ALLOWED), number(shared, KBOX_PROMOTE_DENIED),
			number(shared, KBOX_PROMOTE_UNDONE), number(shared, KBOX_SITES_PROMOTED),
			number(shared, KBOX_CALLS_PROMOTED));
	for (int i = KBOX_SITES_REFUSED; i < KBOX_COUNTS; i++)
		print_refused(shared, i);
}
