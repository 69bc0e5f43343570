// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which bytes of memory an instruction accesses, and how. A data abort says where an access begins,
 * but not where it ends, and a watchpoint is hit by any byte of it. ARM ARM C4.1.94.
 */
#include <linux/bits.h>
#include <linux/types.h>
#include <asm/debugreg.h>

#define BLOCK_OF_ZVA	64	/* bytes, at most, on the processors that there are */

/* Exclusive, ordered, and compare and swap: the pairs are told by bits 21 and 23. */
static bool is_ordered_pair(u32 insn)
{
	return insn & BIT(21) && !(insn & BIT(23));
}

static unsigned int ordered_size(u32 insn)
{
	return is_ordered_pair(insn) ? 8 << (insn >> 30 & 1) : 1 << (insn >> 30);
}

/* ld1 to ld4, st1 to st4: of whole registers, ... */
static unsigned int structures_size(u32 insn)
{
	static const u8 registers[16] = { [0] = 4, [2] = 4, [4] = 3, [6] = 3, [7] = 1, [8] = 2, [10] = 2 };

	return registers[insn >> 12 & 15] * (insn & BIT(30) ? 16 : 8);
}

/* ... and of one element of each. */
static unsigned int elements_size(u32 insn)
{
	unsigned int registers = ((insn >> 13 & 1) << 1 | (insn >> 21 & 1)) + 1, scale = insn >> 14 & 3;

	if (scale == 3)
		return registers << (insn >> 10 & 3);
	return registers * (scale < 2 ? 1 << scale : insn & BIT(10) ? 8 : 4);
}

static unsigned int literal_size(u32 insn)
{
	return insn & BIT(26) ? 4 << (insn >> 30) : insn >> 30 == 1 ? 8 : 4;
}

/* Copies and sets of memory go on as long as they like. */
static unsigned int unscaled_size(u32 insn)
{
	return (insn >> 10 & 3) == 1 ? PAGE_SIZE : 1 << (insn >> 30);
}

static unsigned int single_size(u32 insn)
{
	unsigned int scale = insn >> 30 | (insn & BIT(26) ? (insn >> 23 & 1) << 2 : 0);

	return scale > 4 ? 16 : 1 << scale;
}

static unsigned int size_of(u32 insn)
{
	if (!(insn & BIT(27)) || insn & BIT(25))
		return BLOCK_OF_ZVA;
	switch (insn >> 28 & 3) {
	case 0:
		return insn & BIT(26) ? insn & BIT(24) ? elements_size(insn) : structures_size(insn) : ordered_size(insn);
	case 1:
		return insn & BIT(24) ? unscaled_size(insn) : literal_size(insn);
	case 2:
		return insn & BIT(26) ? 8 << (insn >> 30) : insn >> 31 ? 16 : 8;
	}
	return single_size(insn);
}

/*
 * It loads and stores, though it may fault for the one or the other: swp, ldadd and the like, cas,
 * casp.
 */
static bool is_atomic(u32 insn)
{
	if ((insn & 0x3f200c00) == 0x38200000)
		return (insn & 0xfffffc00 & ~(3U << 30)) != 0x38bfc000;	/* ldapr */
	return (insn & 0x3f200000) == 0x08200000 && (insn & BIT(23) || !(insn & BIT(31)));
}

static bool is_dc_zva(u32 insn)
{
	return (insn & 0xffffffe0) == 0xd50b7420;
}

/* What the abort at addr, by a load or by a store, says of the access. */
struct watch_access insn_access(u32 insn, unsigned long addr, unsigned int kind)
{
	struct watch_access a = { addr, size_of(insn), is_atomic(insn) ? WATCH_READ | WATCH_WRITE : kind };

	if (is_dc_zva(insn))
		a.addr &= -BLOCK_OF_ZVA;
	return a;
}
