// SPDX-License-Identifier: GPL-2.0-only
/* What kbox-rewrite prints of a file. */
#include <stdio.h>
#include <asm/site.h>
#include "a64.h"
#include "cancel.h"
#include "rewrite.h"

#define PAGE 4096

enum how { HOW_BEFORE, HOW_AT, HOW_BRANCH, HOW_NOT, HOWS };

static const char *const how_text[HOWS] = { "before", "at", "branch", "no" };

/* The segment that is being walked, and the sums over all of them. */
struct totals {
	const struct elf_file *file;
	Elf64_Phdr segment;
	bool print;
	unsigned long sites, unsure, wrappers, forks;
	unsigned long how[HOWS], refused[SITE_REFUSALS];
	unsigned long cancel[CANCEL_VERDICTS];
};

/* The bytes around the site, as much as site.h says. */
static struct site_text text_of(const struct totals *t, u64 call)
{
	u64 off = call - t->segment.p_vaddr, left = t->segment.p_filesz - off;
	u64 before = off < SITE_BEFORE ? off : SITE_BEFORE;

	return (struct site_text) {
		.bytes = t->file->bytes + t->segment.p_offset + off - before,
		.addr = call - before,
		.size = before + (left < SITE_AFTER ? left : SITE_AFTER),
	};
}

/*
 * A jump in two pages cannot be written at once. Wherever the file is loaded, its pages stay pages.
 */
static enum site_refusal in_one_page(enum site_refusal plan, const struct site *s)
{
	return plan == SITE_OK && s->start % PAGE > PAGE - SITE_JUMP ? SITE_BORDER : plan;
}

static enum how plan_x86_64(const struct totals *t, u64 call, enum site_refusal *why)
{
	struct site_text text = text_of(t, call);
	struct site s;

	*why = SITE_OK;
	if (in_one_page(site_plan_before(&text, call, &s), &s) == SITE_OK)
		return HOW_BEFORE;
	*why = in_one_page(site_plan_at(&text, call, &s), &s);
	return *why == SITE_OK ? HOW_AT : HOW_NOT;
}

/* A branch is as long as svc. */
static enum how plan_aarch64(s32 nr, enum site_refusal *why)
{
	*why = nr == A64_NR_SIGRETURN ? SITE_SIGRETURN : SITE_OK;
	return *why == SITE_OK ? HOW_BRANCH : HOW_NOT;
}

static void print_site(const struct wrapper_site *s, enum how how, enum site_refusal why)
{
	char nr[16] = "-";

	if (s->nr != WRAPPER_NR_NONE)
		snprintf(nr, sizeof(nr), "%d", s->nr);
	printf("%#14llx  %5s  %s  %s", (unsigned long long)s->addr, nr,
	       s->class == SITE_WRAPPER ? "WRAPPER" : "COMPLEX", how_text[how]);
	if (how == HOW_NOT)
		printf(": %s", site_refusal_text[why]);
	puts(s->unsure ? " (unsure)" : "");
}

static bool count_site(const struct wrapper_site *s, void *cookie)
{
	struct totals *t = cookie;
	enum site_refusal why;
	enum how how;

	if (t->file->isa == KBOX_ISA_X86_64)
		how = plan_x86_64(t, s->addr, &why);
	else
		how = plan_aarch64(s->nr, &why);
	t->sites++;
	t->unsure += s->unsure;
	t->wrappers += s->class == SITE_WRAPPER;
	t->forks += kbox_rewrite_is_fork(t->file->isa, s->nr);
	t->how[how]++;
	t->refused[why]++;
	if (t->print)
		print_site(s, how, why);
	return true;
}

static bool list_fork(const struct wrapper_site *s, void *cookie)
{
	struct totals *t = cookie;

	if (kbox_rewrite_is_fork(t->file->isa, s->nr))
		printf("fork site: %#llx  %d\n", (unsigned long long)s->addr, s->nr);
	return true;
}

static void walk(struct totals *t, wrapper_fn *callback)
{
	for (unsigned int i = 0; i < t->file->header.e_phnum; i++) {
		t->segment = elf_segment(t->file, i);
		if (elf_is_code(&t->segment))
			wrapper_nr_scan_segment(t->file->isa, t->file->bytes + t->segment.p_offset, t->segment.p_vaddr,
						t->segment.p_filesz, callback, t);
	}
}

static bool count_cancel(const struct cancel_site *s, void *cookie)
{
	struct totals *t = cookie;

	t->cancel[s->verdict]++;
	if (!t->print)
		return true;
	printf("cancel site: %#llx  ", (unsigned long long)s->addr);
	if (s->nr == CANCEL_NR_ANY)
		printf("-  ");
	else
		printf("%u  ", s->nr);
	if (s->verdict == CANCEL_OK)
		puts(s->convention == CANCEL_NR_FIRST ? "number in x0" : "number in x6");
	else
		printf("no: %s\n", cancel_verdict_text[s->verdict]);
	return true;
}

static void walk_cancel(struct totals *t)
{
	for (unsigned int i = 0; i < t->file->header.e_phnum; i++) {
		Elf64_Phdr ph = elf_segment(t->file, i);

		if (elf_is_code(&ph))
			cancel_scan(t->file->bytes + ph.p_offset, ph.p_vaddr, ph.p_filesz, count_cancel, t);
	}
}

static void print_cancel(const struct totals *t)
{
	unsigned long refused = 0;

	for (int why = CANCEL_OK + 1; why < CANCEL_VERDICTS; why++)
		refused += t->cancel[why];
	if (!refused && !t->cancel[CANCEL_OK])
		return;
	printf("cancel sites: %lu, refused: %lu\n", t->cancel[CANCEL_OK], refused);
	for (int why = CANCEL_OK + 1; why < CANCEL_VERDICTS; why++)
		if (t->cancel[why])
			printf("  %lu: %s\n", t->cancel[why], cancel_verdict_text[why]);
}

static void print_totals(const struct totals *t)
{
	printf("sites: %lu (%lu unsure), %lu WRAPPER, %lu COMPLEX\n", t->sites, t->unsure, t->wrappers,
	       t->sites - t->wrappers);
	if (t->file->isa == KBOX_ISA_AARCH64)
		printf("rewritable: %lu branch\n", t->how[HOW_BRANCH]);
	else
		printf("rewritable: %lu before, %lu at\n", t->how[HOW_BEFORE], t->how[HOW_AT]);
	printf("not rewritable: %lu\n", t->how[HOW_NOT]);
	for (int why = SITE_OK + 1; why < SITE_REFUSALS; why++)
		if (t->refused[why])
			printf("  %lu: %s\n", t->refused[why], site_refusal_text[why]);
}

/*
 * The gates of a promotion of cancellation wrappers: a program that cannot have a second
 * thread cannot be cancelled. It has all of its code in this file and does not clone.
 */
static void print_gates(const struct totals *t)
{
	printf("static: %s\n", t->file->has_interp ? "no (has PT_INTERP)" : "yes");
	if (t->forks)
		printf("no fork sites: no (%lu)\n", t->forks);
	else
		puts("no fork sites: yes");
	printf("cancel_promote_allowed: %d\n", cancel_promote_allowed(!t->file->has_interp, t->forks));
}

void report(const struct elf_file *f, const char *path, bool sites)
{
	struct totals t = { .file = f, .print = sites };

	printf("%s: %s\n", path, f->isa == KBOX_ISA_X86_64 ? "x86_64" : "aarch64");
	walk(&t, count_site);
	print_totals(&t);
	walk(&t, list_fork);
	if (f->isa == KBOX_ISA_AARCH64) {
		walk_cancel(&t);
		print_cancel(&t);
	}
	print_gates(&t);
}
