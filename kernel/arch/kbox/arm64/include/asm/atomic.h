/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ATOMIC_H
#define _ASM_KBOX_ATOMIC_H
/*
 * One CPU, and interrupts only where the kernel takes them (asm/irqflags.h): plain arithmetic. What
 * several host threads change at once uses xchg(), cmpxchg() or the compiler's.
 */
#include <linux/types.h>
#include <asm/barrier.h>
#include <asm/cmpxchg.h>

#define ATOMIC_OPS(p, type, atype, op, expr)						\
static __always_inline void arch_##p##_##op(type i, atype *v)				\
{											\
	v->counter = expr;								\
}											\
static __always_inline type arch_##p##_fetch_##op(type i, atype *v)			\
{											\
	type old;									\
	barrier();									\
	old = v->counter;								\
	v->counter = expr;								\
	barrier();									\
	return old;									\
}
#define ATOMIC_RETURN(p, type, atype, op, expr)						\
static __always_inline type arch_##p##_##op##_return(type i, atype *v)			\
{											\
	type new;									\
	barrier();									\
	new = v->counter = expr;							\
	barrier();									\
	return new;									\
}
#define ATOMIC_ALL(p, type, atype)							\
ATOMIC_OPS(p, type, atype, add, v->counter + i)						\
ATOMIC_OPS(p, type, atype, sub, v->counter - i)						\
ATOMIC_OPS(p, type, atype, and, v->counter & i)						\
ATOMIC_OPS(p, type, atype, or, v->counter | i)						\
ATOMIC_OPS(p, type, atype, xor, v->counter ^ i)						\
ATOMIC_OPS(p, type, atype, andnot, v->counter & ~i)					\
ATOMIC_RETURN(p, type, atype, add, v->counter + i)					\
ATOMIC_RETURN(p, type, atype, sub, v->counter - i)
ATOMIC_ALL(atomic, int, atomic_t)
ATOMIC_ALL(atomic64, s64, atomic64_t)
#undef ATOMIC_ALL
#undef ATOMIC_RETURN
#undef ATOMIC_OPS

#define ATOMIC64_INIT(i)	{ (i) }
#define arch_atomic_read(v)	READ_ONCE((v)->counter)
#define arch_atomic_set(v, i)	WRITE_ONCE((v)->counter, (i))
#define arch_atomic64_read(v)	READ_ONCE((v)->counter)
#define arch_atomic64_set(v, i)	WRITE_ONCE((v)->counter, (i))
#define arch_atomic_add_return		arch_atomic_add_return
#define arch_atomic_sub_return		arch_atomic_sub_return
#define arch_atomic_fetch_add		arch_atomic_fetch_add
#define arch_atomic_fetch_sub		arch_atomic_fetch_sub
#define arch_atomic_fetch_and		arch_atomic_fetch_and
#define arch_atomic_fetch_andnot	arch_atomic_fetch_andnot
#define arch_atomic_fetch_or		arch_atomic_fetch_or
#define arch_atomic_fetch_xor		arch_atomic_fetch_xor
#define arch_atomic_andnot		arch_atomic_andnot
#define arch_atomic64_add_return	arch_atomic64_add_return
#define arch_atomic64_sub_return	arch_atomic64_sub_return
#define arch_atomic64_fetch_add		arch_atomic64_fetch_add
#define arch_atomic64_fetch_sub		arch_atomic64_fetch_sub
#define arch_atomic64_fetch_and		arch_atomic64_fetch_and
#define arch_atomic64_fetch_andnot	arch_atomic64_fetch_andnot
#define arch_atomic64_fetch_or		arch_atomic64_fetch_or
#define arch_atomic64_fetch_xor		arch_atomic64_fetch_xor
#define arch_atomic64_andnot		arch_atomic64_andnot
#endif
