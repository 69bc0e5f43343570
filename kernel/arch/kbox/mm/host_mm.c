// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of what a host process has mapped of user memory. The running host thread's is changed by
 * calls; another one's by a thread of it, which a signal asks to.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <asm/boot.h>
#include <asm/debugreg.h>
#include <asm/host.h>
#include <asm/hostmm.h>
#include <asm/icache.h>
#include <asm/hostthread.h>
#include "tlb.h"

static struct mm_struct *mm_of(struct host_mm *hm)
{
	return container_of(hm, struct mm_struct, context.host);
}

bool host_mm_is_here(const struct host_mm *hm)
{
	struct mm_struct *mm = this_vcpu()->host->mm;

	return mm && hm == &mm->context.host;
}

bool host_mm_has_others(const struct host_mm *hm)
{
	return hm->threads > host_mm_is_here(hm);
}

void host_mm_drop(void)
{
	host_munmap(0, KBOX_HOME_START);
	host_munmap(KBOX_HOME_END, TASK_SIZE);
}

/* Nor has the host process that this is called in. */
void host_mm_forget(struct mm_struct *mm)
{
	mm->context.host.evicted = mm->context.host.used = false;
	evict_all(mm);
}

/*
 * The host refuses one more mapping to this process, or has none. The second time everything goes.
 */
static bool make_room(struct host_mm *hm, unsigned int tries)
{
	if (tries > 1)
		return false;
	if (!hm)
		host_mm_drop();
	else if (!tries)
		evict_some(mm_of(hm));
	else
		evict_all(mm_of(hm));
	return true;
}

/* A hole in a mapping makes it two: at vm.max_map_count the host refuses that. */
void host_mm_unmap_here(struct host_mm *hm, unsigned long start, unsigned long end)
{
	unsigned int tries = 0;

	while (host_munmap(start, end) && make_room(hm, tries))
		tries++;
}

/* What a host thread is asked for; it does so without the CPU, which is the asker's. */
static struct { struct mm_struct *mm; unsigned long start, end; u32 taken, served; } request;

void host_mm_serve_unmap(struct host_thread *me)
{
	if (me && me->mm == READ_ONCE(request.mm) && !xchg(&request.taken, 1))
		host_mm_unmap_here(&me->mm->context.host, request.start, request.end);
	WRITE_ONCE(request.served, 1);
}

/* A host thread whose host process has it mapped. */
static struct host_thread *thread_of(struct mm_struct *mm)
{
	struct task_struct *g, *t;

	for_each_process_thread(g, t) {
		struct host_thread *h = t->thread.host;

		if (h && h->mm == mm && h->arrived && h->fate == FATE_LIVES)
			return h;
	}
	return NULL;
}

/*
 * One signal, and it has been served when this returns: it must not come late, see enum ht_ipi. The
 * thread cannot end meanwhile, for that takes the CPU.
 */
static void unmap_there(struct host_mm *hm, unsigned long start, unsigned long end)
{
	struct mm_struct *mm = mm_of(hm);
	struct host_thread *h = thread_of(mm);

	if (!h)
		return;
	request.start = start;
	request.end = end;
	request.taken = request.served = 0;
	smp_mb();
	WRITE_ONCE(request.mm, mm);
	if (!host_tgkill(h->tgid, h->tid, FLUSH_SIGNAL))
		while (!READ_ONCE(request.served))
			host_yield();
	WRITE_ONCE(request.mm, NULL);
}

void host_mm_unmap(struct host_mm *hm, unsigned long start, unsigned long end)
{
	if (!hm->used)
		return;
	if (host_mm_is_here(hm))
		host_mm_unmap_here(hm, start, end);
	else
		unmap_there(hm, start, end);
}

/*
 * Some hosts' policies refuse memory that can be written to and executed: SELinux's execmem,
 * PR_SET_MDWE.
 */
static bool wx_refused;

bool host_mm_refuses_wx(void)
{
	return wx_refused;
}

static bool is_wx(int prot)
{
	return (prot & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC);
}

/*
 * What is written to would be a fault of the host's for each page (of what is only read, one for
 * each 16): they are made now.
 */
int host_mm_offer(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot)
{
	bool host = pfn >= KBOX_HOST_PFN(0, 0);
	int flags = MAP_SHARED | MAP_FIXED | (!host && (prot & PROT_WRITE || pages <= 16) ? MAP_POPULATE : 0);
	int fd = host ? pfn / KBOX_HOST_PFN_PAGES % KBOX_HOST_PFN_FDS : kbox_boot->mem_fd;
	unsigned long at = host ? pfn % KBOX_HOST_PFN_PAGES : pfn;
	long ret;

	debug_mapping(addr, pages);
	if (hm)
		hm->used = true;
	for (;;) {
		if (unlikely(wx_refused) && is_wx(prot))
			prot &= ~PROT_EXEC;
		ret = host_mmap(addr, pages << PAGE_SHIFT, prot, flags, fd, at << PAGE_SHIFT);
		if (ret == addr) {
			if (prot & PROT_EXEC && !host)
				kbox_sync_icache(addr, pfn, pages);
			return 0;
		}
		if ((ret != -EACCES && ret != -EPERM) || !is_wx(prot) || host)
			return ret;
		wx_refused = true;
	}
}

/*
 * The host's mappings may be exhausted: vm.max_map_count. Faults bring back what is used of what
 * goes.
 */
int host_mm_map(struct host_mm *hm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot)
{
	unsigned int tries = 0;
	int ret;

	while ((ret = host_mm_offer(hm, addr, pfn, pages, prot)) == -ENOMEM && make_room(hm, tries))
		tries++;
	if (ret && pfn < KBOX_HOST_PFN(0, 0))
		panic("host mmap: error %d", -ret);
	return ret;
}

/* Pages that the host does not have mapped end the call early, and so does vm.max_map_count. */
void host_mm_protect(struct host_mm *hm, unsigned long start, unsigned long end, int prot)
{
	if (start < end && host_mprotect(start, end, prot))
		host_mm_unmap_here(hm, start, end);
}
