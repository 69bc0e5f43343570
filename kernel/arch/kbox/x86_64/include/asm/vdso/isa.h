/* SPDX-License-Identifier: GPL-2.0-only */
/* The vDSO's own system calls, and what its functions are called. */
#ifndef _ASM_KBOX_VDSO_ISA_H
#define _ASM_KBOX_VDSO_ISA_H
#define VDSO_HAS_TIME 1
#define VDSO_HAS_GETCPU 1
#define VDSO_VERSION LINUX_2.6
#define VDSO_EXPORTS \
	__vdso_clock_gettime; clock_gettime; __vdso_gettimeofday; gettimeofday; __vdso_clock_getres; clock_getres; \
	__vdso_time; time; __vdso_getcpu; getcpu; __vdso_getrandom; getrandom;
#ifndef __ASSEMBLY__
#define VDSO_FUNCTION(type, name, args)					\
	type __vdso_##name args;					\
	type name args __attribute__((weak, alias("__vdso_" #name)));	\
	type __vdso_##name args

static __always_inline long vdso_syscall(long nr, long a, long b, long c)
{
	asm volatile("syscall" : "+a" (nr) : "D" (a), "S" (b), "d" (c) : "rcx", "r11", "memory");
	return nr;
}
#endif
#endif
