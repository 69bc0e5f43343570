// SPDX-License-Identifier: GPL-2.0-only
/*
 * One instruction of the program's, executed by itself. No host lets user code step, so it is done
 * as the kernel's own probes do it: the instruction is copied to a slot with a trap behind it, and
 * user code goes there. What would not be the same elsewhere is none that is copied. Branches are
 * simulated, and a system call is made. A literal is loaded, and the target of a branch is
 * authenticated, by another instruction that has a register lent to it. An exclusive store succeeds
 * only if there is no trap between its load and itself, so both and what is between them may go to
 * the slot together.
 */
#include <linux/bitmap.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/debugreg.h>
#include <asm/hostframe.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/icache.h>
#include <asm/insn.h>
#include <asm/outofline.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include <asm/traps.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>
#include <arm64/kernel/probes/simulate-insn.h>
#include "../rewrite/a64.h"

/*
 * The page of slots is the same for all. What is no instruction is a trap; the first is where the
 * host's vDSO returns to.
 */
#define SLOT_SIZE	64
#define SLOT_INSN	8
#define SLOTS		(PAGE_SIZE / SLOT_SIZE)
#define NOT_LENT	31
#define INSNS_MAX	11	/* in a slot, with a trap behind them and one for each exit */
#define EXITS		ARRAY_SIZE(((struct insn_slot *)0)->exit)

static void *slots;
static DECLARE_BITMAP(used, SLOTS) = { 1 };

static unsigned long slot_address(unsigned int slot)
{
	return KBOX_STEP_PAGE + slot * SLOT_SIZE + SLOT_INSN;
}

static bool make_slots(void)
{
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL);
	unsigned int i;

	if (!page || slots) {
		free_page((unsigned long)page);
		return slots;
	}
	for (i = 0; i < PAGE_SIZE; i += AARCH64_INSN_SIZE)
		a64_put(page + i, A64_BRK);
	slots = page;
	return true;
}

/*
 * The running host process has them. False: there is no memory for them, and the program is killed.
 */
static bool map_slots(void)
{
	struct host_thread *h = this_vcpu()->host;

	if (!slots && !make_slots()) {
		force_sig(SIGKILL);
		return false;
	}
	if (!h->isa.has_slots)
		host_mm_map(host_mm_of(h->mm), KBOX_STEP_PAGE, virt_to_pfn(slots), 1, PROT_READ | PROT_EXEC);
	h->isa.has_slots = true;
	return true;
}

static bool is_user_text(unsigned long pc)
{
	return pc >= (unsigned long)__user_text_start && pc < (unsigned long)__user_text_end;
}

/* The instruction at pc as the guest knows it: no branch of ours, and no breakpoint. */
bool insn_text(unsigned long pc, u32 *insn)
{
	unsigned long rights = _PAGE_USER | _PAGE_EXEC;
	pte_t *ptep;

	if (kbox_in_host_vdso(pc) || is_user_text(pc)) {
		*insn = *(const u32 *)pc;
		return true;
	}
	ptep = kbox_user_address(pc) && pc < TASK_SIZE ? kbox_walk(current->mm, pc) : NULL;
	if (!ptep || !pte_present(*ptep) || (pte_val(*ptep) & rights) != rights)
		return false;
	if (pte_special(*ptep))
		return !get_user(*insn, (u32 __user *)pc);
	*insn = *(const u32 *)(page_address(pte_page(*ptep)) + offset_in_page(pc));
	return true;
}

static bool simulate(u32 insn, struct pt_regs *regs)
{
	unsigned long pc = regs->pc;

	if (aarch64_insn_is_adr_adrp(insn))
		simulate_adr_adrp(insn, pc, regs);
	else if (aarch64_insn_is_b(insn) || aarch64_insn_is_bl(insn))
		simulate_b_bl(insn, pc, regs);
	else if (aarch64_insn_is_bcond(insn))
		simulate_b_cond(insn, pc, regs);
	else if (aarch64_insn_is_cbz(insn) || aarch64_insn_is_cbnz(insn))
		simulate_cbz_cbnz(insn, pc, regs);
	else if (aarch64_insn_is_tbz(insn) || aarch64_insn_is_tbnz(insn))
		simulate_tbz_tbnz(insn, pc, regs);
	else if (aarch64_insn_is_br(insn) || aarch64_insn_is_blr(insn) || aarch64_insn_is_ret(insn))
		simulate_br_blr_ret(insn, pc, regs);
	else
		return false;
	return true;
}

/* A register that the instruction does not use gets this value. */
static u32 lend(struct insn_slot *s, struct pt_regs *regs, unsigned int used, u64 value)
{
	s->lent = used == 16 ? 17 : 16;
	s->kept = regs->regs[s->lent];
	regs->regs[s->lent] = value;
	return s->lent;
}

static bool loads_literal(u32 insn)
{
	return (insn & 0x3b000000) == 0x18000000 && insn >> 26 != 0x37;
}

/* The load by the literal's address. ARM ARM C4.1.94. */
static u32 literal(u32 insn, struct insn_slot *s, struct pt_regs *regs)
{
	static const u32 general[] = { 0xb9400000, 0xf9400000, 0xb9800000, 0xf9800000 };
	static const u32 vector[] = { 0xbd400000, 0xfd400000, 0x3dc00000 };
	u32 reg = insn & 31, is_vector = insn >> 26 & 1, base;

	base = lend(s, regs, is_vector ? NOT_LENT : reg, s->pc + sign_extend64((insn >> 5 & 0x7ffff) << 2, 20));
	return (is_vector ? vector : general)[insn >> 30] | base << 5 | reg;
}

static bool authenticates(u32 insn)
{
	return aarch64_insn_is_br_auth(insn) || aarch64_insn_is_blr_auth(insn) || aarch64_insn_is_ret_auth(insn);
}

/* autia or autib, autiza or autizb of the branch's target. */
static u32 authentication(u32 insn, struct insn_slot *s, struct pt_regs *regs)
{
	u32 key = insn & 1 << 10, by = insn & 31, ret = aarch64_insn_is_ret_auth(insn), reg;

	reg = lend(s, regs, by, pt_regs_read_reg(regs, ret ? 30 : insn >> 5 & 31));
	return (ret || insn & 1 << 24 ? 0xdac11000 | by << 5 : 0xdac133e0) | key | reg;
}

/* What is to be in the slot for it. */
static u32 for_slot(u32 insn, struct insn_slot *s, struct pt_regs *regs)
{
	if (loads_literal(insn))
		return literal(insn, s, regs);
	return authenticates(insn) ? authentication(insn, s, regs) : insn;
}

static bool is_conditional(u32 insn)
{
	return aarch64_insn_is_bcond(insn) || aarch64_insn_is_cbz(insn) || aarch64_insn_is_cbnz(insn) ||
	       aarch64_insn_is_tbz(insn) || aarch64_insn_is_tbnz(insn);
}

/* How far, in instructions, the conditional branch leads; and the one that leads so far. */
static u32 distance_mask(u32 insn)
{
	return aarch64_insn_is_tbz(insn) || aarch64_insn_is_tbnz(insn) ? GENMASK(18, 5) : GENMASK(23, 5);
}

static long distance(u32 insn)
{
	return a64_signed((insn & distance_mask(insn)) >> 5, fls(distance_mask(insn)) - 5);
}

static u32 with_distance(u32 insn, unsigned int n)
{
	return (insn & ~distance_mask(insn)) | n << 5;
}

/*
 * All from the exclusive load to its store, in the slot's code; branches lead to traps behind it.
 * Returns how many they are; 0: there is something else between them, or too much.
 */
static unsigned int put_exclusive(struct insn_slot *s, u8 *at)
{
	unsigned int n, i, exits = 0, branch[EXITS];
	u32 insn;

	for (n = 0; n < INSNS_MAX; n++) {
		if (!insn_text(s->pc + n * 4, &insn) || (n && (insn_loads_exclusive(insn) || watch_breakpoint(s->pc + n * 4))))
			return 0;
		a64_put(at + n * 4, insn);
		if (insn_is_exclusive(insn) && n)
			break;
		if (is_conditional(insn) && exits < EXITS)
			branch[exits++] = n;
		else if (aarch64_insn_is_class_branch_sys(insn) || aarch64_insn_is_adr_adrp(insn) || loads_literal(insn))
			return 0;
	}
	if (n++ == INSNS_MAX)
		return 0;
	for (i = 0; i < exits; i++) {
		insn = a64_get(at + branch[i] * 4);
		s->exit[i] = s->pc + (branch[i] + distance(insn)) * 4;
		a64_put(at + branch[i] * 4, with_distance(insn, n + 1 + i - branch[i]));
	}
	for (i = 0; i <= exits; i++)
		a64_put(at + (n + i) * 4, A64_BRK);
	return n;
}

static enum outofline to_slot(u32 insn, struct insn_slot *s, struct pt_regs *regs, bool whole)
{
	unsigned int slot;
	u8 *at;

	if (!map_slots())
		return OUT_AGAIN;
	slot = find_first_zero_bit(used, SLOTS);
	if (slot == SLOTS) {
		schedule_timeout_interruptible(1);
		return OUT_AGAIN;
	}
	__set_bit(slot, used);
	s->pc = regs->pc;
	s->slot = slot;
	s->insn = insn;
	s->lent = NOT_LENT;
	regs->pc = slot_address(slot);
	at = slots + slot * SLOT_SIZE + SLOT_INSN;
	s->insns = whole && insn_loads_exclusive(insn) ? put_exclusive(s, at) : 0;
	if (!s->insns) {
		s->insns = 1;
		a64_put(at, for_slot(insn, s, regs));
		a64_put(at + 4, A64_BRK);
	}
	kbox_code_changed(regs->pc, at, SLOT_SIZE - SLOT_INSN);
	return OUT_GOES;
}

/* The host's vDSO is not to be seen, and is gone through as a whole. */
static enum outofline simulated(struct insn_slot *s, struct pt_regs *regs, unsigned long from)
{
	if (!kbox_in_host_vdso(regs->pc) || kbox_in_host_vdso(from))
		return OUT_DONE;
	if (!map_slots())
		return OUT_AGAIN;
	s->vdso_return = regs->regs[30];
	regs->regs[30] = KBOX_STEP_PAGE;
	return OUT_GOES;
}

/*
 * The instruction at pc is to be executed, and no other but those that are one with it, where they
 * may be.
 */
enum outofline outofline_begin(struct pt_regs *regs, bool whole)
{
	struct insn_slot *s = &current->thread.insn;
	unsigned long from = regs->pc;
	u32 insn;

	if (s->vdso_return && kbox_in_host_vdso(regs->pc))
		return OUT_GOES;
	s->vdso_return = 0;
	if (from & 3)
		return OUT_GOES;	/* to a fault */
	if (!insn_text(from, &insn)) {
		kbox_user_abort(regs, from, ESR_INSN_ABORT);
		return OUT_AGAIN;
	}
	regs_forget_slot(regs);
	regs_top(regs)->promoted = 0;
	if (aarch64_insn_is_svc(insn)) {
		regs->pc += 4;
		kbox_count(KBOX_CALLS_TRAP);
		kbox_syscall(regs, regs->regs[8]);
		return OUT_AGAIN;
	}
	return simulate(insn, regs) ? simulated(s, regs, from) : to_slot(insn, s, regs, whole);
}

/* The branch whose target has been authenticated. */
static void branch(const struct insn_slot *s, struct pt_regs *regs, u64 target)
{
	if (aarch64_insn_is_blr_auth(s->insn))
		regs->regs[30] = s->pc + 4;
	regs->pc = target;
}

/*
 * Current has come in: the registers are as if there were no slot. True: the instruction has been
 * executed.
 */
bool outofline_end(struct pt_regs *regs)
{
	struct insn_slot *s = &current->thread.insn;
	int at;
	bool done;
	u64 value;

	if (s->vdso_return && regs->pc == KBOX_STEP_PAGE) {
		regs->pc = regs->regs[30] = s->vdso_return;
		s->vdso_return = 0;
		return true;
	}
	s->was_out = s->pc;
	if (!s->pc)
		return false;
	at = (long)(regs->pc - slot_address(s->slot)) / 4;
	done = at >= s->insns && at <= s->insns + (int)EXITS;
	regs->pc = done && at > s->insns ? s->exit[at - s->insns - 1] : s->pc + at * 4;
	if (s->lent != NOT_LENT) {
		value = regs->regs[s->lent];
		regs->regs[s->lent] = s->kept;
		if (done && authenticates(s->insn))
			branch(s, regs, value);
	}
	__clear_bit(s->slot, used);
	s->pc = 0;
	return done;
}
