/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Let go of the CPU and jump to "out". If an interrupt or an entrant slipped in and nobody else has
 * taken the CPU, it is ours again, and this falls through. Changes rax, rcx and r8.
 */
.macro RELEASE_CPU out
	movabsq	$KBOX_VCPU_VA, %rcx
	xorl	%eax, %eax
	xchgl	%eax, VCPU_LOCK(%rcx)
	cmpl	$0, VCPU_PENDING(%rcx)
	jne	.Lretake\@
	cmpq	$0, vcpu0+VCPU_ENTRANTS(%rip)
	je	\out
.Lretake\@:
	xorl	%eax, %eax
	movl	$1, %r8d
	lock; cmpxchgl %r8d, VCPU_LOCK(%rcx)
	jnz	\out
.endm
