/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_VSYSCALL_H
#define _ASM_KBOX_VDSO_VSYSCALL_H
#ifndef __ASSEMBLY__
#include <linux/timekeeper_internal.h>
#include <vdso/datapage.h>
#include <asm/vdso.h>
extern union vdso_data_store kbox_vdso_data;	/* kernel/vdso.c */
#define __arch_get_k_vdso_data() kbox_vdso_data.data
#define __arch_get_k_vdso_rng_data() ((struct vdso_rng_data *)(kbox_vdso_data.page + VVAR_RNG_OFFSET))
#include <asm-generic/vdso/vsyscall.h>
#endif
#endif
