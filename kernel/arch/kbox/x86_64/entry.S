/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The port's only code that must be assembly: host system calls, stack swaps,
 * the hand-over of the CPU, and the way out to user mode.
 */
#include <linux/linkage.h>
#include <asm/asm-offsets.h>
#include <asm/unistd.h>
#include <asm/thread_info.h>
#include <asm/segments.h>
#include "release.h"

	.section .head.text, "ax"
/* From the launcher: rdi = struct kbox_boot. */
SYM_CODE_START(_start)
	leaq	init_stack(%rip), %rsp
	addq	$(THREAD_SIZE - 512), %rsp
	xorl	%ebp, %ebp
	call	kbox_start
	ud2
SYM_CODE_END(_start)

/* long host_call(nr, a1, a2, a3, a4, a5, a6): the one place that enters the host's kernel from C. */
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

/*
 * void kbox_handover(unsigned long *save, me, to, rsp)
 * Save the running context, get off its stack, grant the CPU to "to", then do
 * what this host thread has to do without the CPU: exit, go on with Z's loop, or park.
 */
SYM_FUNC_START(kbox_handover)
	PUSH_CALLEE
	movq	%rsp, (%rdi)
	movq	%rcx, %rsp
	movq	%rsi, %rbx
	movq	%rdx, %r12
	movl	HT_DEAD(%rbx), %r13d	/* a dead thread's record may be reused after the grant */
	movq	HT_TID(%r12), %r14	/* and tgid behind it */
	movl	HT_IN_USER(%r12), %r15d
	testl	%r15d, %r15d
	jz	0f
	movl	$KICK_PERHAPS, HT_KICK(%r12)
0:	movl	$1, %eax
	xchgl	%eax, HT_GRANT(%r12)
	cmpl	$2, %eax
	je	1f
	testl	%r15d, %r15d
	jz	2f
	cmpl	$0, HT_WAITING(%r12)
	jne	3f
	/* It is in user code: kick it. */
	movl	%r14d, %esi
	shrq	$32, %r14
	movl	%r14d, %edi
	movl	$KICK_SIGNAL, %edx
	movl	$__NR_tgkill, %eax
	syscall
	movl	$KICK_SENT, HT_KICK(%r12)
	jmp	2f
3:	movl	$0, HT_KICK(%r12)
	jmp	2f
1:	testl	%r15d, %r15d
	jz	0f
	movl	$0, HT_KICK(%r12)
0:	leaq	HT_GRANT(%r12), %rdi
	movl	$1, %esi		/* FUTEX_WAKE */
	movl	$1, %edx
	movl	$__NR_futex, %eax
	syscall
2:	testl	%r13d, %r13d
	jnz	host_thread_dead
kbox_park:
	movq	HT_LOOP_SP(%rbx), %rax
	testq	%rax, %rax
	jnz	host_thread_loop
	/* From here on rbx is all there is. */
kbox_wait:
	movl	kbox_spin(%rip), %edx	/* kbox_spin_for_grant(), without a stack */
	movl	HT_VAIN(%rbx), %ecx
	cmpl	$SPIN_VAIN, %ecx
	jb	3f
	shrl	$SPIN_LESS, %edx
3:	cmpl	$1, HT_GRANT(%rbx)
	je	8f
	pause
	decl	%edx
	jns	3b
	incl	%ecx
	cmpl	$SPIN_AGAIN, %ecx
	jb	9f
	movl	$(SPIN_VAIN - 1), %ecx
9:	movl	%ecx, HT_VAIN(%rbx)
	xorl	%eax, %eax
	movl	$2, %edx
	lock; cmpxchgl %edx, HT_GRANT(%rbx)
	jnz	5f
4:	leaq	HT_GRANT(%rbx), %rdi
	xorl	%esi, %esi		/* FUTEX_WAIT */
	movl	$2, %edx
	xorl	%r10d, %r10d
	movl	$__NR_futex, %eax
	syscall
kbox_sleep:
	cmpl	$1, HT_GRANT(%rbx)
	jne	4b
	jmp	5f
8:	movl	$0, HT_VAIN(%rbx)
5:	movl	HT_KICK(%rbx), %eax	/* as wait_grant() does: who granted may not have decided yet */
	testl	%eax, %eax
	jz	7f
	pause
	cmpl	$KICK_PERHAPS, %eax
	je	5b
	movl	$__NR_getpid, %eax
	syscall
	movl	$0, HT_KICK(%rbx)
7:	movl	$0, HT_GRANT(%rbx)
	cmpl	$0, HT_DEAD(%rbx)
	jne	6f
	movq	HT_CTX(%rbx), %rax
	movq	(%rax), %rsp
	POP_CALLEE
	ret
6:	movl	$1, HT_GONE(%rbx)	/* discarded */
	jmp	host_thread_exit
host_thread_loop:
	movq	%rax, %rsp
	POP_CALLEE
	ret
host_thread_dead:
	cmpl	$DEAD_SPARE, %r13d
	jne	host_thread_exit
	/* As kbox_drop_user() does. */
	xorl	%edi, %edi
	movabsq	$KBOX_HOME_START, %rsi
	movl	$__NR_munmap, %eax
	syscall
	movabsq	$KBOX_HOME_END, %rdi
	movq	kbox_task_size(%rip), %rsi
	subq	%rdi, %rsi
	movl	$__NR_munmap, %eax
	syscall
	jmp	kbox_wait
host_thread_exit:
	xorl	%edi, %edi
	movl	$__NR_exit, %eax
	syscall
	ud2
SYM_FUNC_END(kbox_handover)

/* void kbox_await(me): a new host thread waits for the CPU. */
SYM_FUNC_START(kbox_await)
	movq	%rdi, %rbx
	jmp	kbox_wait
SYM_FUNC_END(kbox_await)

/*
 * void kbox_release(unsigned long *save, me, rsp): idle gives the CPU to nobody.
 * If an interrupt or an entrant slipped in, Z is told. This host thread parks, and may be the one to
 * wait for the next event: then idle goes on here.
 */
SYM_FUNC_START(kbox_release)
	PUSH_CALLEE
	movq	%rsp, (%rdi)
	movq	%rdx, %rsp
	movq	%rsi, %rbx
	movl	HT_DEAD(%rbx), %r13d
	movabsq	$KBOX_VCPU_VA, %rcx
	xorl	%eax, %eax
	xchgl	%eax, VCPU_LOCK(%rcx)
	cmpl	$0, VCPU_PENDING(%rcx)
	jne	1f
	cmpq	$0, kbox_cpu+CPU_ENTRANTS(%rip)
	jne	1f
2:	testl	%r13d, %r13d
	jnz	host_thread_dead
	movq	HT_LOOP_SP(%rbx), %rax
	testq	%rax, %rax
	jnz	host_thread_loop
	andq	$-16, %rsp
	movq	%rbx, %rdi
	call	kbox_watch
	testq	%rax, %rax
	jz	kbox_sleep
	movq	%rax, %rsp
	POP_CALLEE
	ret
1:	lock; incl VCPU_Z_SEQ(%rcx)
	leaq	VCPU_Z_SEQ(%rcx), %rdi
	movl	$1, %esi		/* FUTEX_WAKE */
	movl	$1, %edx
	movl	$__NR_futex, %eax
	syscall
	jmp	2b
SYM_FUNC_END(kbox_release)

/*
 * void kbox_leave(me, regs, fpstate)	fpstate NULL: it is in the registers
 * Let go of the CPU and go to user mode; it ends in a restartable section. All of the user's state
 * stays in memory until the last instruction, so a kick that finds its ip there starts
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
	/* As a system call leaves them, rcx and r11 are ip and flags (but TF and RF are iretq's business). */
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
