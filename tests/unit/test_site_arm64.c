// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewriting of one aarch64 instruction: what is planned, what is refused, and the words, as the
 * assembler makes them. Its output is in tables here; where it is installed it makes them again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <asm/site.h>
#include "a64.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL 0x40000100UL	/* where a site is, if no test says otherwise */
#define MIB (1L << 20)
#define SVC 0xd4000001u
#define MOVZ_X8(nr) (0xd2800008u | (nr) << 5)
#define MOVZ_W8(nr) (0x52800008u | (nr) << 5)

struct insn {
	const char *text;
	u32 word;
};

/* What we encode, see encoders(). */
static const struct insn encoded[] = {
	{ "b .+4", 0x14000001 },
	{ "b .-4", 0x17ffffff },
	{ "b .+0x7fffffc", 0x15ffffff },
	{ "b .-0x8000000", 0x16000000 },
	{ "bl .+4", 0x94000001 },
	{ "bl .-0x1000", 0x97fffc00 },
	{ "bl .+0x7fffffc", 0x95ffffff },
	{ "bl .-0x8000000", 0x96000000 },
	{ "br x16", 0xd61f0200 },
	{ "blr x16", 0xd63f0200 },
	{ "brk #0", 0xd4200000 },
	{ "ldr x16, .+8", 0x58000050 },
	{ "ldr x16, .-72", 0x58fffdd0 },
	{ "ldr x16, .+0xffffc", 0x587ffff0 },
	{ "ldr x16, .-0x100000", 0x58800010 },
	{ "ldp x16, x17, [x30, #128]", 0xa94847d0 },
	{ "ldp x0, x1, [sp, #-512]", 0xa96007e0 },
	{ "stp x16, x17, [sp, #-16]", 0xa93f47f0 },
	{ "stp x29, x30, [sp, #-32]", 0xa93e7bfd },
	{ "stp x29, x30, [sp, #504]", 0xa91ffbfd },
	{ "ldp x29, x30, [x30, #232]", 0xa94efbdd },
};

/* Where control goes elsewhere, */
static const struct insn controls[] = {
	{ "svc #0", 0xd4000001 },
	{ "svc #0xffff", 0xd41fffe1 },
	{ "hvc #0", 0xd4000002 },
	{ "brk #1", 0xd4200020 },
	{ "hlt #0", 0xd4400000 },
	{ "ret", 0xd65f03c0 },
	{ "ret x1", 0xd65f0020 },
	{ "retaa", 0xd65f0bff },
	{ "br x1", 0xd61f0020 },
	{ "blr x1", 0xd63f0020 },
	{ "blraaz x1", 0xd63f083f },
	{ "b .+8", 0x14000002 },
	{ "bl .-8", 0x97fffffe },
	{ "b.eq .-4", 0x54ffffe0 },
	{ "b.al .+0xffffc", 0x547fffee },
	{ "cbz w0, .+4", 0x34000020 },
	{ "cbnz x30, .-0x100000", 0xb580001e },
	{ "tbz w6, #3, .+16", 0x36180086 },
	{ "tbnz x8, #33, .-0x8000", 0xb70c0008 },
};

#define R(n) (1u << (n))

/* and where it does not: registers that are written, and those that we think may be. */
static const struct {
	struct insn insn;
	u32 written, perhaps;
} others[] = {
	{ { "nop", 0xd503201f }, 0, 0 },
	{ { "bti c", 0xd503245f }, 0, 0 },
	{ { "paciasp", 0xd503233f }, 0, 0 },
	{ { "isb", 0xd5033fdf }, 0, 0 },
	{ { "dmb ish", 0xd5033bbf }, 0, 0 },
	{ { "mrs x19, tpidr_el0", 0xd53bd053 }, R(19), 0 },
	{ { "msr tpidr_el0, x1", 0xd51bd041 }, 0, R(1) },
	{ { "movz x6, #63", 0xd28007e6 }, R(6), 0 },
	{ { "movz w6, #63", 0x528007e6 }, R(6), 0 },
	{ { "movz w8, #65535", 0x529fffe8 }, R(8), 0 },
	{ { "movz x8, #1, lsl #16", 0xd2a00028 }, R(8), 0 },
	{ { "movk x8, #1", 0xf2800028 }, R(8), 0 },
	{ { "movn x8, #0", 0x92800008 }, R(8), 0 },
	{ { "mov x8, x1", 0xaa0103e8 }, R(8), 0 },
	{ { "mov w8, w1", 0x2a0103e8 }, R(8), 0 },
	{ { "mov x8, sp", 0x910003e8 }, R(8), 0 },
	{ { "add x6, x6, #1", 0x910004c6 }, R(6), 0 },
	{ { "cmp x6, #1", 0xf10004df }, 0, 0 },
	{ { "subs x6, x1, x2", 0xeb020026 }, R(6), 0 },
	{ { "adr x0, .+4", 0x10000020 }, R(0), 0 },
	{ { "adrp x0, .+4096", 0x90000000 }, R(0), 0 },
	{ { "sxtw x0, w0", 0x93407c00 }, R(0), 0 },
	{ { "ubfx x8, x0, #1, #2", 0xd3410808 }, R(8), 0 },
	{ { "csel x8, x0, x1, eq", 0x9a810008 }, R(8), 0 },
	{ { "ccmp x8, #1, #0, eq", 0xfa410900 }, 0, R(0) },
	{ { "madd x8, x1, x2, x3", 0x9b020c28 }, R(8), 0 },
	{ { "rev x8, x1", 0xdac00c28 }, R(8), 0 },
	{ { "ldr x8, [x1]", 0xf9400028 }, R(8), 0 },
	{ { "ldr w8, [x1, #4]", 0xb9400428 }, R(8), 0 },
	{ { "ldrb w8, [x1]", 0x39400028 }, R(8), 0 },
	{ { "ldrsw x8, [x1]", 0xb9800028 }, R(8), 0 },
	{ { "str x8, [x1]", 0xf9000028 }, 0, 0 },
	{ { "strb w8, [x1]", 0x39000028 }, 0, 0 },
	{ { "ldr x8, [x1], #8", 0xf8408428 }, R(8) | R(1), 0 },
	{ { "ldr x8, [x1, #8]!", 0xf8408c28 }, R(8) | R(1), 0 },
	{ { "str x8, [x1], #8", 0xf8008428 }, R(1), 0 },
	{ { "str x8, [sp, #-16]!", 0xf81f0fe8 }, 0, 0 },
	{ { "ldr x8, [x1, x2]", 0xf8626828 }, R(8), 0 },
	{ { "str x8, [x1, x2]", 0xf8226828 }, 0, 0 },
	{ { "ldur x8, [x1, #-8]", 0xf85f8028 }, R(8), 0 },
	{ { "stur x8, [x1, #-8]", 0xf81f8028 }, 0, 0 },
	{ { "ldr x8, .+8", 0x58000048 }, R(8), 0 },
	{ { "ldr q8, .+8", 0x9c000048 }, 0, 0 },
	{ { "ldr d8, [x1]", 0xfd400028 }, 0, 0 },
	{ { "str q8, [x1], #16", 0x3c810428 }, R(1), 0 },
	{ { "ldp x8, x9, [x1]", 0xa9402428 }, R(8) | R(9), 0 },
	{ { "stp x8, x9, [x1]", 0xa9002428 }, 0, 0 },
	{ { "ldp x8, x9, [x1], #16", 0xa8c12428 }, R(8) | R(9) | R(1), 0 },
	{ { "stp x29, x30, [sp, #-16]!", 0xa9bf7bfd }, 0, 0 },
	{ { "ldp x29, x30, [sp], #16", 0xa8c17bfd }, R(29) | R(30), 0 },
	{ { "ldp d8, d9, [x1]", 0x6d402428 }, 0, 0 },
	{ { "stp q8, q9, [x1, #-32]!", 0xadbf2428 }, R(1), 0 },
	{ { "ldxr x8, [x1]", 0xc85f7c28 }, R(8), A64_ANY },
	{ { "stxr w8, x0, [x1]", 0xc8087c20 }, R(8), A64_ANY },
	{ { "ldadd x0, x8, [x1]", 0xf8200028 }, R(8), A64_ANY },
	{ { "swp x0, x8, [x1]", 0xf8208028 }, R(8), A64_ANY },
	{ { "cas x8, x0, [x1]", 0xc8a87c20 }, R(8), A64_ANY },
	{ { "casp x8, x9, x0, x1, [x2]", 0x48287c40 }, R(8) | R(9), A64_ANY },
	{ { "ld1 {v0.16b}, [x1], #16", 0x4cdf7020 }, R(1), A64_ANY },
	{ { "fmov x8, d0", 0x9e660008 }, R(8), 0 },
	{ { "umov w8, v0.s[0]", 0x0e043c08 }, R(8), 0 },
	{ { "movi v8.4s, #0", 0x4f000408 }, 0, R(8) },
	{ { "fadd d8, d1, d2", 0x1e622828 }, 0, R(8) },
	{ { "prfm pldl1keep, [x1]", 0xf9800020 }, 0, R(0) },
};

/*
 * The head of a page of slots, and its first slot: of a site whose next instruction is 0x10004
 * bytes behind the slot.
 */
static const struct insn page[] = {
	{ ".word 0x11111111", 0x11111111 }, { ".word 0x11111111", 0x11111111 },
	{ ".word 0x22222222", 0x22222222 }, { ".word 0x22222222", 0x22222222 },
	{ ".word 0x33333333", 0x33333333 }, { ".word 0x33333333", 0x33333333 },
	{ "ldr x16, .-16", 0x58ffff90 }, { "br x16", 0xd61f0200 },
	{ "ldr x16, .-16", 0x58ffff90 }, { "br x16", 0xd61f0200 },
	{ "brk #0", 0xd4200000 }, { "brk #0", 0xd4200000 }, { "brk #0", 0xd4200000 },
	{ "brk #0", 0xd4200000 }, { "brk #0", 0xd4200000 }, { "brk #0", 0xd4200000 },
	{ "stp x29, x30, [sp, #-32]", 0xa93e7bfd },
	{ "stp x16, x17, [sp, #-16]", 0xa93f47f0 },
	{ "ldr x16, .-72", 0x58fffdd0 },
	{ "blr x16", 0xd63f0200 },
	{ "ldp x16, x17, [x30, #16 * 8]", 0xa94847d0 },
	{ "ldp x29, x30, [x30, #29 * 8]", 0xa94efbdd },
	{ "b .-0x18 + 0x10004", 0x14003ffb },
};

static const struct { struct insn insn; s64 rel; } branches[] = {
	{ { "b .", 0x14000000 }, 0 },
	{ { "b .+0x7fffffc", 0x15ffffff }, 0x7fffffc },
	{ { "b .-0x8000000", 0x16000000 }, -0x8000000 },
	{ { "bl .-4", 0x97ffffff }, -4 },
	{ { "bl .+0x1000", 0x94000400 }, 0x1000 },
	{ { "b.ne .+8", 0x54000041 }, 8 },
	{ { "b.eq .-0x100000", 0x54800000 }, -0x100000 },
	{ { "cbz x6, .+0xffffc", 0xb47fffe6 }, 0xffffc },
	{ { "cbnz w0, .-4", 0x35ffffe0 }, -4 },
	{ { "tbz w0, #31, .+0x7ffc", 0x36fbffe0 }, 0x7ffc },
	{ { "tbnz x1, #63, .-0x8000", 0xb7fc0001 }, -0x8000 },
};

static void assert_word(const struct insn *i, u32 got)
{
	if (got != i->word)
		print_message("# %s: %08x, not %08x\n", i->text, got, i->word);
	assert_int_equal(got, i->word);
}

static void encoders(void **state)
{
	const u32 ours[] = {
		a64_b(4),
		a64_b(-4),
		a64_b(0x7fffffc),
		a64_b(-0x8000000),
		a64_bl(4),
		a64_bl(-0x1000),
		a64_bl(0x7fffffc),
		a64_bl(-0x8000000),
		a64_br(16),
		a64_blr(16),
		A64_BRK,
		a64_ldr_literal(16, 8),
		a64_ldr_literal(16, -72),
		a64_ldr_literal(16, 0xffffc),
		a64_ldr_literal(16, -0x100000),
		a64_ldp(16, 17, 30, 128),
		a64_ldp(0, 1, 31, -512),
		a64_stp(16, 17, 31, -16),
		a64_stp(29, 30, 31, -32),
		a64_stp(29, 30, 31, 504),
		a64_ldp(29, 30, 30, 232),
	};

	(void)state;
	assert_int_equal(COUNT(ours), COUNT(encoded));
	for (size_t i = 0; i < COUNT(encoded); i++)
		assert_word(&encoded[i], ours[i]);
}

static void decoders(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(controls); i++) {
		print_message("# %s\n", controls[i].text);
		assert_true(a64_is_control(controls[i].word));
		assert_int_equal(a64_is_svc(controls[i].word), !strncmp(controls[i].text, "svc", 3));
		assert_int_equal(a64_is_bl(controls[i].word), !strncmp(controls[i].text, "bl ", 3));
		assert_int_equal(a64_is_b(controls[i].word), !strncmp(controls[i].text, "b ", 2));
		assert_int_equal(a64_movz(controls[i].word, 8), -1);
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		u32 written = a64_written(others[i].insn.word) & ~R(31);

		print_message("# %s\n", others[i].insn.text);
		assert_false(a64_is_control(others[i].insn.word));
		assert_int_equal(written, (others[i].written | others[i].perhaps) & ~R(31));
	}
}

static void moves(void **state)
{
	(void)state;
	for (u32 nr = 0; nr < 0x10000; nr += 257) {
		assert_int_equal(a64_movz(MOVZ_X8(nr), 8), nr);
		assert_int_equal(a64_movz(MOVZ_W8(nr), 8), nr);
		assert_int_equal(a64_movz(MOVZ_X8(nr) - 2, 6), nr);
		assert_int_equal(a64_movz(MOVZ_X8(nr), 6), -1);
		assert_int_equal(a64_movz(MOVZ_X8(nr) | 1 << 21, 8), -1);	/* lsl #16 */
	}
	for (unsigned int d = 0; d < 32; d++)
		for (unsigned int m = 0; m < 32; m++) {
			assert_true(a64_is_this_mov(0xaa0003e0 | m << 16 | d, d, m));
			assert_true(a64_is_mov(0xaa0003e0 | m << 16 | d));
			assert_false(a64_is_this_mov(0xaa0003e0 | m << 16 | d, d, m ^ 1));
		}
	assert_false(a64_is_mov(0x2a0103e8));	/* mov w8, w1 */
	assert_false(a64_is_mov(0xaa010008));	/* orr x8, x0, x1 */
	assert_false(a64_is_mov(0xaa0107e8));	/* orr x8, xzr, x1, lsl #1 */
}

static void targets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(branches); i++) {
		u32 w = branches[i].insn.word;

		print_message("# %s\n", branches[i].insn.text);
		assert_int_equal((a64_is_b(w) || a64_is_bl(w) ? a64_target : a64_branch_target)(w, CALL), CALL + branches[i].rel);
	}
	assert_int_equal(a64_target(a64_b(4), -4UL), 0);
}

/* All of the tables once more, if there is an assembler: its words, or NULL. */
static u8 *assemble(const char *text, size_t size)
{
	char dir[] = "/tmp/kbox-test.XXXXXX", command[512];
	u8 *words = malloc(size + 1);
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(command, sizeof(command),
		 "cd %s && aarch64-linux-gnu-as -o o - && aarch64-linux-gnu-objcopy -O binary -j .text o bin", dir);
	f = popen(command, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(pclose(f), 0);
	snprintf(command, sizeof(command), "cat %s/bin; rm -r %s", dir, dir);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(fread(words, 1, size + 1, f), size);
	pclose(f);
	return words;
}

static void assembler(void **state)
{
	enum { ALL = COUNT(encoded) + COUNT(controls) + COUNT(others) + COUNT(page) + COUNT(branches) };
	static char text[64 * ALL + 64] = ".arch armv8.5-a+lse+pauth\n";
	const struct insn *all[ALL];
	size_t n = 0;
	u8 *words;

	(void)state;
	if (system("command -v aarch64-linux-gnu-as >/dev/null && command -v aarch64-linux-gnu-objcopy >/dev/null")) {
		print_message("# there is no aarch64-linux-gnu-as\n");
		skip();
	}
	for (size_t i = 0; i < COUNT(encoded); i++)
		all[n++] = &encoded[i];
	for (size_t i = 0; i < COUNT(controls); i++)
		all[n++] = &controls[i];
	for (size_t i = 0; i < COUNT(others); i++)
		all[n++] = &others[i].insn;
	for (size_t i = 0; i < COUNT(page); i++)
		all[n++] = &page[i];
	for (size_t i = 0; i < COUNT(branches); i++)
		all[n++] = &branches[i].insn;
	for (size_t i = 0; i < n; i++)
		strcat(strcat(text, all[i]->text), "\n");
	words = assemble(text, 4 * n);
	for (size_t i = 0; i < n; i++)
		assert_word(all[i], a64_get(words + 4 * i));
	free(words);
}

/* Words from addr on, in memory of no more than their size. */
static struct site_text text_of(const u32 *words, u32 n, u64 addr)
{
	u8 *bytes = malloc(4 * n);

	for (u32 i = 0; i < n; i++)
		a64_put(bytes + 4 * i, words[i]);
	return (struct site_text) { .bytes = bytes, .addr = addr, .size = 4 * n };
}

static enum site_refusal plan(u32 before, u32 word, struct site *s)
{
	struct site_text t = text_of((const u32[]) { before, word }, 2, CALL - 4);
	enum site_refusal r = site_plan_at(&t, CALL, s);

	free((void *)t.bytes);
	return r;
}

static void plan_svc(void **state)
{
	struct site s;

	(void)state;
	assert_int_equal(plan(MOVZ_X8(172), SVC, &s), SITE_OK);
	assert_int_equal(s.kind, SITE_AT_CALL);
	assert_int_equal(s.call, CALL);
	assert_int_equal(s.start, CALL);
	assert_int_equal(s.len, 4);
	assert_int_equal(s.target, 0);
	/* Linux does not look at the number. */
	for (u32 imm = 0; imm < 0x10000; imm += 0xff)
		assert_int_equal(plan(A64_NOP, SVC | imm << 5, &s), SITE_OK);
}

static void refused(void **state)
{
	struct site s;

	(void)state;
	assert_int_equal(plan(MOVZ_X8(139), SVC, &s), SITE_SIGRETURN);
	assert_int_equal(plan(MOVZ_W8(139), SVC, &s), SITE_SIGRETURN);
	assert_int_equal(plan(MOVZ_X8(139) - 1, SVC, &s), SITE_OK);	/* to x7 */
	for (size_t i = 0; i < COUNT(controls); i++)
		if (!a64_is_svc(controls[i].word))
			assert_int_equal(plan(A64_NOP, controls[i].word, &s), SITE_NOT_SYSCALL);
	for (size_t i = 0; i < COUNT(others); i++)
		assert_int_equal(plan(A64_NOP, others[i].insn.word, &s), SITE_NOT_SYSCALL);
	for (unsigned int bit = 0; bit < 32; bit++)
		assert_int_equal(plan(A64_NOP, SVC ^ 1u << bit, &s), bit >= 5 && bit < 21 ? SITE_OK : SITE_NOT_SYSCALL);
	for (unsigned int why = 0; why < SITE_REFUSALS; why++)
		assert_non_null(site_refusal_text[why]);
}

/* The text begins with the call, ends in it or with it, or is elsewhere. */
static void text_ends(void **state)
{
	struct site_text t = text_of((const u32[]) { SVC, SVC, SVC }, 3, CALL);
	struct site s;

	(void)state;
	assert_int_equal(site_plan_at(&t, CALL, &s), SITE_UNREADABLE);
	assert_int_equal(site_plan_at(&t, CALL + 4, &s), SITE_OK);
	assert_int_equal(site_plan_at(&t, CALL + 8, &s), SITE_OK);
	assert_int_equal(site_plan_at(&t, CALL + 12, &s), SITE_NOT_SYSCALL);
	assert_int_equal(site_plan_at(&t, CALL - 4, &s), SITE_NOT_SYSCALL);
	assert_int_equal(site_plan_at(&t, 0, &s), SITE_NOT_SYSCALL);
	assert_int_equal(site_plan_at(&t, -4UL, &s), SITE_NOT_SYSCALL);
	free((void *)t.bytes);
	for (u32 size = 0; size < 12; size++) {
		u8 *bytes = malloc(size);
		u32 words[] = { A64_NOP, SVC, SVC };

		memcpy(bytes, words, size);
		t = (struct site_text) { .bytes = bytes, .addr = CALL, .size = size };
		for (u64 call = CALL - 8; call < CALL + 16; call++)
			assert_int_equal(site_plan_at(&t, call, &s), call == CALL + 4 && size >= 8 ? SITE_OK : SITE_NOT_SYSCALL);
		free(bytes);
	}
}

/* A text at an odd address: its instructions are where the address is a multiple of 4. */
static void odd_texts(void **state)
{
	(void)state;
	for (unsigned int odd = 1; odd < 4; odd++) {
		u8 bytes[16] = { 0 };
		struct site_text t = { .bytes = bytes, .addr = CALL + odd, .size = sizeof(bytes) };
		struct site s;

		a64_put(bytes + 4 - odd, A64_NOP);
		a64_put(bytes + 8 - odd, SVC);
		for (u64 call = CALL; call < CALL + 20; call++)
			assert_int_equal(site_plan_at(&t, call, &s), call == CALL + 8 ? SITE_OK : SITE_NOT_SYSCALL);
		memmove(bytes + 4, bytes + 8 - odd, 4);		/* not aligned */
		memset(bytes + 8, 0, 8);
		for (u64 call = CALL; call < CALL + 20; call++)
			assert_int_equal(site_plan_at(&t, call, &s), SITE_NOT_SYSCALL);
	}
}

static void reach(void **state)
{
	static const s64 yes[] = { 0, 4, -4, 128 * MIB - 4, -128 * MIB }, no[] = { 128 * MIB, -128 * MIB - 4, 2, 1, -1, 1L << 46 };
	struct site s;
	u8 jump[4];

	(void)state;
	assert_int_equal(plan(A64_NOP, SVC, &s), SITE_OK);
	for (size_t i = 0; i < COUNT(yes); i++) {
		assert_true(site_reaches(CALL, CALL + yes[i]));
		assert_true(site_jump(&s, CALL + yes[i], jump));
		assert_true(a64_is_b(a64_get(jump)));
		assert_int_equal(a64_target(a64_get(jump), CALL), CALL + yes[i]);
	}
	for (size_t i = 0; i < COUNT(no); i++) {
		assert_false(site_reaches(CALL, CALL + no[i]));
		assert_false(site_jump(&s, CALL + no[i], jump));
	}
	/* Offsets into a file, so that slots "below" it have large ones. */
	assert_true(site_reaches(0x1000, 0x1000 - 0x8000000UL));
	assert_false(site_reaches(0x1000, 0x1000 - 0x8000004UL));
}

static void emit(void **state)
{
	const u64 start = CALL - 0x10000 - 0x40;
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(plan(A64_NOP, SVC, &s), SITE_OK);
	assert_true(site_emit(&s, NULL, start + 0x40, start, code));
	assert_int_equal(s.slot, start + 0x40);
	assert_int_equal(s.slot_len, 28);
	assert_int_equal(s.resume, 16);
	for (unsigned int i = 0; i < 7; i++)
		assert_word(&page[16 + i], a64_get(code + 4 * i));
}

static void head(void **state)
{
	static const u64 gates[SLOT_GATES] = { 0x1111111111111111, 0x2222222222222222, 0x3333333333333333 };
	u8 bytes[SLOT_HEAD];

	(void)state;
	site_head(bytes, gates);
	for (unsigned int i = 0; i < SLOT_HEAD / 4; i++)
		assert_word(&page[i], a64_get(bytes + 4 * i));
	assert_int_equal(SLOT_HEAD % SLOT_UNIT, 0);
}

/* Each slot of a page gets to the gate's address, wherever the page is. */
static void slots_of_a_page(void **state)
{
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(plan(A64_NOP, SVC, &s), SITE_OK);
	for (u64 start = CALL - CALL % 4096 - 127 * MIB; start < CALL + 127 * MIB; start += 31 * MIB)
		for (u64 slot = start + SLOT_HEAD; slot < start + 4096; slot += SLOT_UNIT) {
			assert_true(site_emit(&s, NULL, slot, start, code));
			assert_int_equal(a64_branch_target(a64_get(code + 8), slot + 8), start + SLOT_GATE);
			assert_int_equal(a64_target(a64_get(code + SLOT_BACK), slot + SLOT_BACK), CALL + 4);
		}
}

/* The way there, the way back, and the literal: each has its own end. */
static void emit_out_of_reach(void **state)
{
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(plan(A64_NOP, SVC, &s), SITE_OK);
	for (s64 off = -16; off <= 16; off += 4) {
		u64 below = CALL + 4 - 128 * MIB - SLOT_BACK + off, above = CALL + 4 + 128 * MIB - SLOT_BACK + off;

		assert_int_equal(site_emit(&s, NULL, below, below, code), off > 0);
		assert_int_equal(site_emit(&s, NULL, above, above, code), off <= 0);
		assert_int_equal(site_emit(&s, NULL, CALL, CALL + 8 - MIB + off, code), off >= 0);
		assert_int_equal(site_emit(&s, NULL, CALL, CALL + 8 + MIB + off, code), off < 0);
	}
	assert_false(site_emit(&s, NULL, CALL + 2, CALL, code));
}

static void originals(void **state)
{
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(plan(A64_NOP, SVC, &s), SITE_OK);
	assert_true(site_emit(&s, NULL, CALL + MIB + SLOT_HEAD, CALL + MIB, code));
	for (unsigned int off = 0; off <= s.slot_len; off++)
		assert_int_equal(site_original(&s, s.slot + off), off < 0x10 ? CALL : CALL + 4);
	for (unsigned int off = 0; off < 8; off++)
		assert_int_equal(site_landing(&s, CALL + off), 0);
}

static void plan_bl(void **state)
{
	struct site_text t = text_of((const u32[]) { a64_bl(0x1000), a64_b(0x1000), SVC, a64_bl(-0x8000000) }, 4, CALL);
	struct site s;
	u8 code[SLOT_MAX];

	(void)state;
	assert_int_equal(site_plan_cancel(&t, CALL, SITE_CANCEL_FIRST, &s), SITE_OK);
	assert_int_equal(s.kind, SITE_CANCEL_FIRST);
	assert_int_equal(s.target, CALL + 0x1000);
	assert_int_equal(s.start, CALL);
	assert_int_equal(s.len, 4);
	assert_int_equal(site_entry(&s, 0x5000), 0x5000 + SLOT_ENTRY_FIRST);
	assert_false(site_emit(&s, &t, CALL + MIB, CALL + MIB, code));
	assert_int_equal(site_plan_cancel(&t, CALL + 12, SITE_CANCEL_LAST, &s), SITE_OK);
	assert_int_equal(s.target, CALL + 12 - 128 * MIB);
	assert_int_equal(site_entry(&s, 0x5000), 0x5000 + SLOT_ENTRY_LAST);
	assert_int_equal(site_plan_cancel(&t, CALL + 4, SITE_CANCEL_LAST, &s), SITE_NOT_SYSCALL);
	assert_int_equal(site_plan_cancel(&t, CALL + 8, SITE_CANCEL_LAST, &s), SITE_NOT_SYSCALL);
	assert_int_equal(site_plan_cancel(&t, CALL + 16, SITE_CANCEL_LAST, &s), SITE_NOT_SYSCALL);
	free((void *)t.bytes);
}

/* Pages at both ends of the reach serve: the entry is what must be within it. */
static void bl_to_far_pages(void **state)
{
	struct site_text t = text_of((const u32[]) { a64_bl(8) }, 1, CALL);
	struct site s;
	u8 jump[4];

	(void)state;
	for (enum site_kind kind = SITE_CANCEL_FIRST; kind <= SITE_CANCEL_LAST; kind++) {
		u64 last = CALL + 128 * MIB - 4, first = CALL - 128 * MIB;

		assert_int_equal(site_plan_cancel(&t, CALL, kind, &s), SITE_OK);
		for (u64 page = first - 8192 - first % 4096; page < last + 8192; page += 4096) {
			u64 entry = site_entry(&s, page);

			assert_int_equal(site_jump(&s, entry, jump), entry >= first && entry <= last);
			if (entry < first || entry > last)
				continue;
			assert_true(a64_is_bl(a64_get(jump)));
			assert_int_equal(a64_target(a64_get(jump), CALL), entry);
		}
	}
	free((void *)t.bytes);
}

/*
 * Patch all that can be: what is written is the site's four bytes, inside the text, also where that
 * is odd.
 */
static void patch_all(const u8 *bytes, u64 addr, u32 size)
{
	struct site_text t = { .bytes = bytes, .addr = addr, .size = size };
	u8 *copy = malloc(size), jump[4], code[SLOT_MAX];
	struct site s;

	memcpy(copy, bytes, size);
	for (u64 call = addr - 8; call < addr + size + 8; call++) {
		u64 slot = (call & ~4095UL) + MIB + SLOT_HEAD;

		if (site_plan_at(&t, call, &s) != SITE_OK)
			continue;
		assert_true(s.start >= addr && s.start + s.len <= addr + size && !(s.start & 3));
		assert_true(a64_is_svc(a64_get(bytes + (s.start - addr))));
		assert_true(site_jump(&s, slot, jump) && site_emit(&s, &t, slot, slot - SLOT_HEAD, code));
		memcpy(copy + (s.start - addr), jump, s.len);
	}
	for (u32 i = -addr & 3; i + 4 <= size; i += 4)
		if (!a64_is_svc(a64_get(bytes + i)) || (i >= 4 && a64_movz(a64_get(bytes + i - 4), 8) == 139))
			assert_memory_equal(copy + i, bytes + i, 4);
	free(copy);
}

static void patch_at_ends(void **state)
{
	(void)state;
	for (u32 size = 0; size < 40; size++)
		for (unsigned int odd = 0; odd < 4; odd++) {
			u8 *bytes = malloc(size);

			for (u32 i = 0; i < size; i++)
				bytes[i] = SVC >> 8 * ((i + odd) % 4);
			patch_all(bytes, CALL + odd, size);
			free(bytes);
		}
}

/* Of random words those are patched that are svc, and nothing is read outside. */
static void random_words(void **state)
{
	const u32 size = 64 << 10;

	(void)state;
	srand(1);
	for (int round = 0; round < 100; round++) {
		u32 odd = rand() % 4, n = size - rand() % 8;
		u8 *bytes = malloc(n);

		for (u32 i = 0; i < n; i++)
			bytes[i] = rand() >> 8;
		/* Every other round some that are. */
		for (u32 i = 0; round % 2 && i + 8 < n; i += 4 + rand() % 64)
			a64_put(bytes + i, rand() & 1 ? SVC : MOVZ_X8(139));
		patch_all(bytes, CALL + odd, n);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encoders), cmocka_unit_test(decoders), cmocka_unit_test(moves), cmocka_unit_test(targets),
		cmocka_unit_test(assembler), cmocka_unit_test(plan_svc), cmocka_unit_test(refused), cmocka_unit_test(text_ends),
		cmocka_unit_test(odd_texts), cmocka_unit_test(reach), cmocka_unit_test(emit), cmocka_unit_test(head),
		cmocka_unit_test(slots_of_a_page), cmocka_unit_test(emit_out_of_reach), cmocka_unit_test(originals),
		cmocka_unit_test(plan_bl), cmocka_unit_test(bl_to_far_pages), cmocka_unit_test(patch_at_ends),
		cmocka_unit_test(random_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
