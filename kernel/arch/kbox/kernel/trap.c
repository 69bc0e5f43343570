// SPDX-License-Identifier: GPL-2.0-only
/*
 * Host signals are the traps of this machine: system calls (SIGSYS), faults, IPIs. What is in their
 * frames: $(ISA)/trap.c.
 */
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/hostthread.h>
#include <asm/hosttrap.h>
#include <asm/sections.h>
#include <asm/vdso.h>

int kbox_kernel_text(unsigned long ip)
{
	return ip >= (unsigned long)_text && ip < (unsigned long)_end &&
	       !(ip >= (unsigned long)__user_text_start && ip < (unsigned long)__user_text_end);
}

/* Is this the kernel's? The host's vDSO serves programs as well: there the stack tells. */
bool kbox_runs_kernel(unsigned long ip, unsigned long sp)
{
	if (kbox_in_host_vdso(ip))
		return sp >= KBOX_PAGE_OFFSET && sp < KBOX_PAGE_OFFSET + kbox_boot->mem_size;
	return kbox_kernel_text(ip);
}

bool kbox_in_exit_section(unsigned long ip)
{
	return ip >= (unsigned long)__exit_start && ip < (unsigned long)__exit_end;
}

void host_altstack(struct task_struct *t)
{
	host_sigaltstack(task_stack_page(t), THREAD_SIZE - STACK_RESERVED);
}

/* A page fault of current's has been dealt with: does a signal tell the program of it? */
bool kbox_fault_told(void)
{
	return sigismember(&current->pending.signal, SIGSEGV) || sigismember(&current->pending.signal, SIGBUS);
}

static void host_action(int sig, void *handler, unsigned long flags)
{
	/*
	 * An IPI that found its thread still in the flush's handler would be taken for one in the
	 * kernel.
	 */
	host_sigaction(sig, handler, flags, sig == FLUSH_SIGNAL ? 1UL << (IPI_SIGNAL - 1) : 0);
}

void host_traps_init(void)
{
	static const u8 traps[] = { SIGSYS, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, IPI_SIGNAL, FLUSH_SIGNAL };
	/* They are the supervisor's business. */
	static const u8 ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGTTIN, SIGTTOU };
	int i;

	for (i = 0; i < ARRAY_SIZE(traps); i++)
		host_action(traps[i], host_trap, SA_ONSTACK | SA_NODEFER | SA_SIGINFO);
	for (i = 0; i < ARRAY_SIZE(ignored); i++)
		host_action(ignored[i], (__force void *)SIG_IGN, 0);
}
