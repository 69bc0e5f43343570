// SPDX-License-Identifier: GPL-2.0-only
/* What a host signal's frame says, and what it means. */
#include <linux/init.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sched/debug.h>
#include <linux/extable.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <uapi/linux/audit.h>
#include <asm/boot.h>
#include <asm/debugreg.h>
#include <asm/fpstate.h>
#include <asm/gate.h>
#include <asm/host.h>
#include <asm/fault.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/rewrite.h>
#include <asm/segments.h>
#include <asm/sigcontext.h>
#include <asm/site.h>
#include <asm/vcpu.h>
#include <asm/processor-flags.h>
#include <asm/trap_pf.h>
#include <asm/trapnr.h>
#include <asm/ucontext.h>
#include <asm/vdso.h>
#include <asm/vsyscall.h>

#define IA32_SYSCALL_VECTOR	0x80

static void regs_from_host(struct pt_regs *r, struct sigcontext *sc)
{
	r->r15 = sc->r15; r->r14 = sc->r14; r->r13 = sc->r13; r->r12 = sc->r12;
	r->bp = sc->bp; r->bx = sc->bx; r->r11 = sc->r11; r->r10 = sc->r10;
	r->r9 = sc->r9; r->r8 = sc->r8; r->ax = sc->ax; r->cx = sc->cx;
	r->dx = sc->dx; r->si = sc->si; r->di = sc->di; r->orig_ax = -1;
	r->ip = sc->ip; r->cs = sc->cs; r->flags = sc->flags; r->sp = sc->sp; r->ss = sc->ss ?: USER_SS;
}

/* Code landed inside a jump of ours: it goes on with what was there. */
static bool landed(const struct sigcontext *sc, struct pt_regs *regs)
{
	unsigned long ip = regs->ip - (sc->trapno == X86_TRAP_BP), to;

	if (sc->trapno != X86_TRAP_BP && sc->trapno != X86_TRAP_UD && sc->trapno != X86_TRAP_GP)
		return false;
	to = kbox_landing_ip(current->mm, ip, sc->trapno == X86_TRAP_BP);
	if (!to)
		return false;
	kbox_count(KBOX_LANDINGS);
	regs->ip = stack_top(task_stack_page(current))->resume_ip = ip;
	stack_top(task_stack_page(current))->resume = to;
	return true;
}

/*
 * A fault in text that has been rewritten becomes one in the original text, or, if that would be
 * none, is dealt with: true.
 */
static bool rewritten(const struct sigcontext *sc, struct pt_regs *regs)
{
	unsigned long to;

	if (sc->trapno == X86_TRAP_DB && kbox_stepped(current->mm, regs)) {
		kbox_syscall(regs, regs->ax);
		return true;
	}
	if (landed(sc, regs))
		return true;
	regs->ip = kbox_original_ip(current->mm, regs->ip);
	if (sc->trapno != X86_TRAP_PF || !(sc->err & X86_PF_INSTR))
		return false;
	to = kbox_lost_slot(current->mm, sc->ip);
	if (to)
		regs->ip = to;
	return to;
}

/* What frames say of the last fault is of the last one that the guest was told of. */
static void user_page_fault(const struct sigcontext *sc, struct pt_regs *regs)
{
	struct thread_struct *t = &current->thread;
	unsigned long trap_nr = t->trap_nr, error_code = t->error_code, cr2 = t->cr2;

	t->trap_nr = sc->trapno;
	t->error_code = sc->err;
	t->cr2 = sc->cr2;
	if (unlikely(current->mm->context.debug))
		debug_access(regs, sc->cr2, sc->err);
	kbox_page_fault(regs, sc->cr2, sc->err);
	if (likely(!kbox_fault_told())) {
		t->trap_nr = trap_nr;
		t->error_code = error_code;
		t->cr2 = cr2;
	}
}

static void user_fault(int sig, struct host_siginfo *si, struct sigcontext *sc, struct pt_regs *regs)
{
	/*
	 * The host forces SIGSEGV without a fault, too (vsyscall page): then its frame has the last
	 * one.
	 */
	bool forced = sc->trapno == X86_TRAP_PF && si->code == SI_KERNEL;

	/* Who steps through the guest's vDSO does not come here. */
	if (sc->trapno == X86_TRAP_DB && kbox_in_host_vdso(sc->ip))
		return;
	if (sc->trapno == X86_TRAP_BP && unlikely(current->mm->context.debug) && debug_breakpoint(regs))
		return;
	if (current->mm->context.maps && rewritten(sc, regs))
		return;
	if (sc->trapno == X86_TRAP_DB && debug_step(regs, si->code))
		return;
	/* Natively a GS base of 0 is nothing that faults by itself. */
	if (sig == SIGSEGV && (sc->trapno == X86_TRAP_GP || !kbox_user_address(sc->cr2)) && gs_used(regs->ip))
		return;
	if (sig == SIGSEGV && sc->trapno == X86_TRAP_PF && !forced) {
		user_page_fault(sc, regs);
		return;
	}
	if (!forced) {
		current->thread.trap_nr = sc->trapno;
		current->thread.error_code = sc->err;
		if (sc->trapno == X86_TRAP_PF)
			current->thread.cr2 = sc->cr2;
	}
	if (si->code == SI_KERNEL)
		force_sig(sig);
	else
		force_sig_fault(sig, si->code, (void __user *)(si->addr == sc->ip ? regs->ip : si->addr));
}

static void kernel_fault(int sig, struct sigcontext *sc)
{
	struct pt_regs regs;

	if (sig == SIGSYS) {
		host_clock_lost();
		sc->ax = host_clock_gettime(sc->di, (void *)sc->si);
		return;
	}
	regs_from_host(&regs, sc);
	if (sig == SIGSEGV && sc->trapno == X86_TRAP_PF) {
		if (kbox_user_address(sc->cr2) && !pagefault_disabled() && current->mm) {
			kbox_page_fault(&regs, sc->cr2, sc->err);
			sc->ip = regs.ip;
			return;
		}
	}
	if (fixup_exception(&regs)) {
		sc->ip = regs.ip;
		return;
	}
	if (sig == SIGBUS)
		panic("the host has no more memory for the guest");
	console_verbose();
	show_regs(&regs);
	if (sc->trapno != X86_TRAP_PF)
		panic("host signal %d in kernel mode, ip %016llx, trap %llu", sig, sc->ip, sc->trapno);
	panic("host signal %d in kernel mode, address %016llx, code %llx", sig, sc->cr2, sc->err);
}

/* Of the processor, in 64-bit mode. */
bool have_lahf = true;

static int __init find_lahf(void)
{
	have_lahf = !(kbox_boot->hidden & KBOX_HIDE_LAHF);
	return 0;
}
early_initcall(find_lahf);

/*
 * By the GS base the gate has found nothing: it is the guest's own (gate.S). SIGBUS: nothing that
 * is aligned, while AC asks for that, or memory of a file that has become shorter.
 */
static bool gate_refused(int sig, const struct sigcontext *sc)
{
	return IS_ENABLED(CONFIG_KBOX_REWRITE) && (sig == SIGSEGV || sig == SIGBUS) && sc->ip >= (unsigned long)kbox_gate_at && sc->ip < (unsigned long)kbox_gate_taken;
}

/*
 * A slot's first instruction behind its call, which has not been executed yet, gives rcx what a
 * system call does.
 */
static void leave_call(struct pt_regs *regs)
{
	if (regs->cx == regs->ip && current->mm->context.maps)
		regs->cx = kbox_original_ip(current->mm, regs->ip);
}

/*
 * A 32-bit system call, of which the guest's kernel has none: int $0x80 is an interrupt then that
 * user code may not raise. Behind sysenter, and syscall in 32-bit code, the host says that it is in
 * its vDSO, and it is not known where they were.
 */
static void foreign_call(struct pt_regs *regs)
{
	u8 insn[2] = { };

	local_irq_enable();	/* as in kbox_page_fault() */
	if (copy_from_user(insn, (void __user *)regs->ip - sizeof(insn), sizeof(insn)))
		insn[0] = 0;
	if (insn[0] == 0xcd && insn[1] == 0x80)
		regs->ip -= sizeof(insn);
	else if (regs->cs != USER_CS)
		regs->ip = (u32)regs->ip;
	current->thread.trap_nr = X86_TRAP_GP;
	current->thread.error_code = IA32_SYSCALL_VECTOR * 8 + 2;	/* of the IDT; SDM vol. 3, 6.13 */
	force_sig(SIGSEGV);
}

static void trapped_call(struct pt_regs *regs, long nr)
{
	regs_top(regs)->retried = 0;
	kbox_trapped_call(regs, nr);
}

/*
 * The host leaves some of the user's flags as they are. The kernel makes unaligned accesses, which
 * AC forbids, and goes to user mode by iretq, which with NT is something else.
 */
static __always_inline void clear_flags(const struct sigcontext *sc)
{
	if (unlikely(sc->flags & (X86_EFLAGS_AC | X86_EFLAGS_NT)))
		asm volatile("pushfq; andq %0, (%%rsp); popfq"
			     : : "i" (~(X86_EFLAGS_AC | X86_EFLAGS_NT)) : "memory", "cc");
}

void host_trap(int sig, struct host_siginfo *si, struct ucontext *uc)
{
	struct sigcontext *sc = &uc->uc_mcontext;
	unsigned long base = (unsigned long)__builtin_frame_address(0) & ~(THREAD_SIZE - 1);
	struct pt_regs *regs = (struct pt_regs *)stack_top(base) - 1;
	struct host_thread *me;
	void *fp = (void *)sc->fpstate;

	clear_flags(sc);
	if (sig == FLUSH_SIGNAL) {
		host_mm_serve_unmap(HOST_OF_STACK(base));
		return;
	}
	if (kbox_runs_kernel(sc->ip, sc->sp)) {
		/*
		 * The processor may refuse to go where a debugger or a signal handler's frame says.
		 */
		bool refused = sig == SIGSEGV && sc->trapno != X86_TRAP_PF && kbox_in_exit_section(sc->ip);

		if (sig != IPI_SIGNAL && !refused) {
			if (gate_refused(sig, sc)) {
				gs_refused(HOST_OF_STACK(base));
				sc->ip = (unsigned long)kbox_gate_bounce;
			} else {
				kernel_fault(sig, sc);
			}
			return;
		}
		fpstate_learn(fp);
		if (!kbox_in_exit_section(sc->ip))
			return;
		me = HOST_OF_STACK(base);
		kbox_enter(me);
		if (sc->ip >= (unsigned long)kbox_leave_fp_done || !current->thread.fpstate)
			current->thread.fpstate = fp;
		if (refused)
			user_fault(sig, si, sc, regs);
		kbox_exit(regs);
	}
	me = HOST_OF_STACK(base);
	regs_from_host(regs, sc);
	kbox_enter(me);
	current->thread.fpstate = fp;
	regs_forget_slot(regs);
	if (unlikely(test_thread_flag(TIF_DEBUG)))
		debug_entered(regs, sig == SIGTRAP ? sc->trapno : -1);
	if (regs->cs != USER_CS)
		gate_not_wanted();
	if (sig == SIGSYS && si->arch != AUDIT_ARCH_X86_64)
		foreign_call(regs);
	else if (sig == SIGSYS && in_gate_area_no_mm(si->addr))
		kbox_vsyscall(regs, sc->ax, si->addr);
	else if (sig == SIGSYS)
		trapped_call(regs, sc->ax);
	else
		leave_call(regs);
	if (sig != SIGSYS && sig != IPI_SIGNAL)
		user_fault(sig, si, sc, regs);
	kbox_exit(regs);
}
