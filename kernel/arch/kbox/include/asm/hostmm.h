/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTMM_H
#define _ASM_HOSTMM_H
/*
 * The user's side of a host process: what it has mapped of a guest's address space. It is a cache
 * of the page tables (mm/tlb.c). These functions change it (mm/host_mm.c), and so does eviction
 * (mm/evict.c), which they call.
 * Addresses are of whole pages, and ends are behind the range. The caller has the CPU, unless
 * something else is said. No function sleeps.
 *
 * "Here" is the running host process. A spare has no mm: for it hm is NULL.
 */
#include <linux/types.h>

struct host_thread;
struct mm_struct;

struct host_mm {
	unsigned int threads;		/* host threads; 0: no host process, and nothing mapped */
	bool evicted;			/* the host has refused one more mapping (mm/evict.c) */
	bool used;			/* something has been mapped, else there is nothing to unmap */
	unsigned long hand;		/* the address that eviction has come to */
};

/* Is it of the running host process? Only there can the host's mappings be changed directly. */
bool host_mm_is_here(const struct host_mm *hm);
/* Can anybody but current be in user code there? */
bool host_mm_has_others(const struct host_mm *hm);
/*
 * Maps pages of guest memory, or of a host's file (KBOX_HOST_PFN), with rights PROT_*. hm is here.
 * Returns 0, or why the host refuses its file. Others are evicted if the host refuses one more
 * mapping.
 */
int host_mm_map(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
/* The same for pages that nobody has asked for: nothing is evicted for them. */
int host_mm_offer(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
/*
 * Unmaps, and hm may be elsewhere. A thread of that host process then does it in a signal handler,
 * and has done it when this returns.
 */
void host_mm_unmap(struct host_mm *hm, unsigned long start, unsigned long end);
/* Unmaps where hm is here. The caller need not have the CPU. */
void host_mm_unmap_here(struct host_mm *hm, unsigned long start, unsigned long end);
/* Takes rights away from what is mapped. hm is here. */
void host_mm_protect(struct host_mm *hm, unsigned long start, unsigned long end, int prot);
/* Unmaps all user memory that the calling host process has. The caller need not have the CPU. */
void host_mm_drop(void);
/* The mm has a new host process, which has nothing mapped. */
void host_mm_forget(struct mm_struct *mm);
/*
 * Does the host refuse memory that can be written to and executed? Then a page is mapped for the
 * one or for the other.
 */
bool host_mm_refuses_wx(void);
/* The handler of FLUSH_SIGNAL. */
void host_mm_serve_unmap(struct host_thread *me);
#endif
