// SPDX-License-Identifier: GPL-2.0-only
/* System calls, from the registers to the kernel's function and back. */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/entry-common.h>
#include <linux/mman.h>
#include <linux/ptrace.h>
#include <linux/syscalls.h>
#include <asm/boot.h>
#include <asm/gate_exit.h>
#include <asm/hosttrap.h>
#include <asm/rewrite.h>
#include <asm/syscall.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>

void kbox_syscall(struct pt_regs *regs, long nr)
{
	unsigned long work, mark;

	syscall_begin(regs, nr);
	work = READ_ONCE(current_thread_info()->syscall_work);
	if (unlikely(work)) {
		mark = syscall_mark(regs, 0);
		nr = syscall_enter_from_user_mode_work(regs, nr);
		syscall_unmark(regs, mark);
	}
	if (likely((unsigned int)nr < NR_syscalls))
		syscall_call(regs, sys_call_table[(unsigned int)nr]);
	else
		syscall_unknown(regs, nr);
	work = READ_ONCE(current_thread_info()->syscall_work);
	if (unlikely(work & SYSCALL_WORK_EXIT)) {
		mark = syscall_mark(regs, 1);
		syscall_exit_to_user_mode_work(regs);
		syscall_unmark(regs, mark);
		local_irq_enable();
	}
}

/* By a SIGSYS: next time, perhaps, this site is patched. */
void kbox_trapped_call(struct pt_regs *regs, long nr)
{
	kbox_count(KBOX_CALLS_TRAP);
	if (kbox_host_vdso_call(regs, nr))
		return;
	if (kbox_rewrites())
		kbox_rewrite(regs, nr);
	kbox_syscall(regs, nr);
}

/*
 * A system call from a patched site, on the task's kernel stack. Returns its host thread if
 * there is nothing to do before user mode but to let go of the CPU.
 */
struct host_thread *kbox_gate_call(struct pt_regs *regs, long nr)
{
	kbox_enter(regs_top(regs)->host);
	kbox_count(KBOX_CALLS_REWRITE);
	current->thread.fpstate = NULL;
	if (unlikely(!gate_take_regs(regs))) {
		force_sig(SIGSEGV);
		kbox_exit(regs);
	}
	kbox_syscall(regs, nr);
	return gate_exit(regs, regs_top(regs)->resume_ip);
}

SYSCALL_DEFINE6(mmap, unsigned long, addr, unsigned long, len, unsigned long, prot,
		unsigned long, flags, unsigned long, fd, unsigned long, off)
{
	if (off & ~PAGE_MASK)
		return -EINVAL;
	addr = ksys_mmap_pgoff(addr, len, prot, flags, fd, off >> PAGE_SHIFT);
	if (prot & PROT_EXEC && !(flags & MAP_ANONYMOUS) && !IS_ERR_VALUE(addr))
		kbox_text_mapped(current->mm, addr, addr + len);
	return addr;
}
