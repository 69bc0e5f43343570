// SPDX-License-Identifier: GPL-2.0-only
/* Page faults: the host's SIGSEGV on a user address. */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/extable.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd_k.h>
#include <asm/fault.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include "tlb.h"

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

/* The fault of one page, and what comes with it for nothing. */
static vm_fault_t fault_one(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct pt_regs *regs)
{
	vm_fault_t fault = handle_mm_fault(vma, addr, flags, regs);

	if (fault & (VM_FAULT_ERROR | VM_FAULT_RETRY | VM_FAULT_COMPLETED))
		return fault;
	if (!(flags & FAULT_FLAG_WRITE) && vma->vm_ops && vma->vm_ops->map_pages && !userfaultfd_armed(vma))
		segment_fault(vma, addr);
	if (flags & FAULT_FLAG_INSTRUCTION && vma->vm_mm->context.maps)
		kbox_text_fault(vma->vm_mm, addr);
	kbox_tlb_fill(vma->vm_mm, addr, flags & FAULT_FLAG_WRITE, flags & FAULT_FLAG_INSTRUCTION);
	return fault;
}

static vm_fault_t fault_and_fill(struct vm_area_struct *vma, unsigned long addr, unsigned int flags, struct pt_regs *regs)
{
	mm_context_t *c = &vma->vm_mm->context;
	vm_fault_t fault;

	c->filling = current;
	c->replacing = false;
	fault = prefaults(vma, addr, flags) ? prefault(vma, addr, flags, regs) : fault_one(vma, addr, flags, regs);
	if (c->filling == current)
		c->filling = NULL;
	return fault;
}

/*
 * The host has had to give up mappings of the process: this may have been one, and comes back.
 * Where its window is of many pieces they are put together first.
 */
static void gather_evicted(struct mm_struct *mm, unsigned long addr)
{
	unsigned long first = addr & -WINDOW_SIZE, end = first + WINDOW_SIZE;
	pte_t *ptes = kbox_walk(mm, first);
	struct vm_area_struct *vma;

	if (!ptes || !kbox_scattered(ptes, KBOX_FILL_WINDOW) || !is_free(FOR_PREFAULT) ||
	    !evict_once_for(ptes - pte_index(first), window_number(first)))
		return;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	/* Text that is patched has copies, which are gathered by themselves (rewrite/gather.c). */
	if (vma && !(vma->vm_flags & (VM_EXEC | VM_PFNMAP | VM_MIXEDMAP | VM_IO | VM_HUGETLB))) {
		first = max(first, vma->vm_start);
		kbox_gather(vma, first, (min(end, vma->vm_end) - first) >> PAGE_SHIFT, GATHER_ALL);
	}
	mmap_read_unlock(mm);
}

/* Nothing can be accessed there: si_code says whether there is a mapping. */
static int no_access(struct mm_struct *mm, unsigned long addr)
{
	int code;

	mmap_read_lock(mm);
	code = vma_lookup(mm, addr) ? SEGV_ACCERR : SEGV_MAPERR;
	mmap_read_unlock(mm);
	return code;
}

/* code: PF_*. Runs with the CPU in hand; may sleep. */
void kbox_page_fault(struct pt_regs *regs, unsigned long addr, unsigned long code)
{
	struct mm_struct *mm = current->mm;
	unsigned int flags = FAULT_FLAG_DEFAULT;
	struct vm_area_struct *vma;
	vm_fault_t fault;

	local_irq_enable();
	if (unlikely(!kbox_user_address(addr) || addr >= TASK_SIZE)) {
		bad_area(regs, addr, SIGSEGV, user_mode(regs) ? no_access(mm, addr) : SEGV_MAPERR);
		return;
	}
	if (unlikely(mm->context.host.evicted) && user_mode(regs))
		gather_evicted(mm, addr);
	switch (kbox_tlb_fill(mm, addr, code & PF_WRITE, code & PF_INSTR)) {
	case KBOX_FILLED:
		return;
	case KBOX_FILL_REFUSED:	/* a host's file that is not as it was when it was mapped */
		bad_area(regs, addr, SIGBUS, BUS_ADRERR);
		return;
	case KBOX_FILL_FAULT:
		break;
	}
	perf_sw_event(PERF_COUNT_SW_PAGE_FAULTS, 1, regs, addr);
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
	} else if (fault & (VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE) && user_mode(regs)) {
		force_sig_mceerr(BUS_MCEERR_AR, (void __user *)addr, PAGE_SHIFT);
	} else {
		bad_area(regs, addr, SIGSEGV, SEGV_MAPERR);
	}
}
