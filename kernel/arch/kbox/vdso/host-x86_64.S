/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void kbox_host_clock(clock_gettime, struct __kernel_timespec *): CLOCK_MONOTONIC by the host's
 * function, whose text is in nobody's maps. Should a signal come while that runs, the kernel goes
 * back to the beginning (kernel/vdso_host.c), by what is left on the stack here: struct vdso_frame
 * (asm/vdso/host.h).
 */
#include <linux/linkage.h>

.macro SAVE reg
	pushq	%\reg
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset \reg, 0
.endm
.macro RESTORE reg
	popq	%\reg
	.cfi_adjust_cfa_offset -8
	.cfi_restore \reg
.endm

	.text
SYM_FUNC_START(kbox_host_clock)
	.cfi_startproc
	SAVE	rbx
	SAVE	rbp
	SAVE	r12
	SAVE	r13
	SAVE	r14
	SAVE	r15
	subq	$40, %rsp
	.cfi_adjust_cfa_offset 40
	movq	%rdi, 32(%rsp)
	movq	%rsi, 24(%rsp)
	leaq	kbox_host_clock(%rip), %rax
	movq	%rax, 8(%rsp)
	movq	%rsp, (%rsp)
	movq	%rdi, %rax
	movl	$1, %edi		/* CLOCK_MONOTONIC */
	call	*%rax
	movq	$0, (%rsp)
	addq	$40, %rsp
	.cfi_adjust_cfa_offset -40
	RESTORE	r15
	RESTORE	r14
	RESTORE	r13
	RESTORE	r12
	RESTORE	rbp
	RESTORE	rbx
	ret
	.cfi_endproc
SYM_FUNC_END(kbox_host_clock)
