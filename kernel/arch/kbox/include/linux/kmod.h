/* SPDX-License-Identifier: GPL-2.0-only */
/* There are no modules, but what is in the image and waits to be asked for: kernel/waiting.c */
#ifndef _KBOX_LINUX_KMOD_H
#define _KBOX_LINUX_KMOD_H
#include_next <linux/kmod.h>
__printf(1, 2) int call_waiting(const char *alias, ...);
#define request_module(mod...)	call_waiting(mod)
#endif
