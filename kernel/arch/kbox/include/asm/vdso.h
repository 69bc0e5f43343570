/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_H
#define _ASM_KBOX_VDSO_H
/*
 * The pages of data before the vDSO's text. The first: what kernel/time/vsyscall.c writes, and what
 * drivers/char/random.c does.
 */
#define VVAR_DATA_PAGE		0
#define VVAR_TIMENS_PAGE	1	/* in a time namespace: the first one, and that has the offsets instead */
#define VVAR_PAGES		2
#define VVAR_RNG_OFFSET		1024
#ifndef __ASSEMBLY__
#include <linux/types.h>
struct mm_struct;
struct pt_regs;
/* kernel/vdso.c */
extern int kbox_map_vdso(struct mm_struct *mm);
extern long kbox_map_vdso_again(unsigned long addr);
/* What the boot page says of the host's clock: the vDSO goes by that from now on. */
extern void kbox_vdso_host(void);
/* kernel/vdso_host.c */
extern bool kbox_in_host_vdso(unsigned long ip);
extern void kbox_leave_host_vdso(struct pt_regs *regs);
extern bool kbox_host_vdso_call(struct pt_regs *regs, int nr);
#endif
#endif
