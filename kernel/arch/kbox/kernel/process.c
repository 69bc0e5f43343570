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
#include <asm/fpstate.h>

void start_thread(struct pt_regs *regs, unsigned long ip, unsigned long sp)
{
	memset(regs, 0, sizeof(*regs));
	regs->ip = ip;
	regs->sp = sp;
	regs->flags = 0x202;
	regs->cs = 0x33;
	regs->ss = 0x2b;
	regs->orig_ax = -1;
	fpstate_reset();
	set_fsbase(0);
	set_gsbase(0);
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
	host_thread_arrive();
	schedule_tail(kbox_cpu.last);
	kbox_exit(task_pt_regs(current));
}

asmlinkage void ret_from_fork_kernel(void)
{
	int (*fn)(void *) = (void *)current->thread.trap_nr;
	void *arg = (void *)current->thread.error_code;

	if (current->thread.host)
		host_thread_arrive();
	schedule_tail(kbox_cpu.last);
	fn(arg);
	/* It has called kernel_execve(). */
	kbox_exit(task_pt_regs(current));
}

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);
	void *top = (void *)regs - 256;

	p->thread.host = NULL;
	if (args->fn) {
		memset(regs, 0, sizeof(*regs));
		p->thread.trap_nr = (unsigned long)args->fn;
		p->thread.error_code = (unsigned long)args->fn_arg;
		p->thread.sp = (unsigned long)start_frame(top, ret_from_fork_kernel);
		p->thread.fpstate = &init_fpstate;
		if (!(p->flags & PF_USER_WORKER))
			return 0;
	} else {
		p->thread.fsbase = get_fsbase();
		p->thread.gsbase = get_gsbase();
		*regs = *current_pt_regs();
		regs->ax = 0;
		if (args->stack)
			regs->sp = args->stack;
		fpstate_copy(p);
		p->thread.sp = (unsigned long)start_frame(top, ret_from_fork_user);
	}
	if (args->flags & CLONE_SETTLS)
		p->thread.fsbase = args->tls;
	p->thread.host = args->flags & CLONE_VM ? host_thread_take(p, p->mm) : host_process_take(p, p->mm);
	return p->thread.host ? 0 : -EAGAIN;
}

/*
 * A task that exits: its host thread ends at the next hand-over, and must not be on a list
 * then (it came in that way, perhaps). One whose creation failed: ends now.
 */
void exit_thread(struct task_struct *t)
{
	if (t == current)
		kbox_admit_entrants();
	if (!t->thread.host || t == current)
		return;
	host_thread_discard(t->thread.host);
	t->thread.host = NULL;
}

void flush_thread(void)
{
}

unsigned long __get_wchan(struct task_struct *p)
{
	return 0;
}

/*
 * exec has a new mm. A task that is its old mm's only user keeps its host process,
 * emptied; any other one goes on in another host process.
 */
void activate_mm(struct mm_struct *prev, struct mm_struct *next)
{
	struct host_thread *h = current->thread.host;

	if (h && prev == h->mm && prev->context.threads == 1) {
		prev->context.threads = 0;
		next->context.threads = 1;
		h->mm = next;
		kbox_drop_user();
		return;
	}
	if (h) {
		kbox_admit_entrants();	/* as in exit_thread() */
		host_thread_leave_mm(h);
		host_thread_die(h);
	}
	h = host_process_take(current, next);
	if (!h)
		panic("the host has no process for an exec");
	current->thread.host = h;
	kbox_move_to(h);
	host_thread_arrive();
}

/* exec or exit is about to let go of mm; exec settles it in activate_mm(). */
void deactivate_mm(struct task_struct *t, struct mm_struct *mm)
{
	if (t->flags & PF_EXITING && t->thread.host && t->thread.host->mm)
		host_thread_leave_mm(t->thread.host);
}

void show_regs(struct pt_regs *r)
{
	printk("ip %016lx sp %016lx flags %08lx ax %016lx bx %016lx cx %016lx dx %016lx\n"
	       "si %016lx di %016lx bp %016lx r8 %016lx r9 %016lx r10 %016lx r11 %016lx\n"
	       "r12 %016lx r13 %016lx r14 %016lx r15 %016lx %pS\n",
	       r->ip, r->sp, r->flags, r->ax, r->bx, r->cx, r->dx, r->si, r->di, r->bp,
	       r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, (void *)r->ip);
}
