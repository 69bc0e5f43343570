/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CACHEFLUSH_H
#define _ASM_KBOX_CACHEFLUSH_H
/*
 * What the kernel writes to a page of a file it says here, for the sake of caches that do not see
 * it. Patched copies of text (rewrite/) are such a cache.
 */
struct folio;
struct mm_struct;
struct page;
#ifdef CONFIG_KBOX_REWRITE
extern unsigned int kbox_images;
extern void kbox_folio_written(struct folio *folio);
extern void kbox_page_written(struct page *page);
#else
#define kbox_images 0
static inline void kbox_folio_written(struct folio *folio) { }
static inline void kbox_page_written(struct page *page) { }
#endif
#include <asm/icache.h>
#define ARCH_IMPLEMENTS_FLUSH_DCACHE_PAGE 1
static inline void flush_dcache_folio(struct folio *folio)
{
	kbox_icache_stale(folio);
	if (kbox_images)
		kbox_folio_written(folio);
}
#define flush_dcache_folio flush_dcache_folio
static inline void flush_dcache_page(struct page *page)
{
	kbox_icache_stale_page(page);
	if (kbox_images)
		kbox_page_written(page);
}
/* mm/fork.c: current forks; its mm is locked for writing. flush_tlb_mm() follows. */
extern void kbox_fork_begins(struct mm_struct *mm);
#define flush_cache_dup_mm(mm) kbox_fork_begins(mm)
#include <asm-generic/cacheflush.h>
#endif
