/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ICACHE_H
#define _ASM_KBOX_ICACHE_H
/* The CPU sees to it. */
struct folio;
struct page;
struct vm_area_struct;
/* For ptrace: a copy that has breakpoints (mm/watch.c) is not what it was made of any more. */
extern void debug_text_written(struct vm_area_struct *vma, unsigned long addr);
#define flush_icache_user_page(vma, page, addr, len) debug_text_written(vma, addr)
static inline void kbox_sync_icache(unsigned long addr, unsigned long pfn, unsigned long pages) { }
static inline void kbox_code_written(const void *code, unsigned long size) { }
static inline void kbox_icache_stale(struct folio *folio) { }
static inline void kbox_icache_stale_page(struct page *page) { }
#endif
