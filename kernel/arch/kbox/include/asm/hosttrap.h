/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTTRAP_H
#define _ASM_HOSTTRAP_H
/*
 * From user code into the kernel: by signals of the host (kernel/trap.c, the ISA's trap.c), by the
 * gate (kernel/syscall.c).
 */
#include <linux/types.h>
#include <asm/gate.h>
#include <asm/hostthread.h>

struct kernel_clone_args;
struct pt_regs;
struct ucontext;

/* addr: of SIGSYS, where the call was made; only that signal has what follows. */
struct host_siginfo { int signo, errno, code, pad; unsigned long addr; int nr; unsigned int arch; };

void host_trap(int sig, struct host_siginfo *si, struct ucontext *uc);
void host_traps_init(void);
void host_altstack(struct task_struct *t);
bool kbox_fault_told(void);
bool kbox_runs_kernel(unsigned long ip, unsigned long sp);
bool kbox_in_exit_section(unsigned long ip);
void kbox_syscall(struct pt_regs *regs, long nr);
void kbox_trapped_call(struct pt_regs *regs, long nr);
struct host_thread *kbox_gate_call(struct pt_regs *regs, long nr);

/*
 * Bounds of the text behind which user code is next (entry.S, vmlinux.lds.S), and of what is a
 * user's in the kernel's text.
 */
extern char __exit_start[], __exit_end[], kbox_leave_fp_done[];
extern char __user_text_start[], __user_text_end[];

/* The ISA's: what current has in registers alone goes to memory, and counts there from now on. */
void regs_hold(void);

/* The ISA's: the user's thread pointer, for a new task and at its arrival. */
void tls_copy(struct task_struct *p, const struct kernel_clone_args *args);
void tls_load(void);
#endif
