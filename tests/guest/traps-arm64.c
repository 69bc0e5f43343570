// SPDX-License-Identifier: GPL-2.0-only
/*
 * What instructions do on aarch64 that user code may not execute, or that trap in another way
 * (traps.c has x86_64's).
 */
#include "tap.h"

#ifdef __aarch64__
#include "traps.h"

/* The registers with which code begins, x8 with the number; and where it is. */
static unsigned long number = SYS_getppid;
struct { unsigned long regs[31], sp; char *code; } in;
static char stack_page[PAGE * 4] __attribute__((aligned(16)));

static void collect(int sig, siginfo_t *si, void *uc)
{
	seen.sig = sig;
	seen.code = si->si_code;
	seen.addr = (uintptr_t)si->si_addr;
	memcpy(&seen.m, &((ucontext_t *)uc)->uc_mcontext, offsetof(mcontext_t, __reserved));
	siglongjmp(out, 1);
}

__asm__(".pushsection .text\n"
	"go:	hint #34\n adrp x29, in\n add x29, x29, :lo12:in\n ldr x28, [x29, #248]\n ldr x27, [x29, #256]\n mov sp, x28\n"
	"	ldp x0, x1, [x29]\n ldp x2, x3, [x29, #16]\n ldp x4, x5, [x29, #32]\n ldp x6, x7, [x29, #48]\n"
	"	ldp x8, x9, [x29, #64]\n ldp x16, x17, [x29, #128]\n ldr x30, [x29, #240]\n br x27\n"
	".popsection");
extern char go[];

static void run(char *code)
{
	for (int i = 0; i < 31; i++)
		in.regs[i] = 0x1122334455660000UL + i;
	in.regs[8] = number;
	in.sp = (unsigned long)stack_page + sizeof(stack_page) / 2;
	in.code = code;
	memset(&seen, 0, sizeof(seen));
	if (!sigsetjmp(out, 1))
		((void (*)(void))go)();
}

#define UNDEFINED SIGILL, ILL_ILLOPC, IP, 0
#define MISALIGNED SIGBUS, BUS_ADRALN
#define NOTHING 0, 0, 0, 0
/* name, setup (one instruction), instruction, signal, code, address, ip behind it */
#define TRAPS(X)						\
	X(udf, "nop", "udf #0", UNDEFINED)			\
	X(udf_1, "nop", "udf #1", UNDEFINED)			\
	X(brk, "nop", "brk #0", SIGTRAP, TRAP_BRKPT, IP, 0)	\
	X(brk_ffff, "nop", "brk #0xffff", SIGTRAP, TRAP_BRKPT, IP, 0)	\
	X(hlt, "nop", "hlt #0", UNDEFINED)			\
	X(hvc, "nop", "hvc #0", UNDEFINED)			\
	X(smc, "nop", "smc #0", UNDEFINED)			\
	X(dcps, "nop", "dcps1", UNDEFINED)			\
	X(eret, "nop", "eret", UNDEFINED)			\
	X(read_sctlr, "nop", "mrs x0, sctlr_el1", UNDEFINED)	\
	X(write_sctlr, "nop", "msr sctlr_el1, x0", UNDEFINED)	\
	X(write_vbar, "nop", "msr vbar_el1, x0", UNDEFINED)	\
	X(mask, "nop", "msr daifset, #15", UNDEFINED)		\
	X(read_mask, "nop", "mrs x0, daif", UNDEFINED)		\
	X(select_sp, "nop", "msr spsel, #1", UNDEFINED)		\
	X(read_elr, "nop", "mrs x0, elr_el1", UNDEFINED)	\
	X(invalidate, "nop", "dc ivac, x0", UNDEFINED)		\
	X(tlbi, "nop", "tlbi vmalle1", UNDEFINED)		\
	X(ic_all, "nop", "ic iallu", UNDEFINED)			\
	X(translate, "nop", "at s1e0r, x0", UNDEFINED)		\
	X(id_pfr0, "nop", "mrs x0, id_aa64pfr0_el1", NOTHING)	\
	X(id_isar0, "nop", "mrs x0, id_aa64isar0_el1", NOTHING)	\
	X(midr, "nop", "mrs x0, midr_el1", NOTHING)		\
	X(wait_event, "nop", "wfe", NOTHING)			\
	X(call_number, "nop", "svc #0xffff", NOTHING)		\
	X(low, "mov x0, #0x1000", "ldr x1, [x0]", SIGSEGV, SEGV_MAPERR, MEMORY, 0)	\
	X(low_store, "mov x0, #0x1000", "str x1, [x0]", SIGSEGV, SEGV_MAPERR, MEMORY, 0)	\
	X(jump, "mov x0, #0x1000", "br x0", SIGSEGV, SEGV_MAPERR, MEMORY, TARGET)	\
	X(odd_jump, "adr x0, .+5", "br x0", MISALIGNED, IP, 1)	\
	X(odd_stack, "add sp, sp, #1", "ldr x0, [sp]", MISALIGNED, MEMORY, 0)

#define X(name, setup, insn, ...)								\
	__asm__(".pushsection .rodata\n.balign 4\nb_" #name ":\n" setup "\nc_" #name ":\n" insn "\ne_" #name ":\n.popsection");	\
	extern const char b_##name[], c_##name[], e_##name[];
TRAPS(X)
#undef X
static const struct arm_trap { const char *name, *setup, *end; int sig, code, addr, past; } traps[] = {
#define X(name, setup, insn, ...) { #name, b_##name, e_##name, __VA_ARGS__ },
TRAPS(X)
#undef X
};

static void differs(const char *name, const char *what, long is, long should)
{
	if (is != should)
		tap_fail(__FILE__, __LINE__, "%s: %s is %lx, not %lx (signal %d code %d address %lx pc %llx)", name, what, is, should,
			 seen.sig, seen.code, (long)seen.addr, (long long)seen.m.pc);
}

static void check(const struct arm_trap *t, char *insn)
{
	CHECK(seen.sig);
	for (int i = 2; i < 8; i++)
		differs(t->name, "a register", seen.m.regs[i], in.regs[i]);
	differs(t->name, "x30", seen.m.regs[30], in.regs[30]);
	/* qemu does not look at the stack pointer. */
	if (!t->sig || (!strcmp(t->name, "odd_stack") && seen.sig == SIGILL)) {
		differs(t->name, "signal behind it", seen.sig, SIGILL);
		differs(t->name, "pc behind it", seen.m.pc, (long)insn + 4);
		if (!strcmp(t->name, "call_number"))
			differs(t->name, "its result", seen.m.regs[0], getppid());
		return;
	}
	differs(t->name, "signal", seen.sig, t->sig);
	differs(t->name, "code", seen.code, t->code);
	if (t->past == TARGET)
		differs(t->name, "pc", seen.m.pc, seen.m.regs[0]);
	else
		differs(t->name, "pc", seen.m.pc, (long)insn + t->past);
	differs(t->name, "address", seen.addr, t->addr == IP ? (long)seen.m.pc :
		!strcmp(t->name, "odd_stack") ? (long)in.sp + 1 : (long)seen.m.regs[0]);
}

static void try(const struct arm_trap *t, int is_file)
{
	uint32_t code[8];
	size_t at = 0;
	char *page;

	if (is_file)
		code[at++] = 0xd4000001;	/* svc #0 */
	memcpy(code + at, t->setup, 8), at += 2;
	code[at++] = 0;				/* udf */
	page = page_of((char *)code, at * 4, is_file);
	for (int i = 0; i < 4; i++) {
		run(page);
		check(t, page + at * 4 - 8);
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
		try(&traps[i], 1);
}

/* Of the number's register, half counts. */
static void numbers(void)
{
	static const unsigned long none[] = { 1000, 0x7fffffff, 0x80000000 | SYS_getppid, -1UL, -2UL, 0xf0002, 0x1234567800000000 | 0xfffffff0 };
	static const uint32_t code[] = { 0xd4000001, 0 };

	prepare();
	for (int is_file = 0; is_file < 2; is_file++) {
		char *page = page_of((const char *)code, sizeof(code), is_file);

		for (size_t i = 0; i < 4 * ARRAY_SIZE(none); i++) {
			number = none[i / 4];
			run(page);
			EQ(seen.sig, SIGILL);
			EQ(seen.m.pc, page + 4);
			EQ(seen.m.regs[0], -ENOSYS);
			EQ(seen.m.regs[1], in.regs[1]);
		}
		number = 0xdeadbeef00000000 | SYS_getppid;
		run(page);
		EQ(seen.m.regs[0], getppid());
	}
}

/* What a frame says of the last fault is of the last one that the program was told of. */
static void last_fault(void)
{
	static const uint32_t store[] = { 0xd2820000, 0xf9000001 };	/* mov x0, #0x1000; str x1, [x0] */
	volatile char *fresh = map_anon(1 << 22, MAP_PRIVATE);

	prepare();
	on_signal(SIGUSR1, collect, SA_ONSTACK);
	run(page_of((const char *)store, sizeof(store), 0));
	EQ(seen.m.fault_address, 0x1000);
	for (size_t i = 0; i < 1 << 22; i += PAGE)
		fresh[i] = 1;
	if (!sigsetjmp(out, 1))
		kill(getpid(), SIGUSR1);
	EQ(seen.sig, SIGUSR1);
	EQ(seen.m.fault_address, 0x1000);
}

static const struct test tests[] = { T(in_memory), T(behind_a_call), T(numbers), T(last_fault) };
#else
static void none(void)
{
	SKIP("aarch64 only");
}

static const struct test tests[] = { T(none) };
#endif
MAIN(tests)
