// SPDX-License-Identifier: GPL-2.0-only
/* The ISA's own table, called with plain arguments. */
#include <linux/cache.h>
#include <asm/syscall.h>
#include <asm/unistd.h>

/* A program that makes them can have threads, or be cancelled (syscalls.c). */
#define sys_clone kbox_sys_clone
#define sys_clone3 kbox_sys_clone3
#define sys_rt_sigaction kbox_sys_rt_sigaction
#define sys_personality kbox_sys_personality

/* mm/place.c */
#define sys_mprotect sys_kbox_mprotect
#define sys_pkey_mprotect sys_kbox_pkey_mprotect
/* kernel/membarrier.c */
#define sys_membarrier sys_kbox_membarrier
#ifdef CONFIG_PERF_EVENTS
/* kernel/perf.c */
#define sys_perf_event_open sys_kbox_perf_event_open
#endif
/* drivers/hostfd_io.c, hostfd_socket.c */
#define sys_getsockopt sys_kbox_getsockopt
#define sys_sendfile64 sys_kbox_sendfile64
#define sys_copy_file_range sys_kbox_copy_file_range

#undef __SYSCALL
#define __SYSCALL_WITH_COMPAT(nr, native, compat) __SYSCALL(nr, native)
#define __SYSCALL(nr, sym) extern long sym(void);
#include <asm/syscall_table_64.h>
#undef __SYSCALL
#define __SYSCALL(nr, sym) [nr] = (sys_call_ptr_t)(void *)sym,
const sys_call_ptr_t sys_call_table[] ____cacheline_aligned = {
#include <asm/syscall_table_64.h>
};
