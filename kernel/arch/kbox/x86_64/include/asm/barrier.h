/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_BARRIER_H
#define _ASM_KBOX_BARRIER_H
#include <asm/alternative.h>
#define mb()	asm volatile("mfence" ::: "memory")
#define rmb()	asm volatile("lfence" ::: "memory")
#define wmb()	asm volatile("sfence" ::: "memory")
/* The other side of these is a host thread on another core, UP or not. */
#define __smp_mb()	asm volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#define __smp_rmb()	barrier()
#define __smp_wmb()	barrier()
/* Also on this UP kernel: io_uring's and our own other side runs in parallel. */
#define smp_mb()	__smp_mb()
#include <asm-generic/barrier.h>
#endif
