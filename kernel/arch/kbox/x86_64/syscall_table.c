// SPDX-License-Identifier: GPL-2.0-only
/* The ISA's own table, called with plain arguments. */
#include <linux/cache.h>
#include <asm/syscall.h>
#include "../kernel/own_calls.h"

extern long sys_ni_syscall(void);
#define sys_iopl sys_ni_syscall
#define sys_ioperm sys_ni_syscall
#define sys_modify_ldt sys_ni_syscall
#define sys_map_shadow_stack sys_ni_syscall

#define __SYSCALL_NORETURN __SYSCALL
#define __SYSCALL(nr, sym) extern long sym(void);
#include <asm/syscall_table_64.h>
#undef __SYSCALL
#define __SYSCALL(nr, sym) [nr] = (sys_call_ptr_t)(void *)sym,
const sys_call_ptr_t sys_call_table[] ____cacheline_aligned = {
#include <asm/syscall_table_64.h>
};
