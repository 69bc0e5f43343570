// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single steps and steps to the next branch, for a tracer: the trap flag is the user's own, so the
 * host reports them.
 */
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/debugreg.h>
#include <asm/hostpage.h>
#include <asm/insn.h>
#include <asm/processor-flags.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>

/*
 * As much of the instruction at ip as is in memory, as the guest knows it: without our jumps, and
 * without breakpoints of ours.
 */
unsigned int insn_text(struct mm_struct *mm, unsigned long ip, u8 *buf)
{
	unsigned int n;

	for (n = 0; n < MAX_INSN_SIZE && ip + n < TASK_SIZE; n++) {
		pte_t *ptep = kbox_walk(mm, ip + n);

		if (!ptep || !pte_present(*ptep))
			break;
		if (!pte_special(*ptep))
			buf[n] = *((u8 *)page_address(pte_page(*ptep)) + ((ip + n) & ~PAGE_MASK));
		else if (kbox_read_host_page(*ptep, buf + n, offset_in_page(ip + n), 1) != 1)
			break;
	}
	return n;
}

/* popf and iret set the flag themselves, or do not: what they leave is not the tracer's. */
static bool sets_trap_flag(struct task_struct *t, unsigned long ip)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3 };
	u8 text[MAX_INSN_SIZE];
	int n = access_process_vm(t, ip, text, sizeof(text), FOLL_FORCE), i;

	for (i = 0; i < n; i++) {
		if (text[i] == 0x9d || text[i] == 0xcf)
			return true;
		if ((text[i] & 0xf0) != 0x40 && !memchr(prefixes, text[i], sizeof(prefixes)))
			return false;
	}
	return false;
}

/* As arch/x86/kernel/step.c has it. True: the program does not step itself. */
static bool enable(struct task_struct *t)
{
	struct pt_regs *r = task_pt_regs(t);
	unsigned long old;

	set_tsk_thread_flag(t, TIF_SINGLESTEP);
	set_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	old = r->flags;
	r->flags |= X86_EFLAGS_TF;
	if (sets_trap_flag(t, r->ip)) {
		clear_tsk_thread_flag(t, TIF_FORCED_TF);
		return false;
	}
	if (old & X86_EFLAGS_TF)
		return test_tsk_thread_flag(t, TIF_FORCED_TF);
	set_tsk_thread_flag(t, TIF_FORCED_TF);
	return true;
}

void user_enable_single_step(struct task_struct *t)
{
	enable(t);
	clear_tsk_thread_flag(t, TIF_BLOCKSTEP);
}

void user_enable_block_step(struct task_struct *t)
{
	clear_tsk_thread_flag(t, TIF_BLOCKSTEP);
	if (!enable(t))
		return;
	set_tsk_thread_flag(t, TIF_BLOCKSTEP);
	set_tsk_thread_flag(t, TIF_DEBUG);
}

void user_disable_single_step(struct task_struct *t)
{
	clear_tsk_thread_flag(t, TIF_BLOCKSTEP);
	clear_tsk_thread_flag(t, TIF_SINGLESTEP);
	clear_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	if (test_and_clear_tsk_thread_flag(t, TIF_FORCED_TF))
		task_pt_regs(t)->flags &= ~X86_EFLAGS_TF;
}

/* The step over a system call ends with the call. */
void user_single_step_report(struct pt_regs *r)
{
	current->thread.trap_nr = X86_TRAP_DB;
	current->thread.error_code = 0;
	force_sig_fault(SIGTRAP, TRAP_BRKPT, (void __user *)r->ip);
}

void ptrace_disable(struct task_struct *t)
{
	user_disable_single_step(t);
}

static bool transfers_control(const struct insn *insn)
{
	u8 op = insn->opcode.bytes[0], op2 = insn->opcode.bytes[1], reg = X86_MODRM_REG(insn->modrm.bytes[0]);

	if (op == 0x0f)
		return (op2 & 0xf0) == 0x80 || op2 == 0x05;
	return (op & 0xf0) == 0x70 || (op >= 0xe0 && op <= 0xe3) || op == 0xe8 || op == 0xe9 || op == 0xeb ||
	       op == 0xc2 || op == 0xc3 || op == 0xca || op == 0xcb || op == 0xcc || op == 0xcd || op == 0xcf ||
	       (op == 0xff && reg >= 2 && reg <= 5);
}

/*
 * Has the instruction at from, which has led to the next one at to, taken a branch? Where there is
 * no telling, it has.
 */
bool step_is_branch(unsigned long from, unsigned long to)
{
	u8 text[MAX_INSN_SIZE];
	unsigned int n = insn_text(current->mm, from, text), i;
	struct insn insn;
	bool conditional;

	if (!n || insn_decode(&insn, text, n, INSN_MODE_64) < 0)
		return true;
	if (insn_is_avx(&insn) || !transfers_control(&insn))
		return false;
	i = insn.opcode.bytes[0];
	conditional = (i & 0xf0) == 0x70 || (i >= 0xe0 && i <= 0xe3) || (i == 0x0f && insn.opcode.bytes[1] != 0x05);
	return !conditional || to != from + insn.length;
}
