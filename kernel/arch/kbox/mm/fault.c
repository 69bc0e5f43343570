// SPDX-License-Identifier: GPL-2.0-only
/* Page faults: the host's SIGSEGV on a user address. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/extable.h>
#include <linux/perf_event.h>
#include <asm/kbox.h>
#include <asm/tlbflush.h>

int fixup_exception(struct pt_regs *regs)
{
	const struct exception_table_entry *e = search_exception_tables(instruction_pointer(regs));

	if (e)
		instruction_pointer_set(regs, e->fixup);
	return !!e;
}

static void bad_area(struct pt_regs *regs, unsigned long addr, int sig, int code)
{
	if (user_mode(regs))
		force_sig_fault(sig, code, (void __user *)addr);
	else if (!fixup_exception(regs))
		panic("kernel fault at user address %016lx, ip %pS", addr, (void *)instruction_pointer(regs));
}

static bool access_error(struct vm_area_struct *vma, unsigned long code)
{
	if (code & PF_WRITE)
		return !(vma->vm_flags & VM_WRITE);
	if (code & PF_INSTR)
		return !(vma->vm_flags & VM_EXEC);
	return !(vma->vm_flags & (VM_READ | VM_EXEC | VM_WRITE));
}

#define AHEAD_MAX 16	/* pages */

/*
 * How many pages the fault at addr is to make. A program that writes to new memory page
 * after page gets more each time, since a fault costs the host more than a page; one that
 * jumps about gets what it asks for, and no more.
 */
static unsigned int ahead_pages(struct vm_area_struct *vma, unsigned long addr, unsigned int flags)
{
	mm_context_t *c = &vma->vm_mm->context;
	unsigned int n = 1;

	if (!(flags & FAULT_FLAG_WRITE) || !vma_is_anonymous(vma) || vma->vm_flags & (VM_RAND_READ | VM_LOCKED))
		return 1;
	addr &= PAGE_MASK;
	if (addr == c->ahead_next)
		n = min(c->ahead_pages * 2, AHEAD_MAX);
	n = min3(n, (unsigned int)((vma->vm_end - addr) >> PAGE_SHIFT), (unsigned int)(PTRS_PER_PTE - pte_index(addr)));
	c->ahead_pages = n;
	c->ahead_next = addr + n * PAGE_SIZE;
	return n;
}

/* The page at addr is there; make the others of these pages that are not, and map them all. */
static void fault_ahead(struct vm_area_struct *vma, unsigned long addr, unsigned int pages)
{
	unsigned int i;

	addr &= PAGE_MASK;
	for (i = 1; i < pages; i++) {
		pte_t *ptep = kbox_walk(vma->vm_mm, addr + i * PAGE_SIZE);

		if (!ptep || !pte_none(*ptep) ||
		    handle_mm_fault(vma, addr + i * PAGE_SIZE, FAULT_FLAG_WRITE, NULL) & VM_FAULT_ERROR)
			break;
	}
	kbox_tlb_fill_range(vma->vm_mm, addr, i);
}

/* Reading from a file brings in its neighbours (filemap_map_pages()): map them too. */
static void fill_window(struct vm_area_struct *vma, unsigned long addr)
{
	unsigned long size = KBOX_FILL_WINDOW * PAGE_SIZE, start = addr & -size;
	unsigned long end = min(start + size, vma->vm_end);

	start = max(start, vma->vm_start);
	kbox_tlb_fill_range(vma->vm_mm, start, (end - start) >> PAGE_SHIFT);
}

static vm_fault_t fault_and_fill(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct pt_regs *regs)
{
	unsigned int pages = ahead_pages(vma, addr, flags);
	struct mm_struct *mm = vma->vm_mm;
	vm_fault_t fault;

	mm->context.filling = true;
	fault = handle_mm_fault(vma, addr, flags, regs);
	if (!(fault & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED))) {
		if (pages == 1 && !(flags & FAULT_FLAG_WRITE) && !vma_is_anonymous(vma))
			fill_window(vma, addr);
		else
			fault_ahead(vma, addr, pages);
	}
	mm->context.filling = false;
	return fault;
}

/* code: PF_*. Runs with the CPU in hand; may sleep. */
void kbox_page_fault(struct pt_regs *regs, unsigned long addr, unsigned long code)
{
	struct mm_struct *mm = current->mm;
	unsigned int flags = FAULT_FLAG_DEFAULT;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	local_irq_enable();
	if (addr >= TASK_SIZE) {
		bad_area(regs, addr, SIGSEGV, SEGV_MAPERR);
		return;
	}
	switch (kbox_tlb_fill(mm, addr, code & PF_WRITE, code & PF_INSTR)) {
	case KBOX_FILLED:
		return;
	case KBOX_FILL_REFUSED:	/* a host's file that is not as it was when it was mapped */
		bad_area(regs, addr, SIGBUS, BUS_ADRERR);
		return;
	case KBOX_FILL_FAULT:
		break;
	}
	if (user_mode(regs))
		flags |= FAULT_FLAG_USER;
	if (code & PF_WRITE)
		flags |= FAULT_FLAG_WRITE;
	if (code & PF_INSTR)
		flags |= FAULT_FLAG_INSTRUCTION;
retry:
	vma = lock_mm_and_find_vma(mm, addr, regs);
	if (!vma) {
		bad_area(regs, addr, SIGSEGV, SEGV_MAPERR);
		return;
	}
	if (access_error(vma, code)) {
		mmap_read_unlock(mm);
		bad_area(regs, addr, SIGSEGV, SEGV_ACCERR);
		return;
	}
	fault = fault_and_fill(vma, addr, flags, regs);
	if (fault_signal_pending(fault, regs)) {
		if (!user_mode(regs))
			fixup_exception(regs);
		return;
	}
	if (fault & VM_FAULT_COMPLETED)
		return;
	if (fault & VM_FAULT_RETRY) {
		flags |= FAULT_FLAG_TRIED;
		goto retry;
	}
	mmap_read_unlock(mm);
	if (likely(!(fault & VM_FAULT_ERROR)))
		return;
	if (fault & VM_FAULT_OOM) {
		if (!user_mode(regs))
			fixup_exception(regs);
		else
			pagefault_out_of_memory();
	} else if (fault & VM_FAULT_SIGBUS) {
		bad_area(regs, addr, SIGBUS, BUS_ADRERR);
	} else {
		bad_area(regs, addr, SIGSEGV, SEGV_MAPERR);
	}
}
