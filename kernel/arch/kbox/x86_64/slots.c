// SPDX-License-Identifier: GPL-2.0-only
/* Where slots are. */
#include <linux/mm.h>
#include <asm/gate.h>
#include "../rewrite/rewrite.h"

/*
 * As a distance from their site: so far that each byte of the jump's displacement faults when it is
 * executed (site_jump()): int3, and popa, which there is not in 64-bit mode. Text in the first 4
 * GiB has its slots above, and above where its heap can begin (arch_randomize_brk(): up to 1 GiB
 * behind it); all other below.
 */
#define WINDOW_ABOVE	(0x61ccccccLL - 0xcc + SITE_JUMP)
#define WINDOW_BELOW	((s64)(s32)0xcccccc00 + SITE_JUMP)
#define WINDOW_SIZE	256

static s64 window(const struct image *im)
{
	return (s64)(im->slots - im->text) > 0 ? WINDOW_ABOVE : WINDOW_BELOW;
}

/* The area for this text of a new image. */
void slots_choose(struct image *im, struct vm_area_struct *text)
{
	im->slots = (im->text + (text->vm_start < (4UL << 30) ? WINDOW_ABOVE : WINDOW_BELOW)) & PAGE_MASK;
	im->slots_size = im->text_end - im->text + PAGE_ALIGN(WINDOW_SIZE + SLOT_MAX) + PAGE_SIZE;
}

/* The pages of the area that a slot of this site can be in: a window may lie in two. */
unsigned long slots_first(const struct image *im, const struct site *s)
{
	return (s->start + window(im) - im->slots) >> PAGE_SHIFT;
}

unsigned long slots_end(const struct image *im, const struct site *s)
{
	return min(slots_first(im, s) + 2, (unsigned long)im->slots_size >> PAGE_SHIFT);
}

/* What a new page of slots begins with. */
void slots_head(void *page)
{
	unsigned long *gates = page;

	memset(page, 0xcc, PAGE_SIZE);
	gates[SLOT_GATE_BEFORE / 8] = (unsigned long)kbox_gate_before;
	gates[SLOT_GATE_AT / 8] = (unsigned long)kbox_gate_at;
}
