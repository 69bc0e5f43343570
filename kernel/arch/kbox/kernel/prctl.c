// SPDX-License-Identifier: GPL-2.0-only
/*
 * What prctl(2) asks an architecture for. What only the host's kernel could change for a thread,
 * and is not asked for, stays as it is there.
 */
#include <linux/nospec.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/vcpu.h>

/*
 * PR_SET_TSC: reading the counter of time is a SIGSEGV, also for the kernel, which runs on the same
 * host threads. So from the first time on the kernel asks the host for the time; and a host thread
 * gets its task's setting when that begins to run there, since it may have been another one's.
 */
static bool used;

int kbox_get_tsc(unsigned long addr)
{
	return put_user(test_thread_flag(TIF_TSC_SIGSEGV) ? PR_TSC_SIGSEGV : PR_TSC_ENABLE, (unsigned int __user *)addr);
}

int kbox_set_tsc(unsigned int mode)
{
	long ret;

	if (mode != PR_TSC_ENABLE && mode != PR_TSC_SIGSEGV)
		return -EINVAL;
	if (mode == PR_TSC_ENABLE && !used)
		return 0;
	ret = host_set_tsc(mode);
	if (ret)
		return ret;
	if (!used)
		host_clock_lost();
	used = true;
	update_thread_flag(TIF_TSC_SIGSEGV, mode == PR_TSC_SIGSEGV);
	return 0;
}

#ifdef TIF_NOTSC
/* Of seccomp's strict mode. */
void disable_TSC(void)
{
	kbox_set_tsc(PR_TSC_SIGSEGV);
}
#endif

/* Current begins to run on this host thread. */
void kbox_arrive_tsc(void)
{
	if (unlikely(used))
		host_set_tsc(test_thread_flag(TIF_TSC_SIGSEGV) ? PR_TSC_SIGSEGV : PR_TSC_ENABLE);
}

/* Can the kernel read it? */
bool kbox_has_tsc(void)
{
	return !used;
}

/* PR_SPEC_PRCTL, which the host's answer may have in it, says that a thread could choose. */
int arch_prctl_spec_ctrl_get(struct task_struct *t, unsigned long which)
{
	int host;

	if (which >= ARRAY_SIZE(kbox_boot->speculation))
		return -ENODEV;
	host = kbox_boot->speculation[array_index_nospec(which, ARRAY_SIZE(kbox_boot->speculation))];
	return host < 0 ? host : host & ~PR_SPEC_PRCTL;
}

int arch_prctl_spec_ctrl_set(struct task_struct *t, unsigned long which, unsigned long ctrl)
{
	int host = arch_prctl_spec_ctrl_get(t, which);

	return host < 0 ? host : -ENXIO;
}
