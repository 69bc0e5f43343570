// SPDX-License-Identifier: GPL-2.0-only
/* What a host signal's frame says, and what it means. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sched/debug.h>
#include <linux/extable.h>
#include <asm/boot.h>
#include <asm/debugreg.h>
#include <asm/fpstate.h>
#include <asm/host.h>
#include <asm/hostframe.h>
#include <asm/fault.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/outofline.h>
#include <asm/rewrite.h>
#include <asm/slotregs.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>

#define ESR_CACHE_MAINTENANCE	(1 << 8)
#define ESR_WRITE		(1 << 6)

static void regs_from_host(struct pt_regs *r, const struct sigcontext *sc)
{
	memcpy(r->regs, sc->regs, sizeof(r->regs));
	r->sp = sc->sp;
	r->pc = sc->pc;
	r->pstate = sc->pstate;
	r->syscallno = NO_SYSCALL;
}

/* The exception's syndrome, where the frame has it; ARM ARM D24.2.40. */
static u64 syndrome(const struct sigcontext *sc)
{
	const struct _aarch64_ctx *head = (void *)sc->__reserved;

	for (; head->size; head = (void *)head + head->size)
		if (head->magic == ESR_MAGIC)
			return ((struct esr_context *)head)->esr;
	return 0;
}

static bool is_abort(u64 esr)
{
	return ESR_EC(esr) == EC_INSN_ABORT || ESR_EC(esr) == EC_DATA_ABORT;
}

static unsigned long fault_kind(u64 esr)
{
	if (ESR_EC(esr) == EC_INSN_ABORT)
		return PF_INSTR;
	return esr & ESR_WRITE && !(esr & ESR_CACHE_MAINTENANCE) ? PF_WRITE : 0;
}

/* What frames say of the last fault is of the last one that the guest was told of. */
void kbox_user_abort(struct pt_regs *regs, unsigned long addr, u64 esr)
{
	struct thread_struct *t = &current->thread;
	unsigned long address = t->fault_address, code = t->fault_code;

	t->fault_address = addr;
	t->fault_code = esr;
	if (unlikely(current->mm->context.debug))
		debug_access(regs, untagged_addr(addr), fault_kind(esr));
	kbox_page_fault(regs, untagged_addr(addr), fault_kind(esr));
	if (likely(!kbox_fault_told())) {
		t->fault_address = address;
		t->fault_code = code;
	}
}

static void user_fault(int sig, struct host_siginfo *si, const struct sigcontext *sc, struct pt_regs *regs)
{
	u64 esr = syndrome(sc);

	if (sig == SIGSEGV && is_abort(esr)) {
		kbox_user_abort(regs, sc->fault_address, esr);
		return;
	}
	if (sig == SIGTRAP && unlikely(current->mm->context.debug) && debug_breakpoint(regs))
		return;
	/*
	 * A breakpoint or a step leaves it as it was; in the host's frame that is a fault of the
	 * host's.
	 */
	if (sig != SIGTRAP) {
		current->thread.fault_address = sc->fault_address;
		current->thread.fault_code = esr;
	}
	if (si->code == SI_KERNEL)
		force_sig(sig);
	else
		force_sig_fault(sig, si->code, (void __user *)(si->addr == sc->pc ? (unsigned long)regs->pc : si->addr));
}

static void kernel_fault(int sig, struct sigcontext *sc)
{
	u64 esr = syndrome(sc), addr = untagged_addr(sc->fault_address);
	struct pt_regs regs;

	if (sig == SIGSYS) {
		host_clock_lost();
		sc->regs[0] = host_clock_gettime(sc->regs[0], (void *)sc->regs[1]);
		return;
	}
	regs_from_host(&regs, sc);
	if (sig == SIGSEGV && is_abort(esr) && kbox_user_address(addr) && !pagefault_disabled() && current->mm) {
		kbox_page_fault(&regs, addr, fault_kind(esr));
		sc->pc = regs.pc;
		return;
	}
	if (fixup_exception(&regs)) {
		sc->pc = regs.pc;
		return;
	}
	if (sig == SIGBUS)
		panic("the host has no more memory for the guest");
	console_verbose();
	show_regs(&regs);
	panic("host signal %d in kernel mode, address %016llx, syndrome %llx", sig, sc->fault_address, esr);
}

/* An IPI on the last steps to user mode: this signal returns to where the task comes in again. */
static void start_over(struct sigcontext *sc, struct host_thread *me, struct pt_regs *regs)
{
	struct thread_struct *t = &me->task->thread;

	sc->regs[0] = (unsigned long)me;
	sc->regs[1] = (unsigned long)regs;
	sc->sp = t->fpstate && t->frame ? (unsigned long)t->frame : (unsigned long)(regs_top(regs) + 1) - STACK_RESERVED;
	sc->pc = (unsigned long)kbox_reenter;
}

static void from_user(int sig, struct host_siginfo *si, struct ucontext *uc, struct host_thread *me, struct pt_regs *regs)
{
	const struct slot_regs lent = slot_regs(regs);
	struct sigcontext *sc = &uc->uc_mcontext;
	bool call = sig == SIGSYS;

	regs_from_host(regs, sc);
	kbox_enter(me);
	current->thread.fpstate = fpstate_in(sc);
	current->thread.frame = container_of(uc, struct host_frame, uc);
	regs_forget_slot(regs);
	regs_top(regs)->promoted = 0;
	kbox_gate_open();
	if (unlikely(test_thread_flag(TIF_DEBUG)) && debug_came_in(regs))
		kbox_exit(regs);
	if (current->mm->context.maps) {
		switch (leave_slot(regs, &lent, sig, sig == SIGSEGV || sig == SIGBUS ? ESR_EC(syndrome(sc)) : 0)) {
		case SLOT_DONE:
			kbox_exit(regs);
		case SLOT_CALL:
			kbox_count(KBOX_CALLS_TRAP);
			kbox_count(KBOX_CALLS_BOUNCED);
			kbox_syscall(regs, regs->regs[8]);
			kbox_exit(regs);
		case SLOT_NOT:
			break;
		}
	}
	if (call)
		kbox_trapped_call(regs, regs->regs[8]);
	else if (sig != IPI_SIGNAL)
		user_fault(sig, si, sc, regs);
	kbox_exit(regs);
}

void host_trap(int sig, struct host_siginfo *si, struct ucontext *uc)
{
	unsigned long base = (unsigned long)__builtin_frame_address(0) & ~(THREAD_SIZE - 1);
	struct pt_regs *regs = (struct pt_regs *)stack_top(base) - 1;
	struct sigcontext *sc = &uc->uc_mcontext;

	if (sig == FLUSH_SIGNAL)
		host_mm_serve_unmap(HOST_OF_STACK(base));
	else if (!kbox_runs_kernel(sc->pc, sc->sp))
		from_user(sig, si, uc, HOST_OF_STACK(base), regs);
	else if (sig != IPI_SIGNAL)
		kernel_fault(sig, sc);
	else if (kbox_in_exit_section(sc->pc))
		start_over(sc, HOST_OF_STACK(base), regs);
}
