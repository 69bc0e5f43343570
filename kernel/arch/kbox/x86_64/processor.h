/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host's processor says of itself. */
#ifndef KBOX_X86_64_PROCESSOR_H
#define KBOX_X86_64_PROCESSOR_H
#include <linux/types.h>
extern u32 cpuid_word(u32 nr, u32 sub, int reg);	/* 0: it has no such leaf */
extern u64 xstate_components(void);
extern u32 cache_kb(void);	/* cacheinfo.c; 0: it does not say */
#endif
