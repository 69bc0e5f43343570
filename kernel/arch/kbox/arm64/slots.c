// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where slots are: anywhere within reach of the text, where this process, and others that map the
 * file, have room.
 */
#include <linux/mm.h>
#include <linux/security.h>
#include <asm/gate.h>
#include "../rewrite/rewrite.h"

#define AREA_SIZE	(256UL << 10)	/* some 8,000 slots */
#define MIB		(1LL << 20)

/*
 * Distances to try. Directly below programs that are linked to low addresses, where nothing else
 * is; else well away from what ld.so maps, but nearer if the text is large. Then another area is
 * behind it, for what does not reach the first.
 */
static const s64 low[] = { -(s64)AREA_SIZE - 0x10000, 96 * MIB, 64 * MIB };
static const s64 high[] = { -64 * MIB, -80 * MIB, -96 * MIB, -48 * MIB, -112 * MIB, 96 * MIB };
static const s64 high_large[] = { -16 * MIB, -24 * MIB, -32 * MIB, -48 * MIB, -8 * MIB };
static const s64 behind[] = { 16 * MIB, 24 * MIB, 32 * MIB, 48 * MIB, 8 * MIB };

#define LARGE		(48 * MIB)

/*
 * The first of these distances from there where this process has room; else the last, which fails
 * when it is mapped.
 */
static u64 choose(const struct vm_area_struct *text, unsigned long from, const s64 *distance, unsigned int n)
{
	unsigned long start;

	for (; n > 1; n--, distance++) {
		start = from + *distance;
		if (start >= mmap_min_addr && start + AREA_SIZE <= TASK_SIZE && !kbox_meets_home(start, AREA_SIZE) &&
		    !find_vma_intersection(text->vm_mm, start, start + AREA_SIZE))
			break;
	}
	return *distance;
}

/* The areas for this text of a new image. */
void slots_choose(struct image *im, struct vm_area_struct *text)
{
	bool large = im->text_end - im->text > LARGE;

	if (text->vm_start < (4UL << 30))
		im->slots = im->text + choose(text, text->vm_start, low, ARRAY_SIZE(low));
	else if (large)
		im->slots = im->text + choose(text, text->vm_start, high_large, ARRAY_SIZE(high_large));
	else
		im->slots = im->text + choose(text, text->vm_start, high, ARRAY_SIZE(high));
	im->slots_size = AREA_SIZE;
	if (!large)
		return;
	im->far = im->text_end + choose(text, text->vm_end, behind, ARRAY_SIZE(behind));
	im->far_size = AREA_SIZE;
}

static bool reaches(const struct site *s, u64 area)
{
	return site_reaches(s->start, area) && site_reaches(s->start, area + AREA_SIZE - 4);
}

/*
 * The pages, from the first area's start, that a slot of this site can be in: all of an area within
 * reach.
 */
unsigned long slots_first(const struct image *im, const struct site *s)
{
	return im->far_size && !reaches(s, im->slots) ? (im->far - im->slots) >> PAGE_SHIFT : 0;
}

unsigned long slots_end(const struct image *im, const struct site *s)
{
	return slots_first(im, s) + (AREA_SIZE >> PAGE_SHIFT);
}

/* What a new page of slots begins with. */
void slots_head(void *page)
{
	const u64 gates[SLOT_GATES] = {
		[SLOT_GATE / 8] = (u64)kbox_gate,
#ifdef CONFIG_KBOX_PROMOTE
		[SLOT_GATE_FIRST / 8] = (u64)kbox_gate_first, [SLOT_GATE_LAST / 8] = (u64)kbox_gate_last,
#endif
	};

	memset(page, 0, PAGE_SIZE);	/* udf #0 */
	site_head(page, gates);
}

/* svc is as long as a jump, so there is one way. */
enum site_refusal plan_site(const struct site_text *t, u64 call, u32 nr, bool at, struct site *s)
{
	return site_plan_at(t, call, s);
}
