// SPDX-License-Identifier: GPL-2.0-only
/* The host may have no page for guest memory when that is used first: then there is a SIGBUS. */
#define _GNU_SOURCE
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include "box.h"

static const struct box *guarded;

/*
 * In any thread that reads or writes guest memory. Whoever is left of the box dies with us
 * (PR_SET_PDEATHSIG). A signal that somebody has sent, or an address that is not the guest's, is
 * no such thing: then the default action, of the instruction or of the signal.
 */
static void no_page(int sig, siginfo_t *si, void *context)
{
	static const char why[] = "kbox: the host has no more memory for the guest; see free(1) and kbox doctor, "
				  "or give a smaller --mem\n";
	uint64_t at = (uint64_t)si->si_addr - KBOX_PAGE_OFFSET;

	(void)context;
	tty_restore();
	if (si->si_code <= 0 || at >= guarded->opt.mem) {
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	(void)!write(2, why, strlen(why));
	_exit(EXIT_FAIL);
}

void guard_memory(const struct box *b)
{
	/* The handler stays, for several threads may be here at once. */
	struct sigaction sa = { .sa_sigaction = no_page, .sa_flags = SA_SIGINFO };

	guarded = b;
	sigaction(SIGBUS, &sa, NULL);
}
