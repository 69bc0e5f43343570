// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's vsyscall page, which each process has: its calls come as traps. Here it is in the
 * guest's maps.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/signal.h>
#include <uapi/asm/vsyscall.h>
#include <asm/boot.h>
#include <asm/hosttrap.h>
#include <asm/vsyscall.h>

static const char *gate_name(struct vm_area_struct *vma)
{
	return "[vsyscall]";
}

static const struct vm_operations_struct gate_ops = { .name = gate_name };
static struct vm_area_struct gate = {
	.vm_start = VSYSCALL_ADDR, .vm_end = VSYSCALL_ADDR + PAGE_SIZE, .vm_ops = &gate_ops,
};

struct vm_area_struct *get_gate_vma(struct mm_struct *mm)
{
	return gate.vm_flags ? &gate : NULL;
}

int in_gate_area_no_mm(unsigned long addr)
{
	return gate.vm_flags && (addr & PAGE_MASK) == VSYSCALL_ADDR;
}

int in_gate_area(struct mm_struct *mm, unsigned long addr)
{
	return in_gate_area_no_mm(addr);
}

/*
 * A call of that page, which the host has already left for the caller. What the page's function
 * does not change is as before; it does not report a bad address, but faults.
 */
void kbox_vsyscall(struct pt_regs *regs, int nr, unsigned long at)
{
	const struct pt_regs before = *regs;

	kbox_count(KBOX_CALLS_TRAP);
	kbox_syscall(regs, nr);
	regs->cx = before.cx;
	regs->r11 = before.r11;
	if (regs->ax != -EFAULT)
		return;
	regs->ip = at;
	regs->sp -= sizeof(long);
	force_sig(SIGSEGV);
}

static int __init gate_init(void)
{
	vm_flags_init(&gate, calc_vm_prot_bits(kbox_boot->vsyscall_prot, 0));
	return 0;
}
arch_initcall(gate_init);
