// SPDX-License-Identifier: GPL-2.0-only
/* Tasks: their kernel contexts, and the host threads and processes under them. */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/ptrace.h>
#include <asm/kbox.h>
#include <asm/mmu_context.h>
#include <asm/unistd.h>
#include <asm/sigcontext.h>

/* What XRSTOR loads into a fresh program: everything initial. FXSAVE part, software bytes, XSAVE header. */
u8 init_fpstate[576] __aligned(64) = {
	[0] = 0x7f, [1] = 0x03,		/* fcw */
	[24] = 0x80, [25] = 0x1f,	/* mxcsr */
	[464] = 0x53, [465] = 0x58, [466] = 0x50, [467] = 0x46,	/* FP_XSTATE_MAGIC1 */
	[468] = 576 & 255, [469] = 576 >> 8,
	[472] = 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,	/* all that XCR0 has */
	[480] = 576 & 255, [481] = 576 >> 8,
};

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->flags = 0x202;
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->orig_ax = -1;
	current->thread.fpstate = init_fpstate;
	set_fsbase(0);
	set_gsbase(0);
}

struct host_thread *host_thread_alloc(struct task_struct *t, struct mm_struct *mm)
{
	struct host_thread *h;

	host_thread_reap();
	h = kzalloc(sizeof(*h), GFP_KERNEL);

	if (h) {
		h->task = t;
		h->ctx = &t->thread.sp;
		h->mm = mm;
		h->vmalloc_gen = kbox_vmalloc_gen;
		h->charged = t->se.sum_exec_runtime;
	}
	return h;
}

/* A new host thread's first C code, on its task's kernel stack, without the CPU. */
static void host_thread_main(struct host_thread *h, bool new_process)
{
	unsigned int i;

	if (new_process) {
		HCALL(__NR_prctl, 1 /* PR_SET_PDEATHSIG */, 9, 0, 0, 0, 0);
		if (HCALL(__NR_getppid, 0, 0, 0, 0, 0, 0) != kbox_boot->supervisor_pid)
			HCALL(__NR_exit_group, 1, 0, 0, 0, 0, 0);
	}
	for (i = 0; i < h->ndrop; i++)
		HCALL(__NR_munmap, h->drop[i].start, h->drop[i].end - h->drop[i].start, 0, 0, 0, 0);
	host_altstack(h->task);
	while (!xchg(&h->grant, 0))
		HCALL(__NR_futex, &h->grant, 0, 0, 0, 0, 0);
	if (h->dead)
		host_thread_leave(h);
	kbox_swap(&h->entry_sp, *h->ctx);
	BUG();
}

static void new_thread_start(void)
{
	struct host_thread *h;
	unsigned long sp = (unsigned long)__builtin_frame_address(0);

	h = HOST_OF_STACK(sp & ~(THREAD_SIZE - 1));
	host_thread_main(h, false);
}

static void new_process_start(void)
{
	struct host_thread *h;
	unsigned long sp = (unsigned long)__builtin_frame_address(0);

	h = HOST_OF_STACK(sp & ~(THREAD_SIZE - 1));
	host_thread_main(h, true);
}

static void *start_frame(void *stack, void (*fn)(void))
{
	unsigned long *sp = stack;

	*--sp = 0;
	*--sp = (unsigned long)fn;
	sp -= 6;
	memset(sp, 0, 6 * sizeof(long));
	return sp;
}

asmlinkage void ret_from_fork_user(void)
{
	schedule_tail(kbox_cpu.last);
	kbox_exit(task_pt_regs(current));
}

asmlinkage void ret_from_fork_kernel(void)
{
	int (*fn)(void *) = (void *)current->thread.trap_nr;
	void *arg = (void *)current->thread.error_code;

	schedule_tail(kbox_cpu.last);
	fn(arg);
	/* It has called kernel_execve(). */
	kbox_exit(task_pt_regs(current));
}

#define HOST_CLONE_PROCESS	(0x8000 /* PARENT */ | 0x400 /* FILES */ | 0x100000 /* PARENT_SETTID */)
#define HOST_CLONE_THREAD	(0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x100000)

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);
	unsigned long flags;
	struct host_thread *h;
	void *fp;
	long ret;

	p->thread.host = NULL;
	if (args->fn) {
		memset(regs, 0, sizeof(*regs));
		p->thread.trap_nr = (unsigned long)args->fn;
		p->thread.error_code = (unsigned long)args->fn_arg;
		p->thread.sp = (unsigned long)start_frame((void *)regs - 64, ret_from_fork_kernel);
		p->thread.fpstate = init_fpstate;
		if (!(p->flags & PF_USER_WORKER))
			return 0;
	} else {
		*regs = *current_pt_regs();
		regs->ax = 0;
		if (args->stack)
			regs->sp = args->stack;
		fp = current->thread.fpstate;
		p->thread.fpstate = fp;
		if (fp != init_fpstate) {
			u32 size = *(u32 *)(fp + 468);

			if (*(u32 *)(fp + 464) != FP_XSTATE_MAGIC1)
				size = 512;
			p->thread.fpstate = (void *)(((unsigned long)regs - 256 - size) & ~63UL);
			memcpy(p->thread.fpstate, fp, size);
			p->thread.sp = (unsigned long)start_frame(p->thread.fpstate - 64, ret_from_fork_user);
		} else {
			p->thread.sp = (unsigned long)start_frame((void *)regs - 256, ret_from_fork_user);
		}
	}
	h = host_thread_alloc(p, p->mm);
	if (!h)
		return -ENOMEM;
	flags = args->flags & CLONE_VM ? HOST_CLONE_THREAD : HOST_CLONE_PROCESS | SIGCHLD;
	if (args->flags & CLONE_SETTLS) {
		flags |= CLONE_SETTLS;
		p->thread.fsbase = args->tls;
	}
	HOST_OF_STACK(task_stack_page(p)) = h;
	if (!(flags & CLONE_VM))
		kbox_fork_drops(h);
	ret = host_clone(flags, start_frame((void *)p->thread.sp - 64,
			 flags & CLONE_VM ? new_thread_start : new_process_start),
			 &h->tid, NULL, args->tls);
	if (ret < 0) {
		kfree(h);
		return -EAGAIN;
	}
	h->in_user = 0;
	p->thread.host = h;
	p->mm->context.threads++;
	return 0;
}

/* A task whose creation failed, or that exits: its host thread ends at the next hand-over. */
void exit_thread(struct task_struct *t)
{
	struct host_thread *h = t->thread.host;

	if (!h)
		return;
	if (t == current)
		return;
	h->dead = 1;
	xchg(&h->grant, 1);
	HCALL(__NR_futex, &h->grant, 1, 1, 0, 0, 0);
	while (!READ_ONCE(h->gone))	/* its stack will be freed */
		HCALL(__NR_sched_yield, 0, 0, 0, 0, 0, 0);
	t->thread.host = NULL;
	h->mm->context.threads--;
	kfree(h);
}

void flush_thread(void)
{
}

unsigned long __get_wchan(struct task_struct *p)
{
	return 0;
}

static unsigned long move_stack[512] __aligned(16);

/* Runs on move_stack in the child of the clone in activate_mm(): a new host process with nothing but the kernel in it. */
static void moved_start(void)
{
	struct host_thread *h = kbox_cpu.host;

	HCALL(__NR_prctl, 1, 9, 0, 0, 0, 0);
	if (HCALL(__NR_getppid, 0, 0, 0, 0, 0, 0) != kbox_boot->supervisor_pid)
		HCALL(__NR_exit_group, 1, 0, 0, 0, 0, 0);
	HCALL(__NR_munmap, 0, TASK_SIZE, 0, 0, 0, 0);
	host_altstack(h->task);
	kbox_swap(&h->entry_sp, h->task->thread.sp);
	BUG();
}

/*
 * exec has a new mm. A task that is its old mm's only user keeps its host process,
 * emptied; any other one goes on in a new host process.
 */
void activate_mm(struct mm_struct *prev, struct mm_struct *next)
{
	struct host_thread *h = current->thread.host, *me = kbox_cpu.host;

	if (h && prev == h->mm && prev->context.threads == 1) {
		prev->context.threads = 0;
		h->mm = next;
		next->context.threads = 1;
		kbox_drop_user();
		return;
	}
	h = host_thread_alloc(current, next);
	if (!h)
		panic("no memory for a host thread");
	if (current->thread.host) {
		current->thread.host->mm->context.threads--;
		current->thread.host->dead = 1;
	}
	current->thread.host = h;
	HOST_OF_STACK(task_stack_page(current)) = h;
	next->context.threads = 1;
	kbox_cpu.host = h;
	h->grant = 0;
	/* The new host process is cloned by this host thread, which then parks or dies. */
	kbox_move(&current->thread.sp, me, start_frame(move_stack + 512, moved_start), &h->tid,
		  me->dead ? 0 : me->idle ? me->exit_sp : *me->ctx);
}

/* exec or exit is about to let go of mm; exec settles it in activate_mm(). */
void deactivate_mm(struct task_struct *t, struct mm_struct *mm)
{
	if (!(t->flags & PF_EXITING) || !t->thread.host)
		return;
	mm->context.threads--;
	t->thread.host->mm = NULL;
}

void show_regs(struct pt_regs *r)
{
	printk("ip %016lx sp %016lx flags %08lx ax %016lx bx %016lx cx %016lx dx %016lx\n"
	       "si %016lx di %016lx bp %016lx r8 %016lx r9 %016lx r10 %016lx r11 %016lx\n"
	       "r12 %016lx r13 %016lx r14 %016lx r15 %016lx %pS\n",
	       r->ip, r->sp, r->flags, r->ax, r->bx, r->cx, r->dx, r->si, r->di, r->bp,
	       r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, (void *)r->ip);
}
