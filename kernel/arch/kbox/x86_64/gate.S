/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate: a system call from a patched site. Slots (site.h) jump here as they are in user
 * mode, with rcx behind a syscall instruction that would do the same by a trap; rcx and r11 are
 * free, as a system call overwrites them. Until the stack is changed, rax is all there is to
 * work with: its upper half, which is no part of the number.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/gate.h>
#include <asm/site.h>
#include "release.h"

#define ARITHMETIC	0x8d5	/* OF SF ZF AF PF CF */
#define DF_NT_AC	0x44400

/*
 * The host's GS base is GATE_DISTANCE above what its host thread has for the gate: the address of the task's registers
 * on its kernel stack, and a magic number. Where the guest has a base of its own, there is something else, or nothing: then
 * the first access here faults, and goes to kbox_gate_bounce (trap.c). No FSGSBASE instruction is needed.
 */
.macro GATE at
	bswapq	%rax
	lahf
	seto	%al
	movq	$-GATE_DISTANCE, %r11
	cmpq	$GATE_MAGIC, %gs:GATE_MAGIC_AT(%r11)
	jne	kbox_gate_bounce
	movq	%gs:(%r11), %r11
	movq	%rsp, PT_SP(%r11)
	leaq	-GATE_GAP(%r11), %rsp
	movq	%rdx, PT_DX(%r11)
	movq	%rcx, TOP_RESUME(%r11)
	pushfq
	popq	%rdx
	testl	$DF_NT_AC, %edx
	jnz	gate_bounce_back
.if \at
	movslq	-SLOT_DELTA(%rcx), %r11	/* from here on rsp says where the registers are */
	addq	%r11, %rcx
	leaq	GATE_GAP(%rsp), %r11
.endif
	movq	%rcx, PT_IP(%r11)
	movq	%rcx, TOP_RESUME_IP(%r11)
	movl	%edx, %ecx
	andl	$~ARITHMETIC, %ecx
	movzbl	%ah, %edx
	orl	%edx, %ecx
	movzbl	%al, %edx
	shll	$11, %edx
	orl	%edx, %ecx
	movq	%rcx, PT_FLAGS(%r11)
.endm

/*
 * For a debugger on the host: behind the call of kbox_gate_call() all of the user's registers are in memory, at fixed
 * distances from rsp, so that a backtrace goes on in user code. DWARF 5, 2.5 and 6.4.2: an expression of
 * DW_OP_breg7, its operand below 0x4000, and perhaps DW_OP_deref.
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
	shrq	$32, %rax
	bswapl	%eax
	movq	%rdi, PT_DI(%r11)
	movq	%rsi, PT_SI(%r11)
	movq	%r10, PT_R10(%r11)
	movq	%r8, PT_R8(%r11)
	movq	%r9, PT_R9(%r11)
	movq	%rbx, PT_BX(%r11)
	movq	%rbp, PT_BP(%r11)
	movq	%r12, PT_R12(%r11)
	movq	%r13, PT_R13(%r11)
	movq	%r14, PT_R14(%r11)
	movq	%r15, PT_R15(%r11)
	movq	%r11, %rdi
	movl	%eax, %esi
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
	/* Nothing is left to do but to let go of the CPU: rax is our host thread, the other registers are preserved. */
	movq	%rax, %rdi
	leaq	GATE_GAP(%rsp), %rsi
	.cfi_endproc
	RELEASE_CPU gate_leave
	call	kbox_exit_again
	ud2
SYM_CODE_END(kbox_gate_before)

/* This thread has a GS base of its own, or flags that the kernel must not run with: by a trap. */
SYM_CODE_START_LOCAL(gate_bounce_back)
	movq	TOP_RESUME(%r11), %rcx
	movq	PT_DX(%r11), %rdx
	movq	PT_SP(%r11), %rsp
SYM_INNER_LABEL(kbox_gate_bounce, SYM_L_GLOBAL)
	addb	$0x7f, %al
	sahf
	bswapq	%rax
	movl	%eax, %eax
	leaq	-2(%rcx), %rcx
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
	shrl	$11, %eax
	andl	$1, %eax
	addb	$0x7f, %al		/* OF */
	movb	PT_FLAGS(%rsi), %ah
	sahf
	movq	TOP_RESUME(%rsi), %rcx
	movq	PT_AX(%rsi), %rax
	movq	PT_SP(%rsi), %rsp
	movq	PT_SI(%rsi), %rsi
	jmp	*%rcx
SYM_CODE_END(gate_leave)
