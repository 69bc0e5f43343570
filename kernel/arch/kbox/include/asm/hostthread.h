/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTTHREAD_H
#define _ASM_HOSTTHREAD_H
/* Host threads, on which tasks run: made, kept in reserve and ended by kernel/threads.c. */
#include <linux/types.h>
#include <asm/thread.h>

struct task_struct;
struct mm_struct;

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

extern struct host_thread host_z;	/* z.c */

/* The one whose task's kernel stack t is (asm/thread.h). */
#define HOST_OF_STACK(t) (stack_top(t)->host)

/*
 * By default a process ignores them, so they would do a stranger no harm, and the host keeps
 * neither of them waiting in a queue that has a limit (signal(7)).
 */
#define KICK_SIGNAL	23	/* SIGURG: pull a host thread out of user code */
#define FLUSH_SIGNAL	28	/* SIGWINCH: unmap for another host process */

/*
 * All with the CPU in hand. Those that take one give NULL, or false, where the host refuses another
 * one or there is no memory, and may sleep.
 */
struct host_thread *host_thread_take(struct task_struct *t, struct mm_struct *mm);
struct host_thread *host_process_take(struct task_struct *t, struct mm_struct *mm);
bool host_process_reserve(void);
struct host_thread *host_process_take_reserved(struct mm_struct *mm);
void host_process_unreserve(void);
void host_thread_leave_mm(struct host_thread *h);
void host_thread_die(struct host_thread *h);
void host_thread_arrive(void);
void host_thread_bury(struct host_thread *h);
void host_thread_discard(struct host_thread *h);

/* The mappings of vmalloc space, which each host process makes for itself: mm/vmalloc.c. */
extern unsigned int kbox_vmalloc_gen;
void kbox_vmalloc_replay(struct host_thread *h);
static inline void kbox_vmalloc_sync(struct host_thread *h)
{
	if (h->vmalloc_gen != kbox_vmalloc_gen)
		kbox_vmalloc_replay(h);
}
#endif
