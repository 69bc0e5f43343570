/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_LINKAGE_H
#define _ASM_KBOX_LINKAGE_H
#define __ALIGN		.balign 8
#define __ALIGN_STR	".balign 8"
#endif
