// SPDX-License-Identifier: GPL-2.0-only
/* Where slots are: anywhere within reach of the text, where this process, and others that map the file, have room. */
#include <linux/mm.h>
#include <linux/security.h>
#include <asm/kbox.h>
#include "../rewrite/rewrite.h"

#define AREA_SIZE	(256UL << 10)	/* some 8,000 slots */

/* Directly below for programs that are linked to low addresses, where nothing else is; else well away from what ld.so maps. */
static const s64 low[] = { -(s64)AREA_SIZE - 0x10000, 96 << 20, 64 << 20 };
static const s64 high[] = { -(64 << 20), -(80 << 20), -(96 << 20), -(48 << 20), -(112 << 20), 96 << 20 };

static bool is_free(struct vm_area_struct *text, unsigned long start)
{
	return start >= mmap_min_addr && start + AREA_SIZE <= TASK_SIZE &&
	       !find_vma_intersection(text->vm_mm, start, start + AREA_SIZE);
}

/* The area for this text of a new image. */
void slots_choose(struct image *im, struct vm_area_struct *text)
{
	bool is_low = text->vm_start < (4UL << 30);
	const s64 *distance = is_low ? low : high;
	unsigned int i, n = is_low ? ARRAY_SIZE(low) : ARRAY_SIZE(high);

	for (i = 0; i < n - 1; i++)
		if (is_free(text, text->vm_start + distance[i]))
			break;
	im->slots = im->text + distance[i];
	im->slots_size = AREA_SIZE;
}

/* The pages of the area that a slot of this site can be in: all. */
unsigned long slots_first(const struct image *im, const struct site *s)
{
	return 0;
}

unsigned long slots_end(const struct image *im, const struct site *s)
{
	return im->slots_size >> PAGE_SHIFT;
}

/* What a new page of slots begins with. */
void slots_head(void *page)
{
	const u64 gates[SLOT_GATES] = {
		[SLOT_GATE / 8] = (u64)kbox_gate, [SLOT_GATE_FIRST / 8] = (u64)kbox_gate_first, [SLOT_GATE_LAST / 8] = (u64)kbox_gate_last,
	};

	memset(page, 0, PAGE_SIZE);	/* udf #0 */
	site_head(page, gates);
}
