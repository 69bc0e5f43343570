/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ENTRY_COMMON_H
#define _ASM_KBOX_ENTRY_COMMON_H
#define on_thread_stack() true
#endif
