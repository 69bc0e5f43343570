// SPDX-License-Identifier: GPL-2.0-only
/*
 * What instructions do on x86_64 that user code may not execute, or that trap in another way: the
 * signal, where it says it was, and every register, as natively. Each is executed in anonymous
 * memory, and in the text of a file directly behind a system call, where a box has rewritten it.
 * Only what the architecture promises is in the tables.
 */
#include "tap.h"

#ifdef __aarch64__
static void none(void)
{
	SKIP("x86_64 only");
}

static const struct test tests[] = { T(none) };
#else
#include "traps.h"

enum { ANY = -1, MAY = 1, ALONE = 2 };		/* MAY: or nothing happens. ALONE: not behind a call */

/*
 * The registers with which code begins: rdx and rsp are the setup's, rax and rcx the call's, r12
 * has its number, r13 flags with TF.
 */
#define PATTERN(i) (0x1122334455660000UL + (i))
struct regs { unsigned long bx, bp, si, di, r8, r9, r10, r12, r13, r14, r15, sp; };
struct regs in_regs;
char *in_code, stack_page[PAGE * 4];
static unsigned long number = SYS_getppid, flags = 0x302;

static void collect(int sig, siginfo_t *si, void *uc)
{
	unsigned long flags_here;

	__asm__ volatile("pushfq; movq (%%rsp), %0; andl %1, (%%rsp); popfq" : "=r" (flags_here) : "i" (~0x44500) : "memory", "cc");
	seen.handler_flags = flags_here;
	seen.sig = sig;
	seen.code = si->si_code;
	seen.addr = (uintptr_t)si->si_addr;
	memcpy(&seen.m, &((ucontext_t *)uc)->uc_mcontext, sizeof(seen.m));
	siglongjmp(out, 1);
}

__asm__(".pushsection .text\n"
	"go:	movq in_regs(%rip), %rbx; movq in_regs+8(%rip), %rbp\n"
	"	movq in_regs+16(%rip), %rsi; movq in_regs+24(%rip), %rdi\n"
	"	movq in_regs+32(%rip), %r8; movq in_regs+40(%rip), %r9; movq in_regs+48(%rip), %r10\n"
	"	movq in_regs+56(%rip), %r12; movq in_regs+64(%rip), %r13\n"
	"	movq in_regs+72(%rip), %r14; movq in_regs+80(%rip), %r15; movq in_regs+88(%rip), %rsp\n"
	"	xorl %edx, %edx; xorl %ecx, %ecx; xorl %eax, %eax\n"
	"	jmp *in_code(%rip)\n"
	".popsection");
extern char go[];

static void run(char *code)
{
	in_regs = (struct regs){ PATTERN(0), PATTERN(1), PATTERN(2), PATTERN(3), PATTERN(4), PATTERN(5), PATTERN(6),
		number, flags, PATTERN(9), PATTERN(10), (unsigned long)stack_page + sizeof(stack_page) / 2 };
	in_code = code;
	memset(&seen, 0, sizeof(seen));
	if (!sigsetjmp(out, 1))
		((void (*)(void))go)();
}

struct trap {
	const char *name, *setup, *setup_end, *insn, *end;
	int sig, code, number;
	long error;
	int addr, past;		/* past: how far behind its beginning the frame's ip is */
	int flags;
};

/*
 * name, setup (rdx, rsp, flags), instruction, signal, code, trap number, error code, address, ip
 * behind it, flags
 */
#define BAD "movabsq $0x8000000000001000, %rdx\n"
#define FLAGS(f) "pushfq; orl $" #f ", (%rsp); popfq\n"
#define GP(e) SIGSEGV, SI_KERNEL, 13, e, NOWHERE, 0
#define UD SIGILL, ILL_ILLOPN, 6, 0, IP, 0
#define STEP(n) SIGTRAP, TRAP_TRACE, 1, 0, IP, n
#define PF(e) SIGSEGV, SEGV_MAPERR, 14, e, MEMORY, 0
#define NOTHING 0, 0, 0, 0, 0, 0
#define TRAPS(X)								\
	X(hlt, "", "hlt", GP(0), 0)						\
	X(cli, "", "cli", GP(0), 0)						\
	X(sti, "", "sti", GP(0), 0)						\
	X(in_dx, "", "inb %dx, %al", GP(0), 0)				\
	X(out_dx, "", "outl %eax, %dx", GP(0), 0)				\
	X(in_imm, "", "inb $0x10, %al", GP(0), 0)				\
	X(outs, "", "outsb", GP(0), 0)						\
	X(rdmsr, "", "rdmsr", GP(0), 0)						\
	X(wrmsr, "", "wrmsr", GP(0), 0)						\
	X(read_cr0, "", "movq %cr0, %rdx", GP(0), 0)				\
	X(write_cr0, "", "movq %rdx, %cr0", GP(0), 0)				\
	X(read_cr3, "", "movq %cr3, %rdx", GP(0), 0)				\
	X(write_cr4, "", "movq %rdx, %cr4", GP(0), 0)				\
	X(read_dr7, "", "movq %db7, %rdx", GP(0), 0)				\
	X(lgdt, "", "lgdt (%rsp)", GP(0), 0)					\
	X(lidt, "", "lidt (%rsp)", GP(0), 0)					\
	X(lldt, "", "lldt %dx", GP(0), 0)					\
	X(ltr, "", "ltr %dx", GP(0), 0)					\
	X(lmsw, "", "lmsw %dx", GP(0), 0)					\
	X(clts, "", "clts", GP(0), 0)						\
	X(invd, "", "invd", GP(0), 0)						\
	X(wbinvd, "", "wbinvd", GP(0), 0)					\
	X(invlpg, "", "invlpg (%rsp)", GP(0), 0)				\
	X(swapgs, "", "swapgs", GP(0), 0)					\
	X(sysretq, "", "sysretq", GP(0), 0)					\
	X(sysretl, "", "sysretl", GP(0), 0)					\
	X(sysexit, "", "sysexitl", GP(0), 0)					\
	X(xsetbv, "", "xsetbv", GP(0), 0)					\
	X(monitor, "", "monitor", UD, 0)					\
	X(mwait, "", "mwait", UD, 0)						\
	X(rsm, "", "rsm", UD, 0)						\
	X(ud0, "", ".byte 0x0f, 0xff, 0xc0", UD, 0)				\
	X(ud1, "", ".byte 0x0f, 0xb9, 0xc0", UD, 0)				\
	X(ud2, "", "ud2", UD, 0)						\
	X(ud2_rep, "", ".byte 0xf3, 0x0f, 0x0b", UD, 0)				\
	X(popa, "", ".byte 0x61", UD, 0)					\
	X(push_es, "", ".byte 0x06", UD, 0)					\
	X(daa, "", ".byte 0x27", UD, 0)						\
	X(aam, "", ".byte 0xd4, 0x0a", UD, 0)					\
	X(call_far, "", ".byte 0x9a, 0, 0, 0, 0, 0x33, 0", UD, 0)		\
	X(jmp_far, "", ".byte 0xea, 0, 0, 0, 0, 0x33, 0", UD, 0)		\
	X(into, "", ".byte 0xce", UD, 0)					\
	X(lock_nop, "", ".byte 0xf0, 0x90", UD, 0)				\
	X(lock_syscall, "", ".byte 0xf0, 0x0f, 0x05", UD, ALONE)		\
	X(int3, "", "int3", SIGTRAP, SI_KERNEL, 3, 0, NOWHERE, 1, 0)		\
	X(int3_rep, "", ".byte 0xf3, 0xcc", SIGTRAP, SI_KERNEL, 3, 0, NOWHERE, 2, 0) \
	X(int3_rex, "", ".byte 0x66, 0x48, 0xcc", SIGTRAP, SI_KERNEL, 3, 0, NOWHERE, 3, 0) \
	X(int_3, "", ".byte 0xcd, 3", SIGTRAP, SI_KERNEL, 3, 0, NOWHERE, 2, 0)	\
	X(int_3_rep, "", ".byte 0xf2, 0xcd, 3", SIGTRAP, SI_KERNEL, 3, 0, NOWHERE, 3, 0) \
	X(int1, "", ".byte 0xf1", SIGTRAP, TRAP_BRKPT, 1, 0, IP, ANY, 0)		\
	X(int_4, "", ".byte 0xcd, 4", SIGSEGV, SI_KERNEL, 4, 0, NOWHERE, 2, 0)	\
	X(int_ff_rex, "", ".byte 0x48, 0xcd, 0xff", GP(0xff * 8 + 2), 0)	\
	X(load, BAD, "movq (%rdx), %rdx", GP(0), 0)				\
	X(store, BAD, "movb %dl, (%rdx)", GP(0), 0)				\
	X(add_memory, BAD, "lock addl $1, 100(%rdx)", GP(0), 0)		\
	X(load_rbp, "movabsq $0x7ffffffffffffffe, %rsp\n", "movl (%rsp), %edx", SIGBUS, SI_KERNEL, 12, 0, NOWHERE, 0, 0) \
	X(push, "movabsq $0x8000000000001000, %rsp\n", "pushq %rdx", SIGBUS, SI_KERNEL, 12, 0, NOWHERE, 0, 0) \
	X(pop, "movabsq $0x8000000000001000, %rsp\n", "popq %rdx", SIGBUS, SI_KERNEL, 12, 0, NOWHERE, 0, 0) \
	X(low, "movl $0x10, %edx\n", "movl (%rdx), %edx", PF(4), 0)		\
	X(low_store, "movl $0x10, %edx\n", "movl %edx, (%rdx)", PF(6), 0)	\
	X(kernel, "movabsq $0xffff888000000000, %rdx\n", "movl (%rdx), %edx", PF(5), 0)	\
	X(kernel_store, "movabsq $0xffffffff81000000, %rdx\n", "movl %edx, (%rdx)", PF(7), 0)	\
	X(vsyscall_store, "movq $-0xa00000, %rdx\n", "movl %edx, (%rdx)", PF(7), 0)	\
	X(vsyscall_load, "movq $-0xa00000, %rdx\n", "movl (%rdx), %edx", PF(5), MAY)	\
	X(jump_low, "movl $0x10, %edx\n", "jmp *%rdx", SIGSEGV, SEGV_MAPERR, 14, 0x14, MEMORY, TARGET, 0)	\
	X(jump_kernel, "movabsq $0xffff888000000000, %rdx\n", "jmp *%rdx", SIGSEGV, SEGV_MAPERR, 14, 0x15, MEMORY, TARGET, 0)	\
	X(divide, "xorl %edx, %edx\n", "divl %edx", SIGFPE, FPE_INTDIV, 0, 0, IP, 0, 0)	\
	X(overflow, "movl $1, %edx\n", "divq %rdx", SIGFPE, FPE_INTDIV, 0, 0, IP, 0, 0)	\
	X(unaligned, FLAGS(0x40000), "movl 1(%rsp), %edx", SIGBUS, BUS_ADRALN, 17, 0, NOWHERE, 0, 0)	\
	X(sse, "pushq $0; movl $0x1d80, (%rsp); ldmxcsr (%rsp); pxor %xmm0, %xmm0; movl $0x3f800000, (%rsp); movss (%rsp), %xmm1; popq %rdx\n",	\
	  "divss %xmm0, %xmm1", SIGFPE, FPE_FLTDIV, 19, 0, IP, 0, 0)		\
	X(sse_invalid, "pushq $0; movl $0x1f00, (%rsp); ldmxcsr (%rsp); pxor %xmm0, %xmm0; popq %rdx\n",	\
	  "divss %xmm0, %xmm0", SIGFPE, FPE_FLTINV, 19, 0, IP, 0, 0)		\
	X(movaps, "", "movaps 1(%rsp), %xmm0", GP(0), 0)			\
	X(x87, "pushq $0x37b; fldcw (%rsp); fld1; fldz; popq %rdx\n", "fdivrp; fwait", SIGFPE, FPE_FLTDIV, 16, 0, IP, 2, 0)	\
	X(step, "", "pushq %r13; popfq; nop; nop", STEP(4), 0)	\
	X(step_call, "", "pushq %r13; popfq; nop", STEP(4), 0)	\
	X(load_ss, "xorl %edx, %edx\n", "movl %edx, %ss", GP(0), 0)		\
	X(load_ds, "movl $0x1234, %edx\n", "movl %edx, %ds", GP(0x1234), 0)	\
	X(load_es, "movl $0x10, %edx\n", "movl %edx, %es", GP(0x10), 0)	\
	X(load_gs, "movl $0x7ff8, %edx\n", "movl %edx, %gs", GP(0x7ff8), 0)	\
	X(far_return, "pushq $0x1230; pushq $0\n", "lretq", GP(0x1230), 0)	\
	X(interrupt_return, "pushq $0x2b; pushq $0; pushq $0x202; pushq $0x1230; pushq $0\n", "iretq", GP(0x1230), 0)	\
	X(lar, "movl $0x33, %edx\n", "lar %edx, %edx", NOTHING, 0)		\
	X(lsl, "movl $0x1234, %edx\n", "lsl %edx, %edx", NOTHING, 0)		\
	X(verr, "movl $0x2b, %edx\n", "verr %dx", NOTHING, 0)			\
	X(sgdt, "", "sgdt 64(%rsp)", GP(0), MAY)				\
	X(sidt, "", "sidt 64(%rsp)", GP(0), MAY)				\
	X(sldt, "", "sldt %edx", GP(0), MAY)					\
	X(str, "", "str %edx", GP(0), MAY)					\
	X(smsw, "", "smsw %edx", GP(0), MAY)					\
	X(null_es, "xorl %edx, %edx\n", "movl %edx, %es; movl %edx, %ds", NOTHING, 0)

#define X(name, setup, insn, ...)						\
	__asm__(".pushsection .rodata\nb_" #name ":\n" setup "\nc_" #name ":\n" insn "\ne_" #name ":\n.popsection");	\
	extern const char b_##name[], c_##name[], e_##name[];
TRAPS(X)
#undef X
#define X(name, setup, insn, ...) { #name, b_##name, c_##name, c_##name, e_##name, __VA_ARGS__ },
static const struct trap traps[] = { TRAPS(X) };
#undef X

static void differs(const struct trap *t, const char *what, long long is, long long should)
{
	if (is != should)
		tap_fail(__FILE__, __LINE__, "%s: %s is %llx, not %llx (signal %d code %d trap %lld error %llx ip %llx cr2 %llx)",
			 t->name, what, is, should, seen.sig, seen.code, seen.m.gregs[REG_TRAPNO], seen.m.gregs[REG_ERR],
			 seen.m.gregs[REG_RIP], seen.m.gregs[REG_CR2]);
}

static void check_registers(const struct trap *t, char *call)
{
	static const int kept[] = { REG_RBX, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R12, REG_R13, REG_R14, REG_R15 };
	const unsigned long *in = (const unsigned long *)&in_regs;
	const greg_t *g = seen.m.gregs;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		differs(t, "a register", g[kept[i]], in[i]);
	differs(t, "cs", g[REG_CSGSFS] & 0xffff, 0x33);
	if (!call)
		return;
	differs(t, "rcx behind a call", g[REG_RCX], (long)call);
	differs(t, "rax behind a call", g[REG_RAX], getppid());
}

static void check(const struct trap *t, char *insn, char *end, char *call)
{
	const greg_t *g = seen.m.gregs;

	CHECK(seen.sig);
	if (!t->sig || (t->flags & MAY && g[REG_RIP] == (long)end)) {
		differs(t, "signal behind it", seen.sig, SIGILL);
		differs(t, "ip behind it", g[REG_RIP], (long)end);
		return;
	}
	differs(t, "signal", seen.sig, t->sig);
	differs(t, "code", seen.code, t->code);
	differs(t, "trap", g[REG_TRAPNO], t->number);
	differs(t, "error", g[REG_ERR], t->error);
	if (t->addr == MEMORY) {
		differs(t, "cr2", g[REG_CR2], g[REG_RDX]);
		differs(t, "address", seen.addr, g[REG_RDX]);
	} else {
		differs(t, "address", seen.addr, t->addr == IP ? g[REG_RIP] : 0);
	}
	if (t->past == TARGET)
		differs(t, "ip", g[REG_RIP], g[REG_RDX]);
	else if (t->past != ANY)
		differs(t, "ip", g[REG_RIP], (long)insn + t->past);
	check_registers(t, call);
}

/*
 * In anonymous memory, and far from calls; then behind a call, some times, for a box rewrites it
 * after the first.
 */
static void try(const struct trap *t, int is_file)
{
	static const char call[] = "\x44\x89\xe0\x0f\x05", stop[] = "\x0f\x0b";	/* mov %r12d,%eax; syscall; ud2 */
	size_t setup = t->setup_end - t->setup, size = t->end - t->insn, at = 0;
	char bytes[200], *page;

	memcpy(bytes, t->setup, at = setup);
	if (is_file)
		memcpy(bytes + at, call, 5), at += 5;
	memcpy(bytes + at, t->insn, size);
	memcpy(bytes + at + size, stop, sizeof(stop));
	page = page_of(bytes, at + size + sizeof(stop), is_file);
	for (int i = 0; i < 4; i++) {
		run(page);
		check(t, page + at, page + at + size, is_file ? page + at : NULL);
	}
}

static void in_memory(void)
{
	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(traps); i++)
		try(&traps[i], 0);
}

static void behind_a_call(void)
{
	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(traps); i++)
		if (!(traps[i].flags & ALONE))
			try(&traps[i], 1);
}

/*
 * Bytes in a page of their own, of a file or not, that run four times: what has been seen must pass
 * the check each time.
 */
struct piece {
	const char *bytes, *end;
	unsigned long number;	/* in r12 */
	unsigned long flags;	/* in r13 */
};

static size_t size_of(const struct piece *p)
{
	return p->end - p->bytes;
}

/* Where ud2 is, that ends it. */
static size_t stop_of(const struct piece *p)
{
	return size_of(p) - 2;
}

static void go_through(const struct piece *p, void (*check)(const struct piece *p, char *page))
{
	for (int is_file = 0; is_file < 2; is_file++) {
		char *page = page_of(p->bytes, size_of(p), is_file);

		for (int i = 0; i < 4; i++) {
			number = p->number;
			flags = p->flags;
			run(page);
			check(p, page);
		}
	}
}

#define PIECE(name, text)							\
	__asm__(".pushsection .rodata\np_" #name ":" text "\ne_" #name ":\n.popsection");	\
	extern const char p_##name[], e_##name[]
#define OF(name, ...) { p_##name, e_##name, __VA_ARGS__ }

PIECE(by_number, "movq %r12, %rax; syscall; nop; nop; nop; ud2");

static void no_such_call(const struct piece *p, char *page)
{
	EQ(seen.sig, SIGILL);
	EQ(seen.m.gregs[REG_RIP], page + stop_of(p));
	EQ(seen.m.gregs[REG_RAX], -ENOSYS);
	EQ(seen.m.gregs[REG_RCX], page + stop_of(p) - 3);
}

static void parent_is_told(const struct piece *p, char *page)
{
	EQ(seen.sig, SIGILL);
	EQ(seen.m.gregs[REG_RIP], page + stop_of(p));
	EQ(seen.m.gregs[REG_RAX], getppid());
}

/* x32's numbers, and none at all; of a register's upper half nobody asks. */
static void numbers(void)
{
	static const unsigned long none[] = {
		511, 512, 520, 547, 548, 0x40000000 | SYS_getppid, 0x40000000 | 512, 0x40000000 | 520, 0x7fffffff, 0x80000000 | SYS_getppid,
		-1UL, -2UL, 0xffffffff, 0x1234567800000000 | 0xfffffff0,
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		struct piece p = OF(by_number, none[i], 0x202);

		go_through(&p, no_such_call);
	}
	go_through(&(struct piece)OF(by_number, 0xdeadbeef00000000 | SYS_getppid, 0x202), parent_is_told);
}

PIECE(at, "pushq %r13; popfq; movq %r12, %rax; syscall; nop; nop; nop; ud2");
PIECE(at_long, "pushq %r13; popfq; movq %r12, %rax; syscall; movabsq $0x1234567812345678, %rdx; ud2");
PIECE(before, "pushq %r13; popfq; movl $110, %eax; syscall; ud2");

static void check_flags(const struct piece *p, char *page)
{
	static const long handlers = 0x240000 | 0x4000 | 0x400;	/* ID, AC, NT, DF */

	parent_is_told(p, page);
	EQ(seen.m.gregs[REG_R11], p->flags);
	EQ(seen.m.gregs[REG_EFL] & ~0x10000, p->flags);
	EQ(seen.handler_flags & handlers, p->flags & handlers & ~0x400);
}

static void at_call(const struct piece *p, char *page)
{
	check_flags(p, page);
	EQ(seen.m.gregs[REG_RCX], page + stop_of(p) - 3);
}

static void at_long_call(const struct piece *p, char *page)
{
	check_flags(p, page);
	EQ(seen.m.gregs[REG_RCX], page + stop_of(p) - 10);
}

static void before_call(const struct piece *p, char *page)
{
	check_flags(p, page);
	EQ(seen.m.gregs[REG_RCX], page + stop_of(p));
}

/* rcx is where a call returns to, and r11 has the flags. */
static void call_registers(void)
{
	static const unsigned long sets[] = {
		0x202, 0x203, 0xad7, 0x246, 0xa02, 0x602, 0x40202, 0x200202, 0x4202, 0x244ed7,
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		go_through(&(struct piece)OF(at, SYS_getppid, sets[i]), at_call);
		go_through(&(struct piece)OF(at_long, SYS_getppid, sets[i]), at_long_call);
		go_through(&(struct piece)OF(before, SYS_getppid, sets[i]), before_call);
	}
}

PIECE(prefix_66, "movq %r12, %rax; .byte 0x66; syscall; nop; nop; nop; ud2");
PIECE(prefix_rex, "movq %r12, %rax; .byte 0x48; syscall; nop; nop; nop; ud2");
PIECE(prefix_rep, "movq %r12, %rax; .byte 0xf3; syscall; nop; nop; nop; ud2");
PIECE(prefix_cs, "movq %r12, %rax; .byte 0x2e; syscall; nop; nop; nop; ud2");
PIECE(prefix_67, "movq %r12, %rax; .byte 0x67; syscall; nop; nop; nop; ud2");
PIECE(prefixes, "movq %r12, %rax; .byte 0xf2, 0x66, 0x65, 0x48; syscall; nop; nop; nop; ud2");
PIECE(before_prefix, "movl $110, %eax; .byte 0x66; syscall; nop; nop; nop; ud2");

static void prefixed_calls(void)
{
	static const struct piece pieces[] = {
		OF(prefix_66, SYS_getppid, 0x202), OF(prefix_rex, SYS_getppid, 0x202), OF(prefix_rep, SYS_getppid, 0x202),
		OF(prefix_cs, SYS_getppid, 0x202), OF(prefix_67, SYS_getppid, 0x202), OF(prefixes, SYS_getppid, 0x202),
		OF(before_prefix, SYS_getppid, 0x202),
	};

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++)
		go_through(&pieces[i], parent_is_told);
}

PIECE(int80, "movl $20, %eax; int $0x80; ud2");
PIECE(int80_behind, "movq %r12, %rax; syscall; movl $20, %eax; int $0x80; ud2");

/*
 * The number is getpid's to 32-bit programs. What a kernel does that has none: there is no such
 * interrupt.
 */
static void check_int80(const struct piece *p, char *page)
{
	if (seen.sig == SIGILL && seen.m.gregs[REG_RIP] == (long)page + (long)stop_of(p)) {
		EQ(seen.m.gregs[REG_RAX], getpid());
		return;
	}
	EQ(seen.sig, SIGSEGV);
	EQ(seen.code, SI_KERNEL);
	EQ(seen.addr, 0);
	EQ(seen.m.gregs[REG_TRAPNO], 13);
	EQ(seen.m.gregs[REG_ERR], 0x402);
	EQ(seen.m.gregs[REG_RIP], page + stop_of(p) - 2);
	EQ(seen.m.gregs[REG_RAX], 20);
	EQ(seen.m.gregs[REG_RBX], PATTERN(0));
}

static void interrupt_0x80(void)
{
	prepare();
	go_through(&(struct piece)OF(int80, SYS_getppid, 0x202), check_int80);
	go_through(&(struct piece)OF(int80_behind, SYS_getppid, 0x202), check_int80);
}

PIECE(sysenter, "movl $20, %eax; movq %r12, %rbp; sysenter; ud2");

/*
 * AMD's processors have none in 64-bit mode. Intel's enter as 32-bit programs do, with their stack
 * in ebp; the host leaves for its vDSO's 32-bit code, of which a 64-bit program has none. So where
 * it faults then is nowhere in particular.
 */
static void check_sysenter(const struct piece *p, char *page)
{
	if (seen.sig == SIGILL)
		EQ(seen.m.gregs[REG_RIP], page + stop_of(p) - 2);
	else
		EQ(seen.sig, SIGSEGV);
}

static void sysenter_faults(void)
{
	char *stack = map_anon(PAGE, MAP_PRIVATE | MAP_32BIT);

	prepare();
	go_through(&(struct piece)OF(sysenter, 0x10, 0x202), check_sysenter);
	go_through(&(struct piece)OF(sysenter, (uintptr_t)stack, 0x202), check_sysenter);
}

/*
 * 32-bit code in a 64-bit program, in the second gigabyte: it faults once, a handler lets it go on,
 * and it comes back by a far jump and calls the kernel. The instruction in between is of two bytes.
 */
#define TO_32 "pushq $0x23; leaq 1f(%rip), %rdx; pushq %rdx; lretq; 1: .code32; "
#define FROM_32 "; .byte 0xea, 0, 0, 0, 0, 0x33, 0; .code64; movl $110, %eax; syscall; nop; nop; nop; ud2"
PIECE(fault_32, TO_32 "ud2" FROM_32);
PIECE(hlt_32, TO_32 "hlt; nop" FROM_32);
PIECE(trap_32, TO_32 "int $3" FROM_32);
PIECE(int80_32, TO_32 "movl $20, %eax; int $0x80; movl %eax, %ebx" FROM_32);
PIECE(syscall_32, TO_32 "movl $20, %eax; syscall; movl %eax, %ebx" FROM_32);
enum { BACK = 5 + 2 + 3 + 2 };	/* bytes of 64-bit code at the end */

enum { STRICT_SS = 4 };		/* UC_STRICT_RESTORE_SS, which the C library has not */
enum { A_CALL = -1 };	/* in the place of a signal: perhaps there is one */
static struct seen in_32;

static void from_32(int sig, siginfo_t *si, void *uc)
{
	mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;

	if ((m->gregs[REG_CSGSFS] & 0xffff) != 0x23 || (unsigned long)m->gregs[REG_RIP] - (uintptr_t)in_code > PAGE)
		collect(sig, si, uc);
	EQ(((ucontext_t *)uc)->uc_flags & STRICT_SS, 0);
	in_32.sig = sig;
	in_32.code = si->si_code;
	memcpy(&in_32.m, m, sizeof(*m));
	if (sig != SIGTRAP)
		m->gregs[REG_RIP] += 2;
}

static void run_32(const struct piece *p, int sig, int code)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int result;
	uint32_t to = (uintptr_t)page + size_of(p) - BACK;

	CHECK(page != MAP_FAILED);
	memcpy(page, p->bytes, size_of(p));
	memcpy(page + size_of(p) - BACK - 6, &to, sizeof(to));
	for (int i = 0; i < 4; i++) {
		memset(&in_32, 0, sizeof(in_32));
		run(page);
		if (sig == A_CALL && seen.sig == SIGSEGV)
			continue;
		parent_is_told(p, page);
		EQ(seen.m.gregs[REG_CSGSFS] & 0xffff, 0x33);
		result = seen.m.gregs[REG_RBX];
		CHECK(sig != A_CALL || result == getpid() || result == -ENOSYS || (result == 20 && in_32.sig));
		if (sig <= 0)
			continue;
		EQ(in_32.sig, sig);
		EQ(in_32.code, code);
		EQ(in_32.m.gregs[REG_RIP], page + size_of(p) - BACK - 7 - (sig == SIGTRAP ? 0 : 2));
	}
	munmap(page, PAGE);
}

static void code_of_32_bits(void)
{
	static const int sigs[] = { SIGSEGV, SIGILL, SIGTRAP };

	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(sigs); i++)
		on_signal(sigs[i], from_32, SA_ONSTACK);
	run_32(&(struct piece)OF(fault_32, SYS_getppid, 0x202), SIGILL, ILL_ILLOPN);
	run_32(&(struct piece)OF(hlt_32, SYS_getppid, 0x202), SIGSEGV, SI_KERNEL);
	run_32(&(struct piece)OF(trap_32, SYS_getppid, 0x202), SIGTRAP, SI_KERNEL);
	/*
	 * Where the host has 32-bit programs, int $0x80 is no fault; Intel's have no syscall there;
	 * and AMD's returns to somewhere else in a 64-bit program.
	 */
	run_32(&(struct piece)OF(int80_32, SYS_getppid, 0x202), A_CALL, 0);
	run_32(&(struct piece)OF(syscall_32, SYS_getppid, 0x202), A_CALL, 0);
}

/* Signals find 32-bit code, too. */
PIECE(spin_32, TO_32 "movl $20000000, %ecx; 2: decl %ecx; jnz 2b; nop; nop" FROM_32);
static volatile int ticks_in_32;

static void tick(int sig, siginfo_t *si, void *uc)
{
	(void)sig, (void)si;
	ticks_in_32 += (((ucontext_t *)uc)->uc_mcontext.gregs[REG_CSGSFS] & 0xffff) == 0x23;
}

static void signals_in_32_bits(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, off = { 0 };

	prepare();
	on_signal(SIGALRM, tick, SA_ONSTACK | SA_RESTART);
	EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	while (ticks_in_32 < 10)
		run_32(&(struct piece)OF(spin_32, SYS_getppid, 0x202), 0, 0);
	EQ(setitimer(ITIMER_REAL, &off, NULL), 0);
	EQ(seen.sig, SIGILL);
}

/* A handler's frame has a segment that user code may not have. */
static volatile int bad_cs, bad_ss;

static void spoil(int sig, siginfo_t *si, void *uc)
{
	greg_t *g = &((ucontext_t *)uc)->uc_mcontext.gregs[REG_CSGSFS];

	(void)sig, (void)si;
	if (bad_cs)
		*g = (*g & ~0xffffLL) | bad_cs;
	if (bad_ss)
		*g = (*g & ~(0xffffLL << 48)) | (greg_t)bad_ss << 48;
}

static void bad_segments(void)
{
	prepare();
	on_signal(SIGUSR1, spoil, SA_ONSTACK);
	for (int way = 0; way < 6; way++) {
		bad_cs = way & 1 ? 0x13 : 0;
		bad_ss = way & 1 ? 0 : 0x13;
		memset(&seen, 0, sizeof(seen));
		if (!sigsetjmp(out, 1))
			kill(getpid(), SIGUSR1);
		EQ(seen.sig, SIGSEGV);
		EQ(seen.code, SI_KERNEL);
		EQ(seen.m.gregs[REG_TRAPNO], 13);
		EQ(seen.m.gregs[REG_ERR], 0x10);
		if (bad_cs)
			EQ(seen.m.gregs[REG_CSGSFS] & 0xffff, bad_cs);
	}
}

/* A frame of 64-bit code has this flag. Without it a stack segment that is none is put right. */
static void spoil_laxly(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)si;
	EQ(uc->uc_flags & STRICT_SS, STRICT_SS);
	uc->uc_flags &= ~STRICT_SS;
	uc->uc_mcontext.gregs[REG_CSGSFS] &= ~(0xffffLL << 48);
}

static void lax_stack_segment(void)
{
	volatile unsigned short ss = 0;

	prepare();
	on_signal(SIGUSR1, spoil_laxly, SA_ONSTACK);
	for (int i = 0; i < 4; i++) {
		memset(&seen, 0, sizeof(seen));
		if (!sigsetjmp(out, 1)) {
			EQ(kill(getpid(), SIGUSR1), 0);
			__asm__ volatile("mov %%ss, %0" : "=m" (ss));
		}
		EQ(seen.sig, 0);
		EQ(ss, 0x2b);
	}
}

/* The call is the last thing in its page, and what is behind it cannot be executed. */
static void at_the_end_of_memory(void)
{
	static const char call[] = "\x44\x89\xe0\x0f\x05";
	char page[PAGE], *p;

	prepare();
	memset(page, 0x90, PAGE);
	memcpy(page + PAGE - 5, call, 5);
	for (int way = 0; way < 4; way++) {
		char *area = map_anon(3 * PAGE, MAP_PRIVATE);

		p = page_of(page, PAGE, way & 1);
		p = mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, area + PAGE);
		EQ(p, area + PAGE);
		if (way & 2)
			EQ(munmap(area + 2 * PAGE, PAGE), 0);
		for (int i = 0; i < 4; i++) {
			number = SYS_getppid, flags = 0x202;
			run(p + PAGE - 5);
			EQ(seen.sig, SIGSEGV);
			EQ(seen.code, way & 2 ? SEGV_MAPERR : SEGV_ACCERR);
			EQ(seen.addr, p + PAGE);
			EQ(seen.m.gregs[REG_RIP], p + PAGE);
			EQ(seen.m.gregs[REG_RCX], p + PAGE);
			EQ(seen.m.gregs[REG_RAX], getppid());
			EQ(seen.m.gregs[REG_CR2], p + PAGE);
		}
		munmap(area, 3 * PAGE);
	}
}

/* What a frame says of the last fault is of the last one that the program was told of. */
static void last_fault(void)
{
	static const char store[] = "\xba\x10\0\0\0\x89\x12";	/* mov $0x10,%edx; mov %edx,(%rdx) */
	volatile char *fresh = map_anon(1 << 22, MAP_PRIVATE);
	char *p;

	prepare();
	on_signal(SIGUSR1, collect, SA_ONSTACK);
	p = page_of(store, sizeof(store), 0);
	run(p);
	EQ(seen.m.gregs[REG_CR2], 0x10);
	for (size_t i = 0; i < 1 << 22; i += PAGE)
		fresh[i] = 1;
	if (!sigsetjmp(out, 1))
		kill(getpid(), SIGUSR1);
	EQ(seen.sig, SIGUSR1);
	EQ(seen.m.gregs[REG_TRAPNO], 14);
	EQ(seen.m.gregs[REG_ERR], 6);
	EQ(seen.m.gregs[REG_CR2], 0x10);
}

#define VSYSCALL 0xffffffffff600000UL
PIECE(vsyscall, "movq $0x1234, %rcx; movq $0x5678, %r11; movq %r12, %rdx; xorl %edi, %edi; xorl %esi, %esi; call *%rdx; ud2");
PIECE(vsyscall_bad, "movq $0x10, %rdi; movq %r12, %rdx; call *%rdx; ud2");

static void vsyscall_answers(const struct piece *p, char *page)
{
	const greg_t *g = seen.m.gregs;

	EQ(seen.sig, SIGILL);
	EQ(g[REG_RIP], page + stop_of(p));
	EQ(g[REG_RCX], 0x1234);
	EQ(g[REG_R11], 0x5678);
	EQ(g[REG_RSP], in_regs.sp);
	if (p->number == VSYSCALL + 0x400)
		CHECK(g[REG_RAX] <= time(NULL) && g[REG_RAX] > time(NULL) - 100);
	else
		EQ(g[REG_RAX], 0);
}

/* It is an address of the page. */
static void vsyscall_faults(const struct piece *p, char *page)
{
	(void)page;
	EQ(seen.sig, SIGSEGV);
	EQ(seen.m.gregs[REG_RIP], p->number);
	EQ(seen.m.gregs[REG_RSP], in_regs.sp - 8);
}

static void vsyscall_page(void)
{
	static const unsigned long wrong[] = { 1, 0x10, 0x410, 0xc00, 0xfff };
	char maps[8000];

	slurp("/proc/self/maps", maps, sizeof(maps));
	if (!strstr(maps, "[vsyscall]"))
		SKIP("the host has no vsyscall page");
	prepare();
	for (int i = 0; i < 3; i++)
		go_through(&(struct piece)OF(vsyscall, VSYSCALL + 0x400 * i, 0x202), vsyscall_answers);
	for (int i = 0; i < 3; i++)
		go_through(&(struct piece)OF(vsyscall_bad, VSYSCALL + 0x400 * i, 0x202), vsyscall_faults);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		go_through(&(struct piece)OF(vsyscall, VSYSCALL + wrong[i], 0x202), vsyscall_faults);
	EQ(seen.code, SI_KERNEL);
	EQ(seen.addr, 0);
}

/*
 * A GS base by which whoever reads there faults in another way: AC is set, and nothing is aligned.
 */
static void gs_base_that_is_not_aligned(void)
{
	static const unsigned long bases[] = { 0x182000000001, 0x182000000004, 0x182000000ff9, 0x1fffffffffff, 1 };
	const struct piece pieces[] = { OF(at, SYS_getppid, 0x40202), OF(before, SYS_getppid, 0x40202) };
	char *pages[ARRAY_SIZE(pieces)];
	void *p = mmap((void *)0x100000000000, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	EQ(p, (void *)0x100000000000);
	memset(p, 1, PAGE);
	flags = 0x202;
	prepare();
	/* A box rewrites the calls while there is nothing special. */
	for (size_t i = 0; i < 4 * ARRAY_SIZE(pieces); i++)
		run(pages[i / 4] = i % 4 ? pages[i / 4] : page_of(pieces[i / 4].bytes, size_of(&pieces[i / 4]), 1));
	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		EQ(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, bases[i]), 0);
		for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
			flags = pieces[k].flags;
			run(pages[k]);
			check_flags(&pieces[k], pages[k]);
		}
	}
}
static const struct test tests[] = {
	T(in_memory), T(behind_a_call), T(numbers), T(call_registers), T(prefixed_calls), T(interrupt_0x80),
	T(sysenter_faults), T(code_of_32_bits), T(signals_in_32_bits), T(bad_segments), T(lax_stack_segment),
	T(at_the_end_of_memory), T(last_fault), T(vsyscall_page), T(gs_base_that_is_not_aligned),
};
#endif
MAIN(tests)
