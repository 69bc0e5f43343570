// SPDX-License-Identifier: GPL-2.0-only
/*
 * Code with a system call in it is rewritten, and does the same as before: one child runs the
 * original, another the patched code, from every place where code can come to it.
 *
 * An input is four bytes (registers, slot, place of the system call, flags) and code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "trial.h"

#define HEAD		4
#define KEEP_CALL	1	/* flags: the system call is one that the code has by itself */
#define MOV_5		2	/* the instruction before it sets the number */
#define MOV_7		4
#define TEXT_BEGINS	8	/* nothing can be read before the code */
#define SLOT_TRIES	64
#define LANDINGS	16	/* more of them are a loop */

/* Arithmetic flags and the direction. Not TF, which is ours, and RF, which is the CPU's. */
#define FLAGS		0xcd5ULL
#define FLAGS_KEPT	(FLAGS | 0x44000)	/* also nested task and alignment check, which code can set */

static struct child original, patched;
static u8 memory[2 * PAGE];			/* data and stack at each entry */
static u64 random_state;

static u64 rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

bool in_slot(const struct trial *t, u64 ip)
{
	return ip - t->slot < t->site.slot_len;
}

u64 original_ip(const struct trial *t, u64 ip)
{
	return in_slot(t, ip) ? site_original(&t->site, ip) : ip;
}

bool is_landing(const struct trial *t, u64 ip)
{
	return site_landing(&t->site, ip) != 0;
}

/*
 * All pages of slots look the same in both, but for the one that is in use; it is at many
 * addresses.
 */
bool near_slot(const struct trial *t, u64 addr)
{
	return slot_mapped(addr) && addr % SLOTS_SIZE / PAGE == t->slot % SLOTS_SIZE / PAGE;
}

/*
 * Did the patched code fault in the jump, where an instruction was? Then go on as the kernel will.
 */
bool lands(struct trial *t)
{
	int sig = t->p->info.si_signo;
	u64 ip = t->p->regs.rip - (sig == SIGTRAP);

	if ((sig != SIGTRAP && sig != SIGILL && sig != SIGSEGV) || !is_landing(t, ip))
		return false;
	t->p->regs.rip = site_landing(&t->site, ip);
	return true;
}

/* NULL, or the name of one that differs. */
const char *same_registers(const struct user_regs_struct *a, const struct user_regs_struct *b, bool rax, bool rcx)
{
#define SAME_REG(r) do { if (a->r != b->r) return #r; } while (0)
	SAME_REG(rbx); SAME_REG(rdx); SAME_REG(rsi); SAME_REG(rdi); SAME_REG(rbp); SAME_REG(rsp);
	SAME_REG(r8); SAME_REG(r9); SAME_REG(r10); SAME_REG(r12); SAME_REG(r13); SAME_REG(r14); SAME_REG(r15);
	SAME_REG(cs); SAME_REG(ds); SAME_REG(es); SAME_REG(fs); SAME_REG(gs); SAME_REG(fs_base); SAME_REG(gs_base);
	if ((a->eflags ^ b->eflags) & FLAGS_KEPT)
		return "flags";
	/* TF gets into r11 only when we step. */
	if ((a->r11 ^ b->r11) & ~0x100ULL)
		return "r11";
	if (rax)
		SAME_REG(rax);
	if (rcx)
		SAME_REG(rcx);
	return NULL;
}

/* Both have stopped with a signal: NULL, or what differs. */
const char *same_end(const struct trial *t)
{
	const siginfo_t *a = &t->o->info, *b = &t->p->info;

	if (a->si_signo != b->si_signo || a->si_code != b->si_code)
		return "signal";
	if (t->o->regs.rip != original_ip(t, t->p->regs.rip))
		return "rip";
	if (a->si_signo != SIGTRAP && (u64)a->si_addr != original_ip(t, (u64)b->si_addr))
		return "si_addr";
	if (memcmp(t->o->data, t->p->data, PAGE))
		return "data";
	if (memcmp(t->o->stack, t->p->stack, PAGE))
		return "stack";
	return same_registers(&t->o->regs, &t->p->regs, true, true);
}

/* To begin a run. */
void enter(struct trial *t, struct child *c, u64 entry)
{
	child_reset(c, &t->regs);
	memcpy(c->data, memory, PAGE);
	memcpy(c->stack, memory + PAGE, PAGE);
	c->regs.rip = entry;
}

static void hex(const char *name, u64 addr, const u8 *p, unsigned int n)
{
	fprintf(stderr, "%-9s%llx:", name, (unsigned long long)addr);
	while (n--)
		fprintf(stderr, " %02x", *p++);
	fprintf(stderr, "\n");
}

static void print_end(const char *name, const struct child *c)
{
	fprintf(stderr, "%-9srip %llx rsp %llx, signal %d, code %d, address %p\n", name, c->regs.rip, c->regs.rsp,
		c->info.si_signo, c->info.si_code, c->info.si_addr);
}

static void finding(const struct trial *t, u64 entry, const char *what)
{
	const struct site *s = &t->site;

	fprintf(stderr, "FINDING: %s differs, from entry %llx; %s\n", what, (unsigned long long)entry,
		s->kind == SITE_BEFORE_CALL ? "SITE_BEFORE_CALL" : "SITE_AT_CALL");
	fprintf(stderr, "call %llx, start %llx + %u\n", (unsigned long long)s->call, (unsigned long long)s->start, s->len);
	hex("original", CODE_BEGIN, t->o->code + CODE_BEGIN - CODE, t->end - CODE_BEGIN);
	hex("patched", CODE_BEGIN, t->p->code + CODE_BEGIN - CODE, t->end - CODE_BEGIN);
	if (t->slot)
		hex("slot", t->slot, slot_at(t->p, t->slot), s->slot_len);
	print_end("original", t->o);
	print_end("patched", t->p);
	abort();
}

static u64 random_value(const struct trial *t)
{
	u64 v = rnd();

	switch (v >> 61) {
	case 0: case 1:
		return DATA + 512 + (v & 0xbff);
	case 2:
		return v & 0xff;
	case 3:
		return (s8)v;
	case 4:
		return t->call + (v & 7);
	case 5:
		return (u32)v;
	default:
		return v;
	}
}

/* Registers and memory for this input. The stack has addresses of the code, for ret to go to. */
static void choose_state(struct trial *t, u8 seed)
{
	struct user_regs_struct *r = &t->regs;
	unsigned long long *all[] = {
		&r->rax, &r->rbx, &r->rcx, &r->rdx, &r->rsi, &r->rdi, &r->rbp, &r->r8, &r->r9,
		&r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};
	u64 word;

	random_state = 0x9e3779b97f4a7c15ULL * (seed + 1);
	*r = original.regs;
	r->cs = 0x33;
	r->ss = 0x2b;
	r->ds = r->es = r->fs = r->gs = 0;
	r->fs_base = r->gs_base = 0;
	r->orig_rax = -1;
	for (unsigned int i = 0; i < sizeof(all) / sizeof(*all); i++)
		*all[i] = random_value(t);
	r->eflags = (rnd() & FLAGS) | 0x202;
	r->rsp = STACK + 2048 + (rnd() & 0xf8);
	for (unsigned int i = 0; i < sizeof(memory); i += 8) {
		word = random_value(t);
		memcpy(memory + i, &word, 8);
	}
}

/* Where the code can be entered: its begin, the site, the call, and what the jump has swallowed. */
static unsigned int entries(const struct trial *t, u64 *list)
{
	const struct site *s = &t->site;
	unsigned int n = 0, i;

	list[n++] = CODE_BEGIN;
	list[n++] = s->start;
	if (s->kind == SITE_BEFORE_CALL)
		list[n++] = s->call;
	for (i = 0; i < s->insns; i++)
		if (s->insn[i].from < SITE_JUMP)
			list[n++] = s->start + s->insn[i].from;
	return n;
}

/* Run both, at full speed. */
static enum verdict run_both(struct trial *t, u64 entry, const char **why)
{
	unsigned int landings = 0;

	enter(t, t->o, entry);
	if (!child_continue(t->o) || near_slot(t, t->o->regs.rip))
		return SKIP;
	enter(t, t->p, entry);
	do {
		if (!child_continue(t->p))
			return *why = "end", DIFFERENT;
		if (!landings && is_landing(t, entry) && t->p->regs.rip - (t->p->info.si_signo == SIGTRAP) != entry)
			return *why = "fault of a landing", DIFFERENT;
		if (landings == LANDINGS)
			return SKIP;
	} while (lands(t) && ++landings);
	*why = same_end(t);
	return *why ? DIFFERENT : SAME;
}

/* What differs at full speed can still be something not comparable. Single steps tell. */
static enum verdict compare(struct trial *t, u64 entry, bool step)
{
	const char *why = NULL, *why_stepped = NULL;
	enum verdict v = run_both(t, entry, &why);

	if (v != DIFFERENT && !step)
		return v;
	switch (lockstep(t, entry, &why_stepped)) {
	case DIFFERENT:
		finding(t, entry, why_stepped);
		break;
	case SAME:
		/* Twice: on a busy machine one run may have been taken for a loop. */
		if (v == DIFFERENT && run_both(t, entry, &why) == DIFFERENT)
			finding(t, entry, why);
		break;
	case SKIP:
		break;
	}
	return v;
}

/* 0f and this byte is a whole opcode: no ModRM follows. */
static bool no_operand(u8 op)
{
	return (op >= 0x05 && op <= 0x0b) || (op >= 0x30 && op <= 0x37) || op == 0x77 || (op & 0xf0) == 0x80 ||
	       (op >= 0xa0 && op <= 0xa2) || (op >= 0xa8 && op <= 0xaa) || (op >= 0xc8 && op <= 0xcf);
}

/*
 * The instruction here; false: none, or one that the CPU reads in another way than the decoder.
 * Those have prefixes in an order, or on an instruction, on which no assembler puts them, or are
 * nops with an operand that the decoder does not know.
 */
bool decode_original(const struct trial *t, u64 ip, struct insn *insn)
{
	if (insn_decode(insn, t->o->code + ip - CODE, CODE + PAGE - ip, INSN_MODE_64) < 0 || insn_has_emulate_prefix(insn))
		return false;
	if (insn_is_avx(insn))
		return true;
	if (insn->opcode.nbytes > 1 && !insn->modrm.nbytes && !no_operand(insn->opcode.bytes[1]))
		return false;
	return !inat_is_legacy_prefix(insn->attr) && !inat_is_rex_prefix(insn->attr);
}

/* The code is read from its begin to the call: then the place of the site must be seen. */
static void check_boundary(struct trial *t)
{
	bool hit = false;
	struct insn insn;
	u64 ip = CODE_BEGIN;

	while (ip < t->call) {
		if (!decode_original(t, ip, &insn))
			return;
		hit |= ip == t->site.start;
		ip += insn.length;
	}
	if (ip == t->call && !hit)
		finding(t, CODE_BEGIN, "boundary");
}

static u64 high_byte(void)
{
	static const u8 high[] = { 0x06, 0x1f, 0x27, 0x37, 0x60, 0x9a, 0xcc, 0xea, 0xfa, 0x00, 0x40, 0xd5, 0xff, 0x90 };

	return high[rnd() % sizeof(high)];
}

/* A slot that site_jump() takes; its bytes to jump[]. */
static bool find_slot(struct trial *t, u8 seed, u8 *jump)
{
	random_state = 0xd1342543de82ef95ULL * (seed + 1);
	for (int i = 0; i < SLOT_TRIES; i++) {
		s32 rel = high_byte() << 24 | high_byte() << 16 | (rnd() & 0xffff);

		t->slot = t->site.start + SITE_JUMP + rel;
		if (t->slot % PAGE < SLOT_HEAD || t->slot % PAGE > PAGE - SLOT_MAX || !slot_mapped(t->slot))
			continue;
		if (site_jump(&t->site, t->slot, jump))
			return true;
	}
	t->slot = 0;
	return false;
}

static bool emit(struct trial *t)
{
	u64 gates = t->slot & -PAGE, words[2] = { gate_address(gate_before), gate_address(gate_at) };
	u8 code[SLOT_MAX + 16];

	memset(code, 0x99, sizeof(code));
	if (!site_emit(&t->site, &t->text, t->slot, gates, code))
		return false;
	if (t->site.slot_len > SLOT_MAX)
		finding(t, CODE_BEGIN, "length of the slot");
	for (unsigned int i = t->site.slot_len; i < sizeof(code); i++)
		if (code[i] != 0x99)
			finding(t, CODE_BEGIN, "length of the slot");
	memcpy(slot_at(t->p, gates), words, sizeof(words));
	memcpy(slot_at(t->p, t->slot), code, t->site.slot_len);
	return true;
}

static void patch_and_compare(struct trial *t, const u8 *data, bool step)
{
	u8 jump[SITE_JUMP], *at = t->p->code + t->site.start - CODE;
	u64 list[3 + SITE_INSNS];
	unsigned int n;

	if (!find_slot(t, data[1], jump) || !emit(t))
		return;
	memcpy(at, jump, SITE_JUMP);
	if (t->end < t->site.start + t->site.len)
		t->end = t->site.start + t->site.len;
	choose_state(t, data[0]);
	n = entries(t, list);
	/* Loops are most often loops from everywhere, and take long. */
	while (n-- && compare(t, list[n], step) != SKIP)
		;
	memcpy(at, t->o->code + t->site.start - CODE, SITE_JUMP);
	memset(slot_at(t->p, t->slot & -PAGE), 0xcc, PAGE);
}

/* Lay out the code in both children; false: no system call in it. */
static bool lay_out(struct trial *t, const u8 *data, size_t size)
{
	unsigned int n = size - HEAD, call = data[2] % (n - 1), flags = data[3], first;
	u8 *code = t->o->code + CODE_BEGIN - CODE;

	memset(t->o->code, 0xcc, PAGE);
	memcpy(code, data + HEAD, n);
	while (flags & KEEP_CALL && (code[call] != 0x0f || code[call + 1] != 0x05))
		if (++call == n - 1)
			return false;
	memcpy(code + call, "\x0f\x05", 2);
	if (flags & MOV_5 && call >= 5)
		code[call - 5] = 0xb8;
	else if (flags & MOV_7 && call >= 7)
		memcpy(code + call - 7, "\x48\xc7\xc0", 3);
	memcpy(t->p->code, t->o->code, PAGE);
	t->call = CODE_BEGIN + call;
	t->end = CODE_BEGIN + n;
	first = flags & TEXT_BEGINS && call < SITE_BEFORE ? call : SITE_BEFORE;
	t->text = (struct site_text){ code + call - first, t->call - first, first + SITE_AFTER };
	return true;
}

/* Steps are slow. */
static bool is_stepped(const u8 *data, size_t size)
{
	u32 hash = 0;

	while (size--)
		hash = hash * 31 + *data++;
	return hash % 25 == 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	child_start(&original);
	child_start(&patched);
	children_started();
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct trial t = { .o = &original, .p = &patched };
	bool step = is_stepped(data, size);

	if (size < HEAD + 8 || size > HEAD + CODE_MAX || !lay_out(&t, data, size))
		return 0;
	if (site_plan_before(&t.text, t.call, &t.site) == SITE_OK) {
		check_boundary(&t);
		patch_and_compare(&t, data, step);
	}
	if (site_plan_at(&t.text, t.call, &t.site) == SITE_OK)
		patch_and_compare(&t, data, step);
	return 0;
}

/* Instructions that are moved in different ways. */
static const struct { u8 len; char bytes[12]; } samples[] = {
	{ 1, "\xc3" }, { 1, "\x90" }, { 1, "\x50" }, { 1, "\x59" }, { 1, "\xc9" }, { 1, "\xcc" }, { 1, "\x99" }, { 3, "\xc2\x08\x00" },
	{ 2, "\x74\x05" }, { 2, "\x79\xf0" }, { 6, "\x0f\x88\x10\x00\x00\x00" }, { 2, "\xeb\x03" }, { 5, "\xe9\x20\x00\x00\x00" },
	{ 3, "\x48\x75\x04" }, { 7, "\x48\x8d\x05\x10\x00\x00\x00" }, { 6, "\x8b\x0d\x00\x10\x00\x00" }, { 6, "\xff\x25\x30\x00\x00\x00" },
	{ 10, "\xc7\x05\x00\x10\x00\x00\x01\x02\x03\x04" }, { 8, "\x80\x3d\x00\x10\x00\x00\x07\x72" }, { 2, "\xff\xe1" }, { 3, "\x41\xff\xe3" },
	{ 6, "\x48\x3d\x01\xf0\xff\xff" }, { 8, "\xc5\xfa\x6f\x05\x00\x10\x00\x00" }, { 7, "\x67\x8b\x05\x00\x10\x00\x00" },
	{ 5, "\xb8\xe7\x03\x00\x00" }, { 7, "\x48\xc7\xc0\xe7\x03\x00\x00" }, { 2, "\x0f\x05" }, { 2, "\xf3\xa4" },
};

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, unsigned int seed)
{
	unsigned int i = seed / 2 % (sizeof(samples) / sizeof(*samples)), at;

	if (seed & 1 || size < HEAD + 8)
		return LLVMFuzzerMutate(data, size, max);
	/* Most often behind the call. */
	at = HEAD + data[2] % (size - HEAD - 1) + 2 + (seed >> 16 & 3);
	if (seed >> 24 & 1)
		at = HEAD + (seed >> 8) % (size - HEAD);
	if (at + samples[i].len > size)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data + at, samples[i].bytes, samples[i].len);
	return size;
}
