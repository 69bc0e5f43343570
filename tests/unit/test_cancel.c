// SPDX-License-Identifier: GPL-2.0-only
/* Cancellation wrappers: which calls of them are found, and what is not taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "a64.h"
#include "cancel.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ADDR 0x400000UL

#define SVC 0xd4000001u
#define RET 0xd65f03c0u
#define NOP 0xd503201fu
#define MOV(d, m) (0xaa0003e0u | (m) << 16 | (d))
#define MOVZ(r, n) (0xd2800000u | (n) << 5 | (r))
#define MOVZ_W(r, n) (0x52800000u | (n) << 5 | (r))
#define MOVK(r, n) (0xf2800000u | (n) << 5 | (r))
#define ADD(d, n, i) (0x91000000u | (i) << 10 | (n) << 5 | (d))
#define LDR(t, n, off) (0xf9400000u | (off) / 8 << 10 | (n) << 5 | (t))
#define STR(t, n, off) (0xf9000000u | (off) / 8 << 10 | (n) << 5 | (t))
#define PUSH 0xa9bf7bfdu		/* stp x29, x30, [sp, #-16]! */
#define POP 0xa8c17bfdu			/* ldp x29, x30, [sp], #16 */
#define MOVN_X0 0x92800000u		/* mov x0, #-1 */
/* By a number of instructions. */
#define B(n) (0x14000000u | ((n) & 0x3ffffff))
#define BL(n) (0x94000000u | ((n) & 0x3ffffff))
#define CBZ(r, n) (0xb4000000u | ((n) & 0x7ffff) << 5 | (r))
#define B_HI(n) (0x54000008u | ((n) & 0x7ffff) << 5)
#define CMN_ERROR 0xb140041fu		/* cmn x0, #1, lsl #12 */

/* musl's end of the wrapper, glibc's, and what hands the arguments on to that. */
#define FIRST MOV(8, 0), MOV(0, 1), MOV(1, 2), MOV(2, 3), MOV(3, 4), MOV(4, 5), MOV(5, 6), SVC
#define LAST MOV(8, 1), MOV(0, 2), MOV(1, 3), MOV(2, 4), MOV(3, 5), MOV(4, 6), MOV(5, 7), SVC
#define HAND_ON MOV(9, 6), MOV(7, 5), MOV(6, 4), MOV(5, 3), MOV(4, 2), MOV(3, 1), MOV(2, 0), MOV(1, 9), ADD(0, 31, 0)

/* One word per site: convention, offset, number, and a letter of the verdict: "first 4:63 ok". */
static const char *const letters[CANCEL_VERDICTS] = {
	[CANCEL_OK] = "ok", [CANCEL_TAIL_CALL] = "tail", [CANCEL_OUTSIDE] = "outside", [CANCEL_NOT_WRAPPER] = "other",
	[CANCEL_TOO_DEEP] = "deep", [CANCEL_NOT_RAW] = "changed", [CANCEL_BELOW] = "below",
};

static bool note(const struct cancel_site *s, void *cookie)
{
	char *text = cookie;
	size_t n = strlen(text);

	assert_non_null(cancel_verdict_text[s->verdict]);
	snprintf(text + n, 4096 - n, "%s%s %#llx:%d %s", n ? ", " : "", s->convention == CANCEL_NR_FIRST ? "first" : "last",
		 (unsigned long long)(s->addr - ADDR), s->nr, letters[s->verdict]);
	return true;
}

/* In memory of no more than their size. */
static void assert_found_at(u64 addr, const u8 *bytes, size_t n, const char *want)
{
	char text[4096] = "";
	u8 *copy = malloc(n);

	memcpy(copy, bytes, n);
	assert_true(cancel_scan(copy, addr, n, note, text));
	assert_string_equal(text, want);
	free(copy);
}

static void assert_found(const u32 *words, size_t n, const char *want)
{
	u8 bytes[4096];

	assert_true(4 * n <= sizeof(bytes));
	for (size_t i = 0; i < n; i++)
		a64_put(bytes + 4 * i, words[i]);
	assert_found_at(ADDR, bytes, 4 * n, want);
}
#define FOUND(want, ...) assert_found((const u32[]) { __VA_ARGS__ }, COUNT(((const u32[]) { __VA_ARGS__ })), want)

/* The call first, then two words, then the target. */
#define CALLS_FIRST(...) MOVZ(0, 63), BL(3), RET, NOP, __VA_ARGS__
#define CALLS_LAST(...) MOVZ(6, 63), BL(3), RET, NOP, __VA_ARGS__

static void nr_first(void **state)
{
	(void)state;
	FOUND("first 0x4:63 ok", CALLS_FIRST(FIRST, RET));
	FOUND("first 0x4:63 ok", CALLS_FIRST(0xd503245f, FIRST, RET));			/* bti c */
	FOUND("first 0x4:63 ok", CALLS_FIRST(B(2), NOP, FIRST, RET));
	FOUND("first 0x4:63 ok", CALLS_FIRST(B(2), NOP, B(2), NOP, FIRST, RET));
	FOUND("first 0x4:63 deep", CALLS_FIRST(B(2), NOP, B(2), NOP, B(2), NOP, FIRST, RET));
	FOUND("first 0x4:63 ok", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 2), MOV(2, 3), SVC, RET));
	FOUND("first 0x4:63 ok", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 2), MOV(2, 3), SVC | 7 << 5, RET));
	/* The wrapper before the call. */
	FOUND("first 0x28:63 ok", FIRST, RET, MOVZ(0, 63), BL(-10), RET);
}

static void not_nr_first(void **state)
{
	(void)state;
	/* Three moves, the wrong ones, in another order, with something between. */
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 2), SVC, RET));
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 3), MOV(2, 4), MOV(3, 5), SVC, RET));
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(1, 2), MOV(0, 1), MOV(2, 3), MOV(3, 4), SVC, RET));
	FOUND("", CALLS_FIRST(MOV(0, 1), MOV(1, 2), MOV(2, 3), MOV(3, 4), MOV(8, 0), SVC, RET));
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 2), MOV(2, 3), NOP, SVC, RET));
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(0, 1), ADD(1, 1, 0), MOV(1, 2), MOV(2, 3), SVC, RET));
	FOUND("", CALLS_FIRST(ADD(0, 0, 1), FIRST, RET));
	FOUND("", CALLS_FIRST(MOV(8, 0), 0x2a0103e0, MOV(1, 2), MOV(2, 3), SVC, RET));	/* mov w0, w1 */
	FOUND("", CALLS_FIRST(MOV(8, 0), MOV(0, 1), MOV(1, 2), MOV(2, 3), MOV(3, 4), RET));
	/* What glibc's is, called like musl's. */
	FOUND("", CALLS_FIRST(LAST, RET));
	/* A system call whose result is looked at, like that of syscall(). */
	FOUND("first 0x4:63 changed", CALLS_FIRST(FIRST, CMN_ERROR, B_HI(2), RET, MOVN_X0, RET));
	FOUND("first 0x4:63 changed", CALLS_FIRST(FIRST, B(-20)));
	FOUND("first 0x4:63 changed", CALLS_FIRST(FIRST));
	/* A branch to itself, and in a circle. */
	FOUND("first 0x4:63 deep", CALLS_FIRST(B(0)));
	FOUND("first 0x4:63 deep", CALLS_FIRST(B(1), B(-1)));
}

/* The number: by which instruction, where, and that it is there still. */
static void numbers(void **state)
{
	(void)state;
	FOUND("first 0x4:1023 ok", MOVZ_W(0, 1023), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 1024), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63) | 1 << 21, BL(2), RET, FIRST, RET);			/* lsl #16 */
	FOUND("", 0x92800000 | 63 << 5, BL(2), RET, FIRST, RET);			/* movn */
	FOUND("", MOVZ(1, 63), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), MOVK(0, 1), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), MOV(0, 1), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), LDR(0, 1, 8), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), 0xa9400021, BL(2), RET, FIRST, RET);			/* ldp x1, x0, [x1] */
	FOUND("", MOVZ(0, 63), 0xf8408401, BL(2), RET, FIRST, RET);			/* ldr x1, [x0], #8 */
	FOUND("first 0xc:63 ok", MOVZ(0, 63), STR(0, 31, 0), LDR(1, 0, 8), BL(2), RET, FIRST, RET);
	FOUND("first 0xc:64 ok", MOVZ(0, 63), MOVZ(0, 64), MOV(1, 0), BL(2), RET, FIRST, RET);
	FOUND("first 0x20:63 ok", MOVZ(0, 63), NOP, NOP, NOP, NOP, NOP, NOP, NOP, BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, BL(2), RET, FIRST, RET);
	/* Control may come from elsewhere, or not at all. */
	FOUND("", MOVZ(0, 63), CBZ(1, 1), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), B(1), BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), BL(3), BL(3), RET, RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), SVC, BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), RET, BL(2), RET, FIRST, RET);
	FOUND("", MOVZ(0, 63), 0xd63f0020, BL(2), RET, FIRST, RET);			/* blr x1 */
	FOUND("last 0x4:63 ok", MOVZ_W(6, 63), BL(2), RET, HAND_ON, LAST, RET);
	FOUND("", MOVZ(6, 1024), BL(2), RET, HAND_ON, LAST, RET);
	FOUND("", MOVZ(6, 63), ADD(6, 6, 1), BL(2), RET, HAND_ON, LAST, RET);
	/* Zeros for the arguments go to the other one's register. */
	FOUND("first 0x8:63 ok", MOVZ(6, 0), MOVZ(0, 63), BL(2), RET, FIRST, RET);
	FOUND("last 0x8:63 ok", MOVZ(0, 0), MOVZ(6, 63), BL(2), RET, HAND_ON, LAST, RET);
}

static void nr_last(void **state)
{
	(void)state;
	FOUND("last 0x4:63 ok", CALLS_LAST(HAND_ON, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(HAND_ON, B(2), NOP, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, BL(3), POP, RET, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(B(2), NOP, B(2), NOP, HAND_ON, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, BL(3), POP, RET, PUSH, HAND_ON, BL(3), POP, RET, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, B(1), B(1), B(1), LAST, POP, 0xd65f0bff));	/* retaa */
	/* With one thread the call is made at once. */
	FOUND("last 0x4:63 ok", CALLS_LAST(LDR(9, 10, 0), CBZ(9, 4), MOV(8, 6), SVC, RET, HAND_ON, LAST, RET));
	/* The result by another register, and a loop on the way. */
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, BL(5), MOV(19, 0), MOV(0, 19), POP, RET, LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(HAND_ON, LDR(10, 11, 0), CBZ(10, -1), LAST, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(HAND_ON, MOV(8, 1), MOV(0, 2), MOV(1, 3), MOV(2, 4), SVC, RET));
}

static void not_nr_last(void **state)
{
	(void)state;
	/* An ordinary function with seven arguments. */
	FOUND("last 0x4:63 other", CALLS_LAST(MOV(0, 6), RET));
	FOUND("last 0x4:63 other", CALLS_LAST(PUSH, MOV(0, 6), BL(3), POP, RET, MOV(8, 0), SVC, RET));
	/* Its svc gets another number, or other arguments, or there is no shuffle. */
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, MOVZ(1, 64), LAST, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, MOV(2, 3), LAST, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(LAST, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(MOV(8, 6), SVC, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, MOV(8, 1), MOV(0, 2), MOV(1, 3), SVC, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(FIRST, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, 0xd63f0020));			/* blr x1, and no end */
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, 0xd61f0020));			/* br x1 */
	/* The result is looked at. */
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LAST, CMN_ERROR, B_HI(2), RET, MOVN_X0, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, HAND_ON, LAST, BL(3), POP, RET, MOVN_X0, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LAST, 0x93407c00, RET));	/* sxtw x0, w0 */
	/*
	 * More is done: a count, another system call, the same one again where it was interrupted,
	 * another function.
	 */
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LDR(10, 11, 0), ADD(10, 10, 1), STR(10, 11, 0), LAST, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, 0xf82a017f, LAST, RET));		/* stadd x10, [x11] */
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LAST, MOV(19, 0), MOVZ(8, 64), SVC, MOV(0, 19), RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(MOV(10, 0), HAND_ON, LAST, CBZ(9, 2), RET, MOV(0, 10), SVC, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, HAND_ON, LAST, MOV(19, 0), BL(4), MOV(0, 19), POP, RET, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, HAND_ON, LAST, MOV(19, 0), 0xd63f0140, MOV(0, 19), POP,
	      RET));	/* blr x10 */
	FOUND("last 0x4:63 ok", CALLS_LAST(HAND_ON, STR(10, 31, 8), STR(10, 29, 8), LDR(10, 11, 0), LAST, RET));
	/* What it hands the number to changes the result. */
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, BL(3), POP, RET, HAND_ON, LAST, MOVN_X0, RET));
	/* One way does something else. */
	FOUND("last 0x4:63 changed", CALLS_LAST(CBZ(7, 19), HAND_ON, LAST, RET, MOV(0, 8), RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(CBZ(7, 19), HAND_ON, LAST, RET, MOVZ(0, 0), RET));
}

static void depth(void **state)
{
	(void)state;
	FOUND("last 0x4:63 deep", CALLS_LAST(PUSH, BL(3), POP, RET, PUSH, BL(3), POP, RET, PUSH, HAND_ON, BL(3), POP,
	      RET, LAST, RET));
	FOUND("last 0x4:63 deep", CALLS_LAST(B(1), B(1), B(1), HAND_ON, LAST, RET));
	FOUND("last 0x4:63 deep", CALLS_LAST(B(0)));
	FOUND("last 0x4:63 deep", CALLS_LAST(PUSH, BL(-1), POP, RET));
	FOUND("last 0x4:63 deep", CALLS_LAST(PUSH, BL(3), POP, RET, PUSH, BL(-5), POP, RET));
	FOUND("last 0x4:63 other", CALLS_LAST(CBZ(9, 0), RET));
	FOUND("last 0x4:63 other", CALLS_LAST(CBZ(9, 0), CBZ(10, -1), CBZ(11, -2), B(-3)));
}

/* More branches and instructions than are followed. */
static void long_targets(void **state)
{
	u32 words[1024] = { MOVZ(6, 63), BL(1) };
	const u32 end[] = { HAND_ON, LAST, RET };

	(void)state;
	for (size_t n = 0; n < 1000; n += 100) {
		for (size_t i = 0; i < n; i++)
			words[2 + i] = NOP;
		memcpy(words + 2 + n, end, sizeof(end));
		assert_found(words, 2 + n + COUNT(end), n <= 400 ? "last 0x4:63 ok" : "last 0x4:63 other");
	}
	for (size_t n = 0; n < 100; n++) {
		for (size_t i = 0; i < n; i++)
			words[2 + i] = CBZ(9, n - i);
		memcpy(words + 2 + n, end, sizeof(end));
		assert_found(words, 2 + n + COUNT(end), n <= 8 ? "last 0x4:63 ok" : "last 0x4:63 other");
	}
}

/*
 * A number that is kept where a call preserves it; and calls that do not come back: the next
 * function is not ours.
 */
static void frames(void **state)
{
	(void)state;
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, LAST, CBZ(9, 3), POP, RET, BL(2), NOP, BL(2), PUSH, BL(-1),
	      PUSH, POP, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, LAST, CBZ(9, 3), POP, RET, BL(3), MOVN_X0, RET, PUSH, BL(-1),
	      PUSH, POP, RET));
	FOUND("last 0x4:63 ok", CALLS_LAST(PUSH, HAND_ON, LAST, CBZ(9, 3), POP, RET, BL(2), RET, PUSH, BL(2), RET, PUSH,
	      BL(-1), MOVN_X0, RET));
	/* As before, but the last call returns. */
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, HAND_ON, LAST, CBZ(9, 3), POP, RET, BL(2), NOP, MOVN_X0, POP, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(PUSH, HAND_ON, LAST, CBZ(9, 3), POP, RET, BL(2), POP, RET));
	/* x30 from elsewhere than the stack */
	FOUND("last 0x4:63 changed", CALLS_LAST(MOV(20, 30), HAND_ON, LAST, CBZ(9, 2), RET, BL(3), MOV(30, 20), RET,
	      MOVN_X0, RET));
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LAST, CBZ(9, 2), RET, BL(3), LDR(30, 18, 0), RET, MOVN_X0, RET));
}

/*
 * Two callers of the same function that does more than to call the wrapper: that call is found
 * once.
 */
static void inner(void **state)
{
	(void)state;
	FOUND("last 0x18:-1 ok, last 0x4:63 below, last 0xc:64 below", MOVZ(6, 63), BL(4), MOVZ(6, 64), BL(2), RET,
	      PUSH, BL(4), MOVN_X0, POP, RET, HAND_ON, LAST, RET);
	FOUND("last 0xc:-1 ok", MOVZ(6, 63), B(1), PUSH, BL(4), MOVN_X0, POP, RET, HAND_ON, LAST, RET);
}

/* Nobody comes back to where a tail call is. */
static void tail_calls(void **state)
{
	(void)state;
	FOUND("first 0x4:63 tail", MOVZ(0, 63), B(3), RET, NOP, FIRST, RET);
	FOUND("last 0x4:63 tail", MOVZ(6, 63), B(3), RET, NOP, HAND_ON, LAST, RET);
	FOUND("", MOVZ(0, 63), B(3), RET, NOP, MOV(0, 1), RET);
	FOUND("", MOVZ(6, 63), B(3), RET, NOP, MOV(0, 1), RET);
	FOUND("", MOVZ(6, 63), B(3), RET, NOP, HAND_ON, LAST, MOVN_X0, RET);
}

/* The target, or what it branches to, or the rest of it. */
static void outside(void **state)
{
	static const s32 far[] = { 100, -100, 0x1ffffff, -0x2000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(far); i++) {
		FOUND("last 0x4:63 outside", MOVZ(6, 63), BL(far[i]), RET);
		FOUND("", MOVZ(0, 63), BL(far[i]), RET);
		FOUND("last 0x4:63 other", CALLS_LAST(HAND_ON, B(far[i])));
		FOUND("", CALLS_FIRST(B(far[i])));
		FOUND("last 0x4:63 changed", CALLS_LAST(CBZ(7, i & 1 ? -100 : 100), HAND_ON, LAST, RET));
	}
	FOUND("last 0x4:63 changed", CALLS_LAST(HAND_ON, LAST));
	FOUND("last 0x4:63 other", MOVZ(6, 63), BL(1), NOP);
}

/*
 * libc.a of musl 1.2.3, as Debian has it, at ADDR. Branches to functions that are not here go to
 * its begin.
 */
static const u32 musl[] = {
	/* 0x0 open */
	0xa9ba7bfd, 0x90000003, 0x910003fd, 0xf940e063, 0xf9000bf3, 0xf9002fe2, 0xaa0003e2, 0x2a0103f3,
	0xf9400060, 0xf90027e0, 0xd2800000, 0x37300393, 0x12122020, 0xd2800004, 0x120a6000, 0x7150101f,
	0x540002e0, 0x320f0263, 0xd2800006, 0xd2800005, 0x92800c61, 0x93407c63, 0xd2800700, 0x9400002d,
	0x93407c03, 0x37f80040, 0x379802b3, 0xaa0303e0, 0x97ffffe4, 0x90000001, 0xf940e021, 0xf94027e3,
	0xf9400022, 0xeb020063, 0xd2800002, 0x54000241, 0xf9400bf3, 0xa8c67bfd, 0xd65f03c0, 0x910143e1,
	0x910183e3, 0x128000e0, 0xb9405be4, 0xa9028fe3, 0xf9001fe1, 0x29087fe0, 0x17ffffe3, 0xaa0303e0,
	0xd2800328, 0xd2800041, 0xd2800022, 0xd4000001, 0x17ffffe7, 0x97ffffcb, 0x00000000, 0x00000000,
	/* 0xe0 __syscall_cp_c */
	0xaa0003e8, 0xaa0103e0, 0xaa0203e1, 0xaa0303e2, 0xaa0403e3, 0xaa0503e4, 0xaa0603e5, 0xd4000001,
	0xd65f03c0, 0x00000000, 0x00000000, 0x00000000,
	/* 0x110 __syscall_cp */
	0x17fffff4, 0x00000000, 0x00000000, 0x00000000,
	/* 0x120 __aio_close */
	0xd65f03c0, 0x00000000, 0x00000000, 0x00000000,
	/* 0x130 close */
	0xa9bf7bfd, 0x910003fd, 0x97fffffa, 0x93407c01, 0xd2800006, 0xd2800005, 0xd2800004, 0xd2800003,
	0xd2800002, 0xd2800720, 0x97ffffee, 0x3100101f, 0x1a9f1000, 0x93407c00, 0x97ffffa6, 0xa8c17bfd,
	0xd65f03c0, 0x00000000, 0x00000000, 0x00000000,
	/* 0x180 read */
	0xa9bf7bfd, 0xaa0103e4, 0xaa0203e3, 0x910003fd, 0x93407c01, 0xaa0403e2, 0xd2800006, 0xd2800005,
	0xd2800004, 0xd28007e0, 0x97ffffda, 0xa8c17bfd, 0x17ffff94,
};

/* The same where pthread_cancel() is linked: another __syscall_cp_c(), and what it calls. */
static const u32 musl_threads[] = {
	/* 0x0 __syscall_cp_c */
	0xa9be7bfd, 0xaa0603e7, 0x910003fd, 0xa90153f3, 0xaa0003f4, 0xd53bd053, 0x38568268, 0xd1032273,
	0xaa0103e0, 0xaa0203e1, 0x72001d08, 0xaa0303e2, 0xaa0403e3, 0x54000080, 0xf100e69f, 0x7a411904,
	0x54000400, 0xaa0503e6, 0xaa0203e4, 0xaa0303e5, 0xaa0003e2, 0xaa0103e3, 0x9100b260, 0xaa1403e1,
	0x94000035, 0xf100e69f, 0xba441800, 0x54000241, 0xb9402e60, 0x34000340, 0x3940c260, 0x12001c00,
	0x7100041f, 0x540002c0, 0xd53bd041, 0x38568020, 0xd1032021, 0x72001c1f, 0x54000260, 0x3940c420,
	0x72001c1f, 0x54000201, 0x52800022, 0x92800f80, 0x3900c022, 0xa94153f3, 0xa8c27bfd, 0xd65f03c0,
	0xaa0503e4, 0xaa1403e8, 0xaa0603e5, 0xd4000001, 0xa94153f3, 0xa8c27bfd, 0xd65f03c0, 0x92800060,
	0x17fffff5, 0x92800000, 0x97ffffc6, 0x00000000,
	/* 0xf0 __cancel */
	0xd53bd041, 0x38568020, 0xd1032021, 0x72001c1f, 0x54000100, 0x3940c420, 0x72001c1f, 0x540000a1,
	0x52800022, 0x92800f80, 0x3900c022, 0xd65f03c0, 0xa9bf7bfd, 0x92800000, 0x910003fd, 0x97ffffb5,
	/* 0x130 __syscall_cp */
	0x17ffffb4, 0xb9400000, 0x35000140, 0xaa0103e8, 0xaa0203e0, 0xaa0303e1, 0xaa0403e2, 0xaa0503e3,
	0xaa0603e4, 0xaa0703e5, 0xd4000001, 0xd65f03c0,
	/* 0x160 __cp_cancel */
	0x17ffffe4, 0x00000000, 0x00000000, 0x00000000,
	/* 0x170 read */
	0xa9bf7bfd, 0xaa0103e4, 0xaa0203e3, 0x910003fd, 0x93407c01, 0xaa0403e2, 0xd2800006, 0xd2800005,
	0xd2800004, 0xd28007e0, 0x97ffffe6, 0xa8c17bfd, 0x17ffff98,
};

/* What glibc 2.41 has in nptl/cancellation.c, as gcc compiles it; outer() sets errno. */
static const u32 glibc[] = {
	/* 0x0 do_cancel */
	0xd503233f, 0xa9be7bfd, 0x910003fd, 0xd53bd053, 0x885ffe60, 0x321c0000, 0x8801fe60, 0x35ffffa1,
	0x92800000, 0x9400005b,
	/* 0x28 internal */
	0xd503233f, 0xa9be7bfd, 0xaa0603e8, 0x910003fd, 0xf9000bf3, 0xd53bd053, 0xb9400a66, 0x39404267,
	0x35000207, 0x370001e6, 0xaa0503e7, 0xaa0303e5, 0xaa0103e3, 0xaa0803e1, 0xaa0403e6, 0xaa0203e4,
	0xaa0003e2, 0x91002260, 0x9400001b, 0xb9400a61, 0xb100101f, 0x54000081, 0x36180061, 0x97ffffdf,
	0xd4000001, 0xf9400bf3, 0xa8c27bfd, 0xd50323bf, 0xd65f03c0,
	/* 0x9c outer */
	0xd503233f, 0xa9bf7bfd, 0x910003fd, 0x97ffffe0, 0xb140041f, 0x54000088, 0xa8c17bfd, 0xd50323bf,
	0xd65f03c0, 0xd53bd042, 0x4b0003e3, 0x92800000, 0xa8c17bfd, 0xd50323bf, 0xb9001843, 0xd65f03c0,
	/* 0xdc arch */
	0xd503245f, 0xb9400000, 0x37180140, 0xaa0103e8, 0xaa0203e0, 0xaa0303e1, 0xaa0403e2, 0xaa0503e3,
	0xaa0603e4, 0xaa0703e5, 0xd4000001, 0xd65f03c0, 0x17ffffbd,
	/* 0x110 read */
	0xd503245f, 0x93407c00, 0xd28007e6, 0xd2800005, 0xd2800004, 0xd2800003, 0x17ffffdd,
	/* 0x12c close */
	0xd503233f, 0xa9bf7bfd, 0xd2800726, 0xd2800005, 0x910003fd, 0xd2800004, 0xd2800003, 0xd2800002,
	0xd2800001, 0x93407c00, 0x97ffffd2, 0xa8c17bfd, 0xd50323bf, 0xd65f03c0,
	/* 0x164 nanosleep */
	0xd503233f, 0xa9bf7bfd, 0xd2800e66, 0x910003fd, 0xd2800005, 0xd2800004, 0x97ffffab, 0x4b0003e0,
	0xa8c17bfd, 0xd50323bf, 0xd65f03c0,
	/* 0x190 unwind */
	0x14000000,
};

static void real_musl(void **state)
{
	(void)state;
	assert_found(musl, COUNT(musl), "first 0x5c:56 ok, first 0x158:57 ok, first 0x1a8:63 ok");
}

/* Neither one: x6 is an argument. */
static void real_musl_threads(void **state)
{
	(void)state;
	assert_found(musl_threads, COUNT(musl_threads), "last 0x198:0 other");
}

/* The call of internal() in outer() serves all that call that. */
static void real_glibc(void **state)
{
	(void)state;
	assert_found(glibc, COUNT(glibc), "last 0xa8:-1 ok, last 0x154:57 below, last 0x17c:115 ok");
}

static u8 *bytes_of(const u32 *words, size_t n)
{
	u8 *bytes = malloc(4 * n);

	for (size_t i = 0; i < n; i++)
		a64_put(bytes + 4 * i, words[i]);
	return bytes;
}

static void one_target(void **state)
{
	u8 *bytes = bytes_of(glibc, COUNT(glibc));
	const u64 size = sizeof(glibc);

	(void)state;
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR + 0x28, CANCEL_NR_LAST), CANCEL_OK);
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR + 0x28, CANCEL_NR_FIRST), CANCEL_NOT_WRAPPER);
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR + 0xdc, CANCEL_NR_LAST), CANCEL_NOT_WRAPPER);
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR + 0x2a, CANCEL_NR_LAST), CANCEL_OUTSIDE);
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR + size, CANCEL_NR_LAST), CANCEL_OUTSIDE);
	assert_int_equal(cancel_target(bytes, ADDR, size, ADDR - 4, CANCEL_NR_FIRST), CANCEL_OUTSIDE);
	free(bytes);
}

static bool not_promoted(const struct cancel_site *s, void *cookie)
{
	(void)cookie;
	assert_int_not_equal(s->verdict, CANCEL_OK);
	assert_int_not_equal(s->verdict, CANCEL_TAIL_CALL);
	return true;
}

/* Any end cut off: then the site or its target is not there, and nothing is read beyond. */
static void cut_off(void **state)
{
	static const u32 words[] = { CALLS_FIRST(FIRST, RET) };
	u8 *bytes = bytes_of(words, COUNT(words));

	(void)state;
	for (size_t n = 0; n <= sizeof(words); n++)
		assert_found_at(ADDR, bytes, n, n == sizeof(words) ? "first 0x4:63 ok" : n >= 48 ? "first 0x4:63 changed" : "");
	for (size_t from = 0; from < sizeof(musl); from++)
		for (size_t size = 0; size < 64 && from + size <= sizeof(musl); size++) {
			u8 *copy = malloc(size);

			memcpy(copy, (const u8 *)musl + from, size);
			cancel_scan(copy, ADDR + from, size, not_promoted, NULL);
			free(copy);
		}
	free(bytes);
}

/*
 * Where the segment begins at an odd address instructions are still where that is a multiple of 4.
 */
static void odd_segments(void **state)
{
	u8 *bytes = bytes_of(musl, COUNT(musl)), *copy = malloc(sizeof(musl) + 4);

	(void)state;
	for (unsigned int odd = 1; odd < 4; odd++) {
		memset(copy, 0, 4 - odd);
		memcpy(copy + 4 - odd, bytes, sizeof(musl));
		assert_found_at(ADDR - 4 + odd, copy, sizeof(musl) + 4 - odd,
				"first 0x5c:56 ok, first 0x158:57 ok, first 0x1a8:63 ok");
		assert_found_at(ADDR + odd, bytes, sizeof(musl), "");
	}
	/* Near both ends of the address space. */
	assert_true(cancel_scan(bytes, 0, sizeof(musl), note, (char[4096]) { "" }));
	assert_true(cancel_scan(bytes, -(u64)sizeof(musl), sizeof(musl), note, (char[4096]) { "" }));
	free(copy);
	free(bytes);
}

static bool stop(const struct cancel_site *s, void *cookie)
{
	(void)s;
	return --*(int *)cookie;
}

static void callback_ends_scan(void **state)
{
	u8 *a = bytes_of(musl, COUNT(musl)), *b = bytes_of(glibc, COUNT(glibc));

	(void)state;
	for (int n = 1; n <= 3; n++) {
		int left = n;

		assert_false(cancel_scan(a, ADDR, sizeof(musl), stop, &left));
		assert_int_equal(left, 0);
		left = n;
		assert_false(cancel_scan(b, ADDR, sizeof(glibc), stop, &left));
		assert_int_equal(left, 0);
	}
	free(a);
	free(b);
}

static u32 random_word(void)
{
	return (u32)rand() << 16 ^ rand();
}

/*
 * Random words, without and with what looks like calls among them, and near branches so that they
 * are followed.
 */
static void random_words(void **state)
{
	static const u32 likely[] = { MOVZ(6, 63), MOVZ(0, 63), SVC, RET, MOV(8, 0), MOV(8, 1), MOV(0, 2), PUSH, POP, NOP };

	(void)state;
	srand(5);
	for (int round = 0; round < 200; round++) {
		u32 n = 16384, odd = rand() % 4;
		size_t size = 4 * n - rand() % 8;
		u8 *bytes = malloc(4 * n), *copy;

		for (u32 i = 0; i < n; i++) {
			u32 w = random_word();

			if (round % 4 && rand() % 8 == 0)
				w = likely[rand() % COUNT(likely)];
			else if (round % 4 > 1 && rand() % 4 == 0)
				w = (rand() & 1 ? BL(0) : rand() & 1 ? B(0) : CBZ(rand() % 31, 0)) + (rand() % 64 << (rand() & 1 ? 0 : 5));
			a64_put(bytes + 4 * i, w);
		}
		copy = malloc(size);
		memcpy(copy, bytes, size);
		cancel_scan(copy, ADDR + odd, size, not_promoted, NULL);
		free(copy);
		free(bytes);
	}
}

static void gate(void **state)
{
	(void)state;
	assert_true(cancel_promote_allowed(true, false));
	assert_false(cancel_promote_allowed(true, true));
	assert_false(cancel_promote_allowed(false, false));
	assert_false(cancel_promote_allowed(false, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nr_first), cmocka_unit_test(not_nr_first), cmocka_unit_test(numbers), cmocka_unit_test(nr_last),
		cmocka_unit_test(not_nr_last), cmocka_unit_test(depth), cmocka_unit_test(long_targets), cmocka_unit_test(tail_calls),
		cmocka_unit_test(frames), cmocka_unit_test(inner),
		cmocka_unit_test(outside), cmocka_unit_test(real_musl), cmocka_unit_test(real_musl_threads),
		cmocka_unit_test(real_glibc), cmocka_unit_test(one_target), cmocka_unit_test(cut_off), cmocka_unit_test(odd_segments),
		cmocka_unit_test(callback_ends_scan), cmocka_unit_test(random_words), cmocka_unit_test(gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
