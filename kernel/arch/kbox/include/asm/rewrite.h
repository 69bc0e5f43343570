/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_REWRITE_H
#define _ASM_REWRITE_H
/*
 * Patched text, as the rest of the port sees it: rewrite/ has it. Without patched sites in the mm
 * context.maps is NULL. With the CPU in hand.
 */
#include <linux/types.h>
#include <asm/boot.h>
#include <asm/processor.h>

struct file;
struct mm_struct;
struct pt_regs;

/* Are sites patched in this box? */
static inline bool kbox_rewrites(void)
{
	return IS_ENABLED(CONFIG_KBOX_REWRITE) && kbox_boot->rewrite;
}

/* User code goes on where its registers say, also if it has come in by a slot. */
static inline void regs_forget_slot(struct pt_regs *regs)
{
	regs_top(regs)->resume_ip = 0;
}

#ifdef CONFIG_KBOX_REWRITE
/* A call with this number has trapped: its site is patched, if it can be. May sleep. */
void kbox_rewrite(struct pt_regs *regs, int nr);
/* Text has been mapped there, and nothing of it has been executed yet. May sleep. */
void kbox_text_mapped(struct mm_struct *mm, unsigned long start, unsigned long end);
/* The host's mappings of this range are gone. */
void kbox_text_flushed(struct mm_struct *mm, unsigned long start, unsigned long end);
/* A page of text is about to be mapped for a process that wants to execute it. May sleep. */
void kbox_text_fault(struct mm_struct *mm, unsigned long addr);
/* Is this text that patched copies are mapped of, where there are some? */
bool kbox_text_has_copies(struct mm_struct *mm, unsigned long addr);
/* The page frame to map at addr, where the page table has pfn. */
unsigned long kbox_patched_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn);
/* Where ip would be in the original text. */
unsigned long kbox_original_ip(struct mm_struct *mm, unsigned long ip);
/* Nothing can be executed at ip: the same, if slots were there until just now, else 0. */
unsigned long kbox_lost_slot(struct mm_struct *mm, unsigned long ip);
/* The mm ends. */
void kbox_rewrite_free(struct mm_struct *mm);
#else
static inline void kbox_rewrite(struct pt_regs *regs, int nr) { }
static inline void kbox_text_mapped(struct mm_struct *mm, unsigned long start, unsigned long end) { }
static inline void kbox_text_flushed(struct mm_struct *mm, unsigned long start, unsigned long end) { }
static inline void kbox_text_fault(struct mm_struct *mm, unsigned long addr) { }
static inline bool kbox_text_has_copies(struct mm_struct *mm, unsigned long addr) { return false; }
static inline unsigned long kbox_patched_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn) { return pfn; }
static inline unsigned long kbox_original_ip(struct mm_struct *mm, unsigned long ip) { return ip; }
static inline unsigned long kbox_lost_slot(struct mm_struct *mm, unsigned long ip) { return 0; }
static inline void kbox_rewrite_free(struct mm_struct *mm) { }
#endif

#ifdef CONFIG_KBOX_PROMOTE
/*
 * exec has mapped the program, and nothing of it has run: calls of cancellation wrappers are
 * patched. May sleep.
 */
void kbox_promote(struct file *file, bool has_interp);
/*
 * Current makes a process or thread, or is about to be able to cancel: from now on it calls its
 * wrappers.
 */
void kbox_promote_undo(void);
#else
static inline void kbox_promote(struct file *file, bool has_interp) { }
static inline void kbox_promote_undo(void) { }
#endif
#endif
