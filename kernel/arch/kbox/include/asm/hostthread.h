/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_HOSTTHREAD_H
#define _ASM_HOSTTHREAD_H
/* Host threads, on which tasks run: made, kept in reserve and ended by kernel/threads.c. */
#include <linux/types.h>
#include <asm/thread.h>

struct task_struct;
struct mm_struct;

/*
 * Where a host thread is. It alone writes that; who has the CPU reads it, and sends the thread an
 * IPI only in HT_USER.
 *
 *	from		to		by			when
 *	HT_KERNEL	HT_USER		kbox_to_user()		user mode is next
 *	HT_USER		HT_KERNEL	attach()		it has come in, and runs its task: nobody else has the CPU
 *	HT_USER		HT_DOOR		kbox_enter()		it has come in, and the CPU is another's
 *	HT_USER		HT_DOOR		attach()		the CPU is its own, but the kernel has to make its task current
 *	HT_DOOR		HT_KERNEL	attach(), detach()	its task is current
 *	HT_KERNEL	HT_GONE		kbox_thread_exit()	it makes no use of its record or of a stack any more
 *
 * A thread that has no task yet, that is parked, or that is Z is in HT_KERNEL.
 */
enum ht_state { HT_KERNEL, HT_USER, HT_DOOR, HT_GONE };

/*
 * What becomes of it when the CPU has left it. Written by who has the CPU.
 *
 *	from		to		by				when
 *	FATE_LIVES	FATE_EXITS	host_thread_die()		its task has ended, or runs on another host thread
 *	FATE_LIVES	FATE_SPARE	host_thread_die()		the same, and it is the last thread of its host process
 *	FATE_SPARE	FATE_LIVES	assign()			it gets another task, perhaps before it has emptied its memory
 *	FATE_LIVES	FATE_EXITS	send_away()			it waits for a task that will not come
 */
enum ht_fate { FATE_LIVES, FATE_EXITS, FATE_SPARE };

/*
 * The word that it waits for when it is without the CPU: a futex. The last two are no grants, and
 * it sleeps: for that word, or, as one that watches, for watch_seq (uapi/asm/kbox.h). gdb shows
 * three as two of them.
 */
enum ht_grant { GRANT_NONE, GRANT_GIVEN, GRANT_ASLEEP, GRANT_WATCHES = 4 };

/*
 * The IPI that goes with a grant may come late, but must not come when the thread runs on
 * another task's stack: the host would put the frame on top of its own, where the user's state is.
 * So the granter says before the grant that there may be one, and afterwards whether there is.
 */
enum ht_ipi { IPI_NONE, IPI_PERHAPS, IPI_SENT };

/*
 * Lives in guest memory from the host clone until the host thread is HT_GONE. entry.S knows it by
 * asm-offsets.c.
 */
struct host_thread {
	u32 grant;			/* enum ht_grant */
	u32 state;			/* enum ht_state */
	u32 fate;			/* enum ht_fate */
	u32 ipi;			/* enum ht_ipi, of the grant */
	u32 preempted;			/* kbox_preempt() has sent an IPI; ipi says nothing of that one */
	u32 queued;			/* on vcpu.entrants */
	u32 vain;			/* how often in a row it has polled for a grant in vain */
	u32 tid, tgid;			/* the host's */
	unsigned long *ctx;		/* saved sp of the task it is for */
	unsigned long loop_sp;		/* Z's: of its loop, where it goes instead of parking */
	unsigned long entry_sp;		/* of the way in, while the CPU is awaited */
	struct host_thread *next;	/* of entrants, of spares, of those to be freed */
	struct task_struct *task;
	struct mm_struct *mm;		/* the address space of its host process */
	struct isa_host_thread isa;
	unsigned int vmalloc_gen;	/* changes of vmalloc space that its host process has seen */
	u64 used, charged;		/* ns of CPU time: by the host's clock, by the scheduler (cputime.c) */
	bool arrived;			/* it has run its task, and has that one's stack for host signals */
	bool last;			/* of its host process */
	bool idle;			/* Z */
	u32 holds;			/* it is asked for what its task has in registers: snapshot.c */
	unsigned long own_stack[128] __aligned(16);	/* while it has no task's: until it arrives, and after that one's end */
};

extern struct host_thread host_z;	/* z.c */

/* The one whose task's kernel stack t is (asm/thread.h). */
#define HOST_OF_STACK(t) (stack_top(t)->host)

/*
 * By default a process ignores them, so they would do a stranger no harm, and the host keeps
 * neither of them waiting in a queue that has a limit (signal(7)).
 */
#define IPI_SIGNAL	23	/* SIGURG: into the kernel, out of user code */
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
bool host_thread_for_kernel(void (*fn)(struct host_thread *h));
void host_threads_renew(void);
void host_thread_hold(struct host_thread *h);
void host_thread_leave_mm(struct host_thread *h);
void host_thread_die(struct host_thread *h);
void host_thread_arrive(void);
void host_thread_bury(struct host_thread *h);
void host_thread_discard(struct host_thread *h);
/* Out of user code, without a grant: handover.c */
void kbox_preempt(struct host_thread *h);

/* The mappings of vmalloc space, which each host process makes for itself: mm/vmalloc.c. */
extern unsigned int kbox_vmalloc_gen;
void kbox_vmalloc_replay(struct host_thread *h);
static inline void kbox_vmalloc_sync(struct host_thread *h)
{
	if (h->vmalloc_gen != kbox_vmalloc_gen)
		kbox_vmalloc_replay(h);
}
#endif
