// SPDX-License-Identifier: GPL-2.0-only
/* Which way system calls go: the fastest that this processor allows. */
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include "box.h"
#include "doctor.h"

#ifdef __x86_64__
#define HAS_LAHF	1	/* CPUID 0x80000001, ecx: in 64-bit mode */

static bool lahf_runs(void)
{
	asm volatile("lahf; sahf" : : : "rax", "cc");
	return true;
}

/*
 * The gate (kernel/arch/kbox/x86_64/gate.S) keeps the flags with them. The first processors lacked them, and some models of
 * emulators do; others say so and have them.
 */
static bool have_lahf(void)
{
	unsigned a, b, c, d;

	if (is_hidden(KBOX_HIDE_LAHF))
		return false;
	return (__get_cpuid(0x80000001, &a, &b, &c, &d) && c & HAS_LAHF) || works(lahf_runs);
}

const char *why_not_rewrite(void)
{
	return have_lahf() ? NULL : "this processor has no lahf and sahf instructions in 64-bit mode";
}
#else
const char *why_not_rewrite(void)
{
	return NULL;
}
#endif

void choose_mode(struct options *o)
{
	const char *why = o->mode == MODE_TRAP ? NULL : why_not_rewrite();

	if (o->mode == MODE_REWRITE && why)
		die("--syscall-mode=rewrite: %s; use trap", why);
	if (o->mode == MODE_AUTO)
		o->mode = why ? MODE_TRAP : MODE_REWRITE;
}
