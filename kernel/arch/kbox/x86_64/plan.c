// SPDX-License-Identifier: GPL-2.0-only
/* Which of the two ways of site.c a call is patched in. */
#include <linux/mm.h>
#include "../rewrite/rewrite.h"

static bool in_one_page(const struct site *s)
{
	return (s->start & PAGE_MASK) == ((s->start + SITE_JUMP - 1) & PAGE_MASK);
}

enum site_refusal plan_site(const struct site_text *t, u64 call, u32 nr, bool at, struct site *s)
{
	enum site_refusal why = at ? SITE_NO_NUMBER : site_plan_before(t, call, s);

	/* What has just been executed must agree with what was read. */
	if (why == SITE_OK && s->nr != nr)
		why = SITE_AMBIGUOUS;
	if (why == SITE_OK && in_one_page(s))
		return why;
	if (why != SITE_SIGRETURN)
		why = site_plan_at(t, call, s);
	return why == SITE_OK && !in_one_page(s) ? SITE_BORDER : why;
}
