/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_REWRITE_H
#define _ASM_REWRITE_H
/* Patched text, as the rest of the port sees it (rewrite/). Without patched sites in the mm, context.maps is NULL. */

struct mm_struct;
struct pt_regs;

/* A call has trapped at regs' ip: may it be patched? May sleep. */
void kbox_rewrite(struct pt_regs *regs, int nr);
void kbox_text_fault(struct mm_struct *mm, unsigned long addr);
/* The page frame to map at addr, where the page table has pfn. */
unsigned long kbox_patched_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn);
/* Where ip would be in the original text. */
unsigned long kbox_original_ip(struct mm_struct *mm, unsigned long ip);
unsigned long kbox_lost_slot(struct mm_struct *mm, unsigned long ip);
void kbox_text_mapped(struct mm_struct *mm, unsigned long start, unsigned long end);
void kbox_text_flushed(struct mm_struct *mm, unsigned long start, unsigned long end);
#endif
