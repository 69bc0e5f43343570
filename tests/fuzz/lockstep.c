// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both children step by step: at each instruction of the original the patched code is at the
 * same place, by site_original(), and has the same registers.
 */
#include <string.h>
#include "trial.h"

#define STEPS		200
#define ENOSYS_RAX	(-38LL)

static bool near_code(const struct trial *t, u64 addr)
{
	return addr - (CODE - 64) < PAGE + 64 || near_slot(t, addr);
}

static u64 gpr(const struct user_regs_struct *r, unsigned int n)
{
	const unsigned long long all[16] = {
		r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
		r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15,
	};

	return all[n & 15];
}

/* The address of an instruction's operand in memory. */
static u64 operand(struct insn *insn, const struct user_regs_struct *r)
{
	u8 modrm = insn->modrm.bytes[0], sib = insn->sib.bytes[0], rex = insn->rex_prefix.bytes[0];
	unsigned int rm = X86_MODRM_RM(modrm), base, index;
	u64 addr = (s64)insn->displacement.value;

	if (rm == 5 && !X86_MODRM_MOD(modrm))
		return addr + r->rip + insn->length;
	if (rm != 4)
		return addr + gpr(r, rm | (X86_REX_B(rex) ? 8 : 0));
	base = X86_SIB_BASE(sib);
	index = X86_SIB_INDEX(sib) | (X86_REX_X(rex) ? 8 : 0);
	if (base != 5 || X86_MODRM_MOD(modrm))
		addr += gpr(r, base | (X86_REX_B(rex) ? 8 : 0));
	if (index != 4)
		addr += gpr(r, index) << X86_SIB_SCALE(sib);
	return addr;
}

/* Code that reads itself sees that it was rewritten; that is so. */
static bool reads_code(const struct trial *t, struct insn *insn)
{
	const struct user_regs_struct *r = &t->o->regs;

	if (near_code(t, r->rsp))
		return true;
	if (insn->modrm.nbytes) {
		if (X86_MODRM_MOD(insn->modrm.bytes[0]) == 3)
			return false;
		return near_code(t, operand(insn, r)) || (insn_is_avx(insn) && insn->sib.nbytes);
	}
	/* Strings, xlat, leave. */
	return near_code(t, r->rsi) || near_code(t, r->rdi) || near_code(t, r->rbx) || near_code(t, r->rbp) ||
	       (insn->opcode.bytes[0] & 0xfc) == 0xa0;
}

/* 0f XX with results that are not the same twice, or that we cannot undo, or that stop us. */
static bool odd_0f(u8 op, bool memory, u8 reg)
{
	switch (op) {
	case 0x00: case 0x01: case 0x02: case 0x03:	/* descriptors, and many others */
	case 0x31: case 0x33: case 0xa2:		/* rdtsc, rdpmc, cpuid */
	case 0x34: case 0x35:				/* sysenter, sysexit */
	case 0xb2:					/* lss */
		return true;
	case 0xae:
		return memory ? reg != 2 && reg != 3 && reg != 7 : reg == 6;	/* FP state with addresses; waiting */
	case 0xc7:
		return !memory || reg != 1;		/* rdrand, rdpid, xsavec */
	}
	return false;
}

static bool odd(struct insn *insn)
{
	u8 op = insn->opcode.bytes[0], modrm = insn->modrm.bytes[0], reg = X86_MODRM_REG(modrm);
	bool memory = X86_MODRM_MOD(modrm) != 3;

	if (insn_is_avx(insn))
		return false;
	if (op == 0x0f && insn->opcode.nbytes == 2)
		return odd_0f(insn->opcode.bytes[1], memory, reg);
	return (op == 0x8e && reg == 2) ||				/* mov to ss holds the step back */
	       ((op == 0xd9 || op == 0xdd) && memory && reg == 6) ||	/* x87 state with the last address */
	       (op == 0xc7 && modrm == 0xf8) ||				/* transactions */
	       op == 0x9d || op == 0xcf || op == 0xca || op == 0xcb;	/* popf clears our step; other segments */
}

/* May the original's next instruction be compared? Its bytes to insn; length 0: none. */
static bool comparable(const struct trial *t, struct insn *insn)
{
	const struct user_regs_struct *r = &t->o->regs;
	const struct site *s = &t->site;
	bool inside = r->rip > s->start && r->rip < s->start + s->len;

	if (inside && r->rip != s->call) {
		unsigned int i;

		for (i = 0; i < s->insns && r->rip != s->start + s->insn[i].from; i++)
			;
		if (i == s->insns)
			return false;	/* code with two readings */
	}
	if (!decode_original(t, r->rip, insn)) {
		insn->length = 0;
		return inside;	/* the planner must know; elsewhere we cannot see what it reads */
	}
	if (r->rip < s->start && r->rip + insn->length > s->start)
		return false;	/* here too */
	return !odd(insn) && !reads_code(t, insn);
}

static bool is_call(struct insn *insn)
{
	return insn->length && !insn_is_avx(insn) && insn->opcode.nbytes == 2 && insn->opcode.bytes[0] == 0x0f &&
	       insn->opcode.bytes[1] == 0x05;
}

/* Those whose trap looks like that of a step. */
static bool is_trap(struct insn *insn)
{
	u8 op = insn->opcode.bytes[0];

	return insn->length && !insn_is_avx(insn) && insn->opcode.nbytes == 1 && (op == 0xcc || op == 0xcd || op == 0xf1);
}

/* The system call, and on at next, which is in rcx in original terms. */
static void emulate(struct child *c, u64 rcx, u64 next)
{
	c->regs.rax = ENOSYS_RAX;
	c->regs.rcx = rcx;
	c->regs.r11 = c->regs.eflags & ~0x10100ULL;	/* without TF and RF, as the CPU does it */
	c->regs.rip = next;
}

/*
 * What the gate does, without running it, and, in a slot, the instruction that makes rcx what a
 * system call does.
 */
static const char *through_gate(struct trial *t)
{
	emulate(t->p, t->p->regs.rcx, t->p->regs.rcx);
	if (t->site.kind != SITE_AT_CALL)
		return NULL;
	child_step(t->p);
	return t->p->info.si_signo == SIGTRAP && t->p->regs.rcx == t->site.call + 2 ? NULL : "way from the gate";
}

/* Both are at the site's start: through jump, slot and gate. NULL, or what differs. */
static const char *call_by_slot(struct trial *t)
{
	bool before = t->site.kind == SITE_BEFORE_CALL;
	u64 gate = gate_address(before ? gate_before : gate_at);
	const char *why;

	for (int i = 0; t->p->regs.rip != gate; i++) {
		if (i == 5 || original_ip(t, t->p->regs.rip) != t->site.start)
			return "way to the gate";
		why = same_registers(&t->o->regs, &t->p->regs, !before, false);
		if (why)
			return why;
		child_step(t->p);
		if (t->p->info.si_signo != SIGTRAP)
			return "way to the gate";
	}
	if (before)
		child_step(t->o);
	why = same_registers(&t->o->regs, &t->p->regs, true, false);
	if (why)
		return why;
	if (t->p->regs.rcx != (before ? t->site.call + 2 : t->slot + t->site.resume))
		return "return address";
	emulate(t->o, t->site.call + 2, t->site.call + 2);
	return through_gate(t);
}

/* Landed in the jump, which must fault at once. */
static const char *land(struct trial *t)
{
	u64 ip = t->p->regs.rip;
	bool int3 = t->p->code[ip - CODE] == 0xcc;

	child_step(t->p);
	if (t->p->regs.rip != ip + int3 || (!int3 && t->p->info.si_signo == SIGTRAP) || !lands(t))
		return "fault of a landing";
	return NULL;
}

/* One instruction of each. NULL, or what differs; *end: it was the last one. */
static const char *step_both(struct trial *t, struct insn *insn, bool *end)
{
	child_step(t->o);
	child_step(t->p);
	*end = t->o->info.si_signo != SIGTRAP || is_trap(insn);
	if (*end)
		return same_end(t);
	return t->p->info.si_signo != SIGTRAP ? "signal" : NULL;
}

static const char *next(struct trial *t, struct insn *insn, bool *end)
{
	u64 ip = t->p->regs.rip;

	if (ip == t->site.start)
		return call_by_slot(t);
	if (is_landing(t, ip))
		return land(t);
	if (in_slot(t, ip) || !is_call(insn))
		return step_both(t, insn, end);
	emulate(t->o, t->o->regs.rip + insn->length, t->o->regs.rip + insn->length);
	emulate(t->p, t->o->regs.rcx, ip + insn->length);
	return NULL;
}

/* At the slot's last jump, whose target is where the original is already. */
static bool at_way_back(const struct trial *t)
{
	return in_slot(t, t->p->regs.rip) && t->o->regs.rip == t->site.start + t->site.len;
}

static const char *compare_places(struct trial *t)
{
	if (original_ip(t, t->p->regs.rip) != t->o->regs.rip)
		return "place";
	if (at_way_back(t)) {
		child_step(t->p);
		if (t->p->info.si_signo != SIGTRAP || t->p->regs.rip != t->o->regs.rip)
			return "way back";
	}
	return same_registers(&t->o->regs, &t->p->regs, true, true);
}

static bool same_memory(const struct trial *t)
{
	return !memcmp(t->o->data, t->p->data, PAGE) && !memcmp(t->o->stack, t->p->stack, PAGE);
}

/* From the entry until the code ends, or is left. */
enum verdict lockstep(struct trial *t, u64 entry, const char **why)
{
	struct insn insn;
	bool end = false;

	enter(t, t->o, entry);
	enter(t, t->p, entry);
	for (int i = 0; i < STEPS; i++) {
		*why = compare_places(t);
		if (*why)
			return DIFFERENT;
		if (t->o->regs.rip - CODE_BEGIN >= t->end - CODE_BEGIN)
			end = true;
		else if (!comparable(t, &insn))
			return SKIP;
		else if ((*why = next(t, &insn, &end)))
			return DIFFERENT;
		if (end) {
			*why = "memory";
			return same_memory(t) ? SAME : DIFFERENT;
		}
	}
	return SKIP;
}
