// SPDX-License-Identifier: GPL-2.0-only
/* The few system calls that each architecture brings itself. */
#include <linux/syscalls.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <uapi/asm/prctl.h>
#include <asm/segments.h>
#include <asm/unistd.h>
#include <asm/vdso.h>
#include "processor.h"

#define XFEATURE_MAX	19	/* of enum xfeature, arch/x86/include/asm/fpu/types.h */

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
	/* cpuid cannot be made to fault, as on most processors. */
	case ARCH_GET_CPUID:
		return 1;
	case ARCH_SET_CPUID:
		return -ENODEV;
	case ARCH_GET_XCOMP_SUPP:
	case ARCH_GET_XCOMP_PERM:
	case ARCH_GET_XCOMP_GUEST_PERM:
		return put_user(xstate_components(), (u64 __user *)arg);
	/* Nobody has to ask for what there is. */
	case ARCH_REQ_XCOMP_PERM:
	case ARCH_REQ_XCOMP_GUEST_PERM:
		return arg < XFEATURE_MAX ? -EOPNOTSUPP : -EINVAL;
	case ARCH_MAP_VDSO_64:
		return kbox_map_vdso_again(arg);
	}
	return -EINVAL;
}
