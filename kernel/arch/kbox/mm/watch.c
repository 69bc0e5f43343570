// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers. The host's are not to be had, so what they are for is done with mappings. A page
 * that somebody watches is closed while user code runs: not mapped, or mapped without the right to
 * write. An access to it is a fault, and its instruction then runs alone: with all such pages open,
 * by itself, and with no other thread of the process in user code. What the access was says whether
 * it is a hit ($(ISA)/debugreg.c). Of a page with breakpoints the host maps a copy that has traps
 * there. The page tables hear of nothing, as with patched text (rewrite/), and the kernel's own
 * accesses hit nothing, as natively no signal comes of them.
 *
 * Whatever maps a closed page opens it (debug_mapping()), with all others out of user code first.
 * They go there by debug_leaves(), which closes it again.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/wait.h>
#include <asm/breakpoint.h>
#include <asm/debugreg.h>
#include <asm/host.h>
#include <asm/fault.h>
#include <asm/hostmm.h>
#include <asm/hostpage.h>
#include <asm/hostthread.h>
#include <asm/icache.h>
#include <asm/tlbflush.h>

struct watched_page {
	unsigned long addr;
	bool write, access, exec;
	bool executes;		/* written to and executed: now the latter */
	struct page *copy;	/* with breakpoints */
};

/* What all threads of a process watch. */
struct debug_mm {
	struct watch *watch;
	struct watched_page *page;
	unsigned int watches, pages;
	bool open;		/* perhaps some are: then no other thread is in user code */
	bool closing;
	struct task_struct *alone;	/* in user code */
	wait_queue_head_t others;
};

static struct debug_mm *current_debug(void)
{
	return current->mm ? current->mm->context.debug : NULL;
}

static struct watched_page *page_at(struct debug_mm *dm, unsigned long addr)
{
	unsigned int i;

	for (i = 0; dm && i < dm->pages; i++)
		if (dm->page[i].addr == (addr & PAGE_MASK))
			return &dm->page[i];
	return NULL;
}

/* Has somebody a breakpoint there? */
bool watch_breakpoint(unsigned long ip)
{
	struct debug_mm *dm = current_debug();
	unsigned int i;

	for (i = 0; dm && i < dm->watches; i++)
		if (dm->watch[i].addr == ip && dm->watch[i].kind == WATCH_EXEC)
			return true;
	return false;
}

/* Those of the running host process, but for the thread that the CPU is on. */
static bool is_out_there(const struct host_thread *h, const struct mm_struct *mm)
{
	return h && h != this_vcpu()->host && h->mm == mm && h->arrived && h->fate == FATE_LIVES &&
	       READ_ONCE(h->state) == HT_USER && !READ_ONCE(h->queued);
}

/* Are there some? */
static bool pull_others_in(struct mm_struct *mm, bool send)
{
	struct task_struct *g, *t;
	bool some = false;

	for_each_process_thread(g, t) {
		if (!is_out_there(t->thread.host, mm))
			continue;
		some = true;
		if (send)
			kbox_preempt(t->thread.host);
	}
	return some;
}

#define SEND_AGAIN	64	/* rounds */

/*
 * They come in, and wait for the CPU. An IPI has no effect on a thread that is on its way out, and
 * comes again.
 */
static void others_out_of_user_code(struct mm_struct *mm)
{
	unsigned int round = 0;

	while (pull_others_in(mm, round++ % SEND_AGAIN == 0))
		host_yield();
}

/* Pages are about to be mapped in the running host process. */
void debug_mapping(unsigned long addr, unsigned long pages)
{
	struct mm_struct *mm = this_vcpu()->host->mm;
	struct debug_mm *dm = mm ? mm->context.debug : NULL;
	unsigned int i;

	if (likely(!dm) || dm->open || dm->closing)
		return;
	for (i = 0; i < dm->pages; i++) {
		if (dm->page[i].addr - addr >= pages << PAGE_SHIFT)
			continue;
		others_out_of_user_code(mm);
		dm->open = true;
		return;
	}
}

/* A copy of the text with its breakpoints; NULL: there is no memory for it. */
static struct page *with_breakpoints(struct debug_mm *dm, struct watched_page *p, pte_t text)
{
	static const uprobe_opcode_t trap = BREAKPOINT_INSN;
	unsigned int i;

	p->copy = p->copy ?: alloc_page(GFP_ATOMIC);
	if (!p->copy)
		return NULL;
	if (!pte_special(text))
		copy_page(page_address(p->copy), page_address(pte_page(text)));
	else if (kbox_read_host_page(text, page_address(p->copy), 0, PAGE_SIZE) < 0)
		return NULL;
	for (i = 0; i < dm->watches; i++)
		if (dm->watch[i].kind == WATCH_EXEC && (dm->watch[i].addr & PAGE_MASK) == p->addr)
			memcpy(page_address(p->copy) + offset_in_page(dm->watch[i].addr), &trap, sizeof(trap));
	kbox_icache_stale_page(p->copy);
	return p->copy;
}

static void close_page(struct mm_struct *mm, struct debug_mm *dm, struct watched_page *p)
{
	pte_t *ptep = kbox_walk(mm, p->addr);
	unsigned long pfn;
	struct page *copy;
	int prot, full;

	if (!ptep || !pte_present(*ptep) || !pte_mapped(*ptep))
		return;
	full = prot = kbox_pte_host(mm, p->addr, *ptep, &pfn);
	if (!prot || p->access) {
		host_mm_unmap(&mm->context.host, p->addr, p->addr + PAGE_SIZE);
		return;
	}
	if (p->write)
		prot &= ~PROT_WRITE;
	if (p->exec && prot & PROT_EXEC) {
		copy = full & PROT_WRITE && !p->executes ? NULL : with_breakpoints(dm, p, *ptep);
		prot &= copy ? ~PROT_WRITE : ~PROT_EXEC;
		pfn = copy ? page_to_pfn(copy) : pfn;
	}
	if (prot != full || (p->exec && prot & PROT_EXEC))
		host_mm_map(&mm->context.host, p->addr, pfn, 1, prot);
}

static void close_pages(struct mm_struct *mm, struct debug_mm *dm)
{
	unsigned int i;

	dm->closing = true;
	for (i = 0; i < dm->pages; i++)
		close_page(mm, dm, &dm->page[i]);
	dm->closing = dm->open = false;
}

/* The kernel has written to text on behalf of a tracer, perhaps. */
void debug_text_written(struct vm_area_struct *vma, unsigned long addr)
{
	struct watched_page *p = page_at(vma->vm_mm->context.debug, addr);

	if (p && p->exec)
		kbox_flush_range(vma->vm_mm, p->addr, p->addr + PAGE_SIZE);
}

static void drop_pages(struct mm_struct *mm, struct debug_mm *dm, bool flush)
{
	unsigned int i;

	for (i = 0; i < dm->pages; i++) {
		if (flush)
			kbox_flush_range(mm, dm->page[i].addr, dm->page[i].addr + PAGE_SIZE);
		if (dm->page[i].copy)
			__free_page(dm->page[i].copy);
	}
	kfree(dm->page);
	kfree(dm->watch);
	dm->page = NULL;
	dm->watch = NULL;
	dm->pages = dm->watches = 0;
}

void debug_mm_free(struct mm_struct *mm)
{
	struct debug_mm *dm = mm->context.debug;

	if (!dm)
		return;
	drop_pages(mm, dm, false);
	kfree(dm);
	mm->context.debug = NULL;
}

static void add_watch(struct debug_mm *dm, const struct watch *w)
{
	struct watched_page *p = page_at(dm, w->addr);
	unsigned int i;

	if (!w->kind || w->addr >= TASK_SIZE || !kbox_user_address(w->addr))
		return;
	for (i = 0; i < dm->watches; i++)
		if (dm->watch[i].addr == w->addr && dm->watch[i].kind == w->kind && dm->watch[i].size == w->size)
			return;
	dm->watch[dm->watches++] = *w;
	if (!p) {
		p = &dm->page[dm->pages++];
		p->addr = w->addr & PAGE_MASK;
	}
	p->exec |= w->kind == WATCH_EXEC;
	p->write |= w->kind != WATCH_EXEC;
	p->access |= !!(w->kind & WATCH_READ);
}

static bool watches(const struct task_struct *t, const struct mm_struct *mm)
{
	unsigned int i;

	for (i = 0; t->mm == mm && t->thread.debug && i < WATCHES; i++)
		if (t->thread.debug->watch[i].kind)
			return true;
	return false;
}

static unsigned int watching_threads(const struct mm_struct *mm)
{
	struct task_struct *g, *t;
	unsigned int n = 0;

	for_each_process_thread(g, t)
		n += watches(t, mm);
	return n;
}

/* The registers of one of its threads have changed. */
int watch_update(struct mm_struct *mm)
{
	struct debug_mm *dm = mm->context.debug;
	unsigned int n = watching_threads(mm), i;
	struct watched_page *page;
	struct task_struct *g, *t;
	struct watch *watch;

	if (!n && !dm)
		return 0;
	if (!dm) {
		dm = kzalloc(sizeof(*dm), GFP_KERNEL);
		if (!dm)
			return -ENOMEM;
		init_waitqueue_head(&dm->others);
		mm->context.debug = dm;
	}
	page = kcalloc(n * WATCHES + 1, sizeof(*page), GFP_KERNEL);
	watch = kcalloc(n * WATCHES + 1, sizeof(*watch), GFP_KERNEL);
	if (!page || !watch) {
		kfree(page);
		kfree(watch);
		return -ENOMEM;
	}
	/* Another tracer may have been here while the allocator slept. */
	if (watching_threads(mm) > n) {
		kfree(page);
		kfree(watch);
		return watch_update(mm);
	}
	drop_pages(mm, dm, true);
	dm->page = page;
	dm->watch = watch;
	for_each_process_thread(g, t) {
		if (t->mm == mm)
			set_tsk_thread_flag(t, TIF_DEBUG);
		for (i = 0; n && watches(t, mm) && i < WATCHES; i++)
			add_watch(dm, &t->thread.debug->watch[i]);
	}
	for (i = 0; i < dm->pages; i++)
		kbox_flush_range(mm, dm->page[i].addr, dm->page[i].addr + PAGE_SIZE);
	return 0;
}

/* It ends, or becomes another program: it leaves its mm. */
void debug_free(struct task_struct *t)
{
	struct thread_debug *td = t->thread.debug;
	bool watched = t->mm && watches(t, t->mm);

	debug_clear(t);
	if (watched && t->mm->context.debug)
		watch_update(t->mm);
	kfree(td);
}

struct thread_debug *debug_of(struct task_struct *t)
{
	if (!t->thread.debug)
		t->thread.debug = kzalloc(sizeof(*t->thread.debug), GFP_KERNEL);
	return t->thread.debug;
}

/* The instruction at ip is to run alone, and makes this access. */
void watch_note(struct thread_debug *td, unsigned long ip, struct watch_access access)
{
	unsigned int i;

	if (td->ip != ip)
		td->accesses = 0;
	td->ip = ip;
	for (i = 0; i < td->accesses; i++)
		if (td->access[i].addr == access.addr && td->access[i].kind == access.kind)
			return;
	if (td->accesses < ACCESSES)
		td->access[td->accesses++] = access;
}

/*
 * A page fault of user code, which is seen to as usual. True: it is one since the page is closed,
 * and its instruction is to run alone.
 */
bool watch_fault(unsigned long ip, unsigned long addr, unsigned int kind)
{
	struct watched_page *p = page_at(current_debug(), addr);

	if (!p)
		return false;
	if (p->exec && !p->access && kind == WATCH_EXEC) {
		p->executes = true;
		return false;
	}
	if (p->exec && kind & WATCH_WRITE && !p->write && (ip & PAGE_MASK) != p->addr) {
		p->executes = false;
		return false;
	}
	return p->access || kind & WATCH_WRITE;
}

/* Which of the registers of current's td say so, as bits: of what its instruction accesses, ... */
unsigned int watch_access_hits(const struct thread_debug *td)
{
	unsigned int hits = 0, i, j;

	for (i = 0; i < WATCHES; i++)
		for (j = 0; j < td->accesses; j++)
			if (watch_is_hit(&td->watch[i], &td->access[j]))
				hits |= 1 << i;
	return hits;
}

/* ... and of the instruction at ip. */
unsigned int watch_exec_hits(const struct thread_debug *td, unsigned long ip)
{
	unsigned int hits = 0, i;

	for (i = 0; td && i < WATCHES; i++)
		if (td->watch[i].kind == WATCH_EXEC && td->watch[i].addr == ip)
			hits |= 1 << i;
	return hits;
}

/* Current has come in. */
void watch_entered(void)
{
	struct debug_mm *dm = current_debug();

	if (dm && dm->alone == current) {
		dm->alone = NULL;
		wake_up(&dm->others);
	}
}

/*
 * Current is to go to user mode. True: it had to wait for another thread first, and there may be
 * more to do.
 */
bool watch_waited(void)
{
	struct debug_mm *dm = current_debug();
	DEFINE_WAIT(wait);

	if (!dm || !dm->alone)
		return false;
	prepare_to_wait(&dm->others, &wait, TASK_INTERRUPTIBLE);
	if (dm->alone)
		schedule();
	finish_wait(&dm->others, &wait);
	return true;
}

/* From here to user mode nobody else runs, and the pages are open. */
void watch_run_alone(struct thread_debug *td)
{
	struct debug_mm *dm = current_debug();
	unsigned int i;

	if (!dm->open)
		others_out_of_user_code(current->mm);
	dm->open = true;
	dm->alone = current;
	for (i = 0; i < td->accesses; i++)
		kbox_tlb_fill(current->mm, td->access[i].addr, td->access[i].kind & WATCH_WRITE, td->access[i].kind & WATCH_EXEC);
}

/* Current goes to user mode, as others may. */
void watch_close(void)
{
	struct debug_mm *dm = current_debug();

	if (dm && dm->open)
		close_pages(current->mm, dm);
}
