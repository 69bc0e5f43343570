/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
#include <arm64/include/uapi/asm/ptrace.h>
