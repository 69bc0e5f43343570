/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_UACCESS_H
#define _ASM_KBOX_UACCESS_H
/* The user's memory is this process's memory: plain loads and stores with an exception table. */
#include <linux/compiler.h>
#include <linux/types.h>
#include <asm/processor.h>
#include <asm/extable.h>
#include <asm/usercopy.h>
/*
 * What begins below the home and is no longer than its guard comes to the guard before it comes to
 * anything in it, and there is nothing mapped.
 */
extern bool kbox_long_access_ok(unsigned long addr, unsigned long size);	/* mm/place.c */
static __always_inline bool __access_ok(const void __user *ptr, unsigned long size)
{
	if (kbox_user_address((unsigned long)ptr))
		return size <= KBOX_HOME_GUARD || kbox_long_access_ok((unsigned long)ptr, size);
	return kbox_tagged_access_ok((unsigned long)ptr, size);
}
#define __access_ok __access_ok
#include <asm-generic/access_ok.h>

#define INLINE_COPY_FROM_USER
#define INLINE_COPY_TO_USER

#define __clear_user __clear_user
#include <asm-generic/uaccess.h>

#define __get_kernel_nofault(dst, src, type, err)	\
	do { if (raw_copy_from_user((dst), (const void __user *)(src), sizeof(type))) goto err; } while (0)
#define __put_kernel_nofault(dst, src, type, err)	\
	do { if (raw_copy_to_user((void __user *)(dst), (src), sizeof(type))) goto err; } while (0)
#endif
