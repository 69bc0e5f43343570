/* SPDX-License-Identifier: GPL-2.0-only */
/* What the launcher must know of the processor it is built for. */
#ifndef ARCH_H
#define ARCH_H

/*
 * ARCH_USER_END(top): where the host's addresses end, if one of its processes has something at top,
 * near the end.
 */

#ifdef __aarch64__

#define ARCH_NAME		"aarch64"	/* as uname(2) has it */
#define ARCH_ELF		EM_AARCH64
#define ARCH_AUDIT		AUDIT_ARCH_AARCH64
#define ARCH_RESULT(uc)		((uc)->uc_mcontext.regs[0])	/* of a system call */
#define ARCH_VDSO_CLOCK_GETTIME	"__kernel_clock_gettime"
#define ARCH_USER_END(top)	((top) >> 39 ? 1UL << 48 : 1UL << 39)
/*
 * What the guest may know of the processor (kernel: arch/arm64/include/uapi/asm/hwcap.h). Its
 * kernel keeps the state of FP and SIMD, so not SVE, SME and what needs FPMR; it has no PROT_BTI
 * and PROT_MTE and no POE. Not CPUID, which says that the ID registers can be read: they are the
 * host's. And none that came later.
 */
#define ARCH_HWCAP(caps)	((caps) & 0xffffffffUL & ~(1UL << 11 | 1UL << 22))
#define ARCH_HWCAP2(caps)	((caps) & (1UL << 0 | 1UL << 7 | 1UL << 8 | 1UL << 13 | 1UL << 14 | 1UL << 15 | 1UL << 16 | \
					   1UL << 19 | 1UL << 20 | 1UL << 21 | 1UL << 31 | 1UL << 32 | 1UL << 34 | 1UL << 35 | \
					   1UL << 43 | 1UL << 44 | 1UL << 46 | 1UL << 47 | 1UL << 49 | 1UL << 50))
/* What the largest frame takes without SVE and SME. */
#define ARCH_MINSIGSTKSZ(host)	4720
#define ARCH_CANCEL_WRAPPERS	1	/* whose calls the guest's kernel promotes */
#define ARCH_HWCAP2_FSGSBASE	0UL
#define ARCH_LARGEFILE	0400000	/* O_LARGEFILE to the host's kernel: libc's is 0 */
/* MIDR_EL1, where the host lets programs read the ID registers (HWCAP_CPUID). */
#define ARCH_MIDR(caps)		({ unsigned long midr_ = 0; if ((caps) & 1UL << 11) asm("mrs %0, midr_el1" : "=r" (midr_)); midr_; })

#elif defined(__x86_64__)

#define ARCH_NAME		"x86_64"
#define ARCH_ELF		EM_X86_64
#define ARCH_AUDIT		AUDIT_ARCH_X86_64
#define ARCH_RESULT(uc)		((uc)->uc_mcontext.gregs[REG_RAX])
#define ARCH_VDSO_CLOCK_GETTIME	"__vdso_clock_gettime"
#define ARCH_USER_END(top)	0x7ffffffff000UL
#define ARCH_HWCAP(caps)	(caps)
#define ARCH_HWCAP2(caps)	(caps)
#define ARCH_MINSIGSTKSZ(host)	((host) ?: 2048)
#define ARCH_CANCEL_WRAPPERS	0
#define ARCH_HWCAP2_FSGSBASE	2UL	/* kernel: arch/x86/include/uapi/asm/hwcap2.h */
#define ARCH_LARGEFILE	0100000
#define ARCH_MIDR(caps)		0UL

#else
#error "what must be known of this processor is not there"
#endif
#endif
