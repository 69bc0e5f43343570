// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/boot.h>
#include <asm/ptrace.h>
#include <asm/vcpu.h>
#include <asm/isa-offsets.h>

int main(void)
{
	OFFSET(BOOT_RESUMES, kbox_boot, resumes);
	OFFSET(HT_GRANT, host_thread, grant);
	OFFSET(HT_STATE, host_thread, state);
	DEFINE(HT_GONE, HT_GONE);
	isa_offsets();
	/*
	 * From the registers: what is above them, and where a call from a patched site has its
	 * stack.
	 */
	DEFINE(TOP_RESUME, sizeof(struct pt_regs) + offsetof(struct stack_top, resume));
	DEFINE(TOP_RESUME_IP, sizeof(struct pt_regs) + offsetof(struct stack_top, resume_ip));
	DEFINE(TOP_HOST, sizeof(struct pt_regs) + offsetof(struct stack_top, host));
	DEFINE(GATE_GAP, STACK_RESERVED - sizeof(struct stack_top) - sizeof(struct pt_regs));
	OFFSET(VCPU_ENTRANTS, vcpu, entrants);
	OFFSET(VCPU_LOCK, kbox_vcpu, lock);
	OFFSET(VCPU_PENDING, kbox_vcpu, irq_pending);
	OFFSET(VCPU_Z_SEQ, kbox_vcpu, z_seq);
	DEFINE(KBOX_VCPU_VA, KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS + offsetof(struct kbox_shared, vcpu));
	return 0;
}
