/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: a system call from a patched site. Slots (site.h) jump here as they are in user mode,
 * with rcx behind a syscall instruction that would do the same by a trap; rcx and r11 are free,
 * as a system call overwrites them. Until the flags have been saved, nothing here changes them.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/gate.h>
#include <asm/site.h>
#include "release.h"

#define DF_NT_AC	0x44400

/*
 * The host's GS base is GATE_DISTANCE above what its host thread has for the gate: the address of
 * the task's registers on its kernel stack, and a magic number. Where the guest has a base of its
 * own, there is something else, or nothing: then the first access here faults, and goes to
 * kbox_gate_bounce (trap.c). No FSGSBASE instruction is needed.
 */
.macro GATE at
	movq	%rcx, %r11
	movq	$-GATE_DISTANCE, %rcx
	movq	%gs:GATE_MAGIC_AT(%rcx), %rcx
	leaq	-GATE_MAGIC(%rcx), %rcx
	jrcxz	.Lfound\@
	jmp	kbox_gate_bounce
.Lfound\@:
	movq	$-GATE_DISTANCE, %rcx
	movq	%gs:(%rcx), %rcx
	movq	%rsp, PT_SP(%rcx)
	leaq	-GATE_GAP(%rcx), %rsp
	movq	%rdx, PT_DX(%rcx)
	movq	%r11, TOP_RESUME(%rcx)
	pushfq
	popq	%rdx
	testl	$DF_NT_AC, %edx
	jnz	gate_bounce_back
	movq	%rdx, PT_FLAGS(%rcx)
.if \at
	movslq	-SLOT_DELTA(%r11), %rdx
	addq	%rdx, %r11
.endif
	movq	%r11, PT_IP(%rcx)
	movq	%r11, TOP_RESUME_IP(%rcx)
.endm

/*
 * For a debugger on the host: behind the call of kbox_gate_call() all of the user's registers are
 * in memory, at fixed distances from rsp, so that a backtrace goes on in user code. DWARF 5, 2.5
 * and 6.4.2: an expression of DW_OP_breg7, its operand below 0x4000, and perhaps DW_OP_deref.
 */
#define ULEB(n)	((n) & 0x7f) | 0x80, ((n) >> 7)
#define DW_CFA_def_cfa_expression	0x0f
#define DW_CFA_expression		0x10
#define DW_OP_breg7			0x77
#define DW_OP_deref			0x06
.macro SAVED reg, at
	.cfi_escape DW_CFA_expression, \reg, 3, DW_OP_breg7, ULEB(GATE_GAP + \at)
.endm

	.cfi_sections .debug_frame
	.text
SYM_CODE_START(kbox_gate_at)
	GATE	1
	jmp	kbox_gate_taken
SYM_CODE_END(kbox_gate_at)

SYM_CODE_START(kbox_gate_before)
	GATE	0
SYM_INNER_LABEL(kbox_gate_taken, SYM_L_GLOBAL)
	movq	%rdi, PT_DI(%rcx)
	movq	%rsi, PT_SI(%rcx)
	movq	%r10, PT_R10(%rcx)
	movq	%r8, PT_R8(%rcx)
	movq	%r9, PT_R9(%rcx)
	movq	%rbx, PT_BX(%rcx)
	movq	%rbp, PT_BP(%rcx)
	movq	%r12, PT_R12(%rcx)
	movq	%r13, PT_R13(%rcx)
	movq	%r14, PT_R14(%rcx)
	movq	%r15, PT_R15(%rcx)
	movq	%rcx, %rdi
	movq	%rax, %rsi
	.cfi_startproc simple
	.cfi_signal_frame
	.cfi_escape DW_CFA_def_cfa_expression, 4, DW_OP_breg7, ULEB(GATE_GAP + PT_SP), DW_OP_deref
	SAVED	16, PT_IP
	SAVED	3, PT_BX
	SAVED	6, PT_BP
	SAVED	12, PT_R12
	SAVED	13, PT_R13
	SAVED	14, PT_R14
	SAVED	15, PT_R15
	call	kbox_gate_call
	/*
	 * Nothing is left to do but to let go of the CPU: rax is our host thread, the other
	 * registers are preserved.
	 */
	movq	%rax, %rdi
	leaq	GATE_GAP(%rsp), %rsi
	.cfi_endproc
	RELEASE_CPU gate_leave
	call	kbox_exit_again
	ud2
SYM_CODE_END(kbox_gate_before)

/* This thread has a GS base of its own, or flags that the kernel must not run with: by a trap. */
SYM_CODE_START_LOCAL(gate_bounce_back)
	pushq	%rdx
	popfq
	movq	TOP_RESUME(%rcx), %r11
	movq	PT_DX(%rcx), %rdx
	movq	PT_SP(%rcx), %rsp
SYM_INNER_LABEL(kbox_gate_bounce, SYM_L_GLOBAL)
	leaq	-2(%r11), %rcx
	jmp	*%rcx
SYM_CODE_END(gate_bounce_back)

/* The last part of the way out; restartable, as kbox_leave()'s, and for the same reason. */
	.section .text.exit_user, "ax"
SYM_CODE_START_LOCAL(gate_leave)
	cmpl	$0, HT_GRANT(%rdi)
	jne	kbox_reenter
	movq	PT_R10(%rsi), %r10
	movq	PT_R9(%rsi), %r9
	movq	PT_R8(%rsi), %r8
	movq	PT_DX(%rsi), %rdx
	movq	PT_DI(%rsi), %rdi
	movq	PT_FLAGS(%rsi), %r11
	movl	%r11d, %eax
	shll	$20, %eax		/* OF and DF, which is 0, are the upper bits: */
	addl	%eax, %eax		/* so this makes OF */
	movb	PT_FLAGS(%rsi), %ah
	sahf
	movq	TOP_RESUME(%rsi), %rcx
	movq	PT_AX(%rsi), %rax
	movq	PT_SP(%rsi), %rsp
	movq	PT_SI(%rsi), %rsi
	jmp	*%rcx
SYM_CODE_END(gate_leave)
