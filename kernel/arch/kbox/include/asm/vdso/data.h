/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_DATA_H
#define _ASM_KBOX_VDSO_DATA_H
#include <linux/types.h>
/* The host's clock_gettime(), in its vDSO, and ns that our CLOCK_MONOTONIC is ahead of its. */
struct arch_vdso_data { u64 host_clock_gettime, offset; };
#endif
