// SPDX-License-Identifier: GPL-2.0-only
/* Signal frames of the native ABI. The FP state goes in and out as the host's own XSAVE image. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/signal.h>
#include <linux/syscalls.h>
#include <linux/uaccess.h>
#include <linux/ptrace.h>
#include <linux/entry-common.h>
#include <linux/resume_user_mode.h>
#include <asm/fpstate.h>
#include <asm/gate.h>
#include <asm/rewrite.h>
#include <asm/segments.h>
#include <asm/sigcontext.h>
#include <asm/sigframe.h>
#include <asm/ucontext.h>

#define FIX_EFLAGS	0x50dd5UL	/* AC OF DF TF SF ZF AF PF CF RF */
#define RED_ZONE	128

struct frame {
	char __user *pretcode;
	struct ucontext uc;
	struct siginfo info;
};

static int put_frame(struct ksignal *ks, struct pt_regs *r)
{
	void *fp = current->thread.fpstate;
	unsigned int size = fpstate_size(fp);
	unsigned long sp = sigsp(r->sp - RED_ZONE, ks), fpaddr;
	struct frame __user *f;
	struct sigcontext_64 sc = { };
	struct frame head = { };

	if (on_sig_stack(r->sp) && !on_sig_stack(sp))
		return -EFAULT;
	fpaddr = (sp - size) & ~63UL;
	f = (void __user *)(((fpaddr - sizeof(*f)) & ~15UL) - 8);
	if (!access_ok(f, sp - (unsigned long)f))
		return -EFAULT;
	sc.r8 = r->r8; sc.r9 = r->r9; sc.r10 = r->r10; sc.r11 = r->r11; sc.r12 = r->r12; sc.r13 = r->r13;
	sc.r14 = r->r14; sc.r15 = r->r15; sc.di = r->di; sc.si = r->si; sc.bp = r->bp; sc.bx = r->bx;
	sc.dx = r->dx; sc.ax = r->ax; sc.cx = r->cx; sc.sp = r->sp; sc.ip = r->ip; sc.flags = r->flags;
	sc.cs = r->cs; sc.ss = r->ss; sc.err = current->thread.error_code; sc.trapno = current->thread.trap_nr;
	sc.cr2 = current->thread.cr2; sc.oldmask = current->blocked.sig[0]; sc.fpstate = fpaddr;
	head.pretcode = (char __user *)ks->ka.sa.sa_restorer;
	head.uc.uc_flags = (fpstate_extended(fp) ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS |
			   (r->cs == USER_CS ? UC_STRICT_RESTORE_SS : 0);
	memcpy(&head.uc.uc_mcontext, &sc, sizeof(sc));
	memcpy(&head.uc.uc_sigmask, sigmask_to_save(), sizeof(sigset_t));
	if (!(ks->ka.sa.sa_flags & SA_RESTORER) || copy_to_user(f, &head, offsetof(struct frame, info)) ||
	    __save_altstack(&f->uc.uc_stack, r->sp) ||
	    copy_to_user((void __user *)fpaddr, fp, size))
		return -EFAULT;
	if (ks->ka.sa.sa_flags & SA_SIGINFO && copy_siginfo_to_user(&f->info, &ks->info))
		return -EFAULT;
	r->di = ks->sig;
	r->ax = 0;
	r->si = (unsigned long)&f->info;
	r->dx = (unsigned long)&f->uc;
	r->ip = (unsigned long)ks->ka.sa.sa_handler;
	r->sp = (unsigned long)f;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->flags &= ~0x10500UL;		/* DF RF TF */
	regs_forget_slot(current_pt_regs());
	fpstate_reset();
	return 0;
}

static void restart(struct pt_regs *r, struct ksignal *ks)
{
	if ((int)r->orig_ax == -1)
		return;
	switch (r->ax) {
	case -ERESTART_RESTARTBLOCK:
	case -ERESTARTNOHAND:
		if (ks) {
			r->ax = -EINTR;
			break;
		}
		if (r->ax == -ERESTART_RESTARTBLOCK) {
			r->ax = __NR_restart_syscall;
			r->ip -= 2;
			break;
		}
		fallthrough;
	case -ERESTARTSYS:
		if (ks && r->ax == -ERESTARTSYS && !(ks->ka.sa.sa_flags & SA_RESTART)) {
			r->ax = -EINTR;
			break;
		}
		fallthrough;
	case -ERESTARTNOINTR:
		r->ax = r->orig_ax;
		r->ip -= 2;
	}
}

/*
 * A step into a handler ends at its first instruction, and the step is not the interrupted
 * program's.
 */
static void deliver(struct ksignal *ks, struct pt_regs *r)
{
	bool stepping = test_thread_flag(TIF_SINGLESTEP);

	if (stepping)
		user_disable_single_step(current);
	signal_setup_done(put_frame(ks, r), ks, stepping);
}

void arch_do_signal_or_restart(struct pt_regs *r)
{
	struct ksignal ks;

	fpstate_hold();
	bases_save();
	if (get_signal(&ks)) {
		restart(r, &ks);
		rseq_signal_deliver(&ks, r);
		deliver(&ks, r);
		return;
	}
	restart(r, NULL);
	restore_saved_sigmask();
}

static int get_frame(struct pt_regs *r, struct frame __user *f)
{
	struct sigcontext_64 sc;
	unsigned long uc_flags;

	if (copy_from_user(&sc, &f->uc.uc_mcontext, sizeof(sc)) || get_user(uc_flags, &f->uc.uc_flags))
		return -EFAULT;
	r->r8 = sc.r8; r->r9 = sc.r9; r->r10 = sc.r10; r->r11 = sc.r11; r->r12 = sc.r12; r->r13 = sc.r13;
	r->r14 = sc.r14; r->r15 = sc.r15; r->di = sc.di; r->si = sc.si; r->bp = sc.bp; r->bx = sc.bx;
	r->dx = sc.dx; r->ax = sc.ax; r->cx = sc.cx; r->sp = sc.sp; r->ip = sc.ip;
	r->cs = sc.cs | 3;
	r->ss = sc.ss | 3;
	/*
	 * Programs of before there was a place for it leave rubbish there. USER_SS is the only one
	 * that is valid here.
	 */
	if (r->cs == USER_CS && !(uc_flags & UC_STRICT_RESTORE_SS))
		r->ss = USER_SS;
	if (r->cs != USER_CS)
		gate_not_wanted();
	r->flags = (r->flags & ~FIX_EFLAGS) | (sc.flags & FIX_EFLAGS);
	r->orig_ax = -1;
	return sc.fpstate ? fpstate_from_user((void __user *)sc.fpstate) : 0;
}

SYSCALL_DEFINE0(rt_sigreturn)
{
	struct pt_regs *r = current_pt_regs();
	struct frame __user *f = (void __user *)(r->sp - 8);
	sigset_t set;

	current->restart_block.fn = do_no_restart_syscall;
	if (!access_ok(f, sizeof(*f)) ||
	    copy_from_user(&set, &f->uc.uc_sigmask, sizeof(set)))
		goto bad;
	set_current_blocked(&set);
	if (get_frame(r, f) || restore_altstack(&f->uc.uc_stack))
		goto bad;
	return r->ax;
bad:
	force_sig(SIGSEGV);
	return 0;
}
