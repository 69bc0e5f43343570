/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_BARRIER_H
#define _ASM_KBOX_BARRIER_H
#include <linux/compiler.h>
#define dmb(opt)	asm volatile("dmb " #opt ::: "memory")
#define dsb(opt)	asm volatile("dsb " #opt ::: "memory")
#define isb()		asm volatile("isb" ::: "memory")
#define mb()		dsb(sy)
#define rmb()		dsb(ld)
#define wmb()		dsb(st)
#define __smp_mb()	dmb(ish)
#define __smp_rmb()	dmb(ishld)
#define __smp_wmb()	dmb(ishst)
#define __smp_store_release(p, v)	\
	do { compiletime_assert_atomic_type(*(p)); __atomic_store_n((p), (v), __ATOMIC_RELEASE); } while (0)
#define __smp_load_acquire(p)		\
	({								\
		__unqual_scalar_typeof(*(p)) __val;			\
		compiletime_assert_atomic_type(*(p));			\
		__atomic_load((p), &__val, __ATOMIC_ACQUIRE);		\
		__val;							\
	})
/* Also on this UP kernel: io_uring's and our own other side runs in parallel. */
#define smp_mb()	__smp_mb()
#define smp_rmb()	__smp_rmb()
#define smp_wmb()	__smp_wmb()
#define smp_store_release(p, v)	__smp_store_release(p, v)
#define smp_load_acquire(p)	__smp_load_acquire(p)
#include <asm-generic/barrier.h>
#endif
