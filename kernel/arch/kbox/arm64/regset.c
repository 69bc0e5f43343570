// SPDX-License-Identifier: GPL-2.0-only
/* ptrace and core dumps: the native register sets. */
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/elf.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/gate.h>
#include <asm/fpstate.h>
#include <arm64/include/uapi/asm/hwcap.h>
#include <asm/boot.h>
#include <asm/rewrite.h>

/* Flags, and hints that are the user's; no mode but EL0, no mask of exceptions. */
#define USER_PSTATE (PSR_N_BIT | PSR_Z_BIT | PSR_C_BIT | PSR_V_BIT | PSR_SSBS_BIT | PSR_DIT_BIT | PSR_TCO_BIT | \
		     PSR_BTYPE_MASK)

u64 kbox_user_pstate(u64 pstate)
{
	return pstate & USER_PSTATE;
}

static int gpr_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	return membuf_write(&to, &task_pt_regs(t)->user_regs, sizeof(struct user_pt_regs));
}

static int gpr_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		   unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct user_pt_regs regs = task_pt_regs(t)->user_regs;
	int ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &regs, 0, sizeof(regs));

	if (ret)
		return ret;
	if (regs.pstate & (PSR_MODE_MASK | PSR_MODE32_BIT | PSR_D_BIT | PSR_A_BIT | PSR_I_BIT | PSR_F_BIT))
		return -EINVAL;
	regs.pstate = kbox_user_pstate(regs.pstate);
	task_pt_regs(t)->user_regs = regs;
	return 0;
}

static int fp_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	const struct fpsimd_context *fp = t->thread.fpstate;

	membuf_write(&to, fp->vregs, sizeof(fp->vregs));
	membuf_store(&to, fp->fpsr);
	membuf_store(&to, fp->fpcr);
	return membuf_zero(&to, 8);
}

static int fp_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		  unsigned int count, const void *kbuf, const void __user *ubuf)
{
	struct fpsimd_context *fp = fpstate_own(t);
	struct user_fpsimd_state s = { .fpsr = fp->fpsr, .fpcr = fp->fpcr };
	int ret;

	memcpy(s.vregs, fp->vregs, sizeof(s.vregs));
	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &s, 0, sizeof(s));
	if (ret)
		return ret;
	memcpy(fp->vregs, s.vregs, sizeof(s.vregs));
	fp->fpsr = s.fpsr;
	fp->fpcr = s.fpcr;
	return 0;
}

static int tls_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	return membuf_store(&to, t->thread.tp);
}

static int tls_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		   unsigned int count, const void *kbuf, const void __user *ubuf)
{
	unsigned long tp = t->thread.tp;
	int ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &tp, 0, sizeof(tp));

	if (ret)
		return ret;
	t->thread.tp = tp;
	t->thread.tp_set = true;
	set_tsk_thread_flag(t, TIF_DEBUG);
	return 0;
}

/*
 * Which bits of an address may be a signature: those above a guest's addresses, as many as the
 * host's have.
 */
static int pac_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	u64 mask = GENMASK_ULL(54, fls64(TASK_SIZE - 1));
	struct user_pac_mask masks = { mask, mask };

	return kbox_boot->hwcap & HWCAP_PACA ? membuf_write(&to, &masks, sizeof(masks)) : -EINVAL;
}

static int call_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	return membuf_store(&to, (int)task_pt_regs(t)->syscallno);
}

static int call_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos,
		    unsigned int count, const void *kbuf, const void __user *ubuf)
{
	int nr = task_pt_regs(t)->syscallno;
	int ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &nr, 0, sizeof(nr));

	if (!ret)
		task_pt_regs(t)->syscallno = nr;
	return ret;
}

static const struct user_regset regsets[] = {
	{ .core_note_type = NT_PRSTATUS, .n = ELF_NGREG, .size = 8, .align = 8, .regset_get = gpr_get, .set = gpr_set },
	{ .core_note_type = NT_PRFPREG, .n = sizeof(struct user_fpsimd_state) / 4, .size = 4, .align = 4,
	  .regset_get = fp_get, .set = fp_set },
	{ .core_note_type = NT_ARM_TLS, .n = 1, .size = 8, .align = 8, .regset_get = tls_get, .set = tls_set },
	{ .core_note_type = NT_ARM_SYSTEM_CALL, .n = 1, .size = 4, .align = 4,
	  .regset_get = call_get, .set = call_set },
	{ .core_note_type = NT_ARM_PAC_MASK, .n = sizeof(struct user_pac_mask) / 8, .size = 8, .align = 8,
	  .regset_get = pac_get },
	{ .core_note_type = NT_ARM_HW_BREAK, .n = sizeof(struct user_hwdebug_state) / 4, .size = 4, .align = 4,
	  .regset_get = debug_regset_get, .set = debug_regset_set },
	{ .core_note_type = NT_ARM_HW_WATCH, .n = sizeof(struct user_hwdebug_state) / 4, .size = 4, .align = 4,
	  .regset_get = debug_regset_get, .set = debug_regset_set },
};

static const struct user_regset_view view = {
	.name = "aarch64", .e_machine = EM_AARCH64, .regsets = regsets, .n = ARRAY_SIZE(regsets),
};

const struct user_regset_view *task_user_regset_view(struct task_struct *t)
{
	return &view;
}

long arch_ptrace(struct task_struct *t, long request, unsigned long addr, unsigned long data)
{
	return ptrace_request(t, request, addr, data);
}

/*
 * Current stops for its tracer, which finds the FP state in memory. Whatever it changes is to be
 * seen: a call that came in by a patched site goes on in the site's own text.
 */
void arch_ptrace_stop(void)
{
	fpstate_hold();
	tls_save();
	regs_forget_slot(current_pt_regs());
}
