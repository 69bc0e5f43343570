/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_BREAKPOINT_H
#define _ASM_KBOX_BREAKPOINT_H
#include <linux/types.h>
typedef u32 uprobe_opcode_t;
#define BREAKPOINT_INSN	0xd4200000	/* brk #0 */
#endif
