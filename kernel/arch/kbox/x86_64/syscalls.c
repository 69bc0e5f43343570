// SPDX-License-Identifier: GPL-2.0-only
/* The few system calls that each architecture brings itself. */
#include <linux/syscalls.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/kbox.h>
#include <asm/segments.h>
#include <asm/unistd.h>
#include <uapi/asm/prctl.h>

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg)
{
	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (arg >= TASK_SIZE_MAX)
			return -EPERM;
		if (option == ARCH_SET_FS)
			set_fsbase(arg);
		else
			set_gsbase(arg);
		return 0;
	case ARCH_GET_FS:
		return put_user(get_fsbase(), (unsigned long __user *)arg);
	case ARCH_GET_GS:
		return put_user(get_gsbase(), (unsigned long __user *)arg);
	}
	return -EINVAL;
}
