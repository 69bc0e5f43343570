// SPDX-License-Identifier: GPL-2.0-only
/* System calls that the port looks at first. */
#include <linux/personality.h>
#include <linux/syscalls.h>
#include <asm/gate.h>
#include <asm/rewrite.h>

/*
 * What a program with promoted calls must not do with them (docs/cancel-wrapper.md): have threads,
 * ...
 */
asmlinkage long kbox_sys_clone(unsigned long flags, unsigned long sp, int __user *ptid, unsigned long tls, int __user *ctid)
{
	kbox_promote_undo();
	return sys_clone(flags, sp, ptid, tls, ctid);
}

asmlinkage long kbox_sys_clone3(struct clone_args __user *args, size_t size)
{
	kbox_promote_undo();
	return sys_clone3(args, size);
}

/* ... or a handler for the signals by which both libcs cancel them, or change all of their ids. */
asmlinkage long kbox_sys_rt_sigaction(int sig, const struct sigaction __user *new, struct sigaction __user *old, size_t size)
{
	if (new && (sig == 32 || sig == 33))
		kbox_promote_undo();
	return sys_rt_sigaction(sig, new, old, size);
}

/* There are no 32-bit programs: as arch/arm64/kernel/sys.c has it on such a machine. */
asmlinkage long kbox_sys_personality(unsigned int persona)
{
	return personality(persona) == PER_LINUX32 ? -EINVAL : sys_personality(persona);
}
