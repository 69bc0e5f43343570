/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System call instructions of the tests' own text, for tests of a kernel that may rewrite them.
 *
 * Each call is there twice, as a C function that gives the raw result: b_NAME has mov $nr,%eax right before
 * its syscall, so that that one can be replaced; a_NAME has another instruction between the two, so that only
 * syscall and what follows can. NAME_at is the address of the syscall instruction; FN_LEN bytes make a function.
 */
#ifndef REWRITE_H
#define REWRITE_H
#include "tap.h"
#include <sys/auxv.h>

#define FN_LEN 13
#define AT 8		/* offset of syscall in both */
#define WARM 5		/* so many calls first: from then on what was rewritten is what runs */

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

/* Calls f without an effect until it has been rewritten: bad arguments do, for all that take some but fork and clone. */
static inline void warm(call_fn f)
{
	for (int i = 0; i < WARM; i++)
		f(-1L, -1L, -1L, -1L);
}

/*
 * regs_call(f, in, out): f() with all registers and status flags from in; out gets what they are when it returns, with the
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

#define EACH16(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) op(14) op(15)
#define RC_LOADY(n) "vmovdqa 288+32*" #n "(%rsi), %ymm" #n "\n"
#define RC_LOADX(n) "movdqa 288+32*" #n "(%rsi), %xmm" #n "\n"
#define RC_STOREY(n) "vmovdqa %ymm" #n ", 288+32*" #n "(%rax)\n"
#define RC_STOREX(n) "movdqa %xmm" #n ", 288+32*" #n "(%rax)\n"
#define RC_FILL(n) "mov 128+8*" #n "(%rsi), %rax; mov %rax, -8-8-8*" #n "(%rsp)\n"
#define RC_SAVE(n) "mov -8-8*" #n "(%rsp), %rcx; mov %rcx, 128+8*" #n "(%rax)\n"
/* The stack from rsp up: f (then rax), in, out; f's own rsp is 8 bytes lower, and red[0] is 8 bytes below that. */
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

/* Everything but rax, rcx, r11, the registers in the mask and flags that are not in theirs is as before. */
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
