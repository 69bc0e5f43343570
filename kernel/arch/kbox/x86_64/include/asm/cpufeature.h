/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CPUFEATURE_H
#define _ASM_KBOX_CPUFEATURE_H
/* What the ISA's headers ask of it: nothing is patched at boot here. */
#include <asm/cpufeatures.h>
#define boot_cpu_has(x)		0
#define static_cpu_has(x)	0
#define cpu_feature_enabled(x)	0
#endif
