/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_VCPU_H
#define _ASM_VCPU_H
/* The virtual CPU: who runs the kernel, and how host threads hand that on. docs/vcpu.md */
#include <linux/types.h>
#include <asm/hostthread.h>

struct pt_regs;

/*
 * Who waits for the CPU polls so often before it sleeps, since the host takes longer than that to
 * wake it. 0: there is one processor.
 */
extern u32 kbox_spin;

/*
 * entry.S. Contexts are stacks with callee-saved registers and a return address on top
 * (asm/context.h). kbox_swap() saves the running one's sp at *save and goes on with the other.
 * kbox_switch_stack() saves it likewise, and calls fn(me, arg) on the stack, or with NULL below
 * what has been saved; fn does not return. kbox_load() goes on with the context at sp.
 * kbox_thread_exit() ends the host thread, without a stack.
 */
void kbox_swap(unsigned long *save, unsigned long sp);
void kbox_switch_stack(unsigned long *save, struct host_thread *me, struct host_thread *arg, void *stack,
		       void (*fn)(struct host_thread *me, struct host_thread *arg));
void __noreturn kbox_load(unsigned long sp);
void __noreturn kbox_thread_exit(struct host_thread *me);
void kbox_leave(struct host_thread *me, struct pt_regs *regs, void *fpstate);

/* handover.c */
void kbox_hand_over(struct task_struct *prev, struct host_thread *to);
void kbox_release(struct host_thread *me);
void __noreturn kbox_park(struct host_thread *me);
bool kbox_wait_grant(struct host_thread *me);
void kbox_grant(struct host_thread *to);
void kbox_take_ipis(struct host_thread *me);
void kbox_poll_grant(struct host_thread *me, u64 event);

/* vcpu.c */
void kbox_enter(struct host_thread *me);
void kbox_reenter(struct host_thread *me, struct pt_regs *regs);
void __noreturn kbox_exit(struct pt_regs *regs);
void __noreturn kbox_exit_again(struct host_thread *me, struct pt_regs *regs);
void kbox_to_user(struct host_thread *me);
bool kbox_cpu_trylock(void);
unsigned long kbox_foreign_context(struct host_thread *me);
void kbox_take_host(struct host_thread *h);
void kbox_move_to(struct host_thread *h);
void kbox_admit_entrants(void);

/* z.c */
void __noreturn z_loop(void);
void kbox_wake_z(void);
void kbox_wake_watchers(void);
void kbox_wait_for_z(void);
void kbox_contended(void);
void kbox_tell_z(void);
unsigned long kbox_watch(struct host_thread *me);

/* time.c */
void host_clock_lost(void);

/* cputime.c */
void kbox_sleep_detached(struct host_thread *me);
void kbox_charge_begin(struct host_thread *me);
void kbox_charge_user(struct host_thread *me);

/* prctl.c */
void kbox_arrive_tsc(void);
bool kbox_has_tsc(void);

/* process.c */
void ret_from_fork_user(void);
void ret_from_fork_kernel(void);
/*
 * Of a task in user code that is off the CPU, besides those that the kernel has. What it reports of
 * it is "running".
 */
#define TASK_IN_USER	TASK_STATE_MAX
void kbox_shown_as_running(struct task_struct *t);
#endif
