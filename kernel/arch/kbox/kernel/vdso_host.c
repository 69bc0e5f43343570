// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's vDSO, which the guest's calls for the time (vdso/host-*.S), and which nobody is to
 * see.
 */
#include <linux/ptrace.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/syscall.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>
#include <asm/vdso/host.h>
#include <asm/unistd.h>

#define FRAME_MAX	1024	/* bytes that the host's function has on the stack */

bool kbox_in_host_vdso(unsigned long ip)
{
	return ip >= kbox_boot->keep_start && ip < kbox_boot->keep_end;
}

/*
 * A signal is to be delivered, or a tracer to look: the guest's own call of it has not begun yet.
 */
void kbox_leave_host_vdso(struct pt_regs *regs)
{
	unsigned long at = (user_stack_pointer(regs) + 15) & ~15UL, end = at + FRAME_MAX;
	struct vdso_frame f;

	if (likely(!kbox_in_host_vdso(instruction_pointer(regs))))
		return;
	for (; at < end; at += 16) {
		if (copy_from_user(&f, (void __user *)at, sizeof(f)))
			return;
		if (f.self == at && kbox_user_address(f.start)) {
			vdso_restart(regs, &f);
			return;
		}
	}
}

/*
 * A call by the host's vDSO, which cannot read the host's clock by itself: it asks for it by
 * clock_gettime(2), and that has trapped to this kernel. Answers it. False: the call is another one.
 */
bool kbox_host_vdso_call(struct pt_regs *regs, int nr)
{
	struct host_timespec ts;
	unsigned long args[6];

	if (likely(!kbox_in_host_vdso(instruction_pointer(regs)) || nr != __NR_clock_gettime))
		return false;
	syscall_get_arguments(current, regs, args);
	/* Of a process or a device of the host, or unknown to it: none of ours. */
	if (args[0] > CLOCK_TAI || args[0] == CLOCK_SGI_CYCLE)
		return false;
	host_clock_lost();
	host_clock_gettime(args[0], &ts);
	syscall_set_return_value(current, regs, copy_to_user((void __user *)args[1], &ts, sizeof(ts)) ? -EFAULT : 0, 0);
	return true;
}
