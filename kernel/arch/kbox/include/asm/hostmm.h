/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTMM_H
#define _ASM_HOSTMM_H
/*
 * The user's side of a host process: what it has mapped of a guest's address space. It is a cache of
 * the page tables (mm/tlb.c), and this is all that changes it (mm/host_mm.c). Addresses are of whole
 * pages, and ends are behind the range. With the CPU in hand; none sleeps.
 */
#include <linux/types.h>

struct host_thread;
struct mm_struct;

struct host_mm {
	unsigned int threads;		/* host threads of the host process; 0: it has none, and nothing is mapped */
	bool evicted;			/* the host has refused one more mapping (mm/evict.c) */
	unsigned long hand;		/* the address that eviction has come to */
};

/* Is it the address space that this host thread runs in? Only there can the host's mappings be changed directly. */
bool host_mm_is_here(const struct host_mm *hm);
/* Can anybody but current be in user code there? */
bool host_mm_has_others(const struct host_mm *hm);
/*
 * Map pages of guest memory, or of a host's file (KBOX_HOST_PFN), with rights PROT_*. It is here; NULL:
 * this one, whosever it is. 0, or why the host refuses its file. Where mappings are exhausted others go.
 */
int host_mm_map(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
/* The same for pages that nobody has asked for: nothing goes for them. */
int host_mm_offer(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
/* Wherever it is. Another one's threads do it, in a signal handler, and it is done when this returns. */
void host_mm_unmap(struct host_mm *hm, unsigned long start, unsigned long end);
/* Of this one, whosever it is; also where the CPU has not come to this host thread yet. */
void host_mm_unmap_here(struct host_mm *hm, unsigned long start, unsigned long end);
/* Fewer rights for what is mapped, all of which is here. */
void host_mm_protect(struct host_mm *hm, unsigned long start, unsigned long end, int prot);
/* All of user memory here, whosever it is. */
void host_mm_drop(void);
/* Does the host refuse what can be written to and executed? Then a page is mapped for the one or for the other. */
bool host_mm_refuses_wx(void);
/* The handler of FLUSH_SIGNAL. */
void host_mm_serve_unmap(struct host_thread *me);
#endif
