/* SPDX-License-Identifier: GPL-2.0-only */
/* No uprobe can be set: kernel/uprobes.c. */
#ifndef _ASM_KBOX_UPROBES_H
#define _ASM_KBOX_UPROBES_H
#include <asm/breakpoint.h>
#define UPROBE_SWBP_INSN	BREAKPOINT_INSN
#define UPROBE_SWBP_INSN_SIZE	sizeof(uprobe_opcode_t)
#define UPROBE_XOL_SLOT_BYTES	16
struct arch_uprobe_task { };
struct arch_uprobe { u8 insn[16], ixol[16]; };
#endif
