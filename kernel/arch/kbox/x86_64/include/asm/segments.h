/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SEGMENTS_H
#define _ASM_KBOX_SEGMENTS_H
extern void set_fsbase(unsigned long base);
extern void set_gsbase(unsigned long base);
extern unsigned long get_fsbase(void);
extern unsigned long get_gsbase(void);
#endif
