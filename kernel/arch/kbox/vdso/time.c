// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of lib/vdso/gettimeofday.c, which the Makefile includes, under the names that the
 * ISA has for them.
 */
#include <linux/time.h>
#include <linux/types.h>
#include <asm/vdso/isa.h>

VDSO_FUNCTION(int, clock_gettime, (clockid_t clock, struct __kernel_timespec *ts))
{
	return __cvdso_clock_gettime(clock, ts);
}

VDSO_FUNCTION(int, gettimeofday, (struct __kernel_old_timeval *tv, struct timezone *tz))
{
	return __cvdso_gettimeofday(tv, tz);
}

VDSO_FUNCTION(int, clock_getres, (clockid_t clock, struct __kernel_timespec *res))
{
	return __cvdso_clock_getres(clock, res);
}

#ifdef VDSO_HAS_TIME
VDSO_FUNCTION(__kernel_old_time_t, time, (__kernel_old_time_t *t))
{
	return __cvdso_time(t);
}
#endif

#ifdef VDSO_HAS_GETCPU
/* There is one. */
VDSO_FUNCTION(long, getcpu, (unsigned int *cpu, unsigned int *node, void *unused))
{
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}
#endif
