// SPDX-License-Identifier: GPL-2.0-only
/* ptrace and core dumps: the native register sets. */
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/elf.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/kbox.h>
#include <asm/segments.h>
#include <asm/fpstate.h>
#include <asm/user.h>
#include <asm/ptrace.h>

#define GPR_WORDS (sizeof(struct user_regs_struct) / 8)

static void gpr_fill(struct task_struct *t, unsigned long *g)
{
	memset(g, 0, sizeof(struct user_regs_struct));
	memcpy(g, task_pt_regs(t), sizeof(struct pt_regs));
	g[21] = t->thread.fsbase;
	g[22] = t->thread.gsbase;
}

static int gpr_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	unsigned long g[GPR_WORDS];

	gpr_fill(t, g);
	return membuf_write(&to, g, sizeof(g));
}

static void gpr_take(struct task_struct *t, const unsigned long *g)
{
	struct pt_regs *r = task_pt_regs(t);
	unsigned long cs = r->cs, ss = r->ss, flags = r->flags;

	memcpy(r, g, sizeof(*r));
	r->cs = cs;
	r->ss = ss;
	r->flags = (flags & ~0x50dd5UL) | (r->flags & 0x50dd5UL);
}

static int gpr_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		   unsigned int count, const void *kbuf, const void __user *ubuf)
{
	unsigned long g[GPR_WORDS];
	int ret;

	gpr_fill(t, g);
	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, g, 0, -1);
	if (!ret)
		gpr_take(t, g);
	return ret;
}

/* What FXSAVE writes, the first part of every host frame's FP state. */
#define FXSAVE_SIZE	sizeof(struct _fpstate)
#define FXSAVE_REGISTERS offsetof(struct _fpstate, reserved2)

static int fp_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	membuf_write(&to, t->thread.fpstate, FXSAVE_REGISTERS);
	return membuf_zero(&to, FXSAVE_SIZE - FXSAVE_REGISTERS);
}

static int fp_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		  unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct _xstate *x = fpstate_own(t);
	int ret;

	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, x, 0, FXSAVE_REGISTERS);
	fpstate_sanitize(x);
	return ret;
}

static const struct user_regset regsets[] = {
	{ .core_note_type = NT_PRSTATUS, .n = GPR_WORDS, .size = 8, .align = 8, .regset_get = gpr_get, .set = gpr_set },
	{ .core_note_type = NT_PRFPREG, .n = FXSAVE_SIZE / 8, .size = 8, .align = 8, .regset_get = fp_get, .set = fp_set },
};

static const struct user_regset_view view = {
	.name = "x86_64", .e_machine = EM_X86_64, .regsets = regsets, .n = ARRAY_SIZE(regsets),
};

const struct user_regset_view *task_user_regset_view(struct task_struct *t)
{
	return &view;
}

long arch_ptrace(struct task_struct *t, long request, unsigned long addr, unsigned long data)
{
	unsigned long g[GPR_WORDS];

	switch (request) {
	case PTRACE_PEEKUSR:
		gpr_fill(t, g);
		if (addr & 7)
			return -EIO;
		return put_user(addr / 8 < GPR_WORDS ? g[addr / 8] : 0, (unsigned long __user *)data);
	case PTRACE_POKEUSR:
		/* Debuggers clear the debug registers of each new thread. There are none to be had. */
		if (addr - offsetof(struct user, u_debugreg) < sizeof_field(struct user, u_debugreg) && !(addr & 7))
			return data ? -ENOSPC : 0;
		if (addr & 7 || addr / 8 >= GPR_WORDS)
			return -EIO;
		gpr_fill(t, g);
		g[addr / 8] = data;
		gpr_take(t, g);
		return 0;
	case PTRACE_GETREGS:
		return copy_regset_to_user(t, &view, 0, 0, sizeof(g), (void __user *)data);
	case PTRACE_SETREGS:
		return copy_regset_from_user(t, &view, 0, 0, sizeof(g), (void __user *)data);
	case PTRACE_GETFPREGS:
		return copy_regset_to_user(t, &view, 1, 0, FXSAVE_SIZE, (void __user *)data);
	case PTRACE_SETFPREGS:
		return copy_regset_from_user(t, &view, 1, 0, FXSAVE_SIZE, (void __user *)data);
	}
	return ptrace_request(t, request, addr, data);
}

/*
 * Current stops for its tracer, which finds the FP state in memory. Whatever it changes is to be
 * seen: a call that came in by a patched site goes on in the site's own text.
 */
void arch_ptrace_stop(void)
{
	fpstate_hold();
	stack_top(task_stack_page(current))->resume_ip = 0;
}

void ptrace_disable(struct task_struct *t)
{
	user_disable_single_step(t);
}

void user_enable_single_step(struct task_struct *t)
{
	task_pt_regs(t)->flags |= 0x100;
	set_task_syscall_work(t, SYSCALL_EXIT_TRAP);
}

void user_disable_single_step(struct task_struct *t)
{
	task_pt_regs(t)->flags &= ~0x100UL;
	clear_task_syscall_work(t, SYSCALL_EXIT_TRAP);
}
