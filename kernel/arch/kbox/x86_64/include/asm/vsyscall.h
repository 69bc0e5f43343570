/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VSYSCALL_H
#define _ASM_KBOX_VSYSCALL_H
struct pt_regs;
extern void kbox_vsyscall(struct pt_regs *regs, int nr, unsigned long at);
#endif
