/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies that may fault on one side. By 32 bytes, then by one; a fault in a larger step is tried
 * again by bytes, so that the count of what was not done is exact.
 */
#include <linux/linkage.h>

.macro U to, insn:vararg
.Lu\@:	\insn
	.section __ex_table, "a"
	.balign	8
	.quad	.Lu\@, \to
	.previous
.endm

/* unsigned long __kbox_copy(to, from, n) */
SYM_FUNC_START(__kbox_copy)
1:	subs	x3, x2, #32
	b.lo	3f
	U 3f, ldp x4, x5, [x1]
	U 3f, ldp x6, x7, [x1, #16]
	U 3f, stp x4, x5, [x0]
	U 3f, stp x6, x7, [x0, #16]
	mov	x2, x3
	add	x0, x0, #32
	add	x1, x1, #32
	b	1b
3:	cbz	x2, 5f
	tst	x2, #7		/* the last bytes, or after a fault */
	b.ne	4f
	U 4f, ldr x4, [x1]
	U 4f, str x4, [x0]
	sub	x2, x2, #8
	add	x0, x0, #8
	add	x1, x1, #8
	b	3b
4:	U 5f, ldrb w4, [x1]
	U 5f, strb w4, [x0]
	sub	x2, x2, #1
	add	x0, x0, #1
	add	x1, x1, #1
	cbz	x2, 5f
	tst	x2, #7
	b.ne	4b
	b	3b
5:	mov	x0, x2
	ret
SYM_FUNC_END(__kbox_copy)

/* unsigned long __kbox_clear(to, n) */
SYM_FUNC_START(__kbox_clear)
1:	subs	x2, x1, #16
	b.lo	2f
	U 2f, stp xzr, xzr, [x0]
	mov	x1, x2
	add	x0, x0, #16
	b	1b
2:	cbz	x1, 3f
	U 3f, strb wzr, [x0]
	sub	x1, x1, #1
	add	x0, x0, #1
	b	2b
3:	mov	x0, x1
	ret
SYM_FUNC_END(__kbox_clear)
