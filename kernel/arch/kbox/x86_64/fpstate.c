// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's FP and vector state: the XSAVE image in the host frame with which the task
 * came in. The host has reset the registers when it delivered the signal, and the
 * kernel does not use them, so that image is the state. Its layout, and how the
 * frame says it: arch/x86/include/uapi/asm/sigcontext.h.
 */
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/kbox.h>
#include <asm/fpstate.h>

#define FEATURES_X87_SSE	3
#define MXCSR_DEFAULT		0x1f80
#define MXCSR_VALID		0xffff
#define INIT_SIZE		offsetof(struct _xstate, ymmh)

/* Of a task that has never come in. Nothing is in use, so XRSTOR makes all that XCR0 has initial. */
struct _xstate init_fpstate __aligned(64) = {
	.fpstate = {
		.cwd = 0x37f, .mxcsr = MXCSR_DEFAULT,
		.sw_reserved = {
			.magic1 = FP_XSTATE_MAGIC1, .extended_size = INIT_SIZE, .xfeatures = ~0ULL, .xstate_size = INIT_SIZE,
		},
	},
};

/* An XSAVE header follows the legacy part, and what it says is in use. */
bool fpstate_extended(const struct _xstate *x)
{
	return x->fpstate.sw_reserved.magic1 == FP_XSTATE_MAGIC1;
}

/* In bytes, with the second magic number behind it. */
unsigned int fpstate_size(const struct _xstate *x)
{
	return fpstate_extended(x) ? x->fpstate.sw_reserved.extended_size : sizeof(x->fpstate);
}

/* Current's becomes the initial one, where it is. */
void fpstate_reset(void)
{
	struct _xstate *x = current->thread.fpstate;

	if (x == &init_fpstate)
		return;
	memcpy(x, &init_fpstate, offsetof(struct _fpstate, sw_reserved));
	if (fpstate_extended(x))
		memset(&x->xstate_hdr, 0, sizeof(x->xstate_hdr));
}

/* Current's, below top; the new top of the stack is the copy's address. */
void *fpstate_copy(void *top)
{
	struct _xstate *x = current->thread.fpstate;
	void *to = (void *)(((unsigned long)top - fpstate_size(x)) & ~63UL);

	if (x == &init_fpstate)
		return x;
	return memcpy(to, x, fpstate_size(x));
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
	struct _xstate *x = current->thread.fpstate;
	unsigned int magic;

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
