// SPDX-License-Identifier: GPL-2.0-only
/* Which way system calls go: the fastest that this host allows. */
#include <string.h>
#include <sys/auxv.h>
#include "box.h"

#ifdef __aarch64__
const char *why_not_rewrite(void)
{
	return NULL;
}
#else
#define HWCAP2_HAS_FSGSBASE 2	/* arch/x86/include/uapi/asm/hwcap2.h */

/* The gate (kernel/arch/kbox/x86_64/gate.S) finds the task by the GS base, without a system call. */
const char *why_not_rewrite(void)
{
	return getauxval(AT_HWCAP2) & HWCAP2_HAS_FSGSBASE ? NULL :
		"user programs may not read the GS base here (Linux 5.9 or later lets them, where the CPU does)";
}
#endif

void choose_mode(struct options *o)
{
	const char *why = why_not_rewrite();

	if (o->mode == MODE_REWRITE && why)
		die("--syscall-mode=rewrite: %s; use trap", why);
	if (o->mode == MODE_AUTO)
		o->mode = why ? MODE_TRAP : MODE_REWRITE;
}
