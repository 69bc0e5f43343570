// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kbuild.h>
#include <linux/sched.h>
#include <asm/boot.h>
#include <asm/ptrace.h>
#include <asm/vcpu.h>
#include <asm/isa-offsets.h>

/* entry.S loads both at once. */
_Static_assert(offsetof(struct host_thread, tgid) == offsetof(struct host_thread, tid) + 4, "tgid follows tid");

int main(void)
{
	OFFSET(HT_GRANT, host_thread, grant);
	OFFSET(HT_TID, host_thread, tid);
	OFFSET(HT_CTX, host_thread, ctx);
	OFFSET(HT_DEAD, host_thread, dead);
	OFFSET(HT_GONE, host_thread, gone);
	OFFSET(HT_IN_USER, host_thread, in_user);
	OFFSET(HT_KICK, host_thread, kick);
	DEFINE(KICK_PERHAPS, KICK_PERHAPS);
	DEFINE(KICK_SENT, KICK_SENT);
	OFFSET(HT_WAITING, host_thread, waiting);
	OFFSET(HT_VAIN, host_thread, vain);
	DEFINE(SPIN_VAIN, SPIN_VAIN);
	DEFINE(SPIN_AGAIN, SPIN_AGAIN);
	DEFINE(SPIN_LESS, SPIN_LESS);
	OFFSET(HT_LOOP_SP, host_thread, loop_sp);
	DEFINE(KICK_SIGNAL, KICK_SIGNAL);
	isa_offsets();
	/* From the registers: what is above them, and where a call from a patched site has its stack. */
	DEFINE(TOP_RESUME, sizeof(struct pt_regs) + offsetof(struct stack_top, resume));
	DEFINE(TOP_RESUME_IP, sizeof(struct pt_regs) + offsetof(struct stack_top, resume_ip));
	DEFINE(TOP_HOST, sizeof(struct pt_regs) + offsetof(struct stack_top, host));
	DEFINE(GATE_GAP, STACK_RESERVED - sizeof(struct stack_top) - sizeof(struct pt_regs));
	OFFSET(CPU_ENTRANTS, kbox_cpu, entrants);
	OFFSET(VCPU_LOCK, kbox_vcpu, lock);
	OFFSET(VCPU_PENDING, kbox_vcpu, irq_pending);
	OFFSET(VCPU_Z_SEQ, kbox_vcpu, z_seq);
	DEFINE(DEAD_SPARE, DEAD_SPARE);
	DEFINE(KBOX_VCPU_VA, KBOX_PAGE_OFFSET + KBOX_SHARED_PHYS + offsetof(struct kbox_shared, vcpu));
	return 0;
}
