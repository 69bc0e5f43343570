/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_UNISTD_H
#define _ASM_KBOX_UNISTD_H
#include <uapi/asm/unistd.h>
#include <asm/unistd_64.h>
#define NR_syscalls		(__NR_syscalls)
#define __ARCH_WANT_SYS_CLONE
#define __ARCH_WANT_SYS_CLONE3
#define __ARCH_WANT_NEW_STAT
#endif
