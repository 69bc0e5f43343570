/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_MMAN_H
#define _ASM_KBOX_MMAN_H
/* Without the ISA's own flags: PROT_BTI and PROT_MTE are not offered, nor are their HWCAPs. */
#include <uapi/asm/mman.h>
#endif
