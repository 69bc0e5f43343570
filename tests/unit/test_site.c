// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rewriting of one system call: what is planned, what is refused, and the bytes, which the
 * assembler makes here too.
 */
#define _GNU_SOURCE	/* REG_RIP */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <cmocka.h>
#include <asm/site.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALL 0x5000000100UL	/* where a site is, if no test says otherwise */
#define GIB (1L << 30)

/*
 * A text whose byte CALL is the first of "behind" and that ends where it ends. Its memory is no
 * larger.
 */
struct sample {
	struct site_text t;
	u8 *bytes;
};

static struct sample sample(const void *before, u32 n, const void *behind, u32 m, u32 nops)
{
	struct sample s = { .bytes = malloc(nops + n + m) };

	memset(s.bytes, 0x90, nops);
	memcpy(s.bytes + nops, before, n);
	memcpy(s.bytes + nops + n, behind, m);
	s.t = (struct site_text) { .bytes = s.bytes, .addr = CALL - n - nops, .size = nops + n + m };
	return s;
}

/* Behind 64 bytes of nops; "behind" is followed by nops. */
static struct sample usual(const void *before, u32 n, const void *behind, u32 m)
{
	u8 after[64];

	memset(after, 0x90, sizeof(after));
	memcpy(after, behind, m);
	return sample(before, n, after, sizeof(after), 64);
}

#define SYSCALL "\x0f\x05"
#define BYTES(s) (s), sizeof(s) - 1

static enum site_refusal before(const void *bytes, u32 n, struct site *s)
{
	struct sample a = usual(bytes, n, BYTES(SYSCALL));
	enum site_refusal r = site_plan_before(&a.t, CALL, s);

	free(a.bytes);
	return r;
}

static enum site_refusal at(const void *bytes, u32 n, struct site *s)
{
	struct sample a = usual("", 0, bytes, n);
	enum site_refusal r = site_plan_at(&a.t, CALL, s);

	free(a.bytes);
	return r;
}

static void plan_before(void **state)
{
	struct site s;

	(void)state;
	assert_int_equal(before(BYTES("\xb8\x27\0\0\0"), &s), SITE_OK);
	assert_int_equal(s.kind, SITE_BEFORE_CALL);
	assert_int_equal(s.call, CALL);
	assert_int_equal(s.start, CALL - 5);
	assert_int_equal(s.len, 5);
	assert_int_equal(s.nr, 39);
	assert_int_equal(before(BYTES("\x48\xc7\xc0\xe7\0\0\0"), &s), SITE_OK);
	assert_int_equal(s.start, CALL - 7);
	assert_int_equal(s.len, 7);
	assert_int_equal(s.nr, 231);
	assert_int_equal(site_landing(&s, CALL - 4), 0);
}

static void refused_before(void **state)
{
	struct site s;

	(void)state;
	assert_int_equal(before(BYTES("\xb8\x0f\0\0\0"), &s), SITE_SIGRETURN);
	assert_int_equal(before(BYTES("\x48\xc7\xc0\x0f\0\0\0"), &s), SITE_SIGRETURN);
	assert_int_equal(before(BYTES("\x31\xc0"), &s), SITE_NO_NUMBER);
	assert_int_equal(before(BYTES("\xbb\x27\0\0\0"), &s), SITE_NO_NUMBER);		/* to ebx */
	assert_int_equal(before(BYTES("\x48\xc7\xc0\0\0\0\x80"), &s), SITE_NO_NUMBER);	/* negative */
	/*
	 * A prefix makes it mov to r8d, a 10 byte mov to rax, or a two-byte immediate with a rest.
	 */
	assert_int_equal(before(BYTES("\x41\xb8\x27\0\0\0"), &s), SITE_AMBIGUOUS);
	assert_int_equal(before(BYTES("\x48\xb8\x27\0\0\0"), &s), SITE_AMBIGUOUS);
	assert_int_equal(before(BYTES("\x66\xb8\x27\0\0\0"), &s), SITE_AMBIGUOUS);
	/* The end of a longer instruction: mov $imm32,disp32(%rcx) */
	assert_int_equal(before(BYTES("\xc7\x81\0\0\0\xb8\x27\0\0\0"), &s), SITE_AMBIGUOUS);
}

/* Readings meet soon, unless the bytes repeat. The other way does not read backwards. */
static void ambiguous_before(void **state)
{
	u8 text[65];
	struct site s;

	(void)state;
	/* mov $0xb8b8b8b8,%eax from each of five bytes */
	memset(text, 0xb8, 60);
	memcpy(text + 60, "\x27\0\0\0", 4);
	assert_int_equal(before(text, 64, &s), SITE_AMBIGUOUS);
	assert_int_equal(at(BYTES(SYSCALL "\xc3"), &s), SITE_OK);
}

static void not_a_syscall(void **state)
{
	static const char *const other[] = { "\x0f\x34", "\xcd\x80", "\x0f\x0b", "\x90\x90" };
	struct site s;

	(void)state;
	for (size_t i = 0; i < COUNT(other); i++) {
		struct sample a = usual(BYTES("\xb8\x27\0\0\0"), other[i], 2);

		assert_int_equal(site_plan_before(&a.t, CALL, &s), SITE_NOT_SYSCALL);
		assert_int_equal(site_plan_at(&a.t, CALL, &s), SITE_NOT_SYSCALL);
		free(a.bytes);
	}
}

static void refused_at(void **state)
{
	static const struct { const char *name, *bytes; u32 n; enum site_refusal why; } refused[] = {
		{ "call rel32", BYTES("\xe8\0\0\0\0"), SITE_FIXED },
		{ "call *%rax", BYTES("\xff\xd0"), SITE_FIXED },
		{ "call *0(%rip)", BYTES("\xff\x15\0\0\0\0"), SITE_FIXED },
		{ "lcall *(%rax)", BYTES("\xff\x18"), SITE_FIXED },
		{ "ljmp *(%rax)", BYTES("\xff\x28"), SITE_FIXED },
		{ "hlt", BYTES("\xf4"), SITE_FIXED },
		{ "hlt behind two nops", BYTES("\x90\x90\xf4"), SITE_FIXED },
		{ "loop", BYTES("\xe2\x10"), SITE_FIXED },
		{ "jrcxz", BYTES("\xe3\x10"), SITE_FIXED },
		{ "syscall", BYTES("\x0f\x05"), SITE_FIXED },
		{ "sysenter", BYTES("\x0f\x34"), SITE_FIXED },
		{ "int $0x80", BYTES("\xcd\x80"), SITE_FIXED },
		{ "int1", BYTES("\xf1"), SITE_FIXED },
		{ "iretq", BYTES("\x48\xcf"), SITE_FIXED },
		{ "lret", BYTES("\xcb"), SITE_FIXED },
		{ "ud2", BYTES("\x0f\x0b"), SITE_FIXED },
		{ "in", BYTES("\xec"), SITE_FIXED },
		{ "popf", BYTES("\x9d"), SITE_FIXED },
		{ "xbegin", BYTES("\xc7\xf8\0\0\0\0"), SITE_FIXED },
		{ "xabort", BYTES("\xc6\xf8\x01"), SITE_FIXED },
		{ "je with a prefix", BYTES("\x3e\x74\x10"), SITE_FIXED },
		{ "jmp with a prefix", BYTES("\x66\xe9\0\0\0\0"), SITE_FIXED },
		{ "no instruction", BYTES("\xc5\xf8\x04\x90"), SITE_UNDECODED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		u8 bytes[20] = SYSCALL;
		struct site s;

		print_message("# %s\n", refused[i].name);
		memcpy(bytes + 2, refused[i].bytes, refused[i].n);
		assert_int_equal(at(bytes, 2 + refused[i].n, &s), refused[i].why);
	}
}

/* A prefix of the call would be the jump's: some processors take 66 for a short one. */
static void prefixes_at(void **state)
{
	static const struct { const char *bytes; u32 n; enum site_refusal why; } prefixes[] = {
		{ BYTES("\x66"), SITE_FIXED }, { BYTES("\x66\x48"), SITE_FIXED }, { BYTES("\x66\xf3\x2e"), SITE_FIXED },
		{ BYTES("\x48"), SITE_OK }, { BYTES("\xf3"), SITE_OK }, { BYTES("\x66\x90\xf2"), SITE_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		struct sample a = usual(prefixes[i].bytes, prefixes[i].n, BYTES(SYSCALL "\x48\x89\xc7"));
		struct site s;

		assert_int_equal(site_plan_at(&a.t, CALL, &s), prefixes[i].why);
		free(a.bytes);
	}
}

static void sigreturn_at(void **state)
{
	struct sample a = usual(BYTES("\xb8\x0f\0\0\0"), BYTES(SYSCALL "\x0f\x1f\x40\0"));
	struct site s;

	(void)state;
	assert_int_equal(site_plan_at(&a.t, CALL, &s), SITE_SIGRETURN);
	free(a.bytes);
}

/* The text ends: behind the call, inside the instruction that follows it, or with it. */
static void text_ends(void **state)
{
	static const char code[] = SYSCALL "\x90\x48\x3d\x01\xf0\xff\xff";
	u32 size = sizeof(code) - 1;

	(void)state;
	for (u32 n = 0; n <= size; n++) {
		struct sample a = sample("", 0, code, n, 0);
		enum site_refusal want = n < 2 ? SITE_NOT_SYSCALL : n < 5 ? SITE_UNREADABLE : n < size ? SITE_UNDECODED : SITE_OK;
		struct site s;

		assert_int_equal(site_plan_at(&a.t, CALL, &s), want);
		assert_int_equal(site_plan_before(&a.t, CALL, &s), n < 2 ? SITE_NOT_SYSCALL : SITE_NO_NUMBER);
		free(a.bytes);
	}
}

/*
 * The assembler's side. Each sample is a site and the slot that is expected for it, both here, so
 * that labels say what the copies must go to. {disp32}: the slot has no short jumps.
 */
asm(".pushsection .text\n"
    "gates: .quad 0, 0\n"
    "data: .quad 0\n"
    ".popsection\n");
extern const char gates[];

#define AT_SAMPLE(name, original, copy, tail) \
	asm(".pushsection .text\n" \
	    #name "_text: .skip 64, 0x90\n" \
	    #name "_call: syscall\n" \
	    original "\n" \
	    #name "_end: .skip 32, 0x90\n" \
	    #name "_slot: lea " #name "_back(%rip), %rcx\n" \
	    "jmp *gates+8(%rip)\n" \
	    ".long " #name "_call + 2 - " #name "_back\n" \
	    "syscall\n" \
	    #name "_back: lea " #name "_call + 2(%rip), %rcx\n" \
	    copy "\n" \
	    tail "\n" \
	    #name "_slot_end: nop\n" \
	    ".popsection\n"); \
	extern const u8 name##_text[], name##_call[], name##_end[], name##_slot[], name##_back[], name##_slot_end[]
#define GO_BACK(name) "{disp32} jmp " #name "_end"
#define SAME(name, insns) AT_SAMPLE(name, insns, insns, GO_BACK(name))

SAME(cmp, "cmp $-4095, %rax");
SAME(test, "test %rax, %rax");
SAME(nops, "nop\n nop\n nop");
SAME(return_, "ret\n nop\n nop");
SAME(int3, "int3\n int3\n int3");
SAME(load, "mov data(%rip), %rdx");
SAME(store, "movl $0x11223344, data(%rip)");
SAME(load_addr, "lea data(%rip), %rsi");
SAME(push_load, "push %rbx\n mov data(%rip), %rdx");
SAME(vex70, "vpshufd $0x1b, %xmm1, %xmm0");
SAME(vexe8, "vpsubsb %xmm1, %xmm2, %xmm0");
SAME(vex_load, "vmovdqu data(%rip), %ymm3");
AT_SAMPLE(return_n, "ret $8", "ret $8", "");
AT_SAMPLE(jump_reg, "nop\n jmp *%rdx", "nop\n jmp *%rdx", "");
AT_SAMPLE(jump_mem, "jmp *data(%rip)", "jmp *data(%rip)", "");
AT_SAMPLE(jump8, "nop\n jmp jump8_slot - 0x10", "nop\n {disp32} jmp jump8_slot - 0x10", "");
AT_SAMPLE(jump32, "{disp32} jmp data", "{disp32} jmp data", "");
AT_SAMPLE(jcc8, "test %eax, %eax\n js jcc8_text", "test %eax, %eax\n {disp32} js jcc8_text", GO_BACK(jcc8));
AT_SAMPLE(jcc8_twice, "je jcc8_twice_text\n jne jcc8_twice_call",
	  "{disp32} je jcc8_twice_text\n {disp32} jne jcc8_twice_call", GO_BACK(jcc8_twice));
AT_SAMPLE(jcc32, "{disp32} jae data", "{disp32} jae data", GO_BACK(jcc32));

#define AT(name, n) { #name, name##_text, name##_call, name##_end, name##_slot, name##_back, name##_slot_end, n }

static const struct at_sample {
	const char *name;
	const u8 *text, *call, *end, *slot, *back, *slot_end;
	unsigned int insns;
} at_samples[] = {
	AT(cmp, 1), AT(test, 1), AT(nops, 3), AT(return_, 3), AT(int3, 3), AT(load, 1), AT(store, 1), AT(load_addr, 1),
	AT(push_load, 2), AT(vex70, 1), AT(vexe8, 1), AT(vex_load, 1), AT(return_n, 1), AT(jump_reg, 2), AT(jump_mem, 1),
	AT(jump8, 2), AT(jump32, 1), AT(jcc8, 2), AT(jcc8_twice, 2), AT(jcc32, 1),
};

static struct site_text text_of(const struct at_sample *a)
{
	return (struct site_text) { .bytes = a->text, .addr = (u64)a->text, .size = a->slot - a->text };
}

static void emit_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(at_samples); i++) {
		const struct at_sample *a = &at_samples[i];
		struct site_text t = text_of(a);
		u8 code[SLOT_MAX];
		struct site s;

		print_message("# %s\n", a->name);
		assert_int_equal(site_plan_at(&t, (u64)a->call, &s), SITE_OK);
		assert_int_equal(s.start, (u64)a->call);
		assert_int_equal(s.len, a->end - a->call);
		assert_int_equal(s.insns, a->insns);
		assert_true(site_emit(&s, &t, (u64)a->slot, (u64)gates, code));
		assert_int_equal(s.slot_len, a->slot_end - a->slot);
		assert_memory_equal(code, a->slot, s.slot_len);
		assert_int_equal(s.resume, a->back - a->slot);
	}
}

asm(".pushsection .text\n"
    "before_text: .skip 64, 0x90\n"
    "mov $257, %rax\n"
    "before_call: syscall\n"
    ".skip 32, 0x90\n"
    "before_slot: mov $257, %eax\n"
    "lea before_call + 2(%rip), %rcx\n"
    "jmp *gates(%rip)\n"
    "before_slot_end: nop\n"
    ".popsection\n");
extern const u8 before_text[], before_call[], before_slot[], before_slot_end[];

static void emit_before(void **state)
{
	struct site_text t = { .bytes = before_text, .addr = (u64)before_text, .size = before_slot - before_text };
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(site_plan_before(&t, (u64)before_call, &s), SITE_OK);
	assert_true(site_emit(&s, &t, (u64)before_slot, (u64)gates, code));
	assert_int_equal(s.slot_len, before_slot_end - before_slot);
	assert_memory_equal(code, before_slot, s.slot_len);
	for (unsigned int off = 0; off <= s.slot_len; off++)
		assert_int_equal(site_original(&s, s.slot + off), s.start);
}

/*
 * Each offset of the slot is some place of the original, and each displaced instruction has a place
 * in the slot.
 */
static void there_and_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(at_samples); i++) {
		struct site_text t = text_of(&at_samples[i]);
		u8 code[SLOT_MAX];
		struct site s;

		site_plan_at(&t, (u64)at_samples[i].call, &s);
		assert_true(site_emit(&s, &t, (u64)at_samples[i].slot, (u64)gates, code));
		for (unsigned int off = 0; off < s.resume; off++)
			assert_int_equal(site_original(&s, s.slot + off), s.start);
		for (unsigned int k = 0; k < s.insns; k++) {
			u64 from = s.start + s.insn[k].from;
			u64 next = k + 1 < s.insns ? s.slot + s.insn[k + 1].to : s.slot + s.slot_len;

			assert_int_equal(site_original(&s, s.slot + s.insn[k].to), from);
			for (u64 ip = s.slot + s.insn[k].to + 1; ip < next; ip++)
				assert_int_equal(site_original(&s, ip), from + s.insn[k].len);
			assert_int_equal(site_landing(&s, from), s.insn[k].from < SITE_JUMP ? s.slot + s.insn[k].to : 0);
		}
		assert_int_equal(site_landing(&s, s.start), 0);
		assert_int_equal(site_landing(&s, s.start + 1), 0);
		assert_int_equal(site_landing(&s, s.start + s.len), 0);
	}
}

static void landing_inside(void **state)
{
	struct site_text t = text_of(&at_samples[0]);	/* cmp: offset 2 is the only one */
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	site_plan_at(&t, (u64)at_samples[0].call, &s);
	site_emit(&s, &t, (u64)at_samples[0].slot, (u64)gates, code);
	for (unsigned int off = 0; off < 16; off++)
		assert_int_equal(site_landing(&s, s.start + off), off == 2 ? s.slot + s.insn[0].to : 0);
}

/* A site with nops at these offsets behind syscall, in a jump of five bytes. */
static struct site displacing(unsigned int insns)
{
	static const char *const code[] = { SYSCALL "\x0f\x1f\0", SYSCALL "\x66\x90\x90", SYSCALL "\x90\x90\x90" };
	struct site s;

	assert_int_equal(at(code[insns - 1], 5, &s), SITE_OK);
	assert_int_equal(s.insns, insns);
	return s;
}

static sigjmp_buf jump_back;
static const u8 *fault_ip;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	fault_ip = (const u8 *)uc->uc_mcontext.gregs[REG_RIP];
	siglongjmp(jump_back, 1);
}

static void catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGFPE };
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	for (size_t i = 0; i < COUNT(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

/* The instruction at which this processor faults. */
static const u8 *execute(const u8 *code)
{
	if (!sigsetjmp(jump_back, 1))
		((void (*)(void))code)();
	return fault_ip;
}

/* Whatever follows the byte. int3 leaves the address behind it. */
static void assert_faults(u8 *code, u8 byte)
{
	for (unsigned int next = 0; next < 256; next++) {
		memset(code, next, 32);
		code[0] = byte;
		assert_ptr_equal(execute(code), code + (byte == 0xcc));
	}
}

/* All bytes that a jump may have where an instruction began, asked for by slots that make them. */
static void punned_bytes_fault(void **state)
{
	u8 *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct site s = displacing(1);
	u8 jump[SITE_JUMP];
	unsigned int n = 0;

	(void)state;
	assert_ptr_not_equal(code, MAP_FAILED);
	catch_faults();
	for (unsigned int byte = 0; byte < 256; byte++) {
		if (!site_jump(&s, s.start + SITE_JUMP + (byte << 8), jump))
			continue;
		assert_int_equal(jump[2], byte);
		assert_faults(code, byte);
		n++;
	}
	assert_true(n >= 16);
	munmap(code, 4096);
}

static bool may_pun(u8 byte)
{
	struct site s = displacing(1);
	u8 jump[SITE_JUMP];

	return site_jump(&s, s.start + SITE_JUMP + (byte << 8), jump);
}

/*
 * Slots near and far, in both directions: each that is taken jumps there and has such a byte at
 * each boundary.
 */
static void windows(void **state)
{
	(void)state;
	for (unsigned int insns = 1; insns <= 3; insns++) {
		struct site s = displacing(insns);
		unsigned int below = 0, above = 0;

		for (s64 rel = -2 * GIB + 0x55; rel < 2 * GIB; rel += 0x1f301) {
			u64 slot = s.start + SITE_JUMP + rel;
			u8 jump[SITE_JUMP];
			s32 got;

			if (!site_jump(&s, slot, jump))
				continue;
			*(rel < 0 ? &below : &above) += 1;
			assert_int_equal(jump[0], 0xe9);
			memcpy(&got, jump + 1, 4);
			assert_int_equal(s.start + SITE_JUMP + got, slot);
			for (unsigned int i = 0; i < s.insns; i++)
				assert_true(may_pun(jump[s.insn[i].from]));
		}
		print_message("# %u boundaries: %u slots below, %u above\n", insns, below, above);
		assert_true(below && above);
	}
}

static void reach(void **state)
{
	static const s64 rel[] = { -2 * GIB, 2 * GIB - 1, 0 };
	u8 jump[SITE_JUMP];
	struct site s;
	u64 end;

	(void)state;
	assert_int_equal(before(BYTES("\xb8\x27\0\0\0"), &s), SITE_OK);
	end = s.start + SITE_JUMP;
	for (size_t i = 0; i < COUNT(rel); i++)
		assert_true(site_jump(&s, end + rel[i], jump));
	assert_false(site_jump(&s, end - 2 * GIB - 1, jump));
	assert_false(site_jump(&s, end + 2 * GIB, jump));
	assert_false(site_jump(&s, s.start + (1UL << 46), jump));
}

/* The slot, its gates and what a copy refers to are apart by more than 2 GiB. */
static void emit_out_of_reach(void **state)
{
	static const char load[] = SYSCALL "\x48\x8b\x15\0\0\0\x7f";	/* mov 0x7f000000(%rip),%rdx */
	struct sample a = usual("", 0, BYTES(load));
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(site_plan_at(&a.t, CALL, &s), SITE_OK);
	assert_true(site_emit(&s, &a.t, CALL + GIB, CALL + GIB + 4096, code));
	assert_false(site_emit(&s, &a.t, CALL - GIB, CALL - GIB + 4096, code));
	assert_false(site_emit(&s, &a.t, CALL + GIB, CALL + 4 * GIB, code));
	assert_false(site_emit(&s, &a.t, CALL + 3 * GIB, CALL + 3 * GIB, code));
	free(a.bytes);
}

/*
 * The distance from the slot back to the call: out of reach for the last places that the jump
 * reaches.
 */
static void emit_at_the_edge(void **state)
{
	struct sample a = usual("", 0, BYTES(SYSCALL "\xc2\x08\0"));	/* ret $8: no jump back */
	u8 code[SLOT_MAX];
	struct site s;

	(void)state;
	assert_int_equal(site_plan_at(&a.t, CALL, &s), SITE_OK);
	for (s64 off = 2 * GIB - 64; off < 2 * GIB + 64; off++) {
		s32 delta;

		if (!site_emit(&s, &a.t, CALL + off, CALL + off, code))
			continue;
		memcpy(&delta, code + s.resume - SLOT_DELTA, sizeof(delta));
		assert_int_equal(s.slot + s.resume + delta, CALL + 2);
	}
	free(a.bytes);
}

/* Whatever the bytes are: only syscall is planned, and the slot is as long as it may be. */
static void check_any(const struct site_text *t, u64 call)
{
	struct site s;
	u8 code[SLOT_MAX];

	for (int way = 0; way < 2; way++) {
		if ((way ? site_plan_at : site_plan_before)(t, call, &s) != SITE_OK)
			continue;
		assert_memory_equal(t->bytes + (call - t->addr), SYSCALL, 2);
		assert_true(s.start <= call && s.start + s.len >= call + (way ? SITE_JUMP : 0));
		assert_true(s.start >= t->addr && s.start + s.len <= t->addr + t->size);
		assert_true(s.insns < SITE_INSNS);
		if (site_emit(&s, t, call + GIB, call + GIB + 8192, code))
			assert_true(s.slot_len <= SLOT_MAX);
	}
}

static void random_bytes(void **state)
{
	const u32 size = 64 << 10;
	struct sample a = { .bytes = malloc(size) };

	(void)state;
	srand(1);
	/* Every fourth place gets a call, else there would be one. */
	for (u32 i = 0; i < size; i++)
		a.bytes[i] = rand() >> 8;
	for (u32 i = 0; i + 1 < size; i += 1 + rand() % 32)
		memcpy(a.bytes + i, SYSCALL, 2);
	a.t = (struct site_text) { .bytes = a.bytes, .addr = CALL, .size = size };
	for (u32 i = 0; i < size; i++)
		check_any(&a.t, CALL + i);
	free(a.bytes);
}

/* Short texts of exactly their size, at odd addresses, and calls before, in and behind them. */
static void short_texts(void **state)
{
	(void)state;
	srand(2);
	for (u32 size = 0; size < 100; size++) {
		struct sample a = { .bytes = malloc(size) };

		for (u32 i = 0; i < size; i++)
			a.bytes[i] = rand() >> 8;
		for (u32 i = 0; i + 1 < size; i += 1 + rand() % 8)
			memcpy(a.bytes + i, SYSCALL, 2);
		a.t = (struct site_text) { .bytes = a.bytes, .addr = CALL + size % 7, .size = size };
		for (u64 call = a.t.addr - 20; call < a.t.addr + size + 20; call++) {
			check_any(&a.t, call);
			site_boundary(&a.t, call, call + 1 + size % 16);
		}
		free(a.bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_before), cmocka_unit_test(refused_before), cmocka_unit_test(ambiguous_before),
		cmocka_unit_test(not_a_syscall), cmocka_unit_test(refused_at), cmocka_unit_test(prefixes_at), cmocka_unit_test(sigreturn_at),
		cmocka_unit_test(text_ends), cmocka_unit_test(emit_at), cmocka_unit_test(emit_before),
		cmocka_unit_test(there_and_back), cmocka_unit_test(landing_inside), cmocka_unit_test(punned_bytes_fault),
		cmocka_unit_test(windows), cmocka_unit_test(reach), cmocka_unit_test(emit_out_of_reach),
		cmocka_unit_test(emit_at_the_edge),
		cmocka_unit_test(random_bytes), cmocka_unit_test(short_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
