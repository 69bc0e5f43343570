/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_THREAD_H
#define _ASM_KBOX_THREAD_H
#define TASK_SIZE		KBOX_PAGE_OFFSET
#define STACK_RESERVED		256	/* bytes at a kernel stack's top: registers and struct stack_top */
#define HAVE_ARCH_UNMAPPED_AREA
#define HAVE_ARCH_UNMAPPED_AREA_TOPDOWN
/* What a host thread has for the gate (gate.S), and the GS base that it was given last (segments.c). */
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
	u8 fpsave[] __aligned(64);	/* struct _xstate, as large as the host's */
};
#define KSTK_EIP(t)	(task_pt_regs(t)->ip)
#define KSTK_ESP(t)	(task_pt_regs(t)->sp)
#endif
