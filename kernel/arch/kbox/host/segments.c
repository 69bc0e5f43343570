// SPDX-License-Identifier: GPL-2.0-only
/* x86_64: the bases of segments, where user code must not set them by instructions. */
#include <asm/prctl.h>
#include "call.h"

void host_set_fs(unsigned long base)
{
	HCALL2(__NR_arch_prctl, ARCH_SET_FS, base);
}

void host_set_gs(unsigned long base)
{
	HCALL2(__NR_arch_prctl, ARCH_SET_GS, base);
}
