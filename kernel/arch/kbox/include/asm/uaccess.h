/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_UACCESS_H
#define _ASM_KBOX_UACCESS_H
/* The user's memory is this process's memory: plain loads and stores with an exception table. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/processor.h>
#include <asm/extable.h>
#include <asm-generic/access_ok.h>
#include <asm/usercopy.h>

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

#define __clear_user __clear_user
#include <asm-generic/uaccess.h>

#define __get_kernel_nofault(dst, src, type, err)	\
	do { if (raw_copy_from_user((dst), (const void __user *)(src), sizeof(type))) goto err; } while (0)
#define __put_kernel_nofault(dst, src, type, err)	\
	do { if (raw_copy_to_user((void __user *)(dst), (src), sizeof(type))) goto err; } while (0)
#endif
