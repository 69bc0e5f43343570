/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let go of the CPU and jump to "out". If an interrupt or an entrant slipped in and nobody else has
 * taken the CPU, it is ours again, and this falls through. Changes x9 to x12.
 */
.macro VCPU_ADDR reg
	movz	\reg, #((KBOX_VCPU_VA >> 32) & 0xffff), lsl #32
	movk	\reg, #((KBOX_VCPU_VA >> 16) & 0xffff), lsl #16
	movk	\reg, #(KBOX_VCPU_VA & 0xffff)
.endm

.macro ENTRANTS reg
	adrp	\reg, vcpu0 + VCPU_ENTRANTS
	ldr	\reg, [\reg, #:lo12:(vcpu0 + VCPU_ENTRANTS)]
.endm

.macro RELEASE_CPU out
	VCPU_ADDR x9
	add	x10, x9, #VCPU_LOCK
	stlr	wzr, [x10]
	dmb	ish
	ldr	w11, [x9, #VCPU_PENDING]
	cbnz	w11, .Lretake\@
	ENTRANTS x11
	cbz	x11, \out
.Lretake\@:
	ldaxr	w11, [x10]
	cbnz	w11, \out
	mov	w11, #1
	stxr	w12, w11, [x10]
	cbnz	w12, .Lretake\@
	dmb	ish
.endm
