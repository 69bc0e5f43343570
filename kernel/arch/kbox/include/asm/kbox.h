/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_H
#define _ASM_KBOX_H
/* The port's own vocabulary; docs/architecture.md explains it. */
#include <uapi/asm/kbox.h>
#ifndef __ASSEMBLY__
#include <asm/thread.h>
struct task_struct;
struct mm_struct;
struct pt_regs;

/* What becomes of a host thread whose task has ended. */
#define DEAD_EXIT	1
#define DEAD_SPARE	2	/* it empties its address space and waits for another task */

/*
 * The kick that goes with a grant may come late, but must not come when the thread runs on
 * another task's stack: the host would put the frame on top of its own, where the user's state is.
 */
#define KICK_PERHAPS	1	/* it will be known in a moment */
#define KICK_SENT	2

/*
 * Who parks looks at its grant for a while before it sleeps (kbox_spin). Where that was in vain
 * SPIN_VAIN times in a row, on a host that has other things to do, it looks for less long, 1 /
 * 2^SPIN_LESS of it; and for all of it at times, to see whether that is still so.
 */
#define SPIN_VAIN	4
#define SPIN_AGAIN	20
#define SPIN_LESS	3

/*
 * A host thread that guest code can run on. Lives in guest memory from the host
 * clone until the host thread's last instruction. entry.S knows it by asm-offsets.c.
 */
struct host_thread {
	u32 grant;			/* 0: none, 1: go on with *ctx, 2: none, and asleep on this futex */
	u32 tid, tgid;			/* the host's */
	unsigned long *ctx;		/* saved sp of the task it is for */
	u32 dead;			/* after the next hand-over: DEAD_* */
	u32 gone;			/* it never ran its task, and is off its stack */
	u32 in_user;			/* user code runs, or is about to */
	u32 waiting;			/* in kernel text, for a grant */
	u32 queued;			/* on cpu.entrants */
	u32 vain;			/* how often in a row it has looked for a grant in vain */
	u32 kick;			/* with the grant: KICK_* */
	u32 pulled;			/* a kick without one has been sent (kbox_pull_in()), whatever a later grant says of its own */
	unsigned long loop_sp;		/* Z's: of its loop, where it goes instead of parking */
	unsigned long entry_sp;		/* of the way in, while the CPU is awaited */
	struct host_thread *next_entrant;
	struct task_struct *task;
	struct mm_struct *mm;		/* the address space of its host process */
	struct isa_host_thread isa;
	unsigned int vmalloc_gen;	/* changes of vmalloc space that its host process has seen */
	u64 used, charged;		/* ns of CPU time: by the host's clock, by the scheduler (cputime.c) */
	bool arrived;			/* it has run its task, and has that one's stack for host signals */
	bool last;			/* of its host process */
	bool idle;			/* Z */
	unsigned long first_stack[128] __aligned(16);	/* of a new one, until it arrives */
};

struct kbox_cpu {
	struct host_thread *host;	/* on which the CPU runs now */
	struct host_thread *entrants;	/* lock-free stack: want in */
	struct host_thread *watcher;	/* while idle has let go of the CPU: it waits for the next event; NULL: Z does */
	u32 idles;			/* how often idle has let go of the CPU */
	struct task_struct *last;	/* whom switch_to came from */
	unsigned long idle_ctx;
};

extern struct kbox_boot *const kbox_boot;
extern struct kbox_cpu kbox_cpu;
extern struct host_thread host_z;

/*
 * By default a process ignores them, so they would do a stranger no harm, and the host keeps
 * neither of them waiting in a queue that has a limit (signal(7)).
 */
#define KICK_SIGNAL	23	/* SIGURG: pull a host thread out of user code */
#define FLUSH_SIGNAL	28	/* SIGWINCH: unmap for another host process */

/* entry.S */
extern long host_call(long nr, long a1, long a2, long a3, long a4, long a5, long a6);
extern long host_clone(unsigned long flags, void *child_sp, u32 *parent_tid, void *arg);
extern void kbox_swap(unsigned long *save, unsigned long sp);
extern void kbox_handover(unsigned long *save, struct host_thread *me, struct host_thread *to, unsigned long rsp);
extern void kbox_release(unsigned long *save, struct host_thread *me, unsigned long rsp);
extern void __noreturn kbox_await(struct host_thread *me);
extern u32 kbox_spin;
extern void kbox_leave(struct host_thread *me, struct pt_regs *regs, void *fpstate);
extern void host_restorer(void);
extern char __exit_start[], __exit_end[], kbox_leave_fp_done[];
extern char __user_text_start[], __user_text_end[];	/* the user's, as it were */
extern char __hostcall_start[], __hostcall_end[];	/* vmlinux.lds.S */
#define HCALL(nr, a, b, c, d, e, f) \
	host_call(nr, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

/* The ISA's. */
struct kernel_clone_args;
struct ucontext;
/* addr: of SIGSYS, where the call was made; only that signal has what follows. */
struct host_siginfo { int signo, errno, code, pad; unsigned long addr; int nr; unsigned int arch; };
extern void tls_copy(struct task_struct *p, const struct kernel_clone_args *args);
extern void tls_load(void);
extern bool kbox_fault_told(void);
extern void host_trap(int sig, struct host_siginfo *si, struct ucontext *uc);
/* vcpu.c */
extern void kbox_enter(struct host_thread *me);
extern void kbox_reenter(struct host_thread *me, struct pt_regs *regs);
extern void __noreturn kbox_exit(struct pt_regs *regs);
extern void __noreturn kbox_exit_again(struct host_thread *me, struct pt_regs *regs);
extern void kbox_to_user(struct host_thread *me);
extern bool kbox_cpu_trylock(void);
extern unsigned long kbox_foreign_context(struct host_thread *me);
extern void kbox_pull_in(struct host_thread *h);
extern void kbox_move_to(struct host_thread *h);
extern void kbox_admit_entrants(void);
/* z.c */
extern void __noreturn z_loop(void);
extern void kbox_nag_done(void);
extern void kbox_others_wait(void);
extern void kbox_tell_z(void);
extern unsigned long kbox_watch(struct host_thread *me);
/* irq.c */
extern u32 kbox_irqs_of_user;
extern void kbox_take_host(struct host_thread *h);
/* cputime.c */
extern void kbox_sleep_detached(struct host_thread *me);
extern void kbox_charge_begin(struct host_thread *me);
extern void kbox_charge_user(struct host_thread *me);
/* process.c */
extern void ret_from_fork_user(void);
extern void ret_from_fork_kernel(void);
/*
 * Of a task in user code that is off the CPU, besides those that the kernel has. What it reports of
 * it is "running".
 */
#define TASK_IN_USER	TASK_STATE_MAX
extern void kbox_shown_as_running(struct task_struct *t);
/* prctl.c */
extern void kbox_arrive_tsc(void);
extern bool kbox_has_tsc(void);
/* setup.c */
extern void kbox_start(struct kbox_boot *boot);
/* time.c */
extern u64 kbox_next_event, kbox_z_until;
extern bool kbox_event_is_tick;
extern u64 host_clock(int clock);
extern void host_clock_lost(void);
/* threads.c */
extern struct host_thread *host_thread_take(struct task_struct *t, struct mm_struct *mm);
extern struct host_thread *host_process_take(struct task_struct *t, struct mm_struct *mm);
extern bool host_process_reserve(void);
extern struct host_thread *host_process_take_reserved(struct mm_struct *mm);
extern void host_process_unreserve(void);
extern void host_thread_leave_mm(struct host_thread *h);
extern void host_thread_die(struct host_thread *h);
extern void host_thread_arrive(void);
extern void host_thread_bury(struct host_thread *h);
extern void host_thread_discard(struct host_thread *h);
/* trap.c, syscall.c */
extern void host_traps_init(void);
extern void host_altstack(struct task_struct *t);
extern void kbox_syscall(struct pt_regs *regs, long nr);
extern void kbox_trapped_call(struct pt_regs *regs, long nr);
extern struct host_thread *kbox_gate_call(struct pt_regs *regs, long nr);
/* drivers */
extern void kbox_ring(int bell);
extern u32 kbox_host_poll(int fd, u32 events);
/* fault.c, tlb.c */
#define PF_WRITE	2	/* as x86 has them in its error code */
#define PF_INSTR	16
extern void kbox_page_fault(struct pt_regs *regs, unsigned long addr, unsigned long code);
enum kbox_fill { KBOX_FILL_FAULT, KBOX_FILLED, KBOX_FILL_REFUSED };
extern enum kbox_fill kbox_tlb_fill(struct mm_struct *mm, unsigned long addr, bool write, bool exec);
extern void kbox_tlb_fill_range(struct mm_struct *mm, unsigned long addr, unsigned long first, unsigned int pages);
extern void kbox_tlb_clear_range(struct mm_struct *mm, unsigned long addr, unsigned int pages);
extern void kbox_drop_user(void);
extern void kbox_host_unmap(struct mm_struct *mm, unsigned long start, unsigned long end);
extern int kbox_host_map(struct mm_struct *mm, unsigned long addr, unsigned long pfn, unsigned long pages, int prot);
extern void kbox_serve_flush(struct host_thread *me);
/* rewrite/: without patched sites in the mm, context.maps is NULL. */
extern void kbox_rewrite(struct pt_regs *regs, int nr);
extern void kbox_text_fault(struct mm_struct *mm, unsigned long addr);
extern unsigned long kbox_patched_pfn(struct mm_struct *mm, unsigned long addr, unsigned long pfn);
extern unsigned long kbox_original_ip(struct mm_struct *mm, unsigned long ip);
extern unsigned long kbox_lost_slot(struct mm_struct *mm, unsigned long ip);
extern void kbox_text_mapped(struct mm_struct *mm, unsigned long start, unsigned long end);
extern void kbox_text_flushed(struct mm_struct *mm, unsigned long start, unsigned long end);
static inline void kbox_count(unsigned int what)
{
	kbox_boot->count[what].n++;
}
/* vmalloc.c */
extern unsigned int kbox_vmalloc_gen;
extern void kbox_vmalloc_replay(struct host_thread *h);
static inline void kbox_vmalloc_sync(struct host_thread *h)
{
	if (h->vmalloc_gen != kbox_vmalloc_gen)
		kbox_vmalloc_replay(h);
}
#include <asm/gate.h>
#define HOST_OF_STACK(t) (stack_top(t)->host)
#endif
#endif
