/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: a system call from a patched site. A slot (site.h) has put x16, x17, x29 and x30 below
 * the user's stack pointer and gives the address where it goes on in x30; everything else is as in
 * user mode.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/thread_info.h>
#include <asm/site.h>
#include <asm/thread.h>
#include "release.h"

.macro GATE_ADDR reg, addr
	movz	\reg, #((\addr >> 32) & 0xffff), lsl #32
	movk	\reg, #((\addr >> 16) & 0xffff), lsl #16
.ifne	(\addr & 0xffff)
	movk	\reg, #(\addr & 0xffff)
.endif
.endm

/*
 * x17 becomes the address of the task's registers: the process's page says it where there is one
 * thread, the table by thread pointer where there are more (findtask.c). Changes x16 and x29.
 */
.macro FIND_TASK
	GATE_ADDR x17, KBOX_GATE_PAGE
	ldr	x17, [x17]
	cbnz	x17, .Lfound\@
	mrs	x16, tpidr_el0		/* as gate_key() in findtask.c */
	eor	x16, x16, x16, lsr #9
	ror	x16, x16, #12
	GATE_ADDR x17, KBOX_GATE_TABLE
	bfi	x17, x16, #4, #GATE_BITS
	ldp	x29, x17, [x17]
	eor	x29, x29, x16
	cbnz	x29, kbox_gate_bounce
	cbz	x17, kbox_gate_bounce
	ldr	x29, [x17, #TOP_HOST]	/* a thread with another one's pointer, which sleeps? */
	ldr	w29, [x29, #HT_STATE]
	cbz	w29, kbox_gate_bounce	/* HT_KERNEL; a comparison would change the flags */
.Lfound\@:
.endm

/* x0 to x15, x18 to x28, sp and flags to x17. */
.macro SAVE_REGS
	stp	x0, x1, [x17]
	stp	x2, x3, [x17, #2 * 8]
	stp	x4, x5, [x17, #4 * 8]
	stp	x6, x7, [x17, #6 * 8]
	stp	x8, x9, [x17, #8 * 8]
	stp	x10, x11, [x17, #10 * 8]
	stp	x12, x13, [x17, #12 * 8]
	stp	x14, x15, [x17, #14 * 8]
	stp	x18, x19, [x17, #18 * 8]
	stp	x20, x21, [x17, #20 * 8]
	stp	x22, x23, [x17, #22 * 8]
	stp	x24, x25, [x17, #24 * 8]
	stp	x26, x27, [x17, #26 * 8]
	str	x28, [x17, #28 * 8]
	mrs	x1, nzcv
	str	x1, [x17, #PT_PSTATE]
	mov	x1, sp
	str	x1, [x17, #PT_SP]
.endm

	.text
SYM_CODE_START(kbox_gate)
	FIND_TASK
	SAVE_REGS
	/* Where the program goes on is what the slot branches to in the end. */
	ldr	w1, [x30, #SLOT_BACK - SLOT_RESUME]
	sbfiz	x1, x1, #2, #26
	add	x1, x1, x30
	add	x1, x1, #SLOT_BACK - SLOT_RESUME
	str	x1, [x17, #PT_PC]
	str	x30, [x17, #TOP_RESUME]
	str	x1, [x17, #TOP_RESUME_IP]
	sub	sp, x17, #GATE_GAP
	mov	x29, #0
	mov	x0, x17
	mov	w1, w8
	bl	kbox_gate_call
	/*
	 * Nothing is left to do but to let go of the CPU: x0 is our host thread, x19 to x28 are
	 * preserved.
	 */
	add	x1, sp, #GATE_GAP
	RELEASE_CPU gate_leave
	bl	kbox_exit_again
	brk	#0
SYM_CODE_END(kbox_gate)

/* The last part of the way out; restartable, see entry.S. */
	.section .text.exit_user, "ax"
SYM_CODE_START_LOCAL(gate_leave)
	ldr	w9, [x0, #HT_GRANT]
	cbnz	w9, kbox_reenter
	b	exit_to_slot
SYM_CODE_END(gate_leave)

#ifdef CONFIG_KBOX_PROMOTE
/*
 * The entries of promoted calls (docs/cancel-wrapper.md): as the wrapper is called, with x30 behind
 * the bl. x9 to x18 are free, and all that is to be preserved is what C preserves. Such a program
 * has one thread.
 */
.macro CANCEL_GATE kind, nr
	GATE_ADDR x17, KBOX_GATE_PAGE
	ldr	x17, [x17]
	cbz	x17, kbox_cancel_bounce
	mov	w9, \nr
	SAVE_REGS
	stp	x29, x30, [x17, #29 * 8]
	str	x30, [x17, #PT_PC]
	sub	sp, x17, #GATE_GAP
	mov	x0, x17
	mov	w1, w9
	mov	w2, #\kind
	bl	kbox_promoted_call
	b	cancel_return
.endm

	.text
SYM_CODE_START(kbox_gate_first)
	CANCEL_GATE SITE_CANCEL_FIRST, w0
SYM_CODE_END(kbox_gate_first)

SYM_CODE_START(kbox_gate_last)
	CANCEL_GATE SITE_CANCEL_LAST, w6
SYM_CODE_END(kbox_gate_last)

SYM_CODE_START_LOCAL(cancel_return)
	add	x1, sp, #GATE_GAP
	RELEASE_CPU cancel_leave
	bl	kbox_exit_again
	brk	#0
SYM_CODE_END(cancel_return)

	.section .text.exit_user, "ax"
SYM_CODE_START_LOCAL(cancel_leave)
	ldr	w9, [x0, #HT_GRANT]
	cbnz	w9, kbox_reenter
	ldr	x9, [x1, #PT_SP]
	ldr	x30, [x1, #PT_PC]
	ldr	x0, [x1]
	mov	sp, x9
	ret
SYM_CODE_END(cancel_leave)
#endif
