/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System call instructions of the tests' own text, for tests of a kernel that may rewrite them.
 *
 * Each call is there twice, as a C function that gives the raw result: b_NAME has mov $nr,%eax
 * right before its syscall, so that that one can be replaced; a_NAME has another instruction
 * between the two, so that only syscall and what follows can. NAME_at is the address of the syscall
 * instruction; FN_LEN bytes make a function. (aarch64 replaces svc alone, and has the two for what
 * is around it.)
 */
#ifndef REWRITE_H
#define REWRITE_H
#include "tap.h"
#include <sys/auxv.h>
#include <ucontext.h>

#define WARM 5		/* so many calls first: from then on what was rewritten is what runs */

#define EACH16(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)

#ifdef __aarch64__
#define FN_LEN 16
#define AT 8		/* offset of svc in both */
#define CALL_LEN 4

/* No poll: it is ppoll() with a signal mask of NULL, which takes its time as a structure. */
#define CALLS(X)										\
	X(read, 63) X(write, 64) X(ppoll, 73) X(nanosleep, 101) X(getpid, 172) X(clone, 220) X(execve, 221)	\
	X(wait4, 260) X(kill, 129) X(getppid, 173) X(gettid, 178) X(futex, 98) X(tgkill, 131)

/* Linux does not look at svc's own number. */
#define CALL_ASM(name, nr)									\
	asm(".text; .p2align 4\n"								\
	    ".globl b_" #name ", b_" #name "_at, a_" #name ", a_" #name "_at\n"			\
	    ".type b_" #name ", %function; .type a_" #name ", %function\n"			\
	    "b_" #name ": nop; mov x8, #" #nr "\n"						\
	    "b_" #name "_at: svc #0; ret\n"							\
	    "a_" #name ": mov w8, #" #nr "; add x8, x8, xzr\n"					\
	    "a_" #name "_at: svc #0x1234; ret\n");
#define CALL_C(name, nr)									\
	extern long b_##name(), a_##name();							\
	extern char b_##name##_at[], a_##name##_at[];
CALLS(CALL_C)
CALLS(CALL_ASM)

/* fork(), which is a clone(SIGCHLD), with its svc where the others have theirs. */
asm(".text; .p2align 4\n"
    ".globl b_fork, b_fork_at, a_fork, a_fork_at; .type b_fork, %function; .type a_fork, %function\n"
    "1: mov x1, #0; mov x2, #0; mov x3, #0; mov x4, #0; mov x0, #17; mov x8, #220; br x9\n"
    ".p2align 4; b_fork: adr x9, b_fork_at; b 1b\n"
    "b_fork_at: svc #0; ret\n"
    ".p2align 4; a_fork: adr x9, a_fork_at; b 1b\n"
    "a_fork_at: svc #0xffff; ret\n");
extern long b_fork(), a_fork();
extern char b_fork_at[], a_fork_at[];

typedef long (*call_fn)();

static inline char *at_of(call_fn f)
{
	return (char *)(uintptr_t)f + AT;
}

static inline int starts_insn(call_fn f, uintptr_t ip)
{
	long off = ip - (uintptr_t)f;

	return f && off >= 0 && off < FN_LEN && !(off & 3);
}

/*
 * As for the other; NZCV are the flags, and there is nothing below the stack pointer that a signal
 * leaves alone.
 */
enum { NREGS = 31, X0 = 0, X8 = 8, X9 = 9, X30 = 30 };
enum { FV = 1 << 28, FC = 1 << 29, FZ = 1 << 30, DF = 0 };
#define STATUS 0xf0000000U

struct regs {
	uint64_t r[NREGS];
	uint64_t flags;
	uint64_t fpcr, fpsr;
	uint64_t sp, tp;
	unsigned char v[32][16] __attribute__((aligned(16)));
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct regs, flags) == 248 && offsetof(struct regs, fpcr) == 256 && offsetof(struct regs, v) == 288, "");

#define EACH_PAIR(op) op(0, 1) op(2, 3) op(4, 5) op(6, 7) op(8, 9) op(10, 11) op(12, 13) op(14, 15)	\
	op(16, 17) op(18, 19) op(20, 21) op(22, 23) op(24, 25) op(26, 27) op(28, 29)
#define EACH_VECTORS(op) EACH_PAIR(op) op(30, 31)
#define RC_LOADV(a, b) "ldp q" #a ", q" #b ", [x9, #16 * " #a "]\n"
#define RC_STOREV(a, b) "stp q" #a ", q" #b ", [x9, #16 * " #a "]\n"
#define RC_LOAD(a, b) "ldp x" #a ", x" #b ", [x30, #8 * " #a "]\n"
#define RC_STORE(a, b) "stp x" #a ", x" #b ", [x30, #8 * " #a "]\n"
#define RC_SAVE_C "stp x29, x30, [sp, #-224]!; mov x29, sp\n"					\
	"stp x19, x20, [sp, #16]; stp x21, x22, [sp, #32]; stp x23, x24, [sp, #48]; stp x25, x26, [sp, #64]; stp x27, x28, [sp, #80]\n" \
	"stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]; stp d12, d13, [sp, #128]; stp d14, d15, [sp, #144]; str x18, [sp, #160]\n"
#define RC_RESTORE_C										\
	"ldp x19, x20, [sp, #16]; ldp x21, x22, [sp, #32]; ldp x23, x24, [sp, #48]; ldp x25, x26, [sp, #64]; ldp x27, x28, [sp, #80]\n" \
	"ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]; ldp d14, d15, [sp, #144]; ldr x18, [sp, #160]\n" \
	"ldp x29, x30, [sp], #224; ret\n"
/* x1: struct regs; x30 becomes the same. */
#define RC_FLAGS_IN(from) "ldr x9, [" from ", #248]; msr nzcv, x9; ldr x9, [" from ", #256]; msr fpcr, x9; ldr x9, [" from ", #264]; msr fpsr, x9\n"
#define RC_FLAGS_OUT "mrs x9, nzcv; str x9, [x30, #248]; mrs x9, fpcr; str x9, [x30, #256]; mrs x9, fpsr; str x9, [x30, #264]; msr fpcr, xzr\n"
/* f is in x30's place; what it returns to is no register that can be chosen. */
asm(".text; .p2align 4; .globl regs_call; .type regs_call, %function; regs_call:\n"
    RC_SAVE_C "sub sp, sp, #48; stp x0, x2, [sp]; mov x9, sp; str x9, [sp, #24]\n"
    "add x9, x1, #288\n" EACH_VECTORS(RC_LOADV) RC_FLAGS_IN("x1")
    "mov x30, x1\n" EACH_PAIR(RC_LOAD)
    "ldr x30, [sp]; blr x30\n"
    "str x9, [sp, #32]; ldr x30, [sp, #8]\n" EACH_PAIR(RC_STORE) RC_FLAGS_OUT
    "ldr x9, [sp, #24]; mov x10, sp; sub x9, x10, x9; str x9, [x30, #272]\n"
    "add x9, x30, #288\n" EACH_VECTORS(RC_STOREV) "add sp, sp, #48\n" RC_RESTORE_C);
void regs_call(call_fn f, const struct regs *in, struct regs *out);

#define PC(uc) ((ucontext_t *)uc)->uc_mcontext.pc
#define NUMBER(uc) ((ucontext_t *)uc)->uc_mcontext.regs[8]
#define RESULT(uc) ((ucontext_t *)uc)->uc_mcontext.regs[0]
#define ARGUMENT(uc) ((ucontext_t *)uc)->uc_mcontext.regs[0]
enum { R_RESULT = 0, R_ARG0 = 0, R_ARG1 = 1, R_ARG2 = 2 };
enum { CALL_CHANGES = 1 << 8 };

static inline void regs_expect(struct regs *in)
{
	(void)in;
}

static inline void regs_fill(struct regs *r, unsigned int seed)
{
	uint64_t x = 0x9e3779b97f4a7c15 * (seed + 1);

	memset(r, 0, sizeof(*r));
	for (int i = 0; i < NREGS; i++)
		r->r[i] = x = x * 6364136223846793005 + 1442695040888963407;
	for (int i = 0; i < 32; i++)
		for (int j = 0; j < 16; j++)
			r->v[i][j] = i * 31 + j * 7 + seed;
	r->flags = (uint64_t)(seed & 15) << 28;
	r->fpcr = seed & 1 ? 2 << 22 : 0;
	r->fpsr = seed & 2 ? 1 << 27 | 1 : 0;
}

/*
 * Everything but x0, the registers in the mask and flags that are not in theirs is as before; out's
 * sp is how far it has moved.
 */
static inline void regs_same(const char *what, const struct regs *in, const struct regs *out, unsigned int changed, uint64_t flags, int red)
{
	(void)red;
	for (int i = 1; i < NREGS - 1; i++)
		if (!(changed & 1U << i) && in->r[i] != out->r[i])
			tap_fail(__FILE__, __LINE__, "%s: x%d is 0x%llx, not 0x%llx", what, i, (long long)out->r[i], (long long)in->r[i]);
	if ((in->flags ^ out->flags) & flags)
		tap_fail(__FILE__, __LINE__, "%s: flags are 0x%llx, not 0x%llx", what, (long long)out->flags, (long long)in->flags);
	if (in->sp != out->sp)
		tap_fail(__FILE__, __LINE__, "%s: sp is 0x%llx, not 0x%llx", what, (long long)out->sp, (long long)in->sp);
	if (in->fpcr != out->fpcr || in->fpsr != out->fpsr)
		tap_fail(__FILE__, __LINE__, "%s: fpcr 0x%llx, fpsr 0x%llx", what, (long long)out->fpcr, (long long)out->fpsr);
	for (int i = 0; i < 32; i++)
		if (memcmp(in->v[i], out->v[i], 16))
			tap_fail(__FILE__, __LINE__, "%s: v%d", what, i);
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);
}

#else
#define FN_LEN 13
#define AT 8		/* offset of syscall in both */
#define CALL_LEN 2	/* of syscall */

#define CALLS(X)										\
	X(read, 0) X(write, 1) X(poll, 7) X(nanosleep, 35) X(getpid, 39) X(clone, 56) X(fork, 57) X(execve, 59)	\
	X(wait4, 61) X(kill, 62) X(getppid, 110) X(gettid, 186) X(futex, 202) X(tgkill, 234)

#define CALL_ASM(name, nr)									\
	asm(".text; .p2align 4\n"								\
	    ".globl b_" #name ", b_" #name "_at, a_" #name ", a_" #name "_at\n"			\
	    ".type b_" #name ", @function; .type a_" #name ", @function\n"			\
	    "b_" #name ": mov %rcx, %r10; mov $" #nr ", %eax\n"					\
	    "b_" #name "_at: syscall; ret; nop; nop\n"						\
	    ".p2align 4\n"									\
	    "a_" #name ": mov $" #nr ", %eax; mov %rcx, %r10\n"					\
	    "a_" #name "_at: syscall; ret; nop; nop\n");
#define CALL_C(name, nr)									\
	extern long b_##name(), a_##name();							\
	extern char b_##name##_at[], a_##name##_at[];
CALLS(CALL_C)
CALLS(CALL_ASM)

typedef long (*call_fn)();

static inline char *at_of(call_fn f)
{
	return (char *)(uintptr_t)f + AT;
}

/* Is the address the start of an instruction of this function? */
static inline int starts_insn(call_fn f, uintptr_t ip)
{
	long off = ip - (uintptr_t)f;

	if (f == (call_fn)NULL || off < 0 || off >= FN_LEN)
		return 0;
	/* The first instruction of b_ is as long as the second of a_, and the other way round. */
	return off == 0 || off == AT || off >= AT + 2 || off == (*(unsigned char *)(uintptr_t)f == 0xb8 ? 5 : 3);
}

/*
 * regs_call(f, in, out): f() with all registers and status flags from in; out gets what they are
 * when it returns, with the
 * 128 bytes below its stack pointer. f finds its number in rdi, which is why in is not all random.
 */
enum { RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, NREGS };
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, TF = 256, DF = 1024, OF = 2048, AC = 1 << 18 };
#define STATUS (CF | PF | AF | ZF | SF | OF)

struct regs {
	uint64_t r[NREGS];
	uint64_t flags;
	uint64_t red[16];
	uint32_t mxcsr, cw;
	unsigned char v[16][32] __attribute__((aligned(32)));
} __attribute__((aligned(64)));

_Static_assert(offsetof(struct regs, flags) == 120 && offsetof(struct regs, red) == 128, "");
_Static_assert(offsetof(struct regs, mxcsr) == 256 && offsetof(struct regs, cw) == 260 && offsetof(struct regs, v) == 288, "");

#define RC_LOADY(n) "vmovdqa 288+32*" #n "(%rsi), %ymm" #n "\n"
#define RC_LOADX(n) "movdqa 288+32*" #n "(%rsi), %xmm" #n "\n"
#define RC_STOREY(n) "vmovdqa %ymm" #n ", 288+32*" #n "(%rax)\n"
#define RC_STOREX(n) "movdqa %xmm" #n ", 288+32*" #n "(%rax)\n"
#define RC_FILL(n) "mov 128+8*" #n "(%rsi), %rax; mov %rax, -8-8-8*" #n "(%rsp)\n"
#define RC_SAVE(n) "mov -8-8*" #n "(%rsp), %rcx; mov %rcx, 128+8*" #n "(%rax)\n"
/*
 * The stack from rsp up: f (then rax), in, out; f's own rsp is 8 bytes lower, and red[0] is 8 bytes
 * below that.
 */
#define RC(name, load, store, after)								\
	asm(".text; .p2align 4; .globl " name "; .type " name ", @function\n" name ":\n"	\
	    "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"		\
	    "push %rdx; push %rsi; push %rdi\n"							\
	    "ldmxcsr 256(%rsi); fldcw 260(%rsi)\n"						\
	    EACH16(load) EACH16(RC_FILL)							\
	    "mov 0(%rsi), %rax; mov 8(%rsi), %rbx; mov 16(%rsi), %rcx; mov 24(%rsi), %rdx; mov 40(%rsi), %rdi\n"	\
	    "mov 48(%rsi), %rbp; mov 56(%rsi), %r8; mov 64(%rsi), %r9; mov 72(%rsi), %r10; mov 80(%rsi), %r11\n"	\
	    "mov 88(%rsi), %r12; mov 96(%rsi), %r13; mov 104(%rsi), %r14; mov 112(%rsi), %r15\n"	\
	    "mov 120(%rsi), %rsi; mov %rsi, -8(%rsp); lea -8(%rsp), %rsp\n"			\
	    "mov 16(%rsp), %rsi; mov 32(%rsi), %rsi; popfq\n"					\
	    "call *(%rsp)\n"									\
	    "pushfq; mov %rax, 8(%rsp); mov 24(%rsp), %rax\n"					\
	    "mov %rbx, 8(%rax); mov %rcx, 16(%rax); mov %rdx, 24(%rax); mov %rsi, 32(%rax); mov %rdi, 40(%rax)\n"	\
	    "mov %rbp, 48(%rax); mov %r8, 56(%rax); mov %r9, 64(%rax); mov %r10, 72(%rax); mov %r11, 80(%rax)\n"	\
	    "mov %r12, 88(%rax); mov %r13, 96(%rax); mov %r14, 104(%rax); mov %r15, 112(%rax)\n"	\
	    EACH16(RC_SAVE)									\
	    "mov 8(%rsp), %rcx; mov %rcx, (%rax); pop %rcx; mov %rcx, 120(%rax)\n"		\
	    "pushq $0x202; popfq\n"								\
	    "movl $0, 260(%rax); stmxcsr 256(%rax); fnstcw 260(%rax)\n"				\
	    EACH16(store) after									\
	    "movl $0x1f80, (%rsp); ldmxcsr (%rsp); movl $0x37f, (%rsp); fldcw (%rsp)\n"		\
	    "add $24, %rsp; pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx; ret\n");
RC("regs_call_avx", RC_LOADY, RC_STOREY, "vzeroupper\n")
RC("regs_call_sse", RC_LOADX, RC_STOREX, "")
void regs_call_avx(call_fn f, const struct regs *in, struct regs *out);
void regs_call_sse(call_fn f, const struct regs *in, struct regs *out);

static inline void regs_call(call_fn f, const struct regs *in, struct regs *out)
{
	if (__builtin_cpu_supports("avx"))
		regs_call_avx(f, in, out);
	else
		regs_call_sse(f, in, out);
}

#define PC(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RIP]
#define NUMBER(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX]
#define RESULT(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RAX]
#define ARGUMENT(uc) ((ucontext_t *)uc)->uc_mcontext.gregs[REG_RDI]
enum { R_RESULT = RAX, R_ARG0 = RDI, R_ARG1 = RSI, R_ARG2 = RDX };
/*
 * What a call by these functions changes in any case: nothing else, once r10 is expected to be rcx.
 */
enum { CALL_CHANGES = 0 };

static inline void regs_expect(struct regs *in)
{
	in->r[R10] = in->r[RCX];
}

/* Patterns that differ from seed to seed. */
static inline void regs_fill(struct regs *r, unsigned int seed)
{
	uint64_t x = 0x9e3779b97f4a7c15 * (seed + 1);

	for (int i = 0; i < NREGS; i++)
		r->r[i] = x = x * 6364136223846793005 + 1442695040888963407;
	for (int i = 0; i < 16; i++)
		r->red[i] = x = x * 6364136223846793005 + 1442695040888963407;
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 32; j++)
			r->v[i][j] = i * 31 + j * 7 + seed;
	r->flags = 0x202 | (seed & 1 ? CF | OF : 0) | (seed & 2 ? ZF : 0) | (seed & 4 ? SF | AF : 0) | (seed & 8 ? PF : 0);
	r->mxcsr = seed & 1 ? 0x3f80 : 0x1f80;
	r->cw = seed & 2 ? 0x27f : 0x37f;
}

/*
 * Everything but rax, rcx, r11, the registers in the mask and flags that are not in theirs is as
 * before.
 */
static inline void regs_same(const char *what, const struct regs *in, const struct regs *out, unsigned int changed,
			     uint64_t flags, int red)
{
	int avx = __builtin_cpu_supports("avx");

	changed |= 1 << RAX | 1 << RCX | 1 << R11;
	for (int i = 0; i < NREGS; i++)
		if (!(changed & 1 << i) && in->r[i] != out->r[i])
			tap_fail(__FILE__, __LINE__, "%s: register %d is 0x%llx, not 0x%llx", what, i,
				 (long long)out->r[i], (long long)in->r[i]);
	if ((in->flags ^ out->flags) & flags)
		tap_fail(__FILE__, __LINE__, "%s: flags are 0x%llx, not 0x%llx", what, (long long)out->flags, (long long)in->flags);
	for (int i = 0; i < red; i++)
		if (in->red[i] != out->red[i])
			tap_fail(__FILE__, __LINE__, "%s: %d bytes below the stack: 0x%llx", what, i * 8 + 8, (long long)out->red[i]);
	if (in->mxcsr != out->mxcsr || in->cw != out->cw)
		tap_fail(__FILE__, __LINE__, "%s: mxcsr 0x%x, control word 0x%x", what, out->mxcsr, out->cw);
	for (int i = 0; i < 16; i++)
		if (memcmp(in->v[i], out->v[i], avx ? 32 : 16))
			tap_fail(__FILE__, __LINE__, "%s: vector register %d", what, i);
	__atomic_fetch_add(&tap_checks, 1, __ATOMIC_RELAXED);
}

#endif

/*
 * Calls f without an effect until it has been rewritten: bad arguments do, for all that take some
 * but fork and clone.
 */
static inline void warm(call_fn f)
{
	for (int i = 0; i < WARM; i++)
		f(-1L, -1L, -1L, -1L);
}

/* Text as /proc/self/maps has it, without what the kernel added for itself. */
struct range {
	uintptr_t start, end;
	unsigned long off;
	char name[64];
};

static struct range text_ranges[64];
static int text_range_n;

/* Lines of /proc/self/maps with that in them, at most n to r: how many there are. */
static inline int maps_lines(const char *what, struct range *r, int n)
{
	static char buf[1 << 18];
	int found = 0;

	slurp("/proc/self/maps", buf, sizeof(buf));
	for (char *line = buf, *end; *line; line = end + 1) {
		unsigned long a, b, off;
		int at = 0;

		end = strchr(line, '\n');
		if (!end)
			break;
		*end = 0;
		if (!strstr(line, what) || sscanf(line, "%lx-%lx %*s %lx %*s %*s %n", &a, &b, &off, &at) < 3)
			continue;
		if (found < n) {
			r[found].start = a;
			r[found].end = b;
			r[found].off = off;
			snprintf(r[found].name, sizeof(r[found].name), "%.60s", at ? line + at : "");
		}
		found++;
	}
	return found;
}

static inline int slot_areas(struct range *r, int n)
{
	return maps_lines("[kbox]", r, n);
}

static inline void note_text(void)
{
	static const char *const perms[] = { " r-xp ", " --xp ", " rwxp ", " r-xs " };

	text_range_n = 0;
	for (size_t i = 0; i < ARRAY_SIZE(perms); i++) {
		struct range r[32];
		int n = maps_lines(perms[i], r, ARRAY_SIZE(r));

		for (int j = 0; j < n && j < (int)ARRAY_SIZE(r); j++)
			if (!strstr(r[j].name, "[kbox]") && text_range_n < (int)ARRAY_SIZE(text_ranges) - 1)
				text_ranges[text_range_n++] = r[j];
	}
	/* A vDSO need not be in maps. */
	if (getauxval(AT_SYSINFO_EHDR))
		text_ranges[text_range_n++] = (struct range) { getauxval(AT_SYSINFO_EHDR), getauxval(AT_SYSINFO_EHDR) + 0x4000, 0, "" };
	CHECK(text_range_n > 1);
}

static inline int in_text(uintptr_t ip)
{
	for (int i = 0; i < text_range_n; i++)
		if (ip >= text_ranges[i].start && ip < text_ranges[i].end)
			return 1;
	return 0;
}

/* A file of code, mapped privately for execution. */
static inline int code_file(const char *name, const void *code, size_t n, size_t size)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);

	CHECK(fd >= 0);
	EQ(ftruncate(fd, size), 0);
	EQ(pwrite(fd, code, n, 0), n);
	return fd;
}

static inline void *map_code(int fd, void *where, size_t size, int flags)
{
	void *p = mmap(where, size, PROT_READ | PROT_EXEC, flags | (where ? MAP_FIXED : 0), fd, 0);

	if (p == MAP_FAILED)
		tap_fail(__FILE__, __LINE__, "mmap of code: errno %d", errno);
	return p;
}

#endif
