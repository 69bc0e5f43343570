/* SPDX-License-Identifier: GPL-2.0-only */
/* What lib/vdso/getrandom.c asks of the architecture. */
#ifndef _ASM_KBOX_VDSO_GETRANDOM_H
#define _ASM_KBOX_VDSO_GETRANDOM_H
#ifndef __ASSEMBLY__
#include <asm/barrier.h>
#include <asm/unistd.h>
#include <asm/vdso.h>
#include <asm/vdso/isa.h>

static __always_inline ssize_t getrandom_syscall(void *buffer, size_t len, unsigned int flags)
{
	return vdso_syscall(__NR_getrandom, (long)buffer, len, flags);
}

static __always_inline const struct vdso_rng_data *__arch_get_vdso_rng_data(void)
{
	if (_vdso_data->clock_mode == VDSO_CLOCKMODE_TIMENS)
		return (void *)_timens_data + VVAR_RNG_OFFSET;
	return &_vdso_rng_data;
}
#endif
#endif
