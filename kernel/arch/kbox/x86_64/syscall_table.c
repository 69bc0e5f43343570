// SPDX-License-Identifier: GPL-2.0-only
/* The ISA's own table, called with plain arguments. */
#include <linux/linkage.h>
#include <linux/sys.h>
#include <linux/cache.h>
#include <linux/syscalls.h>
#include <linux/prctl.h>
#include <linux/mman.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/kbox.h>
#include <uapi/asm/prctl.h>

SYSCALL_DEFINE2(arch_prctl, int, option, unsigned long, arg)
{
	switch (option) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (arg >= TASK_SIZE)
			return -EPERM;
		if (option == ARCH_SET_FS)
			current->thread.fsbase = arg;
		else
			current->thread.gsbase = arg;
		return HCALL(__NR_arch_prctl, option, arg, 0, 0, 0, 0);
	case ARCH_GET_FS:
		return put_user(current->thread.fsbase, (unsigned long __user *)arg);
	case ARCH_GET_GS:
		return put_user(current->thread.gsbase, (unsigned long __user *)arg);
	}
	return -EINVAL;
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot,
		unsigned long, flags, unsigned long, fd, unsigned long, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	return ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
}

long sys_ni_syscall(void);
#define sys_iopl sys_ni_syscall
#define sys_ioperm sys_ni_syscall
#define sys_modify_ldt sys_ni_syscall
#define sys_map_shadow_stack sys_ni_syscall

#define __SYSCALL(nr, sym) extern long sym(void);
#include <asm/syscall_table_64.h>
#undef __SYSCALL
#define __SYSCALL(nr, sym) [nr] = (sys_call_ptr_t)sym,
const sys_call_ptr_t sys_call_table[] ____cacheline_aligned = {
#include <asm/syscall_table_64.h>
};
