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
/* Of a union, too (RCU's). */
#define __kbox_load_acquire(type, to, p)	(*(type *)(to) = __atomic_load_n((const type *)(p), __ATOMIC_ACQUIRE))
#define __smp_load_acquire(p)		\
	({								\
		union { __unqual_scalar_typeof(*(p)) val; char bytes[1]; } __u;	\
		compiletime_assert_atomic_type(*(p));			\
		switch (sizeof(*(p))) {					\
		case 1: __kbox_load_acquire(__u8, __u.bytes, p); break;	\
		case 2: __kbox_load_acquire(__u16, __u.bytes, p); break;	\
		case 4: __kbox_load_acquire(__u32, __u.bytes, p); break;	\
		case 8: __kbox_load_acquire(__u64, __u.bytes, p); break;	\
		}							\
		__u.val;						\
	})
/* Also on this UP kernel: io_uring's and our own other side runs in parallel. */
#define smp_mb()	__smp_mb()
#define smp_rmb()	__smp_rmb()
#define smp_wmb()	__smp_wmb()
#define smp_store_release(p, v)	__smp_store_release(p, v)
#define smp_load_acquire(p)	__smp_load_acquire(p)
#include <asm-generic/barrier.h>
#endif
