// SPDX-License-Identifier: GPL-2.0-only
/* The ISA's own table, called with plain arguments. */
#include <linux/cache.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include "../kernel/own_calls.h"

/* A program that makes them can have threads, or be cancelled (syscalls.c). */
#define sys_clone kbox_sys_clone
#define sys_clone3 kbox_sys_clone3
#define sys_rt_sigaction kbox_sys_rt_sigaction
#define sys_personality kbox_sys_personality

#undef __SYSCALL
#define __SYSCALL_WITH_COMPAT(nr, native, compat) __SYSCALL(nr, native)
#define __SYSCALL(nr, sym) extern long sym(void);
#include <asm/syscall_table_64.h>
#undef __SYSCALL
#define __SYSCALL(nr, sym) [nr] = (sys_call_ptr_t)(void *)sym,
const sys_call_ptr_t sys_call_table[] ____cacheline_aligned = {
#include <asm/syscall_table_64.h>
};
