/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_THREAD_H
#define _ASM_KBOX_THREAD_H
#include <uapi/asm/layout.h>
/*
 * Below guest memory are slots for instructions (outofline.c), and the gate's tables of the process
 * (findtask.c).
 */
#define KBOX_STEP_PAGE		(KBOX_PAGE_OFFSET - 0x20000)
#define KBOX_GATE_PAGE		(KBOX_PAGE_OFFSET - 0x10000)	/* one word: asm/mmu.h, gate_page */
#define KBOX_GATE_TABLE		(KBOX_PAGE_OFFSET - 0xc000)	/* struct gate_entry[GATE_ENTRIES] */
#define GATE_BITS		9
#define GATE_ENTRIES		(1 << GATE_BITS)
#define TASK_SIZE_MAX		(1UL << 48)	/* on any host */
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 4)
#define BOTTOM_UP_BASE(mm)	(test_bit(MMF_TOPDOWN, &(mm)->flags) ? TASK_UNMAPPED_BASE : (mm)->mmap_base)
#define STACK_SHIFT_MAX		PAGE_SIZE
#define STACK_RESERVED		512	/* bytes at a kernel stack's top: registers and struct stack_top */
#ifndef __ASSEMBLY__
#include <uapi/asm/sigcontext.h>
struct host_frame;
struct isa_host_thread {
	bool has_slots;			/* its process has those at KBOX_STEP_PAGE mapped */
};
/* An instruction that is executed out of line (outofline.c). */
struct insn_slot {
	unsigned long pc;		/* of the program's instruction; 0: there is none */
	unsigned int slot, insn;
	int insns;			/* so many from there on, 1 but for exclusive loads and stores, ... */
	unsigned long exit[2];		/* ... and where branches lead to from among them */
	unsigned char lent;		/* the register that it has lent to it, ... */
	bool was_out;			/* the task came in by one */
	unsigned long kept;		/* ... and what the program has in that */
	unsigned long vdso_return;	/* of the host's vDSO, while a step goes through it, or 0 */
};
struct thread_struct {
	unsigned long sp;		/* saved kernel context: callee-saved registers, return address */
	struct host_thread *host;	/* where it runs; NULL: any thread will do */
	struct host_thread *reserved;	/* of a host process that its exec may need */
	int (*fn)(void *);		/* of a kernel thread */
	void *fn_arg;
	struct fpsimd_context *fpstate;	/* the user's; NULL: it is in the registers (fpstate.c) */
	struct host_frame *frame;	/* of the host, that fpstate is in */
	unsigned long tp;		/* TPIDR_EL0, while it does not run */
	unsigned long gate_key;		/* under which the gate knows it, or 0 (findtask.c) */
	unsigned long fault_address, fault_code;
	struct insn_slot insn;
	struct thread_debug *debug;	/* NULL: debug registers are of no concern to it (debugreg.c) */
	bool tp_set;			/* a tracer has set tp: the host thread does not have it yet */
	struct fpsimd_context fpsave __aligned(16);
};
#define GET_TAGGED_ADDR_CTRL()	(test_thread_flag(TIF_TAGGED_ADDR) ? PR_TAGGED_ADDR_ENABLE : 0)
#define SET_TAGGED_ADDR_CTRL(ctrl)	kbox_set_tagged_addr(ctrl)
extern int kbox_set_tagged_addr(unsigned long ctrl);
#define KSTK_EIP(t)	((unsigned long)task_pt_regs(t)->pc)
#define KSTK_ESP(t)	((unsigned long)task_pt_regs(t)->sp)
#endif
#endif
