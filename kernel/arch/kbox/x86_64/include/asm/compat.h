/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_COMPAT_H
#define _ASM_KBOX_COMPAT_H
#include <asm-generic/compat.h>
/*
 * What uname(2) says under PER_LINUX32: "setarch i686 ./configure" builds for the machine that it
 * names.
 */
#define COMPAT_UTS_MACHINE	"i686\0\0"
#endif
