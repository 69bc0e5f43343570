/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The home: the addresses that guests do not have. In it are guest memory with the kernel, vmalloc
 * space and the host's vDSO. docs/memory.md says why it is there. Its first KBOX_HOME_GUARD
 * bytes are never mapped.
 */
#ifndef _UAPI_ASM_LAYOUT_H
#define _UAPI_ASM_LAYOUT_H

#ifdef __ASSEMBLY__
#define KBOX_ADDR(x)		x
#else
#define KBOX_ADDR(x)		x##UL
#endif

#if defined(__x86_64__)
#include "layout-x86_64.h"
#elif defined(__aarch64__)
#include "layout-arm64.h"
#else
#error "asm/layout-*.h: there is none for this instruction set"
#endif

#define KBOX_HOST_VDSO_SIZE	KBOX_ADDR(0x1000000)	/* room for the vDSO and its data */
#define KBOX_IMAGE_PHYS		KBOX_ADDR(0x100000)	/* the kernel image is linked here, above KBOX_PAGE_OFFSET */
#endif
