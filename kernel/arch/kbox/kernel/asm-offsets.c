// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/ptrace.h>
#include <asm/fpstate.h>
#include <asm/kbox.h>

int main(void)
{
	OFFSET(HT_GRANT, host_thread, grant);
	OFFSET(HT_TID, host_thread, tid);
	OFFSET(HT_CTX, host_thread, ctx);
	OFFSET(HT_GO_USER, host_thread, go_user);
	OFFSET(HT_DEAD, host_thread, dead);
	OFFSET(HT_GONE, host_thread, gone);
	OFFSET(HT_IN_USER, host_thread, in_user);
	OFFSET(HT_KICK, host_thread, kick);
	DEFINE(KICK_PERHAPS, KICK_PERHAPS);
	DEFINE(KICK_SENT, KICK_SENT);
	OFFSET(HT_WAITING, host_thread, waiting);
	OFFSET(HT_EXIT_SP, host_thread, exit_sp);
	OFFSET(XS_MAGIC1, _xstate, fpstate.sw_reserved.magic1);
	OFFSET(XS_FEATURES, _xstate, fpstate.sw_reserved.xfeatures);
	DEFINE(FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC1);
	DEFINE(KICK_SIGNAL, KICK_SIGNAL);
	OFFSET(PT_R15, pt_regs, r15);
	OFFSET(PT_R14, pt_regs, r14);
	OFFSET(PT_R13, pt_regs, r13);
	OFFSET(PT_R12, pt_regs, r12);
	OFFSET(PT_BP, pt_regs, bp);
	OFFSET(PT_BX, pt_regs, bx);
	OFFSET(PT_R11, pt_regs, r11);
	OFFSET(PT_R10, pt_regs, r10);
	OFFSET(PT_R9, pt_regs, r9);
	OFFSET(PT_R8, pt_regs, r8);
	OFFSET(PT_AX, pt_regs, ax);
	OFFSET(PT_CX, pt_regs, cx);
	OFFSET(PT_DX, pt_regs, dx);
	OFFSET(PT_SI, pt_regs, si);
	OFFSET(PT_DI, pt_regs, di);
	OFFSET(PT_IP, pt_regs, ip);
	OFFSET(PT_FLAGS, pt_regs, flags);
	OFFSET(PT_SP, pt_regs, sp);
	/* From the registers: what is above them, and where a call from a patched site has its stack. */
	DEFINE(TOP_RESUME, sizeof(struct pt_regs) + offsetof(struct stack_top, resume));
	DEFINE(TOP_RESUME_IP, sizeof(struct pt_regs) + offsetof(struct stack_top, resume_ip));
	DEFINE(GATE_GAP, 256 - sizeof(struct stack_top) - sizeof(struct pt_regs));
	OFFSET(CPU_ENTRANTS, kbox_cpu, entrants);
	OFFSET(BOOT_LOCK, kbox_boot, cpu_lock);
	OFFSET(BOOT_PENDING, kbox_boot, irq_pending);
	OFFSET(BOOT_Z_SEQ, kbox_boot, z_seq);
	DEFINE(DEAD_SPARE, DEAD_SPARE);
	DEFINE(KBOX_BOOT_VA, KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS);
	return 0;
}
