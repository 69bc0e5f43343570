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
	OFFSET(HT_WAITING, host_thread, waiting);
	OFFSET(HT_EXIT_SP, host_thread, exit_sp);
	OFFSET(XS_MAGIC1, _xstate, fpstate.sw_reserved.magic1);
	OFFSET(XS_FEATURES, _xstate, fpstate.sw_reserved.xfeatures);
	DEFINE(FP_XSTATE_MAGIC1, FP_XSTATE_MAGIC1);
	DEFINE(KICK_SIGNAL, KICK_SIGNAL);
	OFFSET(PT_R11, pt_regs, r11);
	OFFSET(PT_CX, pt_regs, cx);
	OFFSET(PT_IP, pt_regs, ip);
	OFFSET(PT_FLAGS, pt_regs, flags);
	OFFSET(CPU_ENTRANTS, kbox_cpu, entrants);
	OFFSET(BOOT_LOCK, kbox_boot, cpu_lock);
	OFFSET(BOOT_PENDING, kbox_boot, irq_pending);
	OFFSET(BOOT_Z_SEQ, kbox_boot, z_seq);
	DEFINE(DEAD_SPARE, DEAD_SPARE);
	DEFINE(KBOX_BOOT_VA, KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS);
	return 0;
}
