/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SEGMENTS_H
#define _ASM_KBOX_SEGMENTS_H
/* Selectors of the host's GDT, as natively, for 64-bit code and its data. */
#define USER_CS	0x33
#define USER_SS	0x2b
#ifndef __ASSEMBLY__
struct host_thread;
extern void set_fsbase(unsigned long base);
extern void set_gsbase(unsigned long base);
extern void clear_gsbase(void);
extern unsigned long get_fsbase(void);
extern unsigned long get_gsbase(void);
extern void bases_load(void);
extern void bases_save(void);
extern void gs_refused(struct host_thread *h);
extern bool gs_used(unsigned long ip);
extern void gate_not_wanted(void);
#endif
#endif
