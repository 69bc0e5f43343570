/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CMPXCHG_H
#define _ASM_KBOX_CMPXCHG_H
/* Fully ordered and really atomic, UP kernel or not: the port uses them between host threads. */
#include <linux/compiler.h>
#define arch_cmpxchg(p, o, n) \
	((__unqual_scalar_typeof(*(p)))__sync_val_compare_and_swap((p), (__unqual_scalar_typeof(*(p)))(o), \
								   (__unqual_scalar_typeof(*(p)))(n)))
#define arch_xchg(p, v)	({						\
	__unqual_scalar_typeof(*(p)) __new = (v), __old;		\
	__old = __atomic_exchange_n((p), __new, __ATOMIC_SEQ_CST);	\
	asm volatile("dmb ish" ::: "memory");				\
	__old;								\
})
#define arch_cmpxchg_local	arch_cmpxchg
#define arch_cmpxchg64		arch_cmpxchg
#define arch_cmpxchg64_local	arch_cmpxchg
#define arch_sync_cmpxchg	arch_cmpxchg
#endif
