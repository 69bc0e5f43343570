// SPDX-License-Identifier: GPL-2.0-only
/* Host signals are the traps of this machine: system calls (SIGSYS), faults, kicks. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/sched/debug.h>
#include <linux/sched/stat.h>
#include <linux/extable.h>
#include <linux/entry-common.h>
#include <linux/ptrace.h>
#include <linux/syscalls.h>
#include <asm/fpstate.h>
#include <asm/kbox.h>
#include <asm/sections.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/sigcontext.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>
#include <asm/trap_pf.h>
#include <asm/ucontext.h>

/* The host's struct ucontext is the ISA's own. */
struct host_siginfo { int signo, errno, code, pad; unsigned long addr; };
struct host_sigaction { void *handler; unsigned long flags; void *restorer; unsigned long mask; };

int kbox_kernel_text(unsigned long ip)
{
	return ip >= (unsigned long)_text && ip < (unsigned long)_end;
}

/* The vDSO serves both: there the stack tells. */
static bool in_kernel(const struct sigcontext *sc)
{
	if (sc->ip >= kbox_boot->keep_start && sc->ip < kbox_boot->keep_end)
		return sc->sp >= KBOX_PAGE_OFFSET && sc->sp < KBOX_PAGE_OFFSET + kbox_boot->mem_size;
	return kbox_kernel_text(sc->ip);
}

static void regs_from_host(struct pt_regs *r, struct sigcontext *sc)
{
	r->r15 = sc->r15; r->r14 = sc->r14; r->r13 = sc->r13; r->r12 = sc->r12;
	r->bp = sc->bp; r->bx = sc->bx; r->r11 = sc->r11; r->r10 = sc->r10;
	r->r9 = sc->r9; r->r8 = sc->r8; r->ax = sc->ax; r->cx = sc->cx;
	r->dx = sc->dx; r->si = sc->si; r->di = sc->di; r->orig_ax = -1;
	r->ip = sc->ip; r->cs = sc->cs; r->flags = sc->flags; r->sp = sc->sp; r->ss = sc->ss ?: 0x2b;
}

static void do_syscall(struct pt_regs *regs, int nr)
{
	unsigned long work;

	regs->orig_ax = nr;
	regs->ax = -ENOSYS;
	regs->cx = regs->ip;
	regs->r11 = regs->flags;
	work = READ_ONCE(current_thread_info()->syscall_work);
	if (unlikely(work))
		nr = syscall_enter_from_user_mode_work(regs, nr);
	if (likely((unsigned int)nr < NR_syscalls))
		regs->ax = sys_call_table[nr](regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9);
	work = READ_ONCE(current_thread_info()->syscall_work);
	if (unlikely(work & SYSCALL_WORK_EXIT)) {
		syscall_exit_to_user_mode_work(regs);
		local_irq_enable();
	}
}

/* By a SIGSYS: next time, perhaps, this site is patched. */
static void trapped_call(struct pt_regs *regs, int nr)
{
	kbox_count(KBOX_CALLS_TRAP);
	stack_top(task_stack_page(current))->retried = 0;
	if (kbox_boot->rewrite)
		kbox_rewrite(regs, nr);
	do_syscall(regs, nr);
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

/* A fault in text that has been rewritten becomes one in the original text, or, if that would be none, is dealt with: true. */
static bool rewritten(const struct sigcontext *sc, struct pt_regs *regs)
{
	unsigned long to;

	if (sc->trapno == X86_TRAP_DB && kbox_stepped(current->mm, regs)) {
		do_syscall(regs, regs->ax);
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

static void user_fault(int sig, struct host_siginfo *si, struct sigcontext *sc, struct pt_regs *regs)
{
	current->thread.trap_nr = sc->trapno;
	current->thread.error_code = sc->err;
	current->thread.cr2 = sc->cr2;
	if (current->mm->context.maps && rewritten(sc, regs))
		return;
	if (sig == SIGSEGV && sc->trapno == 14)
		kbox_page_fault(regs, sc->cr2, sc->err);
	else if (si->code == SI_KERNEL)
		force_sig(sig);
	else
		force_sig_fault(sig, si->code, (void __user *)(si->addr == sc->ip ? regs->ip : si->addr));
}

static void kernel_fault(int sig, struct sigcontext *sc)
{
	struct pt_regs regs;

	if (sig == SIGSYS) {
		/* The host's clock is none that its vDSO can read: ask the host itself, from now on. */
		kbox_boot->vdso_clock_gettime = 0;
		sc->ax = HCALL(sc->ax, sc->di, sc->si, 0, 0, 0, 0);
		return;
	}
	regs_from_host(&regs, sc);
	if (sig == SIGSEGV && sc->trapno == 14) {
		if (sc->cr2 < TASK_SIZE && !pagefault_disabled() && current->mm) {
			kbox_page_fault(&regs, sc->cr2, sc->err);
			sc->ip = regs.ip;
			return;
		}
	}
	if (fixup_exception(&regs)) {
		sc->ip = regs.ip;
		return;
	}
	console_verbose();
	show_regs(&regs);
	panic("host signal %d in kernel mode, address %016llx, code %llx", sig, sc->cr2, sc->err);
}

/*
 * A system call from a patched site, on the task's kernel stack. Returns its host thread if
 * there is nothing to do before user mode but to let go of the CPU.
 */
struct host_thread *kbox_gate_call(struct pt_regs *regs, int nr)
{
	struct host_thread *me = stack_top((unsigned long)regs & ~(THREAD_SIZE - 1))->host;

	kbox_enter(me);
	kbox_count(KBOX_CALLS_REWRITE);
	current->thread.fpstate = NULL;
	do_syscall(regs, nr);
	/* The way in, on which only a few registers need to be restored, is the way out. */
	if (likely(!(READ_ONCE(current_thread_info()->flags) & _TIF_WORK_MASK) && regs->orig_ax != -1 &&
		   regs->ip == stack_top((unsigned long)regs & ~(THREAD_SIZE - 1))->resume_ip &&
		   !current->thread.fpstate && single_task_running())) {
		me->in_user = 1;
		return me;
	}
	kbox_exit(regs);
}

static bool in_exit_section(unsigned long ip)
{
	return ip >= (unsigned long)__exit_start && ip < (unsigned long)__exit_end;
}

/* The host leaves the user's AC flag as it is; the kernel makes unaligned accesses. */
static __always_inline void clear_ac(const struct sigcontext *sc)
{
	if (unlikely(sc->flags & X86_EFLAGS_AC))
		asm volatile("pushfq; andq %0, (%%rsp); popfq" : : "i" (~X86_EFLAGS_AC) : "memory", "cc");
}

static void host_trap(int sig, struct host_siginfo *si, struct ucontext *uc)
{
	struct sigcontext *sc = &uc->uc_mcontext;
	unsigned long base = (unsigned long)__builtin_frame_address(0) & ~(THREAD_SIZE - 1);
	struct pt_regs *regs = (struct pt_regs *)stack_top(base) - 1;
	struct host_thread *me;
	void *fp = (void *)sc->fpstate;

	clear_ac(sc);
	if (sig == FLUSH_SIGNAL) {
		kbox_serve_flush(HOST_OF_STACK(base));
		return;
	}
	if (in_kernel(sc)) {
		if (sig != KICK_SIGNAL) {
			kernel_fault(sig, sc);
			return;
		}
		fpstate_learn(fp);
		if (!in_exit_section(sc->ip))
			return;
		me = HOST_OF_STACK(base);
		kbox_enter(me);
		if (sc->ip >= (unsigned long)kbox_leave_fp_done || !current->thread.fpstate)
			current->thread.fpstate = fp;
		kbox_exit(regs);
	}
	me = HOST_OF_STACK(base);
	regs_from_host(regs, sc);
	kbox_enter(me);
	current->thread.fpstate = fp;
	stack_top(base)->resume_ip = 0;
	if (sig == SIGSYS)
		trapped_call(regs, sc->ax);
	else if (sig != KICK_SIGNAL)
		user_fault(sig, si, sc, regs);
	kbox_exit(regs);
}

void host_altstack(struct task_struct *t)
{
	struct { void *sp; int flags; unsigned long size; } ss = {
		task_stack_page(t), 0, THREAD_SIZE - 256,
	};

	HCALL(__NR_sigaltstack, &ss, NULL, 0, 0, 0, 0);
}

static void host_action(int sig, void *handler, unsigned long flags)
{
	struct host_sigaction sa = { handler, SA_RESTORER | flags, host_restorer, 0 };

	HCALL(__NR_rt_sigaction, sig, &sa, NULL, sizeof(sa.mask), 0, 0);
}

void host_traps_init(void)
{
	static const u8 traps[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, KICK_SIGNAL, FLUSH_SIGNAL };
	/* They are the supervisor's business. */
	static const u8 ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU, SIGWINCH };
	unsigned long none = 0;
	int i;

	/* This one needs no siginfo, and is cheaper without. */
	host_action(SIGSYS, host_trap, SA_ONSTACK | SA_NODEFER);
	for (i = 0; i < ARRAY_SIZE(traps); i++)
		host_action(traps[i], host_trap, SA_ONSTACK | SA_NODEFER | SA_SIGINFO);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		host_action(ignored[i], SIG_IGN, 0);
	HCALL(__NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none), 0, 0);
}
