// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signal frames of the native ABI, as arch/arm64/kernel/signal.c has them, with FP and SIMD but no
 * SVE records.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/entry-common.h>
#include <linux/resume_user_mode.h>
#include <asm/gate.h>
#include <asm/fpstate.h>
#include <asm/hostframe.h>
#include <asm/rewrite.h>
#include <asm/site.h>

/* What a guest's handler finds; behind it, a frame record for unwinders. */
struct frame {
	struct siginfo info;
	struct ucontext uc;
	struct { u64 fp, lr; } record;
};

static int put_records(struct sigcontext __user *sc)
{
	const struct fpsimd_context *fp = current->thread.fpstate;
	void __user *at = sc->__reserved;
	struct fpsimd_context head = { .head = { FPSIMD_MAGIC, sizeof(*fp) }, .fpsr = fp->fpsr, .fpcr = fp->fpcr };
	struct esr_context esr = { { ESR_MAGIC, sizeof(esr) }, current->thread.fault_code };
	static const u64 end[2];

	if (copy_to_user(at, &head, offsetof(struct fpsimd_context, vregs)) ||
	    copy_to_user(at + offsetof(struct fpsimd_context, vregs), fp->vregs, sizeof(fp->vregs)))
		return -EFAULT;
	at += sizeof(*fp);
	if (esr.esr) {
		if (copy_to_user(at, &esr, sizeof(esr)))
			return -EFAULT;
		at += sizeof(esr);
	}
	return copy_to_user(at, end, sizeof(end)) ? -EFAULT : 0;
}

static int put_frame(struct ksignal *ks, struct pt_regs *r)
{
	unsigned long sp = sigsp(r->sp, ks);
	struct frame __user *f = (void __user *)(((sp & ~15UL) - sizeof(*f)) & ~15UL);
	struct sigcontext __user *sc = &f->uc.uc_mcontext;

	if (on_sig_stack(r->sp) && !on_sig_stack((unsigned long)f))
		return -EFAULT;
	if (!access_ok(f, sizeof(*f)) || __clear_user(&f->uc, offsetof(struct ucontext, uc_mcontext)) ||
	    __save_altstack(&f->uc.uc_stack, r->sp) ||
	    copy_to_user(&f->uc.uc_sigmask, sigmask_to_save(), sizeof(sigset_t)) ||
	    put_user(current->thread.fault_address, &sc->fault_address) ||
	    copy_to_user(sc->regs, &r->user_regs, sizeof(r->user_regs)) || put_records(sc) ||
	    put_user(r->regs[29], &f->record.fp) || put_user(r->regs[30], &f->record.lr))
		return -EFAULT;
	if (ks->ka.sa.sa_flags & SA_SIGINFO && copy_siginfo_to_user(&f->info, &ks->info))
		return -EFAULT;
	r->regs[0] = ks->sig;
	if (ks->ka.sa.sa_flags & SA_SIGINFO) {
		r->regs[1] = (unsigned long)&f->info;
		r->regs[2] = (unsigned long)&f->uc;
	}
	r->regs[29] = (unsigned long)&f->record;
	r->regs[30] = ks->ka.sa.sa_flags & SA_RESTORER ? (unsigned long)ks->ka.sa.sa_restorer : (unsigned long)kbox_sigreturn;
	r->pc = (unsigned long)ks->ka.sa.sa_handler;
	r->sp = (unsigned long)f;
	r->pstate &= ~(PSR_BTYPE_MASK | PSR_TCO_BIT);
	regs_forget_slot(r);
	return 0;
}

/* Of svc, or of the bl that was promoted. */
static void set_number(struct pt_regs *r, unsigned int nr)
{
	unsigned long promoted = regs_top(r)->promoted;

	r->regs[promoted == SITE_CANCEL_FIRST ? 0 : promoted == SITE_CANCEL_LAST ? 6 : 8] = nr;
}

static bool restarts(long err)
{
	return err == -ERESTARTNOHAND || err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTART_RESTARTBLOCK;
}

/* A handler is to be called: does the call end then? */
static bool interrupts(long err, const struct ksignal *ks)
{
	return err == -ERESTARTNOHAND || err == -ERESTART_RESTARTBLOCK ||
	       (err == -ERESTARTSYS && !(ks->ka.sa.sa_flags & SA_RESTART));
}

/*
 * As do_signal() of arch/arm64: a call is set up to be executed again before a tracer can look at
 * it.
 */
void arch_do_signal_or_restart(struct pt_regs *r)
{
	long err = r->syscallno == NO_SYSCALL ? 0 : r->regs[0];
	unsigned long behind = r->pc, again = 0;
	struct ksignal ks;

	fpstate_hold();
	r->syscallno = NO_SYSCALL;
	if (restarts(err)) {
		r->regs[0] = r->orig_x0;
		r->pc = again = behind - 4;
	}
	if (get_signal(&ks)) {
		if (again && r->pc == again && interrupts(err, &ks)) {
			r->regs[0] = -EINTR;
			r->pc = behind;
		}
		rseq_signal_deliver(&ks, r);
		signal_setup_done(put_frame(&ks, r), &ks, test_thread_flag(TIF_SINGLESTEP));
		return;
	}
	if (again && r->pc == again && err == -ERESTART_RESTARTBLOCK)
		set_number(r, __NR_restart_syscall);
	restore_saved_sigmask();
}

/* The records may be in any order, and others among them that are none of ours. */
static int get_records(struct sigcontext __user *sc)
{
	struct fpsimd_context *fp = fpstate_own(current);
	unsigned int off = 0;
	struct _aarch64_ctx head;

	while (off <= sizeof(sc->__reserved) - sizeof(*fp)) {
		void __user *at = sc->__reserved + off;

		if (copy_from_user(&head, at, sizeof(head)))
			return -EFAULT;
		if (head.magic == FPSIMD_MAGIC && head.size == sizeof(*fp))
			return copy_from_user(&fp->fpsr, at + sizeof(head), sizeof(*fp) - sizeof(head)) ? -EFAULT : 0;
		if (!head.size || head.size % 16)
			break;
		off += head.size;
	}
	return -EINVAL;
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *r = current_pt_regs();
	struct frame __user *f = (void __user *)r->sp;
	struct user_pt_regs regs;
	sigset_t set;

	current->restart_block.fn = do_no_restart_syscall;
	fpstate_hold();
	if (r->sp & 15 || !access_ok(f, sizeof(*f)) || copy_from_user(&set, &f->uc.uc_sigmask, sizeof(set)))
		goto bad;
	set_current_blocked(&set);
	if (copy_from_user(&regs, f->uc.uc_mcontext.regs, sizeof(regs)) || get_records(&f->uc.uc_mcontext))
		goto bad;
	regs.pstate = kbox_user_pstate(regs.pstate);
	r->user_regs = regs;
	r->syscallno = NO_SYSCALL;
	regs_forget_slot(r);
	if (restore_altstack(&f->uc.uc_stack))
		goto bad;
	return r->regs[0];
bad:
	force_sig(SIGSEGV);
	return 0;
}
