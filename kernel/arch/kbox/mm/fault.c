// SPDX-License-Identifier: GPL-2.0-only
/* Page faults: the host's SIGSEGV on a user address. */
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/extable.h>
#include <linux/perf_event.h>
#include <asm/kbox.h>
#include <asm/tlbflush.h>

#define PF_WRITE	2
#define PF_INSTR	16

int fixup_exception(struct pt_regs *regs)
{
	const struct exception_table_entry *e = search_exception_tables(regs->ip);

	if (e)
		regs->ip = e->fixup;
	return !!e;
}

static void bad_area(struct pt_regs *regs, unsigned long addr, int sig, int code)
{
	if (user_mode(regs))
		force_sig_fault(sig, code, (void __user *)addr);
	else if (!fixup_exception(regs))
		panic("kernel fault at user address %016lx, ip %pS", addr, (void *)regs->ip);
}

static bool access_error(struct vm_area_struct *vma, unsigned long code)
{
	if (code & PF_WRITE)
		return !(vma->vm_flags & VM_WRITE);
	if (code & PF_INSTR)
		return !(vma->vm_flags & VM_EXEC);
	return !(vma->vm_flags & (VM_READ | VM_EXEC | VM_WRITE));
}

/* code: the ISA's page fault error code. Runs with the CPU in hand; may sleep. */
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
	if (kbox_tlb_fill(mm, addr, code & PF_WRITE, code & PF_INSTR))
		return;
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
	fault = handle_mm_fault(vma, addr, flags, regs);
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
