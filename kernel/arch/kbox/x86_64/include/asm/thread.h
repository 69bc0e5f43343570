/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_THREAD_H
#define _ASM_KBOX_THREAD_H
#define TASK_SIZE_MAX		0x7ffffffff000UL	/* on any host */
#define TASK_UNMAPPED_BASE	PAGE_ALIGN(TASK_SIZE / 3)
#define HAVE_ARCH_PICK_MMAP_LAYOUT
#define BOTTOM_UP_BASE(mm)	((mm)->mmap_legacy_base)
#define STACK_SHIFT_MAX		8192
#define TIF_NOTSC		TIF_TSC_SIGSEGV	/* seccomp looks for it */
extern void disable_TSC(void);
#define STACK_RESERVED		256	/* bytes at a kernel stack's top: registers and struct stack_top */
/*
 * What a host thread has for the gate (gate.S), and the GS base that it was given last
 * (segments.c).
 */
struct isa_host_thread {
	struct pt_regs *gate_regs;
	unsigned long gate_magic;
	unsigned long gs;
};
struct thread_struct {
	unsigned long sp;		/* saved kernel context: callee-saved registers, return address */
	struct host_thread *host;	/* where it runs; NULL: any thread will do */
	struct host_thread *reserved;	/* of a host process that its exec may need */
	int (*fn)(void *);		/* of a kernel thread */
	void *fn_arg;
	void *fpstate;			/* struct _xstate: the user's; NULL: it is in the registers (fpstate.c) */
	unsigned long fsbase, gsbase;	/* as the guest knows them (segments.c) */
	bool own_gs;			/* gsbase is also the host's, and the gate does not serve */
	unsigned long trap_nr, error_code, cr2;
	bool bases_set;			/* a tracer has set them: they are not the host thread's yet (segments.c) */
	unsigned long dr6;		/* without what is always set */
	struct thread_debug *debug;	/* NULL: debug registers are of no concern to it (debugreg.c) */
	u8 fpsave[] __aligned(64);	/* struct _xstate, as large as the host's */
};
#define KSTK_EIP(t)	(task_pt_regs(t)->ip)
#define KSTK_ESP(t)	(task_pt_regs(t)->sp)
#endif
