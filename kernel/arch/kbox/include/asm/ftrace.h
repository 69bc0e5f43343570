/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_FTRACE_H
#define _ASM_KBOX_FTRACE_H
#ifndef __ASSEMBLY__
#include <linux/string.h>
/* Calls that are wrapped (syscall_table.c) have the tracepoints of what they wrap. */
#define ARCH_HAS_SYSCALL_MATCH_SYM_NAME
static inline bool arch_syscall_match_sym_name(const char *sym, const char *name)
{
	return !strcmp(sym + (strncmp(sym, "sys_kbox_", 9) ? 3 : 8), name + 3);
}
#endif
#endif
