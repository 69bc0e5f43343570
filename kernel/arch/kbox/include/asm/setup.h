/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SETUP_H
#define _ASM_KBOX_SETUP_H
#define COMMAND_LINE_SIZE 2048	/* struct kbox_boot.cmdline */
#endif
