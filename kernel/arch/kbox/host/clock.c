// SPDX-License-Identifier: GPL-2.0-only
/* The host's clocks. */
#include <linux/time64.h>
#include <uapi/linux/time.h>
#include <asm/boot.h>
#include <asm/host.h>
#include "call.h"

static u64 in_ns(const struct host_timespec *ts)
{
	return ts->sec * NSEC_PER_SEC + ts->nsec;
}

int notrace host_clock_gettime(int clock, struct host_timespec *ts)
{
	return HCALL2(__NR_clock_gettime, clock, ts);
}

/* CLOCK_MONOTONIC goes on where it was in a box whose host had another one (kernel/snapshot.c). */
u64 notrace host_clock(int clock)
{
	int (*vdso)(int, struct host_timespec *) = (void *)kbox_boot->vdso_clock_gettime;
	struct host_timespec ts;

	if (!vdso || vdso(clock, &ts))
		host_clock_gettime(clock, &ts);
	return in_ns(&ts) + (clock == CLOCK_MONOTONIC ? kbox_boot->clock_offset : 0);
}

/* What the calling host thread has used. The vDSO would ask the host as well. */
u64 host_thread_clock(void)
{
	struct host_timespec ts;

	host_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return in_ns(&ts);
}
