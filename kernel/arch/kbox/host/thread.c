// SPDX-License-Identifier: GPL-2.0-only
/* The host's calls for processes, threads and their signals. */
#include <linux/prctl.h>
#include <linux/time64.h>
#include <uapi/linux/futex.h>
#include <asm/signal.h>
#include "call.h"

void host_futex_wait(u32 *word, u32 value, u64 ns)
{
	struct host_timespec ts = { ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };

	HCALL4(__NR_futex, word, FUTEX_WAIT, value, ns == HOST_NO_TIMEOUT ? NULL : &ts);
}

void host_futex_wake(u32 *word)
{
	HCALL3(__NR_futex, word, FUTEX_WAKE, 1);
}

void host_futex_wake_all(u32 *word)
{
	HCALL3(__NR_futex, word, FUTEX_WAKE, INT_MAX);
}

void host_yield(void)
{
	HCALL0(__NR_sched_yield);
}

int host_tgkill(u32 tgid, u32 tid, int sig)
{
	return HCALL3(__NR_tgkill, tgid, tid, sig);
}

/* Any call would do. */
void host_take_signals(void)
{
	HCALL0(__NR_getpid);
}

int host_getpid(void)
{
	return HCALL0(__NR_getpid);
}

int host_getppid(void)
{
	return HCALL0(__NR_getppid);
}

void host_exit_group(int status)
{
	HCALL1(__NR_exit_group, status);
}

void host_set_pdeathsig(int sig)
{
	HCALL2(__NR_prctl, PR_SET_PDEATHSIG, sig);
}

int host_dispatch_calls(void *start, void *end)
{
	return HCALL5(__NR_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, end - start, NULL);
}

int host_set_tsc(unsigned int mode)
{
	return HCALL2(__NR_prctl, PR_SET_TSC, mode);
}

int host_membarrier(int cmd)
{
	return HCALL1(__NR_membarrier, cmd);
}

void host_sigaltstack(void *sp, unsigned long size)
{
	struct { void *sp; int flags; unsigned long size; } ss = { sp, 0, size };

	HCALL2(__NR_sigaltstack, &ss, NULL);
}

extern void host_restorer(void);	/* entry.S */

void host_sigaction(int sig, void *handler, unsigned long flags, unsigned long mask)
{
	struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } sa = {
		handler, SA_RESTORER | flags, host_restorer, mask,
	};

	HCALL4(__NR_rt_sigaction, sig, &sa, NULL, sizeof(sa.mask));
}
