/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_KPROBES_H
#define _ASM_KBOX_KPROBES_H
#include <asm-generic/kprobes.h>
#ifndef __ASSEMBLY__
#include <linux/errno.h>
/* No probe can be set (kernel/uprobes.c), so none has a register to fetch. */
static inline int regs_query_register_offset(const char *name)
{
	return -EINVAL;
}

struct pt_regs;
static inline unsigned long regs_get_register(struct pt_regs *regs, unsigned int offset)
{
	return 0;
}
#endif
#endif
