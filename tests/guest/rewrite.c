// SPDX-License-Identifier: GPL-2.0-only
/*
 * A system call instruction that the kernel has rewritten does what it did: every kind of
 * neighbour, what a call preserves, code that lands inside a site, the vDSO, and a GS base of the
 * program's own. Much of it is x86_64's alone; rewrite-arm64.c has what is aarch64's.
 */
#include "rewrite.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <sys/auxv.h>

#ifndef __aarch64__
enum { PID, PPID, NOSYS };			/* the result in rax; none: rax is something else */
enum { ANY = -1, RED0 = -2, XMM0 = -3 };	/* rcx behind the site, if not a number */
#define CHANGES_RED0 (1 << 15)
#define NEEDS_AVX (1 << 16)

asm(".section .data.rel, \"aw\"; .p2align 3\n"
    "rw_word: .quad 0x1234567\n"
    "rw_nr: .long 39; .long 0\n"
    "rw_target: .quad rw_one\n"
    ".text\n"
    "rw_two: mov $2, %ecx; ret\n"
    "rw_one: mov $1, %ecx; ret\n");

#define IF(jump) jump " 9f; mov $1, %ecx; ret; 9: mov $2, %ecx; ret"
#define LOWER "lea -8(%rsp), %rsp; "

/*
 * name, before the number is set, behind the syscall, registers changed, flags kept, these set: rcx
 * is 2 else 1, rcx
 */
#define NEIGHBOURS(X)										\
	X(cmp, "", "cmp $-4095, %rax; jae 9f; mov $1, %ecx; ret; 9: mov $2, %ecx; ret", 0, 0, 0, 1)	\
	X(cmp_short, "", "cmp $-1, %eax; je 9f; mov $1, %ecx; ret; 9: mov $2, %ecx; ret", 0, 0, 0, 1)	\
	X(test, "", "test %rax, %rax; js 9f; mov $1, %ecx; ret; 9: mov $2, %ecx; ret", 0, 0, 0, 1)	\
	X(test_short, "", "test %eax, %eax; jns 9f; mov $1, %ecx; ret; 9: mov $2, %ecx; ret", 0, 0, 0, 2)	\
	X(ret, "", "ret; nop; nop; nop", 0, STATUS, 0, ANY)					\
	X(ret_int3, "", "ret; int3; int3; int3", 0, STATUS, 0, ANY)				\
	X(ret_bad, "", "ret; .byte 0x06, 0x06, 0x06", 0, STATUS, 0, ANY)			\
	X(ret_pop, "", "ret $0; nop; nop; nop", 0, STATUS, 0, ANY)				\
	X(jz, "", IF("jz"), 0, STATUS, ZF, 0)							\
	X(jc, "", IF("jc"), 0, STATUS, CF, 0)							\
	X(jo, "", IF("jo"), 0, STATUS, OF, 0)							\
	X(js, "", IF("js"), 0, STATUS, SF, 0)							\
	X(jp, "", IF("jp"), 0, STATUS, PF, 0)							\
	X(jbe, "", IF("jbe"), 0, STATUS, CF | ZF, 0)						\
	X(jz_near, "", ".byte 0x0f, 0x84; .long 9f - . - 4; mov $1, %ecx; ret; 9: mov $2, %ecx; ret", 0, STATUS, ZF, 0)	\
	X(jz_back, "", "jz rw_two; mov $1, %ecx; ret", 0, STATUS, ZF, 0)			\
	X(jz_two, "", "jz 9f; jc 8f; jmp rw_one; 8: 9: mov $2, %ecx; ret", 0, STATUS, CF | ZF, 0)	\
	X(jmp, "", "jmp 9f; ud2; 9: mov $1, %ecx; ret", 0, STATUS, 0, 1)			\
	X(jmp_near, "", ".byte 0xe9; .long 9f - . - 4; ud2; 9: mov $1, %ecx; ret", 0, STATUS, 0, 1)	\
	X(jmp_back, "", "jmp rw_one; nop; nop; nop", 0, STATUS, 0, 1)				\
	X(jmp_word, "", "jmp *rw_target(%rip)", 0, STATUS, 0, 1)				\
	X(jmp_reg, "", "lea rw_one(%rip), %r11; jmp *%r11", 0, STATUS, 0, 1)			\
	X(call, "", "call rw_one; ret", CHANGES_RED0, STATUS, 0, 1)				\
	X(load, "", "mov rw_word(%rip), %rcx; ret", 0, STATUS, 0, 0x1234567)			\
	X(load_cmp, "", "cmpl $0x1234567, rw_word(%rip); mov $1, %ecx; je 9f; mov $2, %ecx; 9: ret", 0, 0, 0, 1)	\
	X(load_imul, "", "imul $3, rw_word(%rip), %ecx; ret", 0, 0, 0, 3 * 0x1234567)		\
	X(lea, "", "lea rw_word(%rip), %rcx; mov (%rcx), %rcx; ret", 0, STATUS, 0, 0x1234567)	\
	X(pop, LOWER, "pop %rcx; ret; nop; nop", 0, STATUS, 0, RED0)				\
	X(pop_two, LOWER LOWER, "pop %rcx; pop %rcx; ret; nop", 0, STATUS, 0, RED0)		\
	X(add_rsp, LOWER, "add $8, %rsp; ret", 0, 0, 0, ANY)					\
	X(mov_far, "", "mov %rax, %rcx; mov $1, %ecx; ret", 0, STATUS, 0, 1)			\
	X(mov_short, "", "mov %eax, %ecx; mov $1, %ecx; ret", 0, STATUS, 0, 1)			\
	X(mov_short_ret, "", "mov %edi, %ecx; ret; nop", 0, STATUS, 0, 39)			\
	X(nops, "", "nop; nop; nop; mov $1, %ecx; ret", 0, STATUS, 0, 1)			\
	X(xchg, "", "xchg %eax, %ecx; xchg %eax, %ecx; nop; mov $1, %ecx; ret", 0, STATUS, 0, 1)	\
	X(flags, "", "lahf; sahf; cmc; cmc; xor %eax, %eax; or $39, %eax; mov %eax, %ecx; syscall; mov $1, %ecx; ret",	\
	  0, 0, 0, 1)										\
	X(movd, "", "movd %xmm0, %ecx; ret", 0, STATUS, 0, XMM0)				\
	X(vmovd, "", "vmovd %xmm0, %ecx; ret", NEEDS_AVX, STATUS, 0, XMM0)			\
	X(endbr, "", "endbr64; mov $1, %ecx; ret", 0, STATUS, 0, 1)				\
	X(cmov, "", "cmovzl rw_nr(%rip), %ecx; jz 9f; mov $1, %ecx; ret; 9: sub $37, %ecx; ret", 0, 0, ZF, 0)

#define ASM_B(name, before, after, ...) "n_b_" #name ": " before "mov $39, %eax; syscall; " after "\n.p2align 5, 0xcc\n"
#define ASM_A(name, before, after, ...) "n_a_" #name ": " before "mov %edi, %eax; syscall; " after "\n.p2align 5, 0xcc\n"
#define FN_B(name, ...) extern long n_b_##name();
#define FN_A(name, ...) extern long n_a_##name();
#define ROW_B(name, before, after, ...) { "mov $nr; syscall; " #name, n_b_##name, PID, __VA_ARGS__ },
#define ROW_A(name, before, after, ...) { "mov %edi; syscall; " #name, n_a_##name, PID, __VA_ARGS__ },

/* name, all of it, the result, registers changed, flags kept, -, rcx */
#define SETTERS(X)										\
	X(mov64, "mov $39, %rax; syscall; ret", PID, 0, STATUS, 0, ANY)				\
	X(movabs, "movabs $39, %rax; syscall; ret; nop; nop", PID, 0, STATUS, 0, ANY)		\
	X(upper_half, "movabs $0x7eadbeef00000027, %rax; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(minus, "movabs $0xdeadbeef00000027, %rax; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(mov_al, "xor %eax, %eax; mov $39, %al; syscall; mov $1, %ecx; ret", PID, 0, 0, 0, 1)	\
	X(load_nr, "mov rw_nr(%rip), %eax; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(nop_between, "mov $39, %eax; nop; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(copy_between, "mov $39, %eax; mov %rcx, %r11; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(no_call, "mov $1000, %eax; syscall; mov $1, %ecx; ret", NOSYS, 0, STATUS, 0, 1)	\
	X(call_minus_1, "mov $-1, %eax; syscall; mov $1, %ecx; ret", NOSYS, 0, STATUS, 0, 1)	\
	X(call_minus_2, "mov $-2, %rax; syscall; mov $1, %ecx; ret", NOSYS, 0, STATUS, 0, 1)	\
	/* These end in the bytes of mov $39,%eax and are something else. */			\
	X(is_r8, "mov $110, %eax; mov $39, %r8d; syscall; mov $1, %ecx; ret", PPID, 1 << R8, STATUS, 0, 1)	\
	X(is_movabs, "mov $110, %eax; movabs $0x27b8000000, %rcx; syscall; mov $1, %ecx; ret", PPID, 0, STATUS, 0, 1)	\
	X(is_lea, "mov $110, %eax; .byte 0x48, 0x8d, 0xb8, 0x27, 0, 0, 0; syscall; mov $1, %ecx; ret", \
	  PPID, 1 << RDI, STATUS, 0, 1)								\
	X(is_c7, "mov $110, %eax; .byte 0xb1, 0x48, 0xc7, 0xc0, 0x27, 0, 0, 0; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	/* Neighbours that are system calls themselves. */					\
	X(two, "mov %edi, %eax; syscall; mov $110, %eax; syscall; mov $1, %ecx; ret", PPID, 0, STATUS, 0, 1)	\
	X(two_of_two, "mov $110, %eax; syscall; mov %edi, %eax; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(three, "mov %edi, %eax; syscall; mov %edi, %eax; syscall; mov %edi, %eax; syscall; ret; nop; nop", PID, 0, STATUS, 0, ANY)	\
	X(close, "mov $1000, %eax; syscall; syscall; mov $39, %eax; syscall; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(loops, "mov $9, %esi; 1: mov %edi, %eax; syscall; dec %esi; jnz 1b; mov $1, %ecx; ret", PID, 1 << RSI, 0, 0, 1)	\
	X(loops_b, "mov $9, %esi; 1: mov $39, %eax; syscall; dec %esi; jnz 1b; mov $1, %ecx; ret", PID, 1 << RSI, 0, 0, 1)	\
	X(loop_insn, "mov %edi, %eax; syscall; mov $3, %ecx; 1: loop 1b; mov $1, %ecx; ret", PID, 0, STATUS, 0, 1)	\
	X(jrcxz, "mov %edi, %eax; syscall; jrcxz 1f; mov $1, %ecx; 1: ret", PID, 0, STATUS, 0, 1)

#define ASM_S(name, text, ...) "s_" #name ": " text "\n.p2align 5, 0xcc\n"
#define FN_S(name, ...) extern long s_##name();
#define ROW_S(name, text, ...) { #name, s_##name, __VA_ARGS__ },

NEIGHBOURS(FN_B)
NEIGHBOURS(FN_A)
SETTERS(FN_S)
asm(".text; .p2align 5\n" NEIGHBOURS(ASM_B) NEIGHBOURS(ASM_A) SETTERS(ASM_S));

/*
 * Sites on the border of two pages: border_N has its syscall, or the mov before it, N bytes before
 * one.
 */
#define BORDER(X) X(m1, 1) X(m2, 2) X(m3, 3) X(m4, 4) X(m5, 5) X(m6, 6) X(m7, 7) X(m8, 8) X(m0, 0)
#define ASM_MB(name, n) ".p2align 12; .skip 4096 - " #n ", 0x90; border_b_" #name ": mov $39, %eax; syscall; mov $1, %ecx; ret\n"
#define ASM_MA(name, n) ".p2align 12; .skip 4096 - " #n ", 0x90; border_a_" #name ": syscall; mov %edi, %ecx; test %eax, %eax; ret\n"
#define FN_MB(name, n) extern long border_b_##name();
#define FN_MA(name, n) extern long border_a_##name();
#define ROW_MB(name, n) { "mov " #n " before a border", border_b_##name, PID, 0, STATUS, 0, 1 },
#define ROW_MA(name, n) { "syscall " #n " before a border", border_a_##name, PID, 0, 0, 0, 39 },
BORDER(FN_MB)
BORDER(FN_MA)
asm(".text\n" BORDER(ASM_MB) BORDER(ASM_MA) ".p2align 12\n");

struct site {
	const char *name;
	call_fn f;
	int result;
	unsigned int changed;
	uint64_t kept, set;
	long rcx;
};

static const struct site sites[] = {
	NEIGHBOURS(ROW_B) NEIGHBOURS(ROW_A) SETTERS(ROW_S)
}, border_sites[] = {
	BORDER(ROW_MB) BORDER(ROW_MA)
};

static void one_call(const struct site *s, unsigned int seed)
{
	long results[] = { getpid(), getppid(), -ENOSYS };
	struct regs in, out;
	uint32_t rcx;

	if (s->changed & NEEDS_AVX && !__builtin_cpu_supports("avx"))
		return;
	regs_fill(&in, seed);
	if (seed & 16)
		in.flags |= DF;
	if (seed & 32)
		in.flags |= AC;
	in.r[RDI] = in.r[RAX] = 39;
	regs_call(s->f, &in, &out);
	if (s->changed & CHANGES_RED0)
		out.red[0] = in.red[0];
	regs_same(s->name, &in, &out, s->changed & 0x7fff, s->kept | DF | AC, 16);
	if ((long)out.r[RAX] != results[s->result])
		tap_fail(__FILE__, __LINE__, "%s gives 0x%llx", s->name, (long long)out.r[RAX]);
	memcpy(&rcx, in.v[0], 4);
	if (s->rcx == ANY)
		return;
	if (s->rcx == RED0 ? out.r[RCX] != in.red[0] :
	    out.r[RCX] != (s->set ? (in.flags & s->set ? 2 : 1) : s->rcx == XMM0 ? rcx : (uint64_t)s->rcx))
		tap_fail(__FILE__, __LINE__, "%s went on with 0x%llx, flags 0x%llx", s->name, (long long)out.r[RCX],
			 (long long)in.flags);
}

static void call_sites(const struct site *s, size_t n, unsigned int rounds)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned int seed = 0; seed < rounds; seed++)
			one_call(&s[i], seed);
}

static void neighbours_and_registers(void)
{
	call_sites(sites, ARRAY_SIZE(sites), 64);
	for (unsigned int seed = 0; seed < 64; seed++)
		for (size_t i = 0; i < ARRAY_SIZE(sites); i++)
			one_call(&sites[i], seed);
}

static void borders_of_pages(void)
{
	call_sites(border_sites, ARRAY_SIZE(border_sites), 64);
}

#endif

/* A call that blocks, and so lets other tasks run, keeps the registers too. */
static void *busy(void *arg)
{
	while (!*(volatile int *)arg)
#ifdef __aarch64__
		regs_call(a_getpid, &(struct regs) { 0 }, &(struct regs) { 0 });
#else
		regs_call(n_a_cmp, &(struct regs) { .r[RDI] = 39, .flags = 0x202, .mxcsr = 0x1f80, .cw = 0x37f }, &(struct regs) { 0 });
#endif
	return NULL;
}

static void blocking_calls(void)
{
	struct timespec ms = { 0, 1000000 };
	volatile int stop = 0;
	struct regs in, out;
	pthread_t t[2];

	for (int i = 0; i < 2; i++)
		EQ(pthread_create(&t[i], NULL, busy, (void *)&stop), 0);
	for (int i = 0; i < 60; i++) {
		regs_fill(&in, i);
		in.r[R_ARG0] = (uintptr_t)&ms;
		in.r[R_ARG1] = 0;
		regs_call(i & 1 ? b_nanosleep : a_nanosleep, &in, &out);
		EQ(out.r[R_RESULT], 0);
		regs_expect(&in);
		regs_same("nanosleep", &in, &out, CALL_CHANGES, STATUS | DF, 16);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

/* Number, six arguments and the result, in both kinds of site. */
#ifdef __aarch64__
asm(".text; .p2align 5\n"
    ".globl b_mmap, a_mmap, x_read\n"
    "b_mmap: mov x8, #222; svc #0; ret\n"
    "a_mmap: mov w9, #222; mov w8, w9; svc #0x1234; ret\n"
    "x_read: mov x8, #63; svc #0; cmn x0, #4095; ret\n");
#else
asm(".text; .p2align 5\n"
    "b_mmap: mov %rcx, %r10; mov $9, %eax; syscall; ret; nop; nop\n"
    ".p2align 5\n"
    "a_mmap: mov $9, %eax; mov %rcx, %r10; syscall; ret; nop; nop\n"
    ".p2align 5\n"
    "x_read: xor %eax, %eax; syscall; cmp $-4095, %rax; ret\n");
#endif
extern long b_mmap(), a_mmap(), x_read();

static void arguments(void)
{
	char *want = map_anon(4 * 4096, MAP_PRIVATE), buf[20];
	int fd = open("f", O_RDWR | O_CREAT, 0600), p[2];

	EQ(ftruncate(fd, 16 * 4096), 0);
	for (int i = 0; i < 16; i++)
		EQ(pwrite(fd, &i, 4, i * 4096), 4);
	for (long i = 0; i < 12; i++) {
		EQ((i & 1 ? b_mmap : a_mmap)(want + 4096, 4096L, (long)PROT_READ, (long)MAP_PRIVATE | MAP_FIXED, (long)fd, i * 4096),
		   want + 4096);
		EQ(*(int *)(want + 4096), i);
	}
	EQ(a_mmap(want + 1, 4096L, 1L, (long)MAP_PRIVATE | MAP_FIXED, (long)fd, 0L), -EINVAL);
	EQ(b_mmap(want, 4096L, 1L, (long)MAP_PRIVATE, 9999L, 0L), -EBADF);
	EQ(pipe(p), 0);
	for (int i = 0; i < 20; i++) {
		EQ((i & 1 ? b_write : a_write)((long)p[1], "hello", 5L), 5);
		EQ(x_read((long)p[0], buf, (long)sizeof(buf)), 5);
		CHECK(!memcmp(buf, "hello", 5));
		EQ(x_read(-1L, buf, 1L), -EBADF);
	}
}

#ifndef __aarch64__
/*
 * Landing: land(eax, edx, where) jumps into a site with these in the registers and the carry flag
 * clear. What comes behind the call gives eax, 1000 more if the carry is set, with the lower half
 * of edx above it.
 */
asm(".text; .p2align 5\n"
    "land: mov %rdx, %rcx; mov %edi, %eax; mov %esi, %edx; clc; jmp *%rcx\n"
    "land_end: sbb %ecx, %ecx; and $1000, %ecx; add %ecx, %eax; shl $32, %rdx; or %rdx, %rax; ret\n");
long land(long eax, long edx, const void *where);

#define LAND(n)									\
	".p2align 5; .globl l1_" #n ", l2_" #n ", l3_" #n ", l4_" #n ", l5_" #n ", l6_" #n "\n"	\
	"nop; l1_" #n ": mov $39, %ecx; mov %ecx, %eax; syscall; stc; xchg %eax, %edx; cmc; jmp land_end; int3\n"	\
	".p2align 5; l2_" #n ": mov $39, %ecx; mov %ecx, %eax; syscall; xor %eax, %edx; stc; jmp land_end; int3\n"	\
	".p2align 5; l3_" #n ": mov $39, %ecx; mov %ecx, %eax; syscall; xor $0x12345678, %eax; jmp land_end; int3\n"	\
	".p2align 5; l4_" #n ": mov $39, %eax; syscall; xchg %eax, %edx; stc; jmp land_end; int3\n"	\
	".p2align 5; l5_" #n ": mov $39, %ecx; mov %ecx, %eax; syscall; ret; mov $5, %eax; ret; int3\n"	\
	".p2align 5; l6_" #n ": mov $39, %ecx; mov %ecx, %eax; syscall; mov $110, %eax; syscall; ret; mov $7, %eax; ret; int3\n"	\
	".p2align 5; int3\n"
asm(LAND(0) LAND(1) LAND(2) LAND(3));

#define LAND_C(n) extern char l1_##n[], l2_##n[], l3_##n[], l4_##n[], l5_##n[], l6_##n[];
LAND_C(0) LAND_C(1) LAND_C(2) LAND_C(3)

static char *const landings[4][6] = {
	{ l1_0, l2_0, l3_0, l4_0, l5_0, l6_0 }, { l1_1, l2_1, l3_1, l4_1, l5_1, l6_1 },
	{ l1_2, l2_2, l3_2, l4_2, l5_2, l6_2 }, { l1_3, l2_3, l3_3, l4_3, l5_3, l6_3 },
};

static long both(uint32_t eax, uint32_t edx)
{
	return eax | (uint64_t)edx << 32;
}

/* The syscall is seven bytes from the start, in l4 five. */
static void land_1(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), both(5, getpid())); break;
	case 7: EQ(land(SYS_getppid, 5, l + 7), both(5, getppid())); break;
	case 9: EQ(land(70, 5, l + 9), both(5, 70)); break;
	case 10: EQ(land(70, 5, l + 10), both(1005, 70)); break;
	case 11: EQ(land(70, 5, l + 11), both(1070, 5)); break;
	case 12: EQ(land(70, 5, l + 12), both(70, 5)); break;
	}
}

static void land_2(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), both(getpid() + 1000, 5 ^ getpid())); break;
	case 7: EQ(land(SYS_getppid, 5, l + 7), both(getppid() + 1000, 5 ^ getppid())); break;
	case 9: EQ(land(70, 5, l + 9), both(1070, 5 ^ 70)); break;
	case 11: EQ(land(70, 5, l + 11), both(1070, 5)); break;
	case 12: EQ(land(70, 5, l + 12), both(70, 5)); break;
	}
}

static void land_3(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), both(getpid() ^ 0x12345678, 5)); break;
	case 7: EQ(land(SYS_getppid, 5, l + 7), both(getppid() ^ 0x12345678, 5)); break;
	case 9: EQ(land(70, 5, l + 9), both(70 ^ 0x12345678, 5)); break;
	}
}

static void land_4(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), both(1005, getpid())); break;
	case 5: EQ(land(SYS_getppid, 5, l + 5), both(1005, getppid())); break;
	case 7: EQ(land(70, 5, l + 7), both(1005, 70)); break;
	case 8: EQ(land(70, 5, l + 8), both(1070, 5)); break;
	case 9: EQ(land(70, 5, l + 9), both(70, 5)); break;
	}
}

static void land_5(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), getpid()); break;
	case 7: EQ(land(SYS_getppid, 5, l + 7), getppid()); break;
	case 9: EQ(land(70, 5, l + 9), 70); break;
	case 10: EQ(land(70, 5, l + 10), 5); break;
	}
}

static void land_6(char *l, int off)
{
	switch (off) {
	case 0: EQ(land(0, 5, l), getppid()); break;
	case 7: EQ(land(1000, 5, l + 7), getppid()); break;
	case 9: EQ(land(70, 5, l + 9), getppid()); break;
	case 14: EQ(land(SYS_getpid, 5, l + 14), getpid()); break;
	case 16: EQ(land(70, 5, l + 16), 70); break;
	case 17: EQ(land(70, 5, l + 17), 7); break;
	}
}

static void (*const land_in[])(char *, int) = { land_1, land_2, land_3, land_4, land_5, land_6 };

static void landing(void)
{
	static const int first[] = { 0, 9, 7, 12 };

	for (int copy = 0; copy < 4; copy++)
		for (int k = 0; k < 6; k++) {
			char *l = landings[copy][k];

			for (int i = 0; i < WARM; i++)
				land_in[k](l, first[copy]);
			for (int i = 0; i < 300; i++)
				land_in[k](l, i % 18);
		}
}

/* The same from several threads, while the site is new. */
asm(LAND(4));
LAND_C(4)
static pthread_barrier_t barrier;

static void *land_thread(void *arg)
{
	static char *const l[] = { l1_4, l2_4, l3_4, l4_4, l5_4, l6_4 };

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < 3000; i++)
		land_in[i % 6](l[i % 6], (i / 6 * 7 + (long)arg) % 18);
	return NULL;
}

static void landing_of_threads(void)
{
	pthread_t t[4];

	EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, land_thread, (void *)(i * 5)), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
}

/*
 * Alignment checks are for the program's accesses, not for those that a call makes with these
 * pointers.
 */
asm(".text; .p2align 5\n"
    "ac_b: pushfq; orl $0x40000, (%rsp); popfq; mov $1, %eax; syscall; pushfq; pop %rcx; mov %ecx, %r11d; and $0x40000, %r11d\n"
    "andl $~0x40000, %ecx; push %rcx; popfq; shl $32, %r11; or %r11, %rax; ret\n"
    ".p2align 5\n"
    "ac_a: pushfq; orl $0x40000, (%rsp); popfq; mov $1, %eax; nop; syscall; pushfq; pop %rcx; mov %ecx, %r11d; and $0x40000, %r11d\n"
    "andl $~0x40000, %ecx; push %rcx; popfq; shl $32, %r11; or %r11, %rax; ret\n");
extern long ac_b(), ac_a();

static void alignment_check_flag(void)
{
	char buf[64] __attribute__((aligned(16))) = "0123456789abcdefghijklmnopqrstuvwxyz", got[64];
	int p[2];

	EQ(pipe(p), 0);
	for (int i = 0; i < 20; i++)
		for (long n = 1; n < 20; n += 3) {
			EQ((i & 1 ? ac_b : ac_a)((long)p[1], buf + n, n), n | (long)AC << 32);
			EQ(read(p[0], got + 1, sizeof(got) - 1), n);
			CHECK(!memcmp(got + 1, buf + n, n));
		}
}

/* AVX-512 has registers that regs_call() does not load. */
static void wide_registers(void)
{
	unsigned char in[3][64], out[3][64];
	struct timespec ms = { 0, 1000000 };
	unsigned long k;

	if (!__builtin_cpu_supports("avx512f"))
		SKIP("no AVX-512");
	for (int i = 0; i < 60; i++) {
		register call_fn f asm("r12") = i % 4 == 0 ? b_getpid : i % 4 == 1 ? a_getpid : i % 4 == 2 ? b_nanosleep : a_nanosleep;

		for (int j = 0; j < 192; j++)
			in[j / 64][j % 64] = i * 5 + j;
		asm volatile("vmovdqu64 (%[in]), %%zmm1; vmovdqu64 64(%[in]), %%zmm17; vmovdqu64 128(%[in]), %%zmm31\n"
			     "mov $0x6b5a, %%eax; kmovw %%eax, %%k3\n"
			     "sub $128, %%rsp; mov %[ts], %%rdi; xor %%esi, %%esi; call *%[f]; add $128, %%rsp\n"
			     "vmovdqu64 %%zmm1, (%[out]); vmovdqu64 %%zmm17, 64(%[out]); vmovdqu64 %%zmm31, 128(%[out])\n"
			     "kmovw %%k3, %%eax; vzeroupper"
			     : "=&a" (k) : [in] "r" (in), [out] "r" (out), [f] "r" (f), [ts] "r" (&ms)
			     : "rcx", "rdx", "rdi", "rsi", "r8", "r9", "r10", "r11", "memory", "cc", "xmm1");
		EQ(k, 0x6b5a);
		CHECK(!memcmp(in, out, sizeof(in)));
	}
}

static void x87_stack(void)
{
	for (int i = 0; i < 20; i++) {
		double a = i, b = 3 * i + 0.5, x, y;

		asm volatile("fldl %2; fldl %3; sub $128, %%rsp; call *%4; add $128, %%rsp; fstpl %0; fstpl %1"
			     : "=m" (x), "=m" (y) : "m" (a), "m" (b), "b" (i & 1 ? b_getpid : a_getpid)
			     : "rax", "rcx", "r10", "r11", "memory", "cc");
		CHECK(x == b && y == a);
	}
}

#endif

static void vdso(void)
{
	struct timespec a, b, c;

	for (int i = 0; i < 50; i++) {
		EQ(clock_gettime(CLOCK_MONOTONIC, &a), 0);
		EQ(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &b), 0);
		EQ(clock_gettime(CLOCK_MONOTONIC, &c), 0);
		CHECK(a.tv_sec < b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec <= b.tv_nsec));
		CHECK(b.tv_sec < c.tv_sec || (b.tv_sec == c.tv_sec && b.tv_nsec <= c.tv_nsec));
		/* One that the vDSO makes a system call for. */
		EQ(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a), 0);
		EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b), 0);
		CHECK(time(NULL) > 1000000000);
		CHECK(sched_getcpu() >= 0 && sched_getcpu() < 4096);
	}
}

#ifndef __aarch64__
static sigjmp_buf no_vsyscall;

static void jump_back(int sig)
{
	siglongjmp(no_vsyscall, sig);
}

/* The host's page, which is in no guest's maps: it calls the host, and that makes a trap of it. */
static void vsyscall(void)
{
	long (*vtime)(long *) = (void *)0xffffffffff600400;
	long a, t, b;

	signal(SIGSEGV, jump_back);
	if (sigsetjmp(no_vsyscall, 1))
		SKIP("the host has no vsyscall page");
	for (int i = 0; i < 10; i++) {
		a = time(NULL);
		t = vtime(NULL);
		b = time(NULL);
		CHECK(a <= t + 1 && t <= b + 1);
	}
}

enum { SET_GS = 0x1001, GET_FS = 0x1003, GET_GS };

static unsigned long gs_base(void)
{
	unsigned long v = 1;

	EQ(syscall(SYS_arch_prctl, GET_GS, &v), 0);
	return v;
}

static unsigned long gs_word(void)
{
	unsigned long v;

	asm volatile("mov %%gs:0, %0" : "=r" (v));
	return v;
}

static void use_sites(int n)
{
	for (int i = 0; i < n; i++) {
		one_call(&sites[i % ARRAY_SIZE(sites)], i & 31);
		EQ(b_getpid(), getpid());
		EQ(a_getpid(), getpid());
	}
}

static void *gs_thread(void *arg)
{
	unsigned long word = (unsigned long)arg;

	EQ(syscall(SYS_arch_prctl, SET_GS, &word), 0);
	for (int i = 0; i < 300; i++) {
		EQ(b_gettid(), a_gettid());
		EQ(gs_word(), arg);
		if (!(i % 16))
			sched_yield();
	}
	EQ(gs_base(), &word);
	return NULL;
}

static volatile int gs_hits, gs_bad;
static unsigned long the_word = 0xabcdef;

static void gs_handler(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si, (void)uc;
	gs_hits++;
	gs_bad += gs_word() != the_word;
	b_getppid();
	a_getppid();
	gs_bad += gs_word() != the_word;
}

static void gs_base_of_its_own(void)
{
	struct itimerval tick = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };
	unsigned long words[2] = { 11, 22 };
	pthread_t t[4];
	pid_t pid;

	EQ(gs_base(), 0);
	use_sites(100);
	EQ(gs_base(), 0);
	EQ(syscall(SYS_arch_prctl, SET_GS, &words[1]), 0);
	EQ(gs_base(), &words[1]);
	EQ(gs_word(), 22);
	use_sites(300);
	EQ(gs_word(), 22);
	for (int i = 0; i < 20; i++) {
		EQ(syscall(SYS_arch_prctl, SET_GS, &words[i & 1]), 0);
		EQ(b_getppid(), a_getppid());
		EQ(gs_word(), words[i & 1]);
	}
	for (long i = 0; i < 4; i++)
		EQ(pthread_create(&t[i], NULL, gs_thread, (void *)(i + 100)), 0);
	for (int i = 0; i < 4; i++)
		EQ(pthread_join(t[i], NULL), 0);
	EQ(gs_word(), 22);
	pid = FORK();
	if (!pid) {
		EQ(gs_word(), 22);
		use_sites(50);
		EQ(gs_base(), &words[1]);
		EQ(syscall(SYS_arch_prctl, SET_GS, 0L), 0);
		use_sites(50);
		EQ(gs_base(), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(syscall(SYS_arch_prctl, SET_GS, &the_word), 0);
	on_signal(SIGALRM, gs_handler, SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &tick, NULL), 0);
	while (gs_hits < 50)
		use_sites(20);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	EQ(gs_bad, 0);
	EQ(syscall(SYS_arch_prctl, SET_GS, 0L), 0);
	EQ(gs_base(), 0);
	use_sites(100);
	FAILS(syscall(SYS_arch_prctl, SET_GS, 0xffff800000001000), EPERM);
	use_sites(100);
	EQ(gs_base(), 0);
}

/* The same by the instructions, where the kernel says that they may be used. */
static void gs_instructions(void)
{
	unsigned long word = 77, v;

	if (!(getauxval(AT_HWCAP2) & 2))
		SKIP("no FSGSBASE");
	for (int i = 0; i < 20; i++) {
		asm volatile("wrgsbase %0" :: "r" (&word) : "memory");
		use_sites(10);
		EQ(gs_word(), 77);
		asm volatile("rdgsbase %0" : "=r" (v));
		EQ(v, &word);
		EQ(gs_base(), &word);
		asm volatile("wrgsbase %0" :: "r" (0L));
		use_sites(10);
		EQ(gs_base(), 0);
	}
}

/* How far below a GS base the gate reads: GATE_DISTANCE of the port's asm/gate.h. */
#define GATE_DISTANCE 0x82000000000UL

static void *map_at(unsigned long addr)
{
	void *p = mmap((void *)addr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	EQ(p, (void *)addr);
	return p;
}

/* A base by which the gate reads memory of the program's own, which says nothing to it. */
static void gs_base_that_the_gate_can_read(void)
{
	unsigned long *there = map_at(0x100000000000), *word = map_at(0x100000000000 + GATE_DISTANCE);

	use_sites(100);
	*word = 99;
	for (int fill = 0; fill < 3; fill++) {
		for (int i = 0; i < 4; i++)
			there[i] = fill == 2 ? (unsigned long)there : -(unsigned long)fill;
		EQ(syscall(SYS_arch_prctl, SET_GS, word), 0);
		use_sites(20);
		EQ(gs_word(), 99);
		EQ(gs_base(), word);
		for (int i = 0; i < 4; i++)
			EQ(there[i], fill == 2 ? (unsigned long)there : -(unsigned long)fill);
		EQ(syscall(SYS_arch_prctl, SET_GS, 0L), 0);
		use_sites(20);
	}
}

static volatile unsigned long fault_address;

static void note_address(int sig, siginfo_t *si, void *uc)
{
	ucontext_t *u = uc;

	(void)sig;
	fault_address = (unsigned long)si->si_addr;
	u->uc_mcontext.gregs[REG_RIP] = u->uc_mcontext.gregs[REG_RBX];
}

/* The address of a fault by GS. */
static unsigned long gs_fault(unsigned long at)
{
	fault_address = 1;
	asm volatile("lea 1f(%%rip), %%rbx\n\tmov %%gs:(%0), %%rax\n1:" : : "r" (at) : "rax", "rbx", "memory");
	return fault_address;
}

static unsigned long gs_load(unsigned long at)
{
	unsigned long v;

	asm volatile("mov %%gs:(%1), %0" : "=r" (v) : "r" (at) : "memory");
	return v;
}

/* Who has no base has base 0, and may use it. */
static void gs_without_a_base(void)
{
	unsigned long *low = map_at(0x200000);
	pthread_t t;
	pid_t pid;

	use_sites(100);
	low[3] = 4711;
	on_signal(SIGSEGV, note_address, 0);
	EQ(gs_load((unsigned long)&low[3]), 4711);
	asm volatile("movq $12, %%gs:(%0)" : : "r" (&low[4]) : "memory");
	EQ(low[4], 12);
	use_sites(100);
	EQ(gs_base(), 0);
	EQ(gs_fault(0x28), 0x28);
	EQ(gs_load((unsigned long)&low[3]), 4711);
	pid = FORK();
	if (!pid) {
		EQ(gs_load((unsigned long)&low[3]), 4711);
		use_sites(100);
		EQ(gs_base(), 0);
		_exit(0);
	}
	CHILD_OK(pid);
	EQ(syscall(SYS_arch_prctl, SET_GS, 0L), 0);
	use_sites(100);
	EQ(gs_fault(0x30), 0x30);
	EQ(gs_load((unsigned long)&low[3]), 4711);
	EQ(pthread_create(&t, NULL, gs_thread, (void *)100L), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(gs_base(), 0);
}

#endif

static int reader_pipe[2];
static volatile long reader_tid;

static void *reader(void *arg)
{
	call_fn f = (call_fn)(uintptr_t)arg;
	char c;

	warm(f);
	reader_tid = a_gettid();
	EQ(f((long)reader_pipe[0], &c, 1L), 1);
	return NULL;
}

/* What /proc says of a thread that sleeps in a call. */
static void proc_syscall(void)
{
	call_fn kinds[] = { b_read, a_read };

	if (access("/proc/self/syscall", R_OK))
		SKIP("no /proc/PID/syscall");
	for (int k = 0; k < 2; k++) {
		unsigned long nr, a[6], sp, pc;
		char path[64], text[256];
		pthread_t t;

		EQ(pipe(reader_pipe), 0);
		reader_tid = 0;
		EQ(pthread_create(&t, NULL, reader, (void *)(uintptr_t)kinds[k]), 0);
		SOON(reader_tid);
		snprintf(path, sizeof(path), "/proc/self/task/%ld/syscall", reader_tid);
		SOON(slurp(path, text, sizeof(text)) > 20 &&
		     sscanf(text, "%lu %lx %lx %lx %lx %lx %lx %lx %lx", &nr, a, a + 1, a + 2, a + 3, a + 4, a + 5, &sp, &pc) == 9 &&
		     nr == SYS_read && a[0] == (unsigned long)reader_pipe[0]);
		EQ(a[2], 1);
		EQ(pc, at_of(kinds[k]) + CALL_LEN);
		CHECK(sp - a[1] < 65536 || a[1] - sp < 65536);
		EQ(write(reader_pipe[1], "x", 1), 1);
		EQ(pthread_join(t, NULL), 0);
	}
}

static volatile int spinning;

static void *spinner(void *arg)
{
	reader_tid = a_gettid();
	while (spinning)
		;
	return arg;
}

/* And of one that runs, and has made a call before. */
static void proc_syscall_of_user_code(void)
{
	char path[64], text[256];
	pthread_t t;

	if (access("/proc/self/syscall", R_OK))
		SKIP("no /proc/PID/syscall");
	reader_tid = 0;
	spinning = 1;
	EQ(pthread_create(&t, NULL, spinner, NULL), 0);
	SOON(reader_tid);
	snprintf(path, sizeof(path), "/proc/self/task/%ld/syscall", reader_tid);
	for (int i = 0; i < 200; i++) {
		CHECK(slurp(path, text, sizeof(text)) > 0);
		if (strncmp(text, "-1 ", 3) && strcmp(text, "running\n"))
			tap_fail(__FILE__, __LINE__, "%s", text);
		if (i % 20 == 0)
			sleep_ms(1);
	}
	spinning = 0;
	EQ(pthread_join(t, NULL), 0);
}

#ifdef __aarch64__
#define X86_ONLY(name) static void name(void) { SKIP("x86_64 only"); }
X86_ONLY(neighbours_and_registers)
X86_ONLY(borders_of_pages)
X86_ONLY(landing)
X86_ONLY(landing_of_threads)
X86_ONLY(alignment_check_flag)
X86_ONLY(wide_registers)
X86_ONLY(x87_stack)
X86_ONLY(vsyscall)
X86_ONLY(gs_base_of_its_own)
X86_ONLY(gs_instructions)
X86_ONLY(gs_base_that_the_gate_can_read)
X86_ONLY(gs_without_a_base)
#endif

static const struct test tests[] = {
	T(neighbours_and_registers), T(borders_of_pages), T(blocking_calls), T(arguments), T(landing), T(landing_of_threads),
	T(alignment_check_flag), T(wide_registers), T(x87_stack), T(vdso), T(vsyscall), T(gs_base_of_its_own), T(gs_instructions),
	T(gs_base_that_the_gate_can_read), T(gs_without_a_base),
	T(proc_syscall), T(proc_syscall_of_user_code),
};
MAIN(tests)
