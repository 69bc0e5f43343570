/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_HOSTFRAME_H
#define _ASM_KBOX_HOSTFRAME_H
/*
 * A host signal's frame, as arch/arm64/kernel/signal.c lays it out; rt_sigreturn takes it from the
 * stack pointer.
 */
#include <linux/signal.h>
#include <asm/ucontext.h>
struct host_frame {
	struct siginfo info;
	struct ucontext uc;
};
/* The class of an exception; ARM ARM D24.2.40. */
#define ESR_EC(esr)		((esr) >> 26 & 0x3f)
#define EC_INSN_ABORT		0x20
#define EC_DATA_ABORT		0x24
#define ESR_INSN_ABORT		0x82000007	/* EC_INSN_ABORT, by a page that is not there */
/* leave.c, entry.S */
extern void leave_by_frame(struct host_thread *me, struct pt_regs *regs, struct host_frame *frame);
extern void leave_by_slot(struct host_thread *me, struct pt_regs *regs);
/* Code in kernel text that is the user's. */
extern char kbox_sigreturn[], kbox_gate_bounced[], kbox_cancel_bounced[];
#endif
