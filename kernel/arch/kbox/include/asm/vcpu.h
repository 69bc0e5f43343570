/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_VCPU_H
#define _ASM_VCPU_H
/* The virtual CPU: who runs the kernel, and how host threads hand that on. docs/architecture.md */
#include <linux/types.h>
#include <asm/hostthread.h>

struct pt_regs;

/*
 * Who parks looks at its grant for a while before it sleeps (kbox_spin). Where that was in vain
 * SPIN_VAIN times in a row, on a host that has other things to do, it looks for less long, 1 /
 * 2^SPIN_LESS of it; and for all of it at times, to see whether that is still so.
 */
#define SPIN_VAIN	4
#define SPIN_AGAIN	20
#define SPIN_LESS	3

struct kbox_cpu {
	struct host_thread *host;	/* on which the CPU runs now */
	struct host_thread *entrants;	/* lock-free stack: want in */
	struct host_thread *watcher;	/* while idle has let go of the CPU: it waits for the next event; NULL: Z does */
	u32 idles;			/* how often idle has let go of the CPU */
	struct task_struct *last;	/* whom switch_to came from */
	unsigned long idle_ctx;
};

extern struct kbox_cpu kbox_cpu;
extern u32 kbox_spin;

/* entry.S */
void kbox_swap(unsigned long *save, unsigned long sp);
void kbox_handover(unsigned long *save, struct host_thread *me, struct host_thread *to, unsigned long rsp);
void kbox_release(unsigned long *save, struct host_thread *me, unsigned long rsp);
void __noreturn kbox_await(struct host_thread *me);
void kbox_leave(struct host_thread *me, struct pt_regs *regs, void *fpstate);

/* vcpu.c */
void kbox_enter(struct host_thread *me);
void kbox_reenter(struct host_thread *me, struct pt_regs *regs);
void __noreturn kbox_exit(struct pt_regs *regs);
void __noreturn kbox_exit_again(struct host_thread *me, struct pt_regs *regs);
void kbox_to_user(struct host_thread *me);
bool kbox_cpu_trylock(void);
unsigned long kbox_foreign_context(struct host_thread *me);
void kbox_take_host(struct host_thread *h);
void kbox_pull_in(struct host_thread *h);
void kbox_move_to(struct host_thread *h);
void kbox_admit_entrants(void);

/* z.c */
void __noreturn z_loop(void);
void kbox_nag_done(void);
void kbox_others_wait(void);
void kbox_tell_z(void);
unsigned long kbox_watch(struct host_thread *me);

/* irq.c: of the interrupts, bits as in irq_pending, those that were there when user code ran. */
extern u32 kbox_irqs_of_user;

/* time.c: in nanoseconds of the host's CLOCK_MONOTONIC, U64_MAX for never. */
extern u64 kbox_next_event;
extern u64 kbox_z_until;		/* Z sleeps until then; 0: it does not sleep */
extern bool kbox_event_is_tick;		/* the next event is no finer than a tick */
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
