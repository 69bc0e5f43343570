// SPDX-License-Identifier: GPL-2.0-only
/*
 * A syscall instruction is two bytes, a jump five. Two ways to find the other three:
 *
 * SITE_BEFORE_CALL: the instruction before it is mov $nr,%eax, of five bytes or seven. The jump
 * replaces that one whole, so nothing can land inside it; what lands on the syscall
 * instruction still finds it there. That the bytes are this instruction and not the end of
 * another one is proved by reading backwards, see site_boundary().
 *
 * SITE_AT_CALL: the jump replaces syscall and what follows it, which was decoded from the
 * syscall on, and that one has been executed. Code may land on an instruction that the jump has
 * swallowed. So the slot is put where the bytes of the jump's displacement that begin
 * such instructions fault when they are executed: then the fault says where to go on.
 */
#include <linux/types.h>
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif
#include <asm/insn.h>
#include <asm/site.h>

#define NR_RT_SIGRETURN 15

const char *const site_refusal_text[SITE_REFUSALS] = {
	[SITE_OK] = "can be rewritten",
	[SITE_NOT_SYSCALL] = "not a syscall instruction",
	[SITE_SIGRETURN] = "a signal trampoline, which unwinders know by its bytes",
	[SITE_UNREADABLE] = "too little text around it",
	[SITE_UNDECODED] = "what follows cannot be decoded",
	[SITE_FIXED] = "what follows cannot be moved",
	[SITE_NO_NUMBER] = "no mov $nr,%eax before it",
	[SITE_AMBIGUOUS] = "the bytes before it can be read in two ways",
	[SITE_BORDER] = "the jump would lie in two pages",
	[SITE_NOT_FILE] = "not the text of a file",
	[SITE_NO_ROOM] = "no place for a slot within reach",
	[SITE_TAKEN] = "the jump of another site has bytes of it",
};

static s32 get32(const u8 *p)
{
	s32 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void put32(u8 *p, s64 v)
{
	s32 w = v;

	memcpy(p, &w, sizeof(w));
}

static bool fits32(s64 v)
{
	return v == (s32)v;
}

/* n bytes at addr, or NULL. */
static const u8 *text_at(const struct site_text *t, u64 addr, u32 n)
{
	u64 off = addr - t->addr;

	return addr >= t->addr && off <= t->size && n <= t->size - off ? t->bytes + off : NULL;
}

/* 0f and this byte is a whole opcode: no ModRM follows. Intel SDM vol. 2, appendix A.3. */
static bool no_operand(u8 op)
{
	return (op >= 0x05 && op <= 0x0b) || (op >= 0x30 && op <= 0x37) || op == 0x77 || (op & 0xf0) == 0x80 ||
	       (op >= 0xa0 && op <= 0xa2) || (op >= 0xa8 && op <= 0xaa) || (op >= 0xc8 && op <= 0xcf);
}

/*
 * What the decoder reads in another way than the CPU: a prefix that is out of order is an opcode to
 * it, a hypervisor's mark a prefix, and where its tables have nothing (0f 19; f3 0f 41) it sees no
 * operand.
 */
static bool misread(struct insn *insn)
{
	if (insn_has_emulate_prefix(insn))
		return true;
	if (insn_is_avx(insn) || insn_is_rex2(insn))
		return false;
	if (insn->opcode.nbytes > 1 && !insn->modrm.nbytes && !no_operand(insn->opcode.bytes[1]))
		return true;
	return inat_is_legacy_prefix(insn->attr) || inat_is_rex_prefix(insn->attr);
}

/* Bytes of the instruction at addr; 0 if it is none. */
static unsigned int decode(const struct site_text *t, u64 addr, struct insn *insn)
{
	const u8 *p = text_at(t, addr, 1);

	if (!p || insn_decode(insn, p, t->addr + t->size - addr, INSN_MODE_64) < 0 || misread(insn))
		return 0;
	return insn->length;
}

static bool is_syscall(const struct site_text *t, u64 addr)
{
	const u8 *p = text_at(t, addr, 2);

	return p && p[0] == 0x0f && p[1] == 0x05;
}

/*
 * Does an instruction begin at "at", given that one begins at "known" behind it? Among 15
 * neighbouring bytes of code one begins an instruction, for none is longer. So of 15 readings
 * that start at neighbouring bytes one is the right one. Those that do not come to "known"
 * are wrong; all that do must agree.
 */
bool site_boundary(const struct site_text *t, u64 at, u64 known)
{
	u64 first = at - t->addr > SITE_BEFORE - 16 ? at - (SITE_BEFORE - 16) : t->addr;
	unsigned int start, len, agree = 0;
	struct insn insn;

	/* With less before it perhaps none of the readings is the right one. */
	if (at < t->addr || at - t->addr < MAX_INSN_SIZE - 1)
		return false;
	for (start = 0; start < MAX_INSN_SIZE && first + start <= at; start++) {
		bool hit = false;
		u64 ip;

		for (ip = first + start; ip < known; ip += len) {
			hit |= ip == at;
			len = decode(t, ip, &insn);
			if (!len)
				break;
		}
		if (ip != known)
			continue;
		if (!hit)
			return false;
		agree++;
	}
	return agree;
}

/* mov $imm32,%eax, or the same with sign extension to rax: its length, or 0. */
static unsigned int sets_number(const struct site_text *t, u64 call, u32 *nr)
{
	const u8 *p = text_at(t, call - 7, 7);

	if (p && p[0] == 0x48 && p[1] == 0xc7 && p[2] == 0xc0 && !(p[6] & 0x80)) {
		*nr = get32(p + 3);
		return 7;
	}
	p = text_at(t, call - 5, 5);
	if (!p || p[0] != 0xb8)
		return 0;
	*nr = get32(p + 1);
	return 5;
}

/* Plan for the instruction before the system call at this address. */
enum site_refusal site_plan_before(const struct site_text *t, u64 call, struct site *s)
{
	unsigned int len;

	if (!is_syscall(t, call))
		return SITE_NOT_SYSCALL;
	len = sets_number(t, call, &s->nr);
	if (!len)
		return SITE_NO_NUMBER;
	if (s->nr == NR_RT_SIGRETURN)
		return SITE_SIGRETURN;
	if (!site_boundary(t, call - len, call))
		return SITE_AMBIGUOUS;
	s->kind = SITE_BEFORE_CALL;
	s->call = call;
	s->start = call - len;
	s->len = len;
	s->insns = 0;
	return SITE_OK;
}

static bool rip_relative(struct insn *insn)
{
	return insn->modrm.nbytes && (insn->modrm.bytes[0] & 0xc7) == 5;
}

enum move { MOVE_COPY, MOVE_JCC, MOVE_JMP, MOVE_LAST, MOVE_NOT };

/* How an instruction gets to another place. */
static enum move how_to_move(struct insn *insn)
{
	u8 op = insn->opcode.bytes[0], op2 = insn->opcode.bytes[1], reg = X86_MODRM_REG(insn->modrm.bytes[0]);

	if (insn_is_rex2(insn))		/* an opcode of one byte can be of either table */
		return MOVE_NOT;
	if (insn_is_avx(insn))		/* its opcodes are another table's */
		return MOVE_COPY;
	if (insn->opcode.nbytes == 1) {
		if (op >= 0x70 && op <= 0x7f)
			return MOVE_JCC;
		if (op == 0xeb || op == 0xe9)
			return MOVE_JMP;
		if (op == 0xc3 || op == 0xc2 || (op == 0xff && reg == 4))
			return MOVE_LAST;
		if (op == 0x8f && reg)		/* pop, or AMD's XOP */
			return MOVE_NOT;
		if (op == 0x9d)			/* popf: with TF, the jump behind its copy would be a step */
			return MOVE_NOT;
		/*
		 * call, loop, jrcxz, in and out, far return, software interrupts, iret, hlt, far,
		 * xbegin and xabort
		 */
		if (op == 0xe8 || (op >= 0xe0 && op <= 0xe7) || (op >= 0xca && op <= 0xcf && op != 0xcc) || op == 0xf1 || op == 0xf4 ||
		    (op >= 0xec && op <= 0xef) || (op >= 0x6c && op <= 0x6f) ||
		    (op == 0xff && (reg == 2 || reg == 3 || reg == 5)) ||
		    ((op == 0xc6 || op == 0xc7) && reg == 7 && insn->modrm.bytes[0] == 0xf8))
			return MOVE_NOT;
	} else if (insn->opcode.nbytes == 2 && op == 0x0f) {
		if (op2 >= 0x80 && op2 <= 0x8f)
			return MOVE_JCC;
		/* syscall, sysret, sysenter, sysexit, ud2, ud1 */
		if (op2 == 0x05 || op2 == 0x07 || op2 == 0x34 || op2 == 0x35 || op2 == 0x0b || op2 == 0xb9)
			return MOVE_NOT;
	}
	return MOVE_COPY;
}

static bool is_branch(enum move how)
{
	return how == MOVE_JCC || how == MOVE_JMP;
}

/*
 * Among the bytes of prefixes before it is perhaps 66: to some processors the jump would have 16
 * bits.
 */
static bool has_short_prefix(const struct site_text *t, u64 call)
{
	const u8 *p;

	while ((p = text_at(t, --call, 1))) {
		if (*p == 0x66)
			return true;
		if (!inat_is_legacy_prefix(inat_get_opcode_attribute(*p)) && !inat_is_rex_prefix(inat_get_opcode_attribute(*p)))
			return false;
	}
	return false;
}

/* Plan for the system call and the instructions after it. */
enum site_refusal site_plan_at(const struct site_text *t, u64 call, struct site *s)
{
	unsigned int len, at;
	struct insn insn;
	u32 nr;

	if (!is_syscall(t, call))
		return SITE_NOT_SYSCALL;
	if (sets_number(t, call, &nr) && nr == NR_RT_SIGRETURN)
		return SITE_SIGRETURN;
	if (!text_at(t, call, SITE_JUMP))
		return SITE_UNREADABLE;
	if (has_short_prefix(t, call))
		return SITE_FIXED;
	s->insns = 0;
	for (at = 2; at < SITE_JUMP; at += len) {
		len = decode(t, call + at, &insn);
		if (!len)
			return SITE_UNDECODED;
		if (how_to_move(&insn) == MOVE_NOT || (is_branch(how_to_move(&insn)) && insn.prefixes.nbytes))
			return SITE_FIXED;
		s->insn[s->insns].from = at;
		s->insn[s->insns++].len = len;
	}
	s->kind = SITE_AT_CALL;
	s->call = s->start = call;
	s->len = at;
	return SITE_OK;
}

/*
 * Single bytes that fault when 64-bit code executes them, at any privilege below the kernel's:
 * not encodable there (#UD), privileged (#GP), or int3. Intel SDM vol. 2, appendix A.3.
 */
static bool faults(u8 byte)
{
	static const u8 list[] = {
		0x06, 0x07, 0x0e, 0x16, 0x17, 0x1e, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x60, 0x61, 0x9a, 0xcc, 0xce, 0xd4,
		0xea, 0xf4, 0xfa, 0xfb,
	};
	unsigned int i;

	for (i = 0; i < sizeof(list); i++)
		if (list[i] == byte)
			return true;
	return false;
}

/* The jump to a slot there; false: out of reach, or code could land in it and not fault. */
bool site_jump(const struct site *s, u64 slot, u8 jump[SITE_JUMP])
{
	s64 rel = slot - (s->start + SITE_JUMP);
	unsigned int i;

	if (!fits32(rel))
		return false;
	jump[0] = 0xe9;
	put32(jump + 1, rel);
	for (i = 0; i < s->insns; i++)
		if (s->insn[i].from < SITE_JUMP && !faults(jump[s->insn[i].from]))
			return false;
	return true;
}

/* rel32 from the end of an instruction at p[len] that will be at addr. */
static bool put_rel(u8 *p, u64 end, u64 target)
{
	put32(p, target - end);
	return fits32(target - end);
}

static unsigned int emit_jump(u8 *p, u64 addr, u64 target)
{
	p[0] = 0xe9;
	return put_rel(p + 1, addr + 5, target) ? 5 : 0;
}

static unsigned int emit_branch(struct insn *insn, u8 *p, u64 addr, u64 target)
{
	u8 op = insn->opcode.nbytes == 2 ? insn->opcode.bytes[1] : insn->opcode.bytes[0];

	if (how_to_move(insn) == MOVE_JMP)
		return emit_jump(p, addr, target);
	p[0] = 0x0f;
	p[1] = 0x80 | (op & 15);
	return put_rel(p + 2, addr + 6, target) ? 6 : 0;
}

/*
 * The instruction from "from", so that it does the same at addr: bytes written to p, 0 if it
 * cannot.
 */
static unsigned int emit_copy(const struct site_text *t, u64 from, u8 *p, u64 addr, enum move *how)
{
	unsigned int len, disp;
	struct insn insn;
	u64 target;

	len = decode(t, from, &insn);
	*how = how_to_move(&insn);
	if (is_branch(*how))
		return emit_branch(&insn, p, addr, from + len + (s64)insn.immediate.value);
	memcpy(p, text_at(t, from, len), len);
	if (!rip_relative(&insn))
		return len;
	disp = insn_offset_displacement(&insn);
	target = from + len + (s64)insn.displacement.value;
	return put_rel(p + disp, addr + len, target) ? len : 0;
}

/* lea target(%rip),%rcx */
static unsigned int emit_rcx(u8 *p, u64 addr, u64 target)
{
	p[0] = 0x48; p[1] = 0x8d; p[2] = 0x0d;
	return put_rel(p + 3, addr + 7, target) ? 7 : 0;
}

/* The same, and jmp *gate(%rip) */
static unsigned int emit_entry(u8 *p, u64 addr, u64 target, u64 gate)
{
	p[7] = 0xff; p[8] = 0x25;
	return emit_rcx(p, addr, target) && put_rel(p + 9, addr + 13, gate) ? 13 : 0;
}

static bool emit_before(struct site *s, u64 slot, u64 gates, u8 *code)
{
	code[0] = 0xb8;
	put32(code + 1, s->nr);
	s->resume = 0;
	s->slot_len = 18;
	return emit_entry(code + 5, slot + 5, s->call + 2, gates + SLOT_GATE_BEFORE);
}

static bool emit_at(struct site *s, const struct site_text *t, u64 slot, u64 gates, u8 *code)
{
	unsigned int at = 13 + SLOT_DELTA, i, n;
	enum move how = MOVE_COPY;

	if (!emit_entry(code, slot, slot + at, gates + SLOT_GATE_AT))
		return false;
	if (!put_rel(code + 13, slot + at, s->call + 2))
		return false;
	code[17] = 0x0f; code[18] = 0x05;
	s->resume = at;
	/* What a system call leaves in rcx: where it returns to. */
	n = emit_rcx(code + at, slot + at, s->call + 2);
	if (!n)
		return false;
	at += n;
	for (i = 0; i < s->insns; i++, at += n) {
		s->insn[i].to = at;
		n = emit_copy(t, s->start + s->insn[i].from, code + at, slot + at, &how);
		if (!n)
			return false;
	}
	if (how != MOVE_LAST && how != MOVE_JMP) {
		n = emit_jump(code + at, slot + at, s->start + s->len);
		if (!n)
			return false;
		at += n;
	}
	s->slot_len = at;
	return true;
}

/*
 * The slot's code, at most SLOT_MAX bytes, for this address, with the page of gates at
 * that one. False: something is out of reach.
 */
bool site_emit(struct site *s, const struct site_text *t, u64 slot, u64 gates, u8 *code)
{
	s->slot = slot;
	return s->kind == SITE_BEFORE_CALL ? emit_before(s, slot, gates, code) : emit_at(s, t, slot, gates, code);
}

/*
 * ip is in the slot: where the program would be had it not been rewritten. Before the gate
 * nothing has happened yet, so that is the site's start.
 */
u64 site_original(const struct site *s, u64 ip)
{
	unsigned int off = ip - s->slot, i;

	if (s->kind == SITE_BEFORE_CALL || off < s->resume)
		return s->start;
	for (i = 0; i < s->insns; i++)
		if (off <= s->insn[i].to)
			return s->start + s->insn[i].from;
	return s->start + s->len;
}

/*
 * Code landed at ip, inside the jump: where its instruction is now; 0: no instruction begins there.
 */
u64 site_landing(const struct site *s, u64 ip)
{
	unsigned int i;

	for (i = 0; i < s->insns; i++)
		if (ip == s->start + s->insn[i].from && s->insn[i].from < SITE_JUMP)
			return s->slot + s->insn[i].to;
	return 0;
}
