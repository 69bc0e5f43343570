// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many bytes of memory an instruction accesses. A page fault says where an access begins, but
 * not where it ends, and a watchpoint is hit by any byte of it. Intel SDM vol. 2, appendix A. What
 * is not known by name is taken for as wide as its kind can be.
 */
#include <linux/kernel.h>
#include <linux/string.h>
#include <asm/debugreg.h>
#include <asm/insn.h>

enum { PP_NONE, PP_66, PP_F3, PP_F2 };

static bool among(u8 op, const char *list, unsigned int n)
{
	return memchr(list, op, n);
}
#define AMONG(op, list) among(op, list, sizeof(list) - 1)

/* x87: d8 to df, ModRM in memory. */
static unsigned int x87_size(u8 op, u8 reg)
{
	switch (op) {
	case 0xd8: case 0xda:
		return 4;
	case 0xd9:
		return reg == 4 || reg == 6 ? 28 : reg == 5 || reg == 7 ? 2 : 4;
	case 0xdb:
		return reg == 5 || reg == 7 ? 10 : 4;
	case 0xdc:
		return 8;
	case 0xdd:
		return reg == 4 || reg == 6 ? 108 : reg == 7 ? 2 : 8;
	case 0xde:
		return 2;
	}
	return reg == 4 || reg == 6 ? 10 : reg == 5 || reg == 7 ? 8 : 2;	/* df */
}

static unsigned int one_byte_size(u8 op, u8 reg, unsigned int operand)
{
	if (op >= 0xd8 && op <= 0xdf)
		return x87_size(op, reg);
	if (op == 0x63)
		return 4;
	if (op == 0x8c || op == 0x8e)
		return 2;
	if (op == 0x69 || op == 0x6b || op == 0x83)
		return operand;
	/* push, pop, calls and returns; the operand is of 8 bytes but for a prefix 66 */
	if ((op >= 0x50 && op <= 0x5f) || AMONG(op, "\x68\x6a\x8f\x9c\x9d\xc2\xc3\xc8\xc9\xe8") || (op == 0xff && reg >= 2))
		return operand == 2 ? 2 : 8;
	return op & 1 ? operand : 1;
}

/* 0f, no prefix of VEX. */
static unsigned int two_byte_size(u8 op, u8 reg, unsigned int operand, bool *known)
{
	*known = true;
	if ((op & 0xf0) == 0x40)
		return operand;
	if ((op & 0xf0) == 0x90)
		return 1;
	if (AMONG(op, "\xa3\xa4\xa5\xab\xac\xad\xaf\xb1\xb3\xb8\xba\xbb\xbc\xbd\xc1\xc3"))
		return operand;
	if (AMONG(op, "\xb0\xb6\xbe\xc0"))
		return 1;
	if (op == 0xb7 || op == 0xbf || op == 0x00)
		return 2;
	if (op == 0xc7)
		return reg == 1 ? operand == 8 ? 16 : 8 : 4096;
	if (op == 0xae)
		return reg < 2 ? 512 : reg < 4 ? 4 : reg < 7 ? 4096 : 1;
	*known = false;
	return 0;
}

static unsigned int map_0f_size(u8 op, unsigned int pp, unsigned int width, unsigned int operand, bool mmx)
{
	switch (op) {
	case 0x12: case 0x16:
		return pp == PP_F3 || (pp == PP_F2 && width > 16) ? width : 8;
	case 0x13: case 0x17: case 0xd6:
		return 8;
	case 0x2a: case 0x6e:
		return pp == PP_F3 || pp == PP_F2 || op == 0x6e ? (operand == 8 ? 8 : 4) : 8;
	case 0x7e:
		return pp == PP_F3 ? 8 : operand == 8 ? 8 : 4;
	case 0x2e: case 0x2f:
		return pp == PP_66 ? 8 : 4;
	case 0xc4:
		return 2;
	case 0x2c: case 0x2d:
		return pp == PP_F3 ? 4 : pp == PP_66 ? 16 : 8;
	case 0x5a:
		return pp == PP_NONE ? width / 2 : pp == PP_66 ? width : pp == PP_F3 ? 4 : 8;
	case 0xe6:
		return pp == PP_F3 ? width / 2 : width;
	case 0x6f: case 0x7f: case 0x70: case 0xd0: case 0x7c: case 0x7d: case 0xf0:
		return mmx ? 8 : width;
	}
	if (mmx && ((op >= 0x60 && op <= 0x77) || op >= 0xd1))
		return 8;
	return pp == PP_F3 ? 4 : pp == PP_F2 ? 8 : width;
}

static unsigned int map_0f38_size(u8 op, unsigned int pp, unsigned int width, unsigned int operand, bool mmx)
{
	static const u8 part[] = { 2, 4, 8, 2, 4, 2 };

	if ((op & 0xef) >= 0x20 && (op & 0xef) <= 0x25)		/* pmovsx, pmovzx */
		return width / part[op & 7];
	if (AMONG(op, "\x18\x58"))
		return 4;
	if (AMONG(op, "\x19\x59"))
		return 8;
	if (AMONG(op, "\x1a\x5a"))
		return 16;
	if (op == 0x78 || op == 0x79)
		return op - 0x77;
	if (op >= 0x90 && op <= 0x93)
		return operand == 8 ? 8 : 4;
	if (op >= 0x96 && op <= 0xbf && (op & 0xf) >= 9 && op & 1)	/* scalar FMA */
		return operand == 8 ? 8 : 4;
	if (op >= 0xf0)
		return op == 0xf0 && pp == PP_F2 ? 1 : operand;
	return mmx ? 8 : width;
}

static unsigned int map_0f3a_size(u8 op, unsigned int width, unsigned int operand)
{
	switch (op) {
	case 0x14: case 0x20:
		return 1;
	case 0x15:
		return 2;
	case 0x0a: case 0x17: case 0x21:
		return 4;
	case 0x0b:
		return 8;
	case 0x16: case 0x22:
		return operand == 8 ? 8 : 4;
	case 0x18: case 0x19: case 0x38: case 0x39:
		return 16;
	case 0x1a: case 0x1b: case 0x3a: case 0x3b:
		return 32;
	case 0x1d:
		return width / 2;
	case 0xf0:
		return operand;
	}
	return width;
}

static unsigned int vector_size(struct insn *insn)
{
	unsigned int pp, map, width, operand = insn->opnd_bytes;
	u8 op = insn->opcode.bytes[insn->opcode.nbytes - 1];
	bool mmx = false;

	if (insn_is_avx(insn)) {
		bool evex = insn->vex_prefix.nbytes == 4;

		pp = insn_vex_p_bits(insn);
		map = insn_vex_m_bits(insn) & 7;
		width = evex ? insn->vex_prefix.bytes[3] >> 5 & 3 : insn->vex_prefix.bytes[insn->vex_prefix.nbytes - 1] >> 2 & 1;
		width = 16U << min(width, 2U);
		operand = insn->vex_prefix.nbytes > 2 && insn->vex_prefix.bytes[2] & 0x80 ? 8 : 4;
	} else {
		pp = insn_last_prefix_id(insn);		/* as VEX counts them */
		map = insn->opcode.nbytes == 2 ? 1 : insn->opcode.bytes[1] == 0x38 ? 2 : 3;
		width = 16;
		mmx = pp == PP_NONE;
	}
	if (map == 2)
		return map_0f38_size(op, pp, width, operand, mmx);
	return map == 3 ? map_0f3a_size(op, width, operand) : map_0f_size(op, pp, width, operand, mmx);
}

unsigned int insn_access_size(struct insn *insn)
{
	u8 reg = X86_MODRM_REG(insn->modrm.bytes[0]);
	unsigned int size;
	bool known;

	if (!insn_is_avx(insn)) {
		if (insn->opcode.nbytes == 1)
			return one_byte_size(insn->opcode.bytes[0], reg, insn->opnd_bytes);
		if (insn->opcode.nbytes == 2) {
			size = two_byte_size(insn->opcode.bytes[1], reg, insn->opnd_bytes, &known);
			if (known)
				return size;
		}
	}
	return vector_size(insn);
}
