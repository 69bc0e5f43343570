// SPDX-License-Identifier: GPL-2.0-only
/* Tasks: their kernel contexts, and the host threads and processes under them. */
#include <linux/binfmts.h>
#include <linux/elf.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/debug.h>
#include <linux/sched/task_stack.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/ptrace.h>
#include <asm/boot.h>
#include <asm/context.h>
#include <asm/debugreg.h>
#include <asm/fpstate.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/mmu_context.h>
#include <asm/rewrite.h>
#include <asm/syscall.h>
#include <asm/unistd.h>
#include <asm/vcpu.h>
#include <asm/vdso.h>

asmlinkage void ret_from_fork_user(void)
{
	host_thread_arrive();
	schedule_tail(this_vcpu()->last);
	kbox_exit(task_pt_regs(current));
}

asmlinkage void ret_from_fork_kernel(void)
{
	if (current->thread.host)
		host_thread_arrive();
	schedule_tail(this_vcpu()->last);
	current->thread.fn(current->thread.fn_arg);
	/* It has called kernel_execve(). */
	kbox_exit(task_pt_regs(current));
}

int copy_thread(struct task_struct *p, const struct kernel_clone_args *args)
{
	struct pt_regs *regs = task_pt_regs(p);
	void *top = (void *)task_stack_page(p) + THREAD_SIZE - STACK_RESERVED;

	p->thread.host = p->thread.reserved = NULL;
	debug_copy(p);
	if (args->fn) {
		memset(regs, 0, sizeof(*regs));
		p->thread.fn = args->fn;
		p->thread.fn_arg = args->fn_arg;
		p->thread.sp = kbox_new_context(top, ret_from_fork_kernel);
		p->thread.fpstate = &init_fpstate;
		if (!(p->flags & PF_USER_WORKER))
			return 0;
	} else {
		*regs = *current_pt_regs();
		regs_set_return_value(regs, 0);
		if (args->stack)
			user_stack_pointer_set(regs, args->stack);
		fpstate_copy(p);
		p->thread.sp = kbox_new_context(top, ret_from_fork_user);
	}
	tls_copy(p, args);
	if (args->flags & CLONE_VM && !args->fn)
		kbox_gate_share(p->mm);
	p->thread.host = args->flags & CLONE_VM ? host_thread_take(p, p->mm) : host_process_take(p, p->mm);
	return p->thread.host ? 0 : -EAGAIN;
}

/*
 * A task that exits: its host thread ends at the next hand-over, and must not be on a list
 * then (it came in that way, perhaps). One whose creation failed: ends now.
 */
void exit_thread(struct task_struct *t)
{
	kbox_count(KBOX_TASKS_ENDED);
	debug_free(t);
	if (t == current) {
		kbox_admit_entrants();
		host_process_unreserve();
	}
	if (!t->thread.host || t == current)
		return;
	host_thread_discard(t->thread.host);
	t->thread.host = NULL;
}

void destroy_context(struct mm_struct *mm)
{
	kbox_rewrite_free(mm);
	kbox_gate_free(mm);
	debug_mm_free(mm);
}

void flush_thread(void)
{
	debug_free(current);
}

/* It runs user code, and sleeps for the scheduler (vcpu.c). */
bool kbox_in_user(const struct task_struct *t)
{
	return t->thread.host && READ_ONCE(t->thread.host->state) != HT_KERNEL;
}

/*
 * For the scheduler such a task sleeps. It does so in a state that /proc reports as running, once
 * it is off the run queue: there it counts as one that adds to the load average, by
 * TASK_UNINTERRUPTIBLE. What wakes it up are signals and we, by wake_up_state(); the kernel's calls
 * of that come here, by the linker's --wrap.
 */
static unsigned int in_user;

void kbox_shown_as_running(struct task_struct *t)
{
	if (READ_ONCE(t->__state) == TASK_IN_USER || (t->on_rq && !t->se.sched_delayed))
		return;
	WRITE_ONCE(t->__state, TASK_IN_USER);
	in_user++;
}

int __real_wake_up_state(struct task_struct *t, unsigned int state);
int __wrap_wake_up_state(struct task_struct *t, unsigned int state);

int __wrap_wake_up_state(struct task_struct *t, unsigned int state)
{
	bool shown = READ_ONCE(t->__state) == TASK_IN_USER;
	int woken;

	if (state & TASK_INTERRUPTIBLE)
		state |= TASK_IN_USER;
	woken = __real_wake_up_state(t, state);
	if (shown && woken)
		in_user--;
	return woken;
}

unsigned int __real_nr_running(void);
unsigned int __wrap_nr_running(void);

/* For /proc. */
unsigned int __wrap_nr_running(void)
{
	return __real_nr_running() + in_user;
}

static bool keeps_host_process(struct host_thread *h)
{
	return h && h->mm->context.host.threads == 1;
}

/*
 * exec, while it can fail: what activate_mm() will need. Other threads of current's may have ended
 * by then.
 */
int arch_check_elf(void *ehdr, bool has_interpreter, void *interpreter, struct arch_elf_state *state)
{
	return keeps_host_process(current->thread.host) || host_process_reserve() ? 0 : -EAGAIN;
}

/* exec has mapped the program and its loader. */
int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp)
{
	kbox_promote(bprm->file, uses_interp);
	kbox_text_mapped(current->mm, 0, TASK_SIZE);
	return kbox_map_vdso(current->mm);
}

/*
 * exec has a new mm. A task that is its old mm's only user keeps its host process,
 * emptied; any other one goes on in another host process.
 */
void activate_mm(struct mm_struct *prev, struct mm_struct *next)
{
	struct host_thread *h = current->thread.host;

	if (keeps_host_process(h)) {
		prev->context.host.threads = 0;
		next->context.host.threads = 1;
		h->mm = next;
		host_mm_drop();
		kbox_gate_open();
		host_process_unreserve();
		return;
	}
	if (h) {
		kbox_admit_entrants();	/* as in exit_thread() */
		host_thread_leave_mm(h);
		host_thread_die(h);
	}
	h = host_process_take_reserved(next);
	current->thread.host = h;
	kbox_move_to(h);
	host_thread_arrive();
}

/* exec or exit is about to let go of mm; exec settles it in activate_mm(). */
void deactivate_mm(struct task_struct *t, struct mm_struct *mm)
{
	debug_free(t);
	if (t->flags & PF_EXITING && t->thread.host && t->thread.host->mm)
		host_thread_leave_mm(t->thread.host);
}
