// SPDX-License-Identifier: GPL-2.0-only
/* ptrace and core dumps: the native register sets, as arch/x86/kernel/ptrace.c has them. */
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/elf.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/fpstate.h>
#include <asm/segments.h>
#include <asm/processor-flags.h>
#include <uapi/asm/prctl.h>
#include <asm/ptrace.h>
#include <asm/rewrite.h>
#include <asm/user.h>
#include <asm/xstate.h>

#define GPR_WORDS	(sizeof(struct user_regs_struct) / 8)
#define WORD(reg)	(offsetof(struct user_regs_struct, reg) / 8)
#define USER_FLAGS	0x50dd5UL	/* AC RF OF DF TF SF ZF AF PF CF */

static unsigned long word_get(struct task_struct *t, unsigned int n)
{
	const struct pt_regs *r = task_pt_regs(t);

	if (n == WORD(fs_base))
		return t->thread.fsbase;
	if (n == WORD(gs_base))
		return t->thread.gsbase;
	if (n > WORD(ss))
		return 0;
	/* That it is the tracer who steps is not the program's. */
	if (n == WORD(flags) && test_tsk_thread_flag(t, TIF_FORCED_TF))
		return r->flags & ~X86_EFLAGS_TF;
	return ((const unsigned long *)r)[n];
}

static int flags_set(struct task_struct *t, unsigned long v)
{
	struct pt_regs *r = task_pt_regs(t);

	if (v & X86_EFLAGS_TF)
		clear_tsk_thread_flag(t, TIF_FORCED_TF);
	else if (test_tsk_thread_flag(t, TIF_FORCED_TF))
		v |= X86_EFLAGS_TF;
	r->flags = (r->flags & ~USER_FLAGS) | (v & USER_FLAGS);
	return 0;
}

/* The stopped task loads it into its host thread, before it needs it (segments.c). */
static int base_set(struct task_struct *t, unsigned long *base, unsigned long v)
{
	if (v >= TASK_SIZE_MAX)
		return -EIO;
	*base = v;
	t->thread.bases_set = true;
	set_tsk_thread_flag(t, TIF_DEBUG);
	return 0;
}

static int word_set(struct task_struct *t, unsigned int n, unsigned long v)
{
	switch (n) {
	case WORD(cs): case WORD(ss):
		return (v & 0xffff) && (v & 3) == 3 ? 0 : -EIO;
	case WORD(ds): case WORD(es): case WORD(fs): case WORD(gs):
		return !(v & 0xffff) || (v & 3) == 3 ? 0 : -EIO;
	case WORD(flags):
		return flags_set(t, v);
	case WORD(fs_base):
		return base_set(t, &t->thread.fsbase, v);
	case WORD(gs_base):
		return base_set(t, &t->thread.gsbase, v);
	}
	((unsigned long *)task_pt_regs(t))[n] = v;
	return 0;
}

static int gpr_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	unsigned int n;

	for (n = 0; to.left; n++)
		membuf_store(&to, word_get(t, n));
	return 0;
}

static int gpr_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		   unsigned int count, const void *kbuf, const void __user *ubuf)
{
	unsigned long v;
	int ret = 0;

	for (; count >= sizeof(v) && !ret; pos += sizeof(v), count -= sizeof(v)) {
		if (kbuf)
			memcpy(&v, kbuf, sizeof(v)), kbuf += sizeof(v);
		else if (copy_from_user(&v, ubuf, sizeof(v)))
			return -EFAULT;
		else
			ubuf += sizeof(v);
		ret = word_set(t, pos / sizeof(v), v);
	}
	return ret;
}

/* What FXSAVE writes, the first part of every host frame's FP state. */
#define FXSAVE_SIZE	sizeof(struct _fpstate)

static int fp_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	struct _fpstate fx;

	xstate_get_legacy(&fx, t->thread.fpstate);
	memset(fx.reserved2, 0, sizeof(fx) - offsetof(struct _fpstate, reserved2));
	return membuf_write(&to, &fx, sizeof(fx));
}

static int fp_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		  unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct _fpstate fx;
	int ret;

	if (pos || count != sizeof(fx))
		return -EINVAL;
	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &fx, 0, -1);
	return ret ?: xstate_set_legacy(fpstate_own(t), &fx);
}

static int xstate_active(struct task_struct *t, const struct user_regset *rs)
{
	return rs->n;
}

static int xstate_regset_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	return rs->n ? xstate_get(t->thread.fpstate, to) : -ENODEV;
}

static int xstate_regset_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
			     unsigned int count, const void *kbuf, const void __user *ubuf)
{
	void *buf;
	int ret;

	if (!rs->n)
		return -ENODEV;
	if (pos || count != xstate_size())
		return -EFAULT;
	buf = kmalloc(count, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, buf, 0, -1);
	ret = ret ? -EFAULT : xstate_set(fpstate_own(t), buf);
	kfree(buf);
	return ret;
}

enum { SET_GPR, SET_FP, SET_XSTATE };

static struct user_regset regsets[] __ro_after_init = {
	[SET_GPR] = { .core_note_type = NT_PRSTATUS, .n = GPR_WORDS, .size = 8, .align = 8, .regset_get = gpr_get, .set = gpr_set },
	[SET_FP] = { .core_note_type = NT_PRFPREG, .n = FXSAVE_SIZE / 8, .size = 8, .align = 8, .regset_get = fp_get, .set = fp_set },
	[SET_XSTATE] = { .core_note_type = NT_X86_XSTATE, .size = 8, .align = 8, .active = xstate_active,
			 .regset_get = xstate_regset_get, .set = xstate_regset_set },
};

static const struct user_regset_view view = {
	.name = "x86_64", .e_machine = EM_X86_64, .regsets = regsets, .n = ARRAY_SIZE(regsets),
};

const struct user_regset_view *task_user_regset_view(struct task_struct *t)
{
	return &view;
}

/* None where the processor has no XSAVE. */
static int __init size_xstate(void)
{
	regsets[SET_XSTATE].n = xstate_size() / 8;
	return 0;
}
late_initcall(size_xstate);

static long peek(struct task_struct *t, unsigned long addr, unsigned long __user *to)
{
	unsigned long debug = addr - offsetof(struct user, u_debugreg), v = 0;

	if (addr & 7 || addr >= sizeof(struct user))
		return -EIO;
	if (addr / 8 < GPR_WORDS)
		v = word_get(t, addr / 8);
	else if (debug < sizeof_field(struct user, u_debugreg))
		v = debugreg_get(t, debug / 8);
	return put_user(v, to);
}

static long poke(struct task_struct *t, unsigned long addr, unsigned long v)
{
	unsigned long debug = addr - offsetof(struct user, u_debugreg);

	if (addr & 7 || addr >= sizeof(struct user))
		return -EIO;
	if (addr / 8 < GPR_WORDS)
		return word_set(t, addr / 8, v);
	return debug < sizeof_field(struct user, u_debugreg) ? debugreg_set(t, debug / 8, v) : -EIO;
}

static long base_of(struct task_struct *t, unsigned long option, unsigned long arg)
{
	unsigned long *base = option == ARCH_SET_FS || option == ARCH_GET_FS ? &t->thread.fsbase : &t->thread.gsbase;

	switch (option) {
	case ARCH_SET_FS: case ARCH_SET_GS:
		return base_set(t, base, arg) ? -EPERM : 0;
	case ARCH_GET_FS: case ARCH_GET_GS:
		return put_user(*base, (unsigned long __user *)arg);
	}
	return -EINVAL;
}

long arch_ptrace(struct task_struct *t, long request, unsigned long addr, unsigned long data)
{
	void __user *at = (void __user *)data;

	switch (request) {
	case PTRACE_PEEKUSR:
		return peek(t, addr, at);
	case PTRACE_POKEUSR:
		return poke(t, addr, data);
	case PTRACE_GETREGS:
		return copy_regset_to_user(t, &view, SET_GPR, 0, sizeof(struct user_regs_struct), at);
	case PTRACE_SETREGS:
		return copy_regset_from_user(t, &view, SET_GPR, 0, sizeof(struct user_regs_struct), at);
	case PTRACE_GETFPREGS:
		return copy_regset_to_user(t, &view, SET_FP, 0, FXSAVE_SIZE, at);
	case PTRACE_SETFPREGS:
		return copy_regset_from_user(t, &view, SET_FP, 0, FXSAVE_SIZE, at);
	case PTRACE_ARCH_PRCTL:
		return base_of(t, data, addr);
	}
	return ptrace_request(t, request, addr, data);
}

/*
 * Current stops for its tracer, which finds FP state and bases in memory. Whatever it changes is to
 * be seen: a call that came in by a patched site goes on in the site's own text.
 */
void arch_ptrace_stop(void)
{
	fpstate_hold();
	bases_save();
	regs_forget_slot(current_pt_regs());
}
