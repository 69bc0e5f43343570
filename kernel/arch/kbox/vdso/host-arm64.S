/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * void kbox_host_clock(clock_gettime, struct __kernel_timespec *): CLOCK_MONOTONIC by the host's
 * function, whose text is in nobody's maps. Should a signal come while that runs, the kernel goes
 * back to the beginning (kernel/vdso_host.c), by what is left on the stack here: struct vdso_frame
 * (asm/vdso/host.h).
 */
#include <linux/linkage.h>

	.text
SYM_FUNC_START(kbox_host_clock)
	.cfi_startproc
	stp	x29, x30, [sp, #-16]!
	.cfi_def_cfa_offset 16
	.cfi_offset x29, -16
	.cfi_offset x30, -8
	sub	sp, sp, #112
	.cfi_adjust_cfa_offset 112
	stp	x27, x28, [sp, #96]
	stp	x25, x26, [sp, #80]
	stp	x23, x24, [sp, #64]
	stp	x21, x22, [sp, #48]
	stp	x19, x20, [sp, #32]
	stp	x0, x1, [sp, #16]
	adr	x9, kbox_host_clock
	mov	x10, sp
	stp	x10, x9, [sp]
	mov	x9, x0
	mov	x0, #1			/* CLOCK_MONOTONIC */
	blr	x9
	str	xzr, [sp]
	add	sp, sp, #112
	.cfi_adjust_cfa_offset -112
	ldp	x29, x30, [sp], #16
	.cfi_def_cfa_offset 0
	.cfi_restore x29
	.cfi_restore x30
	ret
	.cfi_endproc
SYM_FUNC_END(kbox_host_clock)
