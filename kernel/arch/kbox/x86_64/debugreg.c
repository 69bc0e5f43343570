// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers. The host's are not to be had, so what they are for is done with mappings. A page
 * that somebody watches is closed while user code runs: not mapped, or mapped without the right to
 * write. An access to it is a fault, and its instruction then runs alone: with all such pages open,
 * the trap flag set, and no other thread of the process in user code. The trap behind it says
 * whether it was a hit. Of a page with breakpoints the host maps a copy that has int3 there. The
 * page tables hear of nothing, as with patched text (rewrite/), and the kernel's own accesses hit
 * nothing, as natively no signal comes of them.
 *
 * Whatever maps a closed page opens it (debug_mapping()), with all others out of user code first.
 * They go there by debug_leaves(), which closes it again.
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <asm/debugreg.h>
#include <asm/host.h>
#include <asm/fault.h>
#include <asm/hostmm.h>
#include <asm/insn.h>
#include <asm/vcpu.h>
#include <asm/processor-flags.h>
#include <asm/segments.h>
#include <asm/tlbflush.h>
#include <asm/trapnr.h>
#include <asm/unistd.h>
#include <asm/vdso.h>

#define SLOTS		4
#define DR_STEP		0x4000
#define DR6_FIXED	0xffff0ff0UL
#define DR7_RESERVED	0xffffffff0000fc00UL

/* A register's part of DR7: type and length. */
enum { TYPE_EXEC = 0, TYPE_WRITE = 1, TYPE_IO = 2, TYPE_ACCESS = 3 };
#define TYPE(info)	((info) & 3)
#define LENGTH(info)	((const u8[]){ 1, 2, 8, 4 }[(info) >> 2 & 3])

struct access {
	unsigned long addr;
	unsigned int size;
	unsigned long code;	/* PF_*, or 0 to read */
};

struct thread_debug {
	unsigned long addr[SLOTS], dr7;
	u8 info[SLOTS];		/* of DR7 as it was set last, also of what is off */
	u8 on;			/* bits of those that are not */
	/* The instruction that is to run alone, and what it accesses of closed pages. */
	unsigned long ip;	/* 0: none */
	bool alone;		/* it does, by a trap flag of ours */
	bool was_alone;		/* until this trap */
	bool done;		/* and this trap is its end */
	bool steps;		/* the flag was set before */
	unsigned int accesses;
	struct access access[SLOTS];
	unsigned long from;	/* of a step to the next branch: the last instruction */
};

/* What all threads of a process watch. */
struct watch {
	unsigned long addr;
	u8 info;
};

struct watched_page {
	unsigned long addr;
	bool write, access, exec;
	bool executes;		/* written to and executed: now the latter */
	struct page *copy;	/* with breakpoints */
};

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

static bool breakpoint_at(struct debug_mm *dm, unsigned long ip)
{
	unsigned int i;

	for (i = 0; dm && i < dm->watches; i++)
		if (dm->watch[i].addr == ip && TYPE(dm->watch[i].info) == TYPE_EXEC)
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

/* They come in, and wait for the CPU. An IPI has no effect on a thread that is on its way out, and comes again. */
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
static struct page *with_breakpoints(struct debug_mm *dm, struct watched_page *p, struct page *text)
{
	unsigned int i;

	p->copy = p->copy ?: alloc_page(GFP_ATOMIC);
	if (!p->copy)
		return NULL;
	copy_page(page_address(p->copy), page_address(text));
	for (i = 0; i < dm->watches; i++)
		if (TYPE(dm->watch[i].info) == TYPE_EXEC && (dm->watch[i].addr & PAGE_MASK) == p->addr)
			*((u8 *)page_address(p->copy) + (dm->watch[i].addr & ~PAGE_MASK)) = 0xcc;
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
	if (p->exec && prot & PROT_EXEC && !pte_special(*ptep)) {
		copy = full & PROT_WRITE && !p->executes ? NULL : with_breakpoints(dm, p, pte_page(*ptep));
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

static void add_watch(struct debug_mm *dm, unsigned long addr, u8 info)
{
	struct watched_page *p = page_at(dm, addr);
	unsigned int i;

	for (i = 0; i < dm->watches; i++)
		if (dm->watch[i].addr == addr && dm->watch[i].info == info)
			return;
	dm->watch[dm->watches++] = (struct watch){ addr, info };
	if (!p) {
		p = &dm->page[dm->pages++];
		p->addr = addr & PAGE_MASK;
	}
	p->exec |= TYPE(info) == TYPE_EXEC;
	p->write |= TYPE(info) != TYPE_EXEC;
	p->access |= TYPE(info) == TYPE_ACCESS;
}

static bool watches(const struct task_struct *t, const struct mm_struct *mm)
{
	return t->mm == mm && t->thread.debug && t->thread.debug->on;
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
static int update(struct mm_struct *mm)
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
	page = kcalloc(n * SLOTS + 1, sizeof(*page), GFP_KERNEL);
	watch = kcalloc(n * SLOTS + 1, sizeof(*watch), GFP_KERNEL);
	if (!page || !watch) {
		kfree(page);
		kfree(watch);
		return -ENOMEM;
	}
	/* Another tracer may have been here while the allocator slept. */
	if (watching_threads(mm) > n) {
		kfree(page);
		kfree(watch);
		return update(mm);
	}
	drop_pages(mm, dm, true);
	dm->page = page;
	dm->watch = watch;
	for_each_process_thread(g, t) {
		if (t->mm == mm)
			set_tsk_thread_flag(t, TIF_DEBUG);
		for (i = 0; n && watches(t, mm) && i < SLOTS; i++)
			if (t->thread.debug->on & 1 << i && t->thread.debug->addr[i] < TASK_SIZE &&
			    kbox_user_address(t->thread.debug->addr[i]))
				add_watch(dm, t->thread.debug->addr[i], t->thread.debug->info[i]);
	}
	for (i = 0; i < dm->pages; i++)
		kbox_flush_range(mm, dm->page[i].addr, dm->page[i].addr + PAGE_SIZE);
	return 0;
}

/* It ends, or becomes another program: it leaves its mm. */
void debug_free(struct task_struct *t)
{
	struct thread_debug *td = t->thread.debug;

	t->thread.debug = NULL;
	t->thread.dr6 = 0;
	if (td && td->on && t->mm && t->mm->context.debug)
		update(t->mm);
	kfree(td);
}

static struct thread_debug *debug_of(struct task_struct *t)
{
	if (!t->thread.debug)
		t->thread.debug = kzalloc(sizeof(*t->thread.debug), GFP_KERNEL);
	return t->thread.debug;
}

/* PTRACE_PEEKUSER and POKEUSER, as arch/x86/kernel/ptrace.c and hw_breakpoint.c answer them. */
unsigned long debugreg_get(struct task_struct *t, unsigned int n)
{
	const struct thread_debug *td = t->thread.debug;

	if (n == 6)
		return t->thread.dr6 ^ DR6_FIXED;
	if (!td || n == 4 || n == 5)
		return 0;
	return n == 7 ? td->dr7 : td->addr[n];
}

static int check(unsigned long addr, u8 info)
{
	if (TYPE(info) == TYPE_IO || (TYPE(info) == TYPE_EXEC && LENGTH(info) != 1) || addr & (LENGTH(info) - 1) ||
	    addr + LENGTH(info) - 1 < addr)
		return -EINVAL;
	return addr + LENGTH(info) - 1 >= TASK_SIZE_MAX && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
}

static int set_control(struct task_struct *t, struct thread_debug *td, unsigned long dr7)
{
	u8 info[SLOTS], on = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < SLOTS; i++) {
		info[i] = dr7 >> (16 + 4 * i) & 15;
		if (dr7 >> 2 * i & 3)
			on |= 1 << i;
		else if (!td->addr[i])
			continue;
		ret = check(td->addr[i], info[i]);
		if (ret)
			return ret;
	}
	memcpy(td->info, info, sizeof(info));
	td->on = on;
	ret = t->mm ? update(t->mm) : 0;
	if (!ret)
		td->dr7 = dr7;
	else
		td->on = 0;
	return ret;
}

static int set_address(struct task_struct *t, struct thread_debug *td, unsigned int n, unsigned long addr)
{
	int ret = check(addr, td->on & 1 << n ? td->info[n] : TYPE_WRITE);

	if (ret)
		return ret;
	td->addr[n] = addr;
	return td->on & 1 << n && t->mm ? update(t->mm) : 0;
}

int debugreg_set(struct task_struct *t, unsigned int n, unsigned long v)
{
	struct thread_debug *td;

	if (n == 6) {
		t->thread.dr6 = v ^ DR6_FIXED;
		return 0;
	}
	if (n == 4 || n == 5)
		return -EIO;
	td = debug_of(t);
	if (!td)
		return -ENOMEM;
	return n == 7 ? set_control(t, td, v & ~DR7_RESERVED) ?: (td->dr7 = v, 0) : set_address(t, td, n, v);
}

static void note_access(struct thread_debug *td, unsigned long addr, unsigned int size, unsigned long code)
{
	unsigned int i;

	for (i = 0; i < td->accesses; i++)
		if (td->access[i].addr == addr && td->access[i].code == code)
			return;
	if (td->accesses < ARRAY_SIZE(td->access))
		td->access[td->accesses++] = (struct access){ addr, size, code };
}

/* Of one with two operands in memory the other one faults no more when the page is the same. */
static void note_both(struct thread_debug *td, const struct pt_regs *r, const struct insn *insn, unsigned int size)
{
	u8 op = insn->opcode.bytes[0], reg = X86_MODRM_REG(insn->modrm.bytes[0]);

	if (op == 0xa4 || op == 0xa5 || op == 0xa6 || op == 0xa7) {	/* movs, cmps */
		note_access(td, r->si, size, 0);
		note_access(td, r->di, size, op < 0xa6 ? PF_WRITE : 0);
	} else if (op == 0xff && (reg == 2 || reg == 6)) {		/* call, push */
		note_access(td, r->sp - size, size, PF_WRITE);
	} else if (op == 0x8f) {
		note_access(td, r->sp, size, 0);
	}
}

static void note_instruction(struct thread_debug *td, const struct pt_regs *r, unsigned long addr, unsigned long code)
{
	u8 text[MAX_INSN_SIZE];
	unsigned int n = insn_text(current->mm, r->ip, text), size = 8;
	struct insn insn;
	bool known = n && insn_decode(&insn, text, n, INSN_MODE_64) >= 0;

	if (td->ip != r->ip)
		td->accesses = 0;
	td->ip = r->ip;
	if (known)
		size = insn_access_size(&insn);
	note_access(td, addr, size, code);
	if (known && !insn_is_avx(&insn) && insn.opcode.nbytes == 1 && !(code & PF_INSTR))
		note_both(td, r, &insn, size);
}

/*
 * A page fault of user code, which is seen to as usual: if it is one since the page is closed, its
 * instruction is to run alone.
 */
void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code)
{
	struct watched_page *p = page_at(current_debug(), addr);
	struct thread_debug *td;

	code &= PF_WRITE | PF_INSTR;
	if (!p)
		return;
	if (p->exec && !p->access && code & PF_INSTR) {
		p->executes = true;
		return;
	}
	if (p->exec && code & PF_WRITE && !p->write && (regs->ip & PAGE_MASK) != p->addr) {
		p->executes = false;
		return;
	}
	if (!(p->access || code & PF_WRITE))
		return;
	local_irq_enable();
	td = debug_of(current);
	if (td)
		note_instruction(td, regs, addr, code);
}

/* Which of current's registers say so. */
static unsigned long access_hits(const struct thread_debug *td)
{
	unsigned long hits = 0;
	unsigned int i, j;

	for (i = 0; i < SLOTS; i++) {
		if (!(td->on & 1 << i) || TYPE(td->info[i]) == TYPE_EXEC)
			continue;
		for (j = 0; j < td->accesses; j++) {
			const struct access *a = &td->access[j];

			if (!(a->code & PF_INSTR) && (a->code & PF_WRITE || TYPE(td->info[i]) == TYPE_ACCESS) &&
			    a->addr < td->addr[i] + LENGTH(td->info[i]) && td->addr[i] < a->addr + a->size)
				hits |= 1 << i;
		}
	}
	return hits;
}

static unsigned long exec_hits(const struct thread_debug *td, unsigned long ip)
{
	unsigned long hits = 0;
	unsigned int i;

	for (i = 0; td && i < SLOTS; i++)
		if (td->on & 1 << i && TYPE(td->info[i]) == TYPE_EXEC && td->addr[i] == ip)
			hits |= 1 << i;
	return hits;
}

static void report(struct pt_regs *regs, unsigned long dr6, int code)
{
	current->thread.dr6 = dr6;
	current->thread.trap_nr = X86_TRAP_DB;
	current->thread.error_code = 0;
	force_sig_fault(SIGTRAP, code, (void __user *)regs->ip);
}

/* The first byte behind the prefixes. */
static u8 opcode_at(unsigned long ip)
{
	u8 text[MAX_INSN_SIZE];
	unsigned int n = insn_text(current->mm, ip, text);
	struct insn insn;

	return n && insn_decode(&insn, text, n, INSN_MODE_64) >= 0 ? insn.opcode.bytes[0] : 0;
}

/* Current has come in, by a trap of the processor's perhaps. The trap flag is what it was without us. */
void debug_entered(struct pt_regs *regs, int trap)
{
	struct debug_mm *dm = current_debug();
	struct thread_debug *td = current->thread.debug;

	if (dm && dm->alone == current) {
		dm->alone = NULL;
		wake_up(&dm->others);
	}
	if (!td)
		return;
	td->was_alone = td->alone;
	td->done = td->alone && trap == X86_TRAP_DB;
	td->alone = false;
	if (!td->was_alone || td->steps)
		return;
	if (!td->done || opcode_at(td->ip) != 0x9d)
		regs->flags &= ~X86_EFLAGS_TF;
}

/* pushf has our trap flag in what it has put there. */
static void mend_pushed_flags(const struct thread_debug *td, const struct pt_regs *regs)
{
	u8 __user *at = (u8 __user *)regs->sp + 1;
	u8 flags;

	if (!td->steps && opcode_at(td->ip) == 0x9c && !get_user(flags, at))
		put_user(flags & ~(X86_EFLAGS_TF >> 8), at);
}

/* A single step has ended, as the host says with code. */
bool debug_step(struct pt_regs *regs, int code)
{
	struct thread_debug *td = current->thread.debug;
	unsigned long hits = 0;
	bool step = true;

	if (code != TRAP_TRACE)
		return false;
	local_irq_enable();
	if (td && td->done) {
		mend_pushed_flags(td, regs);
		hits = access_hits(td);
		step = td->steps;
		td->ip = 0;
		td->done = false;
	}
	if (step && test_thread_flag(TIF_BLOCKSTEP) && td && !step_is_branch(td->from, regs->ip))
		step = false;
	if (!step && !hits)
		return true;
	clear_thread_flag(TIF_BLOCKSTEP);
	report(regs, hits | (step ? DR_STEP : 0), step ? TRAP_TRACE : TRAP_HWBKPT);
	return true;
}

/* An int3, behind which ip is: is it ours? What another thread watches is none of current's business. */
bool debug_breakpoint(struct pt_regs *regs)
{
	struct thread_debug *td = current->thread.debug;
	unsigned long ip = regs->ip - 1, hits = exec_hits(td, ip);

	if (!breakpoint_at(current_debug(), ip))
		return false;
	if (td && td->was_alone && td->ip == ip) {	/* it is the program's */
		td->ip = 0;
		return false;
	}
	regs->ip = ip;
	if (hits) {
		regs->flags |= X86_EFLAGS_RF;
		report(regs, hits, TRAP_HWBKPT);
		return true;
	}
	local_irq_enable();
	td = debug_of(current);
	if (td)
		note_instruction(td, regs, ip, PF_INSTR);
	return true;
}

static void wait_for_others(struct debug_mm *dm)
{
	DEFINE_WAIT(wait);

	prepare_to_wait(&dm->others, &wait, TASK_INTERRUPTIBLE);
	if (dm->alone)
		schedule();
	finish_wait(&dm->others, &wait);
}

/* From here to user mode nobody else runs. */
static void run_alone(struct debug_mm *dm, struct thread_debug *td, struct pt_regs *regs)
{
	unsigned int i;

	if (!dm->open)
		others_out_of_user_code(current->mm);
	dm->open = true;
	dm->alone = current;
	for (i = 0; i < td->accesses; i++)
		kbox_tlb_fill(current->mm, td->access[i].addr, td->access[i].code & PF_WRITE, td->access[i].code & PF_INSTR);
	td->alone = true;
	td->steps = regs->flags & X86_EFLAGS_TF;
	regs->flags |= X86_EFLAGS_TF;
}

/* Current goes to user mode. False: it has waited, and there may be more to do. */
bool debug_leaves(struct pt_regs *regs)
{
	struct debug_mm *dm = current_debug();
	struct thread_debug *td = current->thread.debug;

	bases_load();
	if (!dm && !td && !test_thread_flag(TIF_BLOCKSTEP)) {
		clear_thread_flag(TIF_DEBUG);
		return true;
	}
	if (test_thread_flag(TIF_BLOCKSTEP))
		td = debug_of(current);
	if (dm && dm->alone) {
		wait_for_others(dm);
		return false;
	}
	if (td) {
		td->from = regs->ip;
		if (td->ip != regs->ip)
			td->ip = 0;
		/* Behind a hit the instruction is not hit again. */
		if (!td->ip && regs->flags & X86_EFLAGS_RF && breakpoint_at(dm, regs->ip))
			note_instruction(td, regs, regs->ip, PF_INSTR);
	}
	if (dm && td && td->ip)
		run_alone(dm, td, regs);
	else if (dm && dm->open)
		close_pages(current->mm, dm);
	return true;
}
