/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What asm/hidden.h names is set up when it is asked for, which is after what is __init has gone.
 */
#ifndef _KBOX_LINUX_INIT_H
#define _KBOX_LINUX_INIT_H
#include_next <linux/init.h>
#if !defined(__ASSEMBLY__) && defined(__KBUILD_MODNAME)
#if WAITS_NAME(__KBUILD_MODNAME) || STAYS_NAME(__KBUILD_MODNAME)
#undef __init
#define __init
#undef __initdata
#define __initdata
#undef __initconst
#define __initconst
#endif
#if WAITS_NAME(__KBUILD_MODNAME)
#undef __define_initcall
#define __define_initcall(fn, id)	\
	static const struct waiting_initcall waiting_##fn __used __section(".waiting." #id) \
		__aligned(sizeof(void *)) = { KBUILD_MODFILE, KBUILD_MODNAME, fn }
#endif
struct waiting_initcall {
	const char *file, *module;	/* fs/btrfs/btrfs, btrfs */
	int (*call)(void);
};
#endif
#endif
