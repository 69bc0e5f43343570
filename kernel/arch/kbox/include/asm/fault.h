/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_FAULT_H
#define _ASM_FAULT_H
/*
 * Faults, and how the page tables come into the host's mappings: mm/fault.c, mm/tlb.c. With the CPU
 * in hand.
 */
#include <linux/types.h>

struct mm_struct;
struct pt_regs;

/* code: as x86 has them in its error code. May sleep. */
#define PF_WRITE	2
#define PF_INSTR	16
void kbox_page_fault(struct pt_regs *regs, unsigned long addr, unsigned long code);

/* KBOX_FILL_REFUSED: by the host, which has the page's file no longer as it was mapped. */
enum kbox_fill { KBOX_FILL_FAULT, KBOX_FILLED, KBOX_FILL_REFUSED };
enum kbox_fill kbox_tlb_fill(struct mm_struct *mm, unsigned long addr, bool write, bool exec);
void kbox_tlb_fill_range(struct mm_struct *mm, unsigned long addr, unsigned long first, unsigned int pages,
				const unsigned long *wanted);
void kbox_tlb_clear_range(struct mm_struct *mm, unsigned long addr, unsigned int pages);
#endif
