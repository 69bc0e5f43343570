// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way to user mode. AArch64 cannot branch without a register to hold the address, so only a
 * slot can give back all of them (site.h). Everything else goes by the host: rt_sigreturn, with the
 * frame that the task came in by or a new one.
 */
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/fpstate.h>
#include <asm/hostframe.h>
#include <asm/vcpu.h>

/* As much of a frame as the host reads: one record, and the end of the list. */
#define FRAME_SIZE (offsetof(struct host_frame, uc.uc_mcontext.__reserved) + sizeof(struct fpsimd_context) + 16)

static void frame_init(struct host_frame *f, struct task_struct *t, const struct fpsimd_context *fp)
{
	struct fpsimd_context *to = (void *)f->uc.uc_mcontext.__reserved;

	memset(&f->uc, 0, offsetof(struct ucontext, uc_mcontext));
	/* The same as it is, or the host would set it. */
	f->uc.uc_stack.ss_sp = (void __user *)task_stack_page(t);
	f->uc.uc_stack.ss_size = THREAD_SIZE - STACK_RESERVED;
	if (fp)
		memcpy(to, fp, sizeof(*to));
	else
		fpstate_save(to);
	to->head.magic = FPSIMD_MAGIC;
	to->head.size = sizeof(*to);
	memset(to + 1, 0, 16);
}

static void frame_set_regs(struct host_frame *f, const struct pt_regs *regs)
{
	struct sigcontext *sc = &f->uc.uc_mcontext;

	memcpy(sc->regs, regs->regs, sizeof(sc->regs));
	sc->sp = regs->sp;
	sc->pc = regs->pc;
	sc->pstate = regs->pstate;
}

/*
 * Returns if the CPU is ours again, when there is more to do. fpstate NULL: it is in the registers.
 */
void kbox_leave(struct host_thread *me, struct pt_regs *regs, void *fpstate)
{
	struct stack_top *top = regs_top(regs);
	u8 buf[FRAME_SIZE] __aligned(16);
	struct host_frame *f = (void *)buf;

	if (top->resume_ip && regs->pc == top->resume) {
		if (!fpstate) {
			leave_by_slot(me, regs);
			return;
		}
		regs->pc = top->resume_ip;
	}
	if (fpstate && me->task->thread.frame) {
		f = me->task->thread.frame;
	} else {
		OPTIMIZER_HIDE_VAR(f);
		frame_init(f, me->task, fpstate);
	}
	frame_set_regs(f, regs);
	leave_by_frame(me, regs, f);
}
