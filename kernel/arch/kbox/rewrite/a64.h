/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_REWRITE_A64_H
#define KBOX_REWRITE_A64_H
/*
 * The few A64 instructions that are written and read here. Arm ARM, chapter C4 has the encodings;
 * every instruction is one little-endian word at a multiple of 4.
 */
#include <linux/types.h>

#define A64_RET		0xd65f03c0u
#define A64_NOP		0xd503201fu
#define A64_BRK		0xd4200000u
#define A64_BTI_C	0xd503245fu

#define A64_NR_SIGRETURN 139

static inline u32 a64_get(const u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (u32)p[3] << 24;
}

static inline void a64_put(u8 *p, u32 word)
{
	p[0] = word & 0xff;
	p[1] = word >> 8 & 0xff;
	p[2] = word >> 16 & 0xff;
	p[3] = word >> 24;
}

/* The low n bits as a signed number. */
static inline s64 a64_signed(u64 v, unsigned int n)
{
	return (s64)(v << (64 - n)) >> (64 - n);
}

/* svc with any number: Linux does not look at it. */
static inline bool a64_is_svc(u32 w)
{
	return (w & 0xffe0001f) == 0xd4000001;
}

static inline bool a64_is_b(u32 w)
{
	return w >> 26 == 0x05;
}

static inline bool a64_is_bl(u32 w)
{
	return w >> 26 == 0x25;
}

/* Where b or bl at addr goes. */
static inline u64 a64_target(u32 w, u64 addr)
{
	return addr + 4 * a64_signed(w & 0x3ffffff, 26);
}

/* ret, or with a signed address: retaa, retab */
static inline bool a64_is_ret(u32 w)
{
	return w == A64_RET || (w & 0xfffffbff) == 0xd65f0bff;
}

static inline bool a64_is_blr(u32 w)
{
	return (w & 0xfffffc1f) == 0xd63f0000;
}

/* b.cond, cbz, cbnz */
static inline bool a64_is_branch19(u32 w)
{
	return (w & 0xfe000000) == 0x54000000 || (w & 0x7e000000) == 0x34000000;
}

/* tbz, tbnz */
static inline bool a64_is_branch14(u32 w)
{
	return (w & 0x7e000000) == 0x36000000;
}

/* Where a conditional branch at addr goes if it is taken. */
static inline u64 a64_branch_target(u32 w, u64 addr)
{
	return addr + 4 * (a64_is_branch14(w) ? a64_signed(w >> 5 & 0x3fff, 14) : a64_signed(w >> 5 & 0x7ffff, 19));
}

/* ret, br, blr and their like: all branches to a register */
static inline bool a64_is_branch_reg(u32 w)
{
	return (w & 0xfe000000) == 0xd6000000;
}

/* cb: compares two registers, Armv9.6 */
static inline bool a64_is_branch9(u32 w)
{
	return (w & 0x7e000000) == 0x74000000;
}

/* svc, brk, hlt and their like */
static inline bool a64_is_exception(u32 w)
{
	return (w & 0xff000000) == 0xd4000000;
}

/*
 * After it the next instruction need not be the one behind it, or it is not the program that has
 * run.
 */
static inline bool a64_is_control(u32 w)
{
	return a64_is_b(w) || a64_is_bl(w) || a64_is_branch19(w) || a64_is_branch14(w) || a64_is_branch9(w) ||
	       a64_is_branch_reg(w) || a64_is_exception(w);
}

/* movz of an unshifted number to this register, x or w: the number, or -1. */
static inline s32 a64_movz(u32 w, unsigned int reg)
{
	return (w & 0x7fe0001f) == (0x52800000 | reg) ? (s32)(w >> 5 & 0xffff) : -1;
}

/* mov Xd, Xm, which is orr Xd, xzr, Xm */
static inline bool a64_is_mov(u32 w)
{
	return (w & 0xffe0ffe0) == 0xaa0003e0;
}

static inline bool a64_is_this_mov(u32 w, unsigned int d, unsigned int m)
{
	return w == (0xaa0003e0 | m << 16 | d);
}

/* Nothing, or a landing pad */
static inline bool a64_is_hint(u32 w)
{
	return w == A64_NOP || (w & 0xffffff3f) == 0xd503241f;
}

#define A64_ANY		0xffffffffu

static inline u32 a64_bit(u32 w, unsigned int at)
{
	return 1u << (w >> at & 31);
}

/* Loads and stores. Rt is a vector's where bit 26 is set. */
static inline u32 a64_memory_written(u32 w)
{
	u32 rt = w & 1 << 26 ? 0 : a64_bit(w, 0), rt2 = w & 1 << 26 ? 0 : a64_bit(w, 10), rn = a64_bit(w, 5);

	switch (w >> 27 & 7) {
	case 3:		/* from a literal, but for tags and copies of memory */
		if (!(w & 1 << 24))
			return rt;
		return A64_ANY;
	case 5:		/* pairs; bit 23: the base changes */
		return (w & 1 << 22 ? rt | rt2 : 0) | (w & 1 << 23 ? rn : 0);
	case 7:
		if (!(w >> 22 & 3))	/* a store */
			rt = 0;
		if (w & 1 << 24)	/* base and offset */
			return rt;
		if (w & 1 << 21)	/* base and index, and what is atomic */
			return (w >> 10 & 3) == 2 ? rt : A64_ANY;
		return w & 1 << 10 ? rt | rn : rt;
	}
	return A64_ANY;
}

/*
 * The general registers that an instruction may write, a bit for each; 31 is the stack pointer or
 * none. Rather too many: all of them where it is unusual. Of control flow nothing is said.
 */
static inline u32 a64_written(u32 w)
{
	switch (w >> 25 & 15) {
	case 8: case 9:			/* with an immediate */
	case 5: case 13:		/* with registers */
	case 7: case 15:		/* vectors, some of which go to general registers */
		return a64_bit(w, 0);
	case 10: case 11:		/* system: mrs */
		return a64_bit(w, 0);
	case 4: case 6: case 12: case 14:
		return a64_memory_written(w);
	}
	return A64_ANY;
}

/* Loads, stores, and what does both */
static inline bool a64_is_memory(u32 w)
{
	return (w & 0x0a000000) == 0x08000000;
}

/* One that may change memory: all but what is known to load only. */
static inline bool a64_is_store(u32 w)
{
	if (!a64_is_memory(w))
		return false;
	switch (w >> 27 & 7) {
	case 3:
		return w & 1 << 24;
	case 5:
		return !(w & 1 << 22);
	case 7:
		if (!(w & 1 << 24) && w & 1 << 21 && (w >> 10 & 3) != 2)	/* atomic */
			return true;
		return !(w & 1 << 26 ? w >> 22 & 1 : w >> 22 & 3);
	}
	return true;
}

/* Its address is in the stack frame, by the stack or the frame pointer. */
static inline bool a64_is_local(u32 w)
{
	return (w >> 5 & 31) == 31 || (w >> 5 & 31) == 29;
}

/* str, stur or stp of this register, or a load of it, with the stack pointer as the base */
static inline bool a64_is_stack_access(u32 w, unsigned int reg)
{
	bool pair = (w & 0xfe0003e0) == 0xa80003e0, single = (w & 0xfe0003e0) == 0xf80003e0;

	return (pair && (w >> 10 & 31) == reg) || ((pair || single) && (w & 31) == reg);
}

static inline bool a64_is_push(u32 w, unsigned int reg)
{
	return a64_is_stack_access(w, reg) && !(a64_written(w) & 1u << reg);
}

static inline bool a64_is_pop(u32 w, unsigned int reg)
{
	return a64_is_stack_access(w, reg) && a64_written(w) & 1u << reg;
}

/* Encoders. Offsets are in bytes and must fit. */
static inline u32 a64_b(s64 rel)
{
	return 0x14000000 | (rel >> 2 & 0x3ffffff);
}

static inline u32 a64_bl(s64 rel)
{
	return 0x94000000 | (rel >> 2 & 0x3ffffff);
}

static inline u32 a64_br(unsigned int n)
{
	return 0xd61f0000 | n << 5;
}

static inline u32 a64_blr(unsigned int n)
{
	return 0xd63f0000 | n << 5;
}

static inline u32 a64_ldr_literal(unsigned int t, s64 rel)
{
	return 0x58000000 | (rel >> 2 & 0x7ffff) << 5 | t;
}

static inline u32 a64_ldp(unsigned int t, unsigned int t2, unsigned int n, int off)
{
	return 0xa9400000 | (off / 8 & 0x7f) << 15 | t2 << 10 | n << 5 | t;
}

static inline u32 a64_stp(unsigned int t, unsigned int t2, unsigned int n, int off)
{
	return 0xa9000000 | (off / 8 & 0x7f) << 15 | t2 << 10 | n << 5 | t;
}
#endif
