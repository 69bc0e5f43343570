// SPDX-License-Identifier: GPL-2.0-only
/*
 * membarrier(2): who may ask for what is known to kernel/sched/membarrier.c, for which one CPU
 * needs no barrier. User code runs on the host's, and so the barrier is the host's.
 */
#include <linux/membarrier.h>
#include <linux/syscalls.h>
#include <asm/host.h>

static long private_barrier(void)
{
	long r = host_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);

	if (r != -EPERM)
		return r;
	/* It is the first one in this host process. */
	r = host_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	return r ?: host_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

SYSCALL_DEFINE3(kbox_membarrier, int, cmd, unsigned int, flags, int, cpu)
{
	long r = sys_membarrier(cmd, flags, cpu);

	if (r)
		return r;
	switch (cmd) {
	case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
		return private_barrier();
	case MEMBARRIER_CMD_GLOBAL:
	case MEMBARRIER_CMD_GLOBAL_EXPEDITED:	/* with the processes that have registered; at the host they have not */
		return host_membarrier(MEMBARRIER_CMD_GLOBAL);
	}
	return 0;
}
