/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of signals share (signal*.c): a handler that notes its signal, one that also jumps
 * out of it, and what else handlers do.
 */
#ifndef SIGNALS_H
#define SIGNALS_H
#include "tap.h"
#include <setjmp.h>
#include <ucontext.h>

static siginfo_t last;
static volatile int hits;
static volatile unsigned long sink;
static sigjmp_buf jump;
static ucontext_t fault_context;

static inline void note(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)uc;
	last = *si;
	hits++;
}

static inline void no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

static inline void block(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	EQ(sigprocmask(how, &set, NULL), 0);
}

static inline int is_pending(int sig)
{
	sigset_t set;

	EQ(sigpending(&set), 0);
	return sigismember(&set, sig);
}

/* The context stays in fault_context. */
static inline void jump_out(int sig, siginfo_t *si, void *uc)
{
	last = *si;
	fault_context = *(ucontext_t *)uc;
	hits++;
	siglongjmp(jump, sig);
}

/* What is done raises this signal, and jump_out() handles it. */
#define FAULTS(sig, code, what) do {						\
	memset(&last, 0, sizeof(last));						\
	if (!sigsetjmp(jump, 1)) {						\
		what;								\
		tap_fail(__FILE__, __LINE__, "no signal from %s", #what);	\
	}									\
	EQ(last.si_signo, sig);							\
	EQ(last.si_code, code);							\
} while (0)

/* A fault: nothing is mapped at such an address. */
static inline void read_low(void)
{
	static volatile char *volatile low = (char *)8;

	sink = *low;
}

#ifdef __aarch64__
#define FAULT_PC fault_context.uc_mcontext.pc

/* A record of a signal frame (kernel: arch/arm64/include/uapi/asm/sigcontext.h). */
enum { FPSIMD_RECORD = 0x46508001, ESR_RECORD = 0x45535201 };

static inline void *record_of(ucontext_t *uc, uint32_t magic)
{
	unsigned char *p = (unsigned char *)uc->uc_mcontext.__reserved;
	uint32_t head[2];

	for (;; p += head[1]) {
		memcpy(head, p, sizeof(head));
		if (head[0] == magic)
			return p;
		if (!head[0] || !head[1])
			tap_fail(__FILE__, __LINE__, "no record 0x%x in the frame", magic);
	}
}

#define EACH_PAIR(op) \
	op(0, 1) op(2, 3) op(4, 5) op(6, 7) op(8, 9) op(10, 11) op(12, 13) op(14, 15) op(16, 17) op(18, 19) op(20, 21) \
	op(22, 23) op(24, 25) op(26, 27) op(28, 29) op(30, 31)

/* Everything that may be lost in a handler. */
static inline void clobber_registers(void)
{
#define ZERO(n, m) "movi v" #n ".2d, #0; movi v" #m ".2d, #0\n"
	asm volatile(EACH_PAIR(ZERO) ::: "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13",
		     "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28",
		     "v29", "v30", "v31");
	asm volatile("msr nzcv, xzr; mov x16, #0; mov x17, #0" ::: "x16", "x17", "cc");
	set_fp_control(FP_NORMAL);
}

#else
#define FAULT_PC fault_context.uc_mcontext.gregs[REG_RIP]

#define EACH_YMM(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)

static inline void clobber_registers(void)
{
	if (__builtin_cpu_supports("avx"))
		asm volatile("vzeroall" ::: "memory");
#define ZERO(n) "pcmpeqd %%xmm" #n ", %%xmm" #n "\n"
	asm volatile(EACH_YMM(ZERO) ::: "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
		     "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

#endif

#endif
