// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's FP and vector state. A task that came in by a host signal has it in the XSAVE image in
 * the host's frame: the host has reset the registers when it delivered the signal. One that came in
 * by a patched site has it in the registers, which the kernel does not use, until somebody asks for
 * it. The image's layout, and how the frame says it: arch/x86/include/uapi/asm/sigcontext.h.
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/uaccess.h>
#include <asm/fpstate.h>
#include <asm/xstate.h>

#define FEATURES_X87_SSE	3
#define MXCSR_DEFAULT		0x1f80
#define INIT_SIZE		offsetof(struct _xstate, ymmh)

/*
 * Of a task that has never come in. Nothing is in use, so XRSTOR makes all that XCR0 has initial.
 */
struct _xstate init_fpstate __aligned(64) = {
	.fpstate = {
		.cwd = 0x37f, .mxcsr = MXCSR_DEFAULT,
		.sw_reserved = {
			.magic1 = FP_XSTATE_MAGIC1, .extended_size = INIT_SIZE, .xfeatures = ~0ULL, .xstate_size = INIT_SIZE,
		},
	},
};

/*
 * An XSAVE header follows the legacy part, and what it says is in use. Where the processor has no
 * XSAVE, the host writes the magic number all the same, and no features.
 */
bool fpstate_extended(const struct _xstate *x)
{
	return x->fpstate.sw_reserved.magic1 == FP_XSTATE_MAGIC1 && x->fpstate.sw_reserved.xfeatures;
}

/* In bytes, with the second magic number behind it. */
unsigned int fpstate_size(const struct _xstate *x)
{
	return fpstate_extended(x) ? x->fpstate.sw_reserved.extended_size : sizeof(x->fpstate);
}

/* How the host lays it out: the first signal frame says so. */
static struct _fpx_sw_bytes layout;

/* At boot, before there are tasks. */
void fpstate_learn(const struct _xstate *x)
{
	if (layout.extended_size)
		return;
	if (fpstate_extended(x)) {
		layout = x->fpstate.sw_reserved;
		xstate_learn(layout.xfeatures, layout.xstate_size);
	} else {
		layout.extended_size = sizeof(x->fpstate);
		memset(&init_fpstate.fpstate.sw_reserved, 0, sizeof(layout));
	}
	arch_task_struct_size = sizeof(struct task_struct) + layout.extended_size;
}

/* What the host writes into an image beside the state itself. */
static void put_layout(struct _xstate *x)
{
	x->fpstate.sw_reserved = layout;
	if (fpstate_extended(x))
		*(u32 *)((void *)x + layout.extended_size - FP_XSTATE_MAGIC2_SIZE) = FP_XSTATE_MAGIC2;
}

/* The registers, as the host would put them into a frame. */
static void save_registers(struct _xstate *x)
{
	put_layout(x);
	if (!fpstate_extended(x)) {
		asm volatile("fxsave64 %0" : "=m" (x->fpstate));
		return;
	}
	memset(&x->xstate_hdr, 0, sizeof(x->xstate_hdr));
	asm volatile("xsave64 %0" : "+m" (*x) : "a" ((u32)layout.xfeatures), "d" ((u32)(layout.xfeatures >> 32)) : "memory");
}

/*
 * Current's goes to memory, if it is still in the registers. Only while it runs its own call there:
 * no host signal has been delivered since then, or the host has restored them after it.
 */
void fpstate_hold(void)
{
	if (current->thread.fpstate)
		return;
	save_registers((void *)current->thread.fpsave);
	current->thread.fpstate = current->thread.fpsave;
}

/* Current's becomes the initial one. */
void fpstate_reset(void)
{
	current->thread.fpstate = &init_fpstate;
}

/* Current's is also that of a new task. */
void fpstate_copy(struct task_struct *to)
{
	struct _xstate *x = current->thread.fpstate;

	to->thread.fpstate = x == &init_fpstate ? x : (void *)to->thread.fpsave;
	if (!x)
		save_registers((void *)to->thread.fpsave);
	else if (x != &init_fpstate)
		memcpy(to->thread.fpsave, x, fpstate_size(x));
}

/* t's, to be written to: t is current, or stopped. */
struct _xstate *fpstate_own(struct task_struct *t)
{
	struct _xstate *x = t->thread.fpstate;

	if (x != &init_fpstate)
		return x;
	x = (void *)t->thread.fpsave;
	memset(x, 0, layout.extended_size);
	memcpy(x, &init_fpstate, offsetof(struct _fpstate, sw_reserved));
	put_layout(x);
	t->thread.fpstate = x;
	return x;
}

/* After the x87 and SSE registers were written from outside. */
void fpstate_sanitize(struct _xstate *x)
{
	x->fpstate.mxcsr &= MXCSR_VALID;
	if (fpstate_extended(x))
		x->xstate_hdr.xfeatures |= FEATURES_X87_SSE;
}

/* The layout stays as the host made it; what does not fit into it is left out. */
int fpstate_from_user(const void __user *from)
{
	const struct _xstate __user *u = from;
	unsigned int magic;
	struct _xstate *x;

	fpstate_hold();
	x = fpstate_own(current);
	if (get_user(magic, &u->fpstate.sw_reserved.magic1) ||
	    copy_from_user(x, u, offsetof(struct _fpstate, sw_reserved)))
		return -EFAULT;
	if (!fpstate_extended(x) || magic != FP_XSTATE_MAGIC1) {
		fpstate_sanitize(x);
		return 0;
	}
	x->fpstate.mxcsr &= MXCSR_VALID;
	if (copy_from_user(&x->xstate_hdr, &u->xstate_hdr,
			   fpstate_size(x) - FP_XSTATE_MAGIC2_SIZE - sizeof(x->fpstate)))
		return -EFAULT;
	x->xstate_hdr.xfeatures &= x->fpstate.sw_reserved.xfeatures;
	/* XRSTOR faults unless these are zero. */
	memset(x->xstate_hdr.reserved1, 0, sizeof(x->xstate_hdr.reserved1));
	memset(x->xstate_hdr.reserved2, 0, sizeof(x->xstate_hdr.reserved2));
	return 0;
}
