// SPDX-License-Identifier: GPL-2.0-only
/* The host may have no page for guest memory when that is used for the first time: then there is a SIGBUS. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "box.h"

static const struct box *guarded;

/* Also in a thread of the devices; whoever is left of the box dies with us (PR_SET_PDEATHSIG). */
static void no_page(int sig, siginfo_t *si, void *context)
{
	static const char why[] = "kbox: the host has no more memory for the guest; see free(1) and kbox doctor, "
				  "or give a smaller --mem\n";
	uint64_t at = (uint64_t)si->si_addr - KBOX_PAGE_OFFSET;

	(void)context;
	tty_restore();
	if (at >= guarded->opt.mem)
		raise(sig);	/* SA_RESETHAND: the default action */
	(void)!write(2, why, strlen(why));
	_exit(EXIT_FAIL);
}

void guard_memory(const struct box *b)
{
	struct sigaction sa = { .sa_sigaction = no_page, .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER };

	guarded = b;
	sigaction(SIGBUS, &sa, NULL);
}
