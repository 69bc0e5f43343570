// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's FP and SIMD state. It stays in the registers, which the kernel does not use, but a
 * task that came in by a host signal leaves by its frame, so what is in there counts. One that came
 * in by a patched site has it in the registers alone until somebody asks for it. SVE is not offered
 * to guests; a page fault restores it all the same, by its frame.
 */
#include <linux/sched.h>
#include <asm/fpstate.h>

/* Of a task that has never come in. */
struct fpsimd_context init_fpstate;

/* The record in a host signal's frame: always there, though not always first. */
struct fpsimd_context *fpstate_in(struct sigcontext *sc)
{
	struct _aarch64_ctx *head = (void *)sc->__reserved;

	while (head->magic != FPSIMD_MAGIC && head->size)
		head = (void *)head + head->size;
	return (void *)head;
}

static void set(struct task_struct *t, struct fpsimd_context *fp)
{
	t->thread.fpstate = fp;
	t->thread.frame = NULL;
}

/*
 * Current's goes to memory, if it is still in the registers. Only while it runs its own call on its
 * own host thread.
 */
void fpstate_hold(void)
{
	if (current->thread.fpstate)
		return;
	fpstate_save(&current->thread.fpsave);
	set(current, &current->thread.fpsave);
}

/* Current's becomes the initial one. */
void fpstate_reset(void)
{
	set(current, &init_fpstate);
}

/* Current's is also that of a new task. */
void fpstate_copy(struct task_struct *to)
{
	if (current->thread.fpstate)
		to->thread.fpsave = *current->thread.fpstate;
	else
		fpstate_save(&to->thread.fpsave);
	set(to, &to->thread.fpsave);
}

/* t's, to be written to: t is current, or stopped. */
struct fpsimd_context *fpstate_own(struct task_struct *t)
{
	if (t->thread.fpstate == &init_fpstate) {
		t->thread.fpsave = init_fpstate;
		set(t, &t->thread.fpsave);
	}
	return t->thread.fpstate;
}
