/* SPDX-License-Identifier: GPL-2.0-only */
/* The vDSO's own system calls, and what its functions are called. */
#ifndef _ASM_KBOX_VDSO_ISA_H
#define _ASM_KBOX_VDSO_ISA_H
#define VDSO_VERSION LINUX_2.6.39
#define VDSO_EXPORTS \
	__kernel_clock_gettime; __kernel_gettimeofday; __kernel_clock_getres; __kernel_getrandom;
#ifndef __ASSEMBLY__
#define VDSO_FUNCTION(type, name, args)	\
	type __kernel_##name args;	\
	type __kernel_##name args

static __always_inline long vdso_syscall(long nr, long a, long b, long c)
{
	register long x8 asm("x8") = nr, x0 asm("x0") = a, x1 asm("x1") = b, x2 asm("x2") = c;

	asm volatile("svc #0" : "+r" (x0) : "r" (x1), "r" (x2), "r" (x8) : "memory");
	return x0;
}
#endif
#endif
