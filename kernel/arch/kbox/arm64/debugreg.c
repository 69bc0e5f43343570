// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single steps, breakpoints and watchpoints for a tracer. A step is an instruction that is executed
 * out of line. What the registers watch is mm/watch.c's. As natively a hit is told before the
 * instruction is executed, and again and again until the tracer steps over it with the register
 * off.
 */
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <linux/regset.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <asm/debugreg.h>
#include <asm/gate.h>
#include <asm/hostmm.h>
#include <asm/hosttrap.h>
#include <asm/outofline.h>
#include <asm/vdso.h>

#define DEBUG_ARCH	6	/* v8, which everybody knows */

/* Of a control register, ARM ARM D24.3: in use; what for; which bytes. */
#define ENABLED		1U
#define EL0		(2U << 1)
#define TYPE(ctrl)	((ctrl) >> 3 & 3)	/* loads, stores; 0: a breakpoint */
#define BYTES(ctrl)	((ctrl) >> 5 & 0xff)
#define ALL_BYTES	0xffU

void user_enable_single_step(struct task_struct *t)
{
	set_tsk_thread_flag(t, TIF_SINGLESTEP);
	set_task_syscall_work(t, SYSCALL_EXIT_TRAP);
	set_tsk_thread_flag(t, TIF_DEBUG);
}

void user_disable_single_step(struct task_struct *t)
{
	clear_tsk_thread_flag(t, TIF_SINGLESTEP);
	clear_task_syscall_work(t, SYSCALL_EXIT_TRAP);
}

void ptrace_disable(struct task_struct *t)
{
	user_disable_single_step(t);
}

static void report(int code, unsigned long addr)
{
	local_irq_enable();
	force_sig_fault(SIGTRAP, code, (void __user *)addr);
}

#define TRIES	16	/* instructions from a store that has failed to the load before it, at most */

/*
 * An exclusive store fails if it is executed by itself, and the program begins again with the load.
 */
static void store_fails(struct thread_debug *td)
{
	u32 insn = current->thread.insn.insn;

	if (!insn_is_exclusive(insn) || insn_loads_exclusive(insn) || !td->accesses)
		return;
	td->isa.tries = TRIES;
	td->isa.store.addr = td->access[0].addr;
	td->isa.store.size = td->access[0].size;
}

/* Is it on its way there? From there to the store all is executed as one, alone. */
static bool tries_again(struct thread_debug *td, unsigned long pc)
{
	u32 insn;

	if (!td || !td->isa.tries)
		return false;
	td->isa.tries--;
	if (insn_text(pc, &insn) && insn_loads_exclusive(insn)) {
		td->isa.tries = 0;
		watch_note(td, pc, (struct watch_access){ td->isa.store.addr, td->isa.store.size, WATCH_WRITE });
	}
	return true;
}

/* The one instruction has been executed. */
static void executed(struct pt_regs *regs)
{
	struct thread_debug *td = current->thread.debug;

	if (td && td->ip && current->thread.insn.was_out)
		store_fails(td);
	if (td)
		td->ip = 0;
	if (test_thread_flag(TIF_SINGLESTEP) && !kbox_in_host_vdso(regs->pc))
		report(TRAP_TRACE, regs->pc);
}

/* Current has come in. True: by the trap behind the one instruction. */
bool debug_came_in(struct pt_regs *regs)
{
	watch_entered();
	if (!outofline_end(regs))
		return false;
	executed(regs);
	return true;
}

/* A data abort of user code, which is seen to as usual. */
void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code)
{
	unsigned int kind = watch_kind(code);
	struct thread_debug *td;
	u32 insn;

	if (!watch_fault(regs->pc, addr, kind) || kind == WATCH_EXEC || !insn_text(regs->pc, &insn))
		return;
	local_irq_enable();
	td = debug_of(current);
	if (td)
		watch_note(td, regs->pc, insn_access(insn, addr, kind));
}

/*
 * A trap that is an instruction: is it ours? What another thread watches is none of current's
 * business.
 */
bool debug_breakpoint(struct pt_regs *regs)
{
	struct thread_debug *td = current->thread.debug;

	if (current->thread.insn.was_out || !watch_breakpoint(regs->pc))
		return false;
	if (watch_exec_hits(td, regs->pc)) {
		report(TRAP_HWBKPT, regs->pc);
		return true;
	}
	local_irq_enable();
	td = debug_of(current);
	if (td) {
		td->ip = regs->pc;
		td->accesses = 0;
	}
	return true;
}

/* The address that is told of a hit: the first byte of the access that the register watches. */
static unsigned long first_byte(const struct thread_debug *td, unsigned int hits)
{
	const struct watch *w = &td->watch[__ffs(hits)];
	unsigned int i;

	for (i = 0; i < td->accesses; i++)
		if (watch_is_hit(w, &td->access[i]))
			return max(td->access[i].addr, w->addr);
	return w->addr;
}

/* Is what comes next, which is executed by itself, hit? */
static bool is_hit(struct thread_debug *td, unsigned long pc)
{
	unsigned int hits = watch_access_hits(td);

	if (watch_exec_hits(td, pc))
		report(TRAP_HWBKPT, pc);
	else if (td->ip && hits)
		report(TRAP_HWBKPT, first_byte(td, hits));
	else
		return false;
	td->ip = 0;
	return true;
}

/*
 * May what is one with an exclusive load, its store, be executed with it? Not if that is a hit,
 * which is told before.
 */
static bool store_may_follow(struct thread_debug *td)
{
	unsigned int hits;
	u8 kind;

	if (!td || test_thread_flag(TIF_SINGLESTEP))
		return false;
	kind = td->access[0].kind;
	td->access[0].kind |= WATCH_WRITE;
	hits = watch_access_hits(td);
	td->access[0].kind = kind;
	return !hits;
}

/* The instruction at pc is next, and then there is something to do. False: there is already. */
static bool one_instruction(struct thread_debug *td, struct pt_regs *regs)
{
	if (td && is_hit(td, regs->pc))
		return false;
	switch (outofline_begin(regs, store_may_follow(td))) {
	case OUT_DONE:
		executed(regs);
		return false;
	case OUT_AGAIN:
		return false;
	case OUT_GOES:
		break;
	}
	return true;
}

/* Current goes to user mode. False: it has waited, or there is more to do. */
bool debug_leaves(struct pt_regs *regs)
{
	struct thread_debug *td = current->thread.debug;
	bool watched = current->mm && current->mm->context.debug, steps = test_thread_flag(TIF_SINGLESTEP), one, alone;

	if (current->thread.tp_set) {
		tls_load();
		kbox_gate_open();
	}
	if (!watched && !td && !steps) {
		clear_thread_flag(TIF_DEBUG);
		return true;
	}
	if (watch_waited())
		return false;
	if (td && td->ip != regs->pc)
		td->ip = 0;
	one = steps || (td && td->ip) || tries_again(td, regs->pc);
	alone = td && td->ip && td->accesses;
	if (one && !one_instruction(td, regs))
		return false;
	if (alone && watched)
		watch_run_alone(td);
	else
		watch_close();
	return true;
}

/* The registers of each kind are a half of all. */
static struct watch *watches_of(struct thread_debug *td, unsigned int type)
{
	return td->watch + (type == NT_ARM_HW_WATCH ? WATCHES / 2 : 0);
}

static struct debug_reg *registers_of(struct thread_debug *td, unsigned int type)
{
	return td->isa.reg + (type == NT_ARM_HW_WATCH ? WATCHES / 2 : 0);
}

int debug_regset_get(struct task_struct *t, const struct user_regset *rs, struct membuf to)
{
	struct user_hwdebug_state state = { .dbg_info = DEBUG_ARCH << 8 | WATCHES / 2 };
	const struct debug_reg *reg;
	unsigned int i;

	for (i = 0; t->thread.debug && i < WATCHES / 2; i++) {
		reg = registers_of(t->thread.debug, rs->core_note_type) + i;
		state.dbg_regs[i].addr = reg->addr;
		state.dbg_regs[i].ctrl = reg->ctrl;
	}
	return membuf_write(&to, &state, sizeof(state));
}

/*
 * As arch_bp_generic_fields() and hw_breakpoint_arch_parse() of arch/arm64 have it: the bytes are
 * without gaps, and in one doubleword.
 */
static int check(unsigned int type, struct debug_reg *reg, struct watch *w)
{
	u32 bytes = BYTES(reg->ctrl), first = bytes ? __ffs(bytes) : 0;
	u64 addr = reg->addr + first;

	*w = (struct watch){ };
	if (reg->addr >= TASK_SIZE_MAX)
		return -EINVAL;
	if (!(reg->ctrl & ENABLED))
		return 0;
	bytes >>= first;
	if (!bytes || bytes & (bytes + 1) || !TYPE(reg->ctrl) != (type == NT_ARM_HW_BREAK))
		return -EINVAL;
	if (type == NT_ARM_HW_BREAK) {
		reg->addr = addr & ~3ULL;
		reg->ctrl = 0xf << 5 | EL0 | ENABLED;
		*w = (struct watch){ reg->addr, 4, WATCH_EXEC };
		return 0;
	}
	if (bytes << (addr & 7) > ALL_BYTES)
		return -EINVAL;
	*w = (struct watch){ addr, fls(bytes), TYPE(reg->ctrl) };
	reg->addr = addr & ~7ULL;
	reg->ctrl = bytes << (addr & 7) << 5 | TYPE(reg->ctrl) << 3 | EL0 | ENABLED;
	return 0;
}

static int set_registers(struct thread_debug *td, unsigned int type, const struct user_hwdebug_state *state,
			 unsigned int n)
{
	struct debug_reg reg;
	struct watch w;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		if (i >= WATCHES / 2)
			return -ENOSPC;
		reg = (struct debug_reg){ state->dbg_regs[i].addr, state->dbg_regs[i].ctrl };
		ret = check(type, &reg, &w);
		if (ret)
			return ret;
		registers_of(td, type)[i] = reg;
		watches_of(td, type)[i] = w;
	}
	return 0;
}

int debug_regset_set(struct task_struct *t, const struct user_regset *rs, unsigned int pos, unsigned int count,
		     const void *kbuf, const void __user *ubuf)
{
	struct user_hwdebug_state state = { };
	unsigned int head = offsetof(struct user_hwdebug_state, dbg_regs), each = sizeof(state.dbg_regs[0]);
	struct thread_debug *td = debug_of(t);
	int ret, update, n;

	if (!td)
		return -ENOMEM;
	n = pos + count > head ? DIV_ROUND_UP(pos + count - head, each) : 0;
	ret = user_regset_copyin(&pos, &count, &kbuf, &ubuf, &state, 0, sizeof(state));
	if (ret)
		return ret;
	ret = set_registers(td, rs->core_note_type, &state, n);
	update = t->mm ? watch_update(t->mm) : 0;
	return ret ?: update;
}
