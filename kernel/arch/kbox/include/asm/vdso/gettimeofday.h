/* SPDX-License-Identifier: GPL-2.0-only */
/* What lib/vdso/gettimeofday.c asks of the architecture. */
#ifndef _ASM_KBOX_VDSO_GETTIMEOFDAY_H
#define _ASM_KBOX_VDSO_GETTIMEOFDAY_H
#ifndef __ASSEMBLY__
#include <asm/unistd.h>
#include <asm/vdso/isa.h>
#include <uapi/linux/time.h>

#define VDSO_HAS_CLOCK_GETRES 1

static __always_inline int gettimeofday_fallback(struct __kernel_old_timeval *tv, struct timezone *tz)
{
	return vdso_syscall(__NR_gettimeofday, (long)tv, (long)tz, 0);
}

static __always_inline long clock_gettime_fallback(clockid_t clock, struct __kernel_timespec *ts)
{
	return vdso_syscall(__NR_clock_gettime, clock, (long)ts, 0);
}

static __always_inline int clock_getres_fallback(clockid_t clock, struct __kernel_timespec *res)
{
	return vdso_syscall(__NR_clock_getres, clock, (long)res, 0);
}

extern void kbox_host_clock(u64 host_clock_gettime, struct __kernel_timespec *ts);	/* vdso/host-*.S */

/* The clocksource (kernel/time.c). */
static __always_inline u64 __arch_get_hw_counter(s32 clock_mode, const struct vdso_data *vd)
{
	struct __kernel_timespec ts;

	if (clock_mode != VDSO_CLOCKMODE_HOST)	/* just now; the caller looks again */
		return 0;
	kbox_host_clock(vd->arch_data.host_clock_gettime, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec + vd->arch_data.offset;
}

static __always_inline const struct vdso_data *__arch_get_vdso_data(void)
{
	return _vdso_data;
}

static __always_inline const struct vdso_data *__arch_get_timens_vdso_data(const struct vdso_data *vd)
{
	return _timens_data;
}
#endif
#endif
