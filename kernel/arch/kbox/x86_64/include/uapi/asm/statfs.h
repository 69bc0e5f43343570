/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#include <x86/include/uapi/asm/statfs.h>
