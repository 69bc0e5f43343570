/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ICACHE_H
#define _ASM_KBOX_ICACHE_H
/* cache.c */
struct folio;
struct page;
struct vm_area_struct;
extern void kbox_sync_icache(unsigned long addr, unsigned long pfn, unsigned long pages);
extern void kbox_code_changed(unsigned long addr, const void *code, unsigned long size);
extern void kbox_code_written(const void *code, unsigned long size);
extern void kbox_icache_stale(struct folio *folio);
extern void kbox_icache_stale_page(struct page *page);
/*
 * For ptrace: a copy that has breakpoints (mm/watch.c) is not what it was made of any more, either.
 */
extern void debug_text_written(struct vm_area_struct *vma, unsigned long addr);
#define flush_icache_user_page(vma, page, vaddr, len) do {			\
	kbox_code_written(page_address(page) + offset_in_page(vaddr), len);	\
	debug_text_written(vma, vaddr);						\
} while (0)
#endif
