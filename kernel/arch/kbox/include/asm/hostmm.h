/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTMM_H
#define _ASM_HOSTMM_H
/* The host's mappings of a guest process, a cache of its page tables: mm/tlb.c, mm/fault.c. */
#include <linux/types.h>

struct mm_struct;
struct pt_regs;

/* code: as x86 has them in its error code. With the CPU in hand; may sleep. */
#define PF_WRITE	2
#define PF_INSTR	16
void kbox_page_fault(struct pt_regs *regs, unsigned long addr, unsigned long code);

enum kbox_fill { KBOX_FILL_FAULT, KBOX_FILLED, KBOX_FILL_REFUSED };
enum kbox_fill kbox_tlb_fill(struct mm_struct *mm, unsigned long addr, bool write, bool exec);
void kbox_tlb_fill_range(struct mm_struct *mm, unsigned long addr, unsigned long first, unsigned int pages);
void kbox_tlb_clear_range(struct mm_struct *mm, unsigned long addr, unsigned int pages);
void kbox_drop_user(void);
void kbox_host_unmap(struct mm_struct *mm, unsigned long start, unsigned long end);
int kbox_host_map(struct mm_struct *mm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
struct host_thread;
void kbox_serve_flush(struct host_thread *me);
#endif
