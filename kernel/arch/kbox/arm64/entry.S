/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host system calls, stack swaps, the end of a host thread, and the way out to user mode.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/unistd.h>
#include <asm/thread_info.h>
#include "release.h"

	.section .head.text, "ax"
/*
 * From the launcher: x0 = struct kbox_boot. In the memory of a box that stood still the first task
 * has its stack in use.
 */
SYM_CODE_START(_start)
	ldr	w1, [x0, #BOOT_RESUMES]
	cbz	w1, 1f
	adrp	x1, resume_stack_top
	add	x1, x1, #:lo12:resume_stack_top
	mov	sp, x1
	mov	x29, #0
	bl	kbox_resume
	brk	#0
1:	adrp	x1, init_stack
	add	x1, x1, #:lo12:init_stack
	mov	x2, #THREAD_SIZE - 1024
	add	sp, x1, x2
	mov	x29, #0
	bl	kbox_start
	brk	#0
SYM_CODE_END(_start)

	.bss
	.balign	16
	.skip	4096
SYM_DATA(resume_stack_top, .skip 16)

/*
 * long host_call(nr, a1, a2, a3, a4, a5, a6): all host calls of host/. Those below need a stack of
 * their own, or none.
 */
	.section .text.hostcall, "ax"
SYM_FUNC_START(host_call)
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	svc	#0
	ret
SYM_FUNC_END(host_call)

SYM_CODE_START(host_restorer)
	mov	x8, #__NR_rt_sigreturn
	svc	#0
	brk	#0
SYM_CODE_END(host_restorer)

.macro PUSH_CALLEE
	sub	sp, sp, #96
	stp	x19, x20, [sp]
	stp	x21, x22, [sp, #16]
	stp	x23, x24, [sp, #32]
	stp	x25, x26, [sp, #48]
	stp	x27, x28, [sp, #64]
	stp	x29, x30, [sp, #80]
.endm
.macro POP_CALLEE
	ldp	x19, x20, [sp]
	ldp	x21, x22, [sp, #16]
	ldp	x23, x24, [sp, #32]
	ldp	x25, x26, [sp, #48]
	ldp	x27, x28, [sp, #64]
	ldp	x29, x30, [sp, #80]
	add	sp, sp, #96
.endm
/*
 * long host_clone(flags, child_sp, parent_tid, arg): the child goes to the address
 * on top of child_sp, with arg.
 */
SYM_FUNC_START(host_clone)
	mov	x9, x3
	mov	x3, #0
	mov	x4, #0
	mov	x8, #__NR_clone
	svc	#0
	cbnz	x0, 1f
	mov	x29, #0
	mov	x0, x9
	ldr	x1, [sp], #16
	br	x1
1:	ret
SYM_FUNC_END(host_clone)

/* void kbox_swap(unsigned long *save, unsigned long sp) */
SYM_FUNC_START(kbox_swap)
	PUSH_CALLEE
	mov	x9, sp
	str	x9, [x0]
	mov	sp, x1
	POP_CALLEE
	ret
SYM_FUNC_END(kbox_swap)

/* void kbox_switch_stack(unsigned long *save, me, arg, void *stack, fn) */
SYM_FUNC_START(kbox_switch_stack)
	PUSH_CALLEE
	mov	x9, sp
	str	x9, [x0]
	cbz	x3, 1f
	mov	sp, x3
1:	mov	x29, #0
	mov	x0, x1
	mov	x1, x2
	blr	x4
	brk	#0
SYM_FUNC_END(kbox_switch_stack)

/* void kbox_load(unsigned long sp) */
SYM_FUNC_START(kbox_load)
	mov	sp, x0
	POP_CALLEE
	ret
SYM_FUNC_END(kbox_load)

/* void kbox_thread_exit(me): as soon as it is gone it has no record, and no stack in that. */
SYM_FUNC_START(kbox_thread_exit)
	mov	w9, #HT_GONE
	add	x10, x0, #HT_STATE
	stlr	w9, [x10]
	mov	x0, #0
	mov	x8, #__NR_exit
	svc	#0
	brk	#0
SYM_FUNC_END(kbox_thread_exit)

/*
 * void fpstate_save(struct fpsimd_context *to): the user's registers, which the kernel does not
 * use.
 */
	.text
SYM_FUNC_START(fpstate_save)
	add	x1, x0, #FP_VREGS
	stp	q0, q1, [x1]
	stp	q2, q3, [x1, #32]
	stp	q4, q5, [x1, #64]
	stp	q6, q7, [x1, #96]
	stp	q8, q9, [x1, #128]
	stp	q10, q11, [x1, #160]
	stp	q12, q13, [x1, #192]
	stp	q14, q15, [x1, #224]
	stp	q16, q17, [x1, #256]
	stp	q18, q19, [x1, #288]
	stp	q20, q21, [x1, #320]
	stp	q22, q23, [x1, #352]
	stp	q24, q25, [x1, #384]
	stp	q26, q27, [x1, #416]
	stp	q28, q29, [x1, #448]
	stp	q30, q31, [x1, #480]
	mrs	x1, fpsr
	str	w1, [x0, #FP_FPSR]
	mrs	x1, fpcr
	str	w1, [x0, #FP_FPCR]
	ret
SYM_FUNC_END(fpstate_save)

/*
 * Code in the kernel's text that is the user's: what it does is a trap. A guest's signal handlers
 * return to the first; the gates go to the others if they cannot find their task.
 */
	.section .text.user, "ax"
SYM_CODE_START(kbox_sigreturn)
	mov	x8, #__NR_rt_sigreturn
	svc	#0
SYM_INNER_LABEL(kbox_gate_bounce, SYM_L_GLOBAL)
	svc	#0
SYM_INNER_LABEL(kbox_gate_bounced, SYM_L_GLOBAL)
	brk	#0
SYM_INNER_LABEL(kbox_cancel_bounce, SYM_L_GLOBAL)
	svc	#0
SYM_INNER_LABEL(kbox_cancel_bounced, SYM_L_GLOBAL)
	brk	#0
SYM_CODE_END(kbox_sigreturn)

/*
 * void leave_by_frame(me, regs, frame), void leave_by_slot(me, regs)
 * The two ways to user mode: all registers from a host signal's frame, by the host; or back to the
 * slot that the call came from, which loads the last registers itself. They end in a restartable
 * section: all of the user's state stays in memory until the last instruction, so an IPI that finds
 * its pc there starts over (trap.c). Before it, the CPU may still be ours, and a grant is looked
 * for where the section begins. They return only with the CPU in hand, when there is more to do.
 */
	.section .text.hostcall, "ax"
SYM_FUNC_START(leave_by_frame)
	RELEASE_CPU exit_by_frame
	ret
SYM_FUNC_END(leave_by_frame)

SYM_FUNC_START(leave_by_slot)
	RELEASE_CPU exit_by_slot
	ret
SYM_FUNC_END(leave_by_slot)

	.section .text.exit_user, "ax"
exit_by_frame:
	ldr	w9, [x0, #HT_GRANT]
	cbnz	w9, kbox_reenter
	mov	sp, x2
	mov	x8, #__NR_rt_sigreturn
	svc	#0
	brk	#0

exit_by_slot:
	ldr	w9, [x0, #HT_GRANT]
	cbnz	w9, kbox_reenter
	ldp	x18, x19, [x1, #18 * 8]
	ldp	x20, x21, [x1, #20 * 8]
	ldp	x22, x23, [x1, #22 * 8]
	ldp	x24, x25, [x1, #24 * 8]
	ldp	x26, x27, [x1, #26 * 8]
	ldr	x28, [x1, #28 * 8]
/* x1 = regs; x19 to x28 are as they are to be. */
SYM_INNER_LABEL(exit_to_slot, SYM_L_GLOBAL)
	ldr	x2, [x1, #PT_SP]
	mov	sp, x2
	ldr	x9, [x1, #PT_PSTATE]
	msr	nzcv, x9
	mov	x30, x1
	ldr	x16, [x1, #TOP_RESUME]
	ldp	x2, x3, [x30, #2 * 8]
	ldp	x4, x5, [x30, #4 * 8]
	ldp	x6, x7, [x30, #6 * 8]
	ldp	x8, x9, [x30, #8 * 8]
	ldp	x10, x11, [x30, #10 * 8]
	ldp	x12, x13, [x30, #12 * 8]
	ldp	x14, x15, [x30, #14 * 8]
	ldr	x18, [x30, #18 * 8]
	ldp	x0, x1, [x30]
	ret	x16
