/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Host system calls, stack swaps, the end of a host thread, and the way out to user mode.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/unistd.h>
#include <asm/thread_info.h>
#include <asm/segments.h>
#include "release.h"

	.section .head.text, "ax"
/*
 * From the launcher: rdi = struct kbox_boot. In the memory of a box that stood still the first task
 * has its stack in use.
 */
SYM_CODE_START(_start)
	cmpl	$0, BOOT_RESUMES(%rdi)
	je	1f
	leaq	resume_stack_top(%rip), %rsp
	xorl	%ebp, %ebp
	call	kbox_resume
	ud2
1:	leaq	init_stack(%rip), %rsp
	addq	$(THREAD_SIZE - 512), %rsp
	xorl	%ebp, %ebp
	call	kbox_start
	ud2
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
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	ret
SYM_FUNC_END(host_call)

SYM_CODE_START(host_restorer)
	movl	$__NR_rt_sigreturn, %eax
	syscall
	ud2
SYM_CODE_END(host_restorer)

.macro PUSH_CALLEE
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm
/* The first part of a struct pt_regs. */
.macro POP_TO_RAX
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
.endm
.macro POP_CALLEE
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
.endm

/*
 * long host_clone(flags, child_sp, parent_tid, arg): the child goes to the address
 * on top of child_sp, with arg.
 */
SYM_FUNC_START(host_clone)
	movq	%rcx, %r9
	xorl	%r10d, %r10d
	movl	$__NR_clone, %eax
	syscall
	testq	%rax, %rax
	jnz	1f
	xorl	%ebp, %ebp
	movq	%r9, %rdi
1:	ret
SYM_FUNC_END(host_clone)

/* void kbox_swap(unsigned long *save, unsigned long sp) */
SYM_FUNC_START(kbox_swap)
	PUSH_CALLEE
	movq	%rsp, (%rdi)
	movq	%rsi, %rsp
	POP_CALLEE
	ret
SYM_FUNC_END(kbox_swap)

/* void kbox_switch_stack(unsigned long *save, me, arg, void *stack, fn) */
SYM_FUNC_START(kbox_switch_stack)
	PUSH_CALLEE
	movq	%rsp, (%rdi)
	testq	%rcx, %rcx
	jz	1f
	movq	%rcx, %rsp
1:	andq	$-16, %rsp
	xorl	%ebp, %ebp
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	call	*%r8
	ud2
SYM_FUNC_END(kbox_switch_stack)

/* void kbox_load(unsigned long sp) */
SYM_FUNC_START(kbox_load)
	movq	%rdi, %rsp
	POP_CALLEE
	ret
SYM_FUNC_END(kbox_load)

/* void kbox_thread_exit(me): as soon as it is gone it has no record, and no stack in that. */
SYM_FUNC_START(kbox_thread_exit)
	movl	$HT_GONE, HT_STATE(%rdi)
	xorl	%edi, %edi
	movl	$__NR_exit, %eax
	syscall
	ud2
SYM_FUNC_END(kbox_thread_exit)

/*
 * void kbox_leave(me, regs, fpstate)	fpstate NULL: it is in the registers
 * Let go of the CPU and go to user mode; it ends in a restartable section. All of the user's state
 * stays in memory until the last instruction, so an IPI that finds its ip there starts
 * over as if it had come from user mode. Before it, the CPU may still be ours, and a
 * grant is looked for where the section begins. Returns only with the CPU in hand,
 * when there is more to do.
 */
SYM_FUNC_START(kbox_leave)
	RELEASE_CPU exit_by_frame
	ret
SYM_FUNC_END(kbox_leave)

	.section .text.exit_user, "ax"
SYM_CODE_START_LOCAL(exit_by_frame)
	cmpl	$0, HT_GRANT(%rdi)
	jne	kbox_reenter
	testq	%rdx, %rdx
	jz	4f
	cmpl	$FP_XSTATE_MAGIC1, XS_MAGIC1(%rdx)
	movq	%rdx, %r8
	jne	3f
	movl	XS_FEATURES(%r8), %eax
	movl	XS_FEATURES+4(%r8), %edx
	movl	%eax, %ecx
	orl	%edx, %ecx
	jz	3f			/* no XSAVE: see fpstate_extended() */
	xrstor64 (%r8)
	jmp	4f
3:	fxrstor64 (%r8)
SYM_INNER_LABEL(kbox_leave_fp_done, SYM_L_GLOBAL)
4:	movq	%rsi, %rsp
	/*
	 * As a system call leaves them, rcx and r11 are ip and flags (but TF and RF are iretq's
	 * business).
	 */
	movq	PT_IP(%rsi), %rcx
	movq	PT_FLAGS(%rsi), %rax
	cmpq	%rcx, PT_CX(%rsi)
	jne	5f
	cmpq	%rax, PT_R11(%rsi)
	jne	5f
	testl	$0x10100, %eax
	jnz	5f
	cmpl	$USER_CS, PT_CS(%rsi)
	jne	5f
	cmpl	$USER_SS, PT_SS(%rsi)
	jne	5f
	POP_TO_RAX
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp
	popq	%rcx
	addq	$8, %rsp
	popfq
	popq	%rsp
	jmp	*%rcx
5:	POP_TO_RAX
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
	addq	$8, %rsp
	iretq
SYM_CODE_END(exit_by_frame)
