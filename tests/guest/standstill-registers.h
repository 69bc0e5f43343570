/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For standstill.c: vector registers that are full of known values while the program loops or sits
 * in a system call, and what is in them afterwards.
 */
#ifndef STANDSTILL_REGISTERS_H
#define STANDSTILL_REGISTERS_H
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES 2048	/* of all that a processor has, at most */

struct vectors {
	uint8_t bytes[VECTOR_BYTES] __attribute__((aligned(64)));
};

/* A call and its six arguments; without one the registers are held for so many rounds of a loop. */
struct held_call {
	long nr, args[6], rounds;
};

#ifdef __x86_64__

#define NUMBERS(f, reg, size)							\
	f(reg, size, 0) f(reg, size, 1) f(reg, size, 2) f(reg, size, 3) f(reg, size, 4) \
	f(reg, size, 5) f(reg, size, 6) f(reg, size, 7) f(reg, size, 8) f(reg, size, 9) \
	f(reg, size, 10) f(reg, size, 11) f(reg, size, 12) f(reg, size, 13) f(reg, size, 14) \
	f(reg, size, 15)
#define MORE_NUMBERS(f, reg, size)						\
	f(reg, size, 16) f(reg, size, 17) f(reg, size, 18) f(reg, size, 19) f(reg, size, 20) \
	f(reg, size, 21) f(reg, size, 22) f(reg, size, 23) f(reg, size, 24) f(reg, size, 25) \
	f(reg, size, 26) f(reg, size, 27) f(reg, size, 28) f(reg, size, 29) f(reg, size, 30) \
	f(reg, size, 31)
#define LOAD_SSE(reg, size, n)	"movdqu " #n "*" #size "(%[in]), %%" #reg #n "\n"
#define SAVE_SSE(reg, size, n)	"movdqu %%" #reg #n ", " #n "*" #size "(%[out])\n"
#define LOAD_AVX(reg, size, n)	"vmovups " #n "*" #size "(%[in]), %%" #reg #n "\n"
#define SAVE_AVX(reg, size, n)	"vmovups %%" #reg #n ", " #n "*" #size "(%[out])\n"

#define CLOBBERS "memory", "cc", "rcx", "r11", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", \
	"xmm6", "xmm7", \
	"xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

/* NAME_call() and NAME_loop(): load, the one or the other, store. */
#define HOLDERS(name, load, store)						\
static long name##_call(const struct held_call *c, const void *in, void *out)	\
{										\
	register long r10 __asm__("r10") = c->args[3];				\
	register long r8 __asm__("r8") = c->args[4];				\
	register long r9 __asm__("r9") = c->args[5];				\
	long ret = c->nr, a = c->args[0], b = c->args[1], d = c->args[2];	\
										\
	__asm__ volatile(load "syscall\n" store					\
			 : "+a" (ret), "+D" (a), "+S" (b), "+d" (d), "+r" (r10), "+r" (r8), \
			   "+r" (r9) \
			 : [in] "b" (in), [out] "r" (out) : CLOBBERS);		\
	return ret;								\
}										\
static void name##_loop(long rounds, const void *in, void *out)			\
{										\
	__asm__ volatile(load "1: dec %[n]\n" "jnz 1b\n" store			\
			 : [n] "+r" (rounds) : [in] "r" (in), [out] "r" (out) : CLOBBERS);	\
}

HOLDERS(sse, NUMBERS(LOAD_SSE, xmm, 16), NUMBERS(SAVE_SSE, xmm, 16))
HOLDERS(avx, NUMBERS(LOAD_AVX, ymm, 32), NUMBERS(SAVE_AVX, ymm, 32) "vzeroupper\n")
HOLDERS(avx512, NUMBERS(LOAD_AVX, zmm, 64) MORE_NUMBERS(LOAD_AVX, zmm, 64),
	NUMBERS(SAVE_AVX, zmm, 64) MORE_NUMBERS(SAVE_AVX, zmm, 64) "vzeroupper\n")

/* How many bytes of vectors there are. */
static size_t vector_bytes(void)
{
	static size_t bytes;

	if (!bytes)
		bytes = __builtin_cpu_supports("avx512f") ? 32 * 64 :
			__builtin_cpu_supports("avx") ? 16 * 32 : 16 * 16;
	return bytes;
}

static long hold(const struct held_call *c, const void *in, void *out)
{
	size_t n = vector_bytes();

	if (c->rounds)
		return (n == 32 * 64 ? avx512_loop : n == 16 * 32 ? avx_loop : sse_loop)
				(c->rounds, in, out), 0;
	return (n == 32 * 64 ? avx512_call : n == 16 * 32 ? avx_call : sse_call)(c, in, out);
}

/* All general registers that a loop can have. True: they were the same after it. */
static int general_registers_keep(long rounds, uint64_t seed)
{
	uint64_t bad;

	__asm__ volatile("lea -128(%%rsp), %%rsp\n" "push %%rbp\n" "push %%rbx\n"
			 "mov %%rax, %%rbx\n" "not %%rbx\n" "mov %%rax, %%rbp\n"
			 "lea 1(%%rax), %%rdx\n" "lea 2(%%rax), %%rsi\n"
			 "lea 3(%%rax), %%rdi\n" "lea 4(%%rax), %%r8\n" "lea 5(%%rax), %%r9\n"
			 "lea 6(%%rax), %%r10\n"
			 "lea 7(%%rax), %%r11\n" "lea 8(%%rax), %%r12\n" "lea 9(%%rax), %%r13\n"
			 "lea 10(%%rax), %%r14\n"
			 "lea 11(%%rax), %%r15\n"
			 "1: dec %%rcx\n" "jnz 1b\n"
			 "not %%rbx\n" "dec %%rdx\n" "sub $2, %%rsi\n" "sub $3, %%rdi\n"
			 "sub $4, %%r8\n" "sub $5, %%r9\n"
			 "sub $6, %%r10\n" "sub $7, %%r11\n" "sub $8, %%r12\n" "sub $9, %%r13\n"
			 "sub $10, %%r14\n" "sub $11, %%r15\n"
			 "xor %%rax, %%rbx\n" "xor %%rax, %%rbp\n" "xor %%rax, %%rdx\n"
			 "xor %%rax, %%rsi\n" "xor %%rax, %%rdi\n"
			 "xor %%rax, %%r8\n" "xor %%rax, %%r9\n" "xor %%rax, %%r10\n"
			 "xor %%rax, %%r11\n" "xor %%rax, %%r12\n"
			 "xor %%rax, %%r13\n" "xor %%rax, %%r14\n" "xor %%rax, %%r15\n"
			 "or %%rbx, %%rcx\n" "or %%rbp, %%rcx\n" "or %%rdx, %%rcx\n"
			 "or %%rsi, %%rcx\n" "or %%rdi, %%rcx\n"
			 "or %%r8, %%rcx\n" "or %%r9, %%rcx\n" "or %%r10, %%rcx\n"
			 "or %%r11, %%rcx\n" "or %%r12, %%rcx\n"
			 "or %%r13, %%rcx\n" "or %%r14, %%rcx\n" "or %%r15, %%rcx\n"
			 "pop %%rbx\n" "pop %%rbp\n" "lea 128(%%rsp), %%rsp\n"
			 : "=c" (bad), "+a" (seed) : "c" (rounds)
			 : "memory", "cc", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15");
	return !bad;
}

/*
 * Control words, and values on the stack of the x87. True: they are the same after rounds of a loop.
 */
static int control_words_keep(long rounds, unsigned seed)
{
	uint16_t cw = 0x37f & ~0xc00, cw_after;
	uint32_t mxcsr = 0x1f80 & ~0x6000, mxcsr_after;
	long double a = 1.25L + seed, b = -3.5L * seed, a_after, b_after;

	cw |= (seed & 3) << 10;
	mxcsr |= (seed & 3) << 13 | (seed & 4) << 13;
	__asm__ volatile("fninit\n" "fldcw %[cw]\n" "ldmxcsr %[mxcsr]\n" "fldt %[a]\n" "fldt %[b]\n"
			 "1: dec %[n]\n" "jnz 1b\n"
			 "fstpt %[b_after]\n" "fstpt %[a_after]\n" "stmxcsr %[mxcsr_after]\n"
			 "fnstcw %[cw_after]\n" "fninit\n"
			 : [n] "+r" (rounds), [a_after] "=m" (a_after), [b_after] "=m" (b_after),
			   [mxcsr_after] "=m" (mxcsr_after),
			   [cw_after] "=m" (cw_after)
			 : [cw] "m" (cw), [mxcsr] "m" (mxcsr), [a] "m" (a), [b] "m" (b)
			 : "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
			   "st(7)");
	__asm__ volatile("ldmxcsr %0" :: "m" ((uint32_t) { 0x1f80 }));
	return cw == cw_after && mxcsr == mxcsr_after && a == a_after && b == b_after;
}

/* The same over a system call. */
static int control_words_keep_over(long (*call)(void), unsigned seed)
{
	uint16_t cw = (0x37f & ~0xc00) | (seed & 3) << 10, cw_after, plain = 0x37f;
	uint32_t mxcsr = (0x1f80 & ~0x6000) | (seed & 3) << 13, mxcsr_after;

	__asm__ volatile("fldcw %0\n" "ldmxcsr %1\n" :: "m" (cw), "m" (mxcsr));
	call();
	__asm__ volatile("fnstcw %0\n" "stmxcsr %1\n" : "=m" (cw_after), "=m" (mxcsr_after));
	__asm__ volatile("fldcw %0\n" "ldmxcsr %1\n" :: "m" (plain), "m" ((uint32_t) { 0x1f80 }));
	return cw == cw_after && mxcsr == (mxcsr_after & ~0x3fu);
}

#elif defined(__aarch64__)

#define CLOBBERS "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", \
	"v10", "v11", "v12", "v13", \
	"v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", \
	"v27", "v28", "v29", "v30", "v31"
#define PAIRS(op, at)								\
	op " q0, q1, [" at "]\n" op " q2, q3, [" at ", #32]\n" op " q4, q5, [" at ", #64]\n" \
	op " q6, q7, [" at ", #96]\n" \
	op " q8, q9, [" at ", #128]\n" op " q10, q11, [" at ", #160]\n" \
	op " q12, q13, [" at ", #192]\n" \
	op " q14, q15, [" at ", #224]\n" op " q16, q17, [" at ", #256]\n" \
	op " q18, q19, [" at ", #288]\n" \
	op " q20, q21, [" at ", #320]\n" op " q22, q23, [" at ", #352]\n" \
	op " q24, q25, [" at ", #384]\n" \
	op " q26, q27, [" at ", #416]\n" op " q28, q29, [" at ", #448]\n" \
	op " q30, q31, [" at ", #480]\n"

static size_t vector_bytes(void)
{
	return 32 * 16;
}

static long hold(const struct held_call *c, const void *in, void *out)
{
	register long x8 __asm__("x8") = c->nr;
	register long x0 __asm__("x0") = c->args[0];
	register long x1 __asm__("x1") = c->args[1];
	register long x2 __asm__("x2") = c->args[2];
	register long x3 __asm__("x3") = c->args[3];
	register long x4 __asm__("x4") = c->args[4];
	register long x5 __asm__("x5") = c->args[5];
	long rounds = c->rounds;

	if (rounds) {
		__asm__ volatile(PAIRS("ldp", "%[in]") "1: subs %[n], %[n], #1\n"
				 "b.ne 1b\n" PAIRS("stp", "%[out]")
				 : [n] "+r" (rounds) : [in] "r" (in), [out] "r" (out) : CLOBBERS);
		return 0;
	}
	__asm__ volatile(PAIRS("ldp", "%[in]") "svc #0\n" PAIRS("stp", "%[out]")
			 : "+r" (x0) : "r" (x8), "r" (x1), "r" (x2), "r" (x3), "r" (x4), "r" (x5),
			   [in] "r" (in), [out] "r" (out)
			 : CLOBBERS);
	return x0;
}

static int general_registers_keep(long rounds, uint64_t seed)
{
	uint64_t bad;

	__asm__ volatile("mov x9, %[s]\n" "add x10, %[s], #1\n" "add x11, %[s], #2\n"
			 "add x12, %[s], #3\n" "add x13, %[s], #4\n"
			 "add x14, %[s], #5\n" "add x15, %[s], #6\n" "add x16, %[s], #7\n"
			 "add x17, %[s], #8\n" "add x19, %[s], #9\n"
			 "add x20, %[s], #10\n" "add x21, %[s], #11\n" "add x22, %[s], #12\n"
			 "add x23, %[s], #13\n"
			 "1: subs %[n], %[n], #1\n" "b.ne 1b\n"
			 "sub x10, x10, #1\n" "sub x11, x11, #2\n" "sub x12, x12, #3\n"
			 "sub x13, x13, #4\n" "sub x14, x14, #5\n"
			 "sub x15, x15, #6\n" "sub x16, x16, #7\n" "sub x17, x17, #8\n"
			 "sub x19, x19, #9\n" "sub x20, x20, #10\n"
			 "sub x21, x21, #11\n" "sub x22, x22, #12\n" "sub x23, x23, #13\n"
			 "eor %[bad], x9, %[s]\n" "eor x10, x10, %[s]\n" "orr %[bad], %[bad], x10\n"
			 "eor x11, x11, %[s]\n" "orr %[bad], %[bad], x11\n" "eor x12, x12, %[s]\n"
			 "orr %[bad], %[bad], x12\n"
			 "eor x13, x13, %[s]\n" "orr %[bad], %[bad], x13\n" "eor x14, x14, %[s]\n"
			 "orr %[bad], %[bad], x14\n"
			 "eor x15, x15, %[s]\n" "orr %[bad], %[bad], x15\n" "eor x16, x16, %[s]\n"
			 "orr %[bad], %[bad], x16\n"
			 "eor x17, x17, %[s]\n" "orr %[bad], %[bad], x17\n" "eor x19, x19, %[s]\n"
			 "orr %[bad], %[bad], x19\n"
			 "eor x20, x20, %[s]\n" "orr %[bad], %[bad], x20\n" "eor x21, x21, %[s]\n"
			 "orr %[bad], %[bad], x21\n"
			 "eor x22, x22, %[s]\n" "orr %[bad], %[bad], x22\n" "eor x23, x23, %[s]\n"
			 "orr %[bad], %[bad], x23\n"
			 : [bad] "=&r" (bad), [n] "+r" (rounds) : [s] "r" (seed)
			 : "memory", "cc", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
			   "x17", "x19", "x20", "x21", "x22", "x23");
	return !bad;
}

static int control_words_keep(long rounds, unsigned seed)
{
	uint64_t fpcr = (uint64_t)(seed & 7) << 22, after;

	__asm__ volatile("msr fpcr, %[fpcr]\n" "1: subs %[n], %[n], #1\n" "b.ne 1b\n"
			 "mrs %[after], fpcr\n" "msr fpcr, xzr\n"
			 : [n] "+r" (rounds), [after] "=r" (after) : [fpcr] "r" (fpcr) : "cc");
	return fpcr == after;
}

static int control_words_keep_over(long (*call)(void), unsigned seed)
{
	uint64_t fpcr = (uint64_t)(seed & 7) << 22, after;

	__asm__ volatile("msr fpcr, %0" :: "r" (fpcr));
	call();
	__asm__ volatile("mrs %0, fpcr\n" "msr fpcr, xzr\n" : "=r" (after));
	return fpcr == after;
}
#endif

/* Each register has a value that no other has, nor another thread's. */
static void fill_vectors(struct vectors *v, uint64_t seed)
{
	for (size_t i = 0; i < vector_bytes(); i += 8) {
		seed = seed * 6364136223846793005 + 1442695040888963407;
		memcpy(v->bytes + i, &seed, 8);
	}
}

/* The call's result, or that of a loop of so many rounds; *same: the registers are as they were. */
static long hold_vectors(const struct held_call *c, uint64_t seed, int *same)
{
	struct vectors in, out;
	long ret;

	fill_vectors(&in, seed);
	memset(&out, 0, sizeof(out));
	ret = hold(c, &in, &out);
	*same = !memcmp(in.bytes, out.bytes, vector_bytes());
	return ret;
}
#endif
