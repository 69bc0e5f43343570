/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory that a map may not have. */
#ifndef VOLUME_COPY_H
#define VOLUME_COPY_H

#include "tap.h"
#include <setjmp.h>

static sigjmp_buf back;

static void jump(int sig, siginfo_t *si, void *uc)
{
	(void)si, (void)uc;
	siglongjmp(back, sig);
}

/* The signal that copying gives, or 0. */
static int signal_of_copy(volatile char *to, const volatile char *from, size_t n)
{
	int sig;

	on_signal(SIGBUS, jump, 0);
	on_signal(SIGSEGV, jump, 0);
	sig = sigsetjmp(back, 1);
	for (size_t i = 0; !sig && i < n; i++)
		to[i] = from[i];
	return sig;
}

#endif
