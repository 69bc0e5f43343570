/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_OWN_CALLS_H
#define KBOX_OWN_CALLS_H
/* System calls of the port's in the place of the stock ones, in the table of each ISA. */

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
#endif
