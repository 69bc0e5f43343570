// SPDX-License-Identifier: GPL-2.0-only
/*
 * The debug registers that a tracer sets. What they watch is mm/watch.c's. An instruction runs
 * alone by the trap flag, and the trap behind it says whether it was a hit.
 */
#include <linux/mm.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <asm/debugreg.h>
#include <asm/hostmm.h>
#include <asm/insn.h>
#include <asm/processor-flags.h>
#include <asm/segments.h>
#include <asm/trapnr.h>

#define DR_STEP		0x4000
#define DR6_FIXED	0xffff0ff0UL
#define DR7_RESERVED	0xffffffff0000fc00UL

/* A register's part of DR7: type and length. */
enum { TYPE_EXEC = 0, TYPE_WRITE = 1, TYPE_IO = 2, TYPE_ACCESS = 3 };
#define TYPE(info)	((info) & 3)
#define LENGTH(info)	((const u8[]){ 1, 2, 8, 4 }[(info) >> 2 & 3])

/* PTRACE_PEEKUSER and POKEUSER, as arch/x86/kernel/ptrace.c and hw_breakpoint.c answer them. */
unsigned long debugreg_get(struct task_struct *t, unsigned int n)
{
	const struct thread_debug *td = t->thread.debug;

	if (n == 6)
		return t->thread.dr6 ^ DR6_FIXED;
	if (!td || n == 4 || n == 5)
		return 0;
	return n == 7 ? td->isa.dr7 : td->isa.addr[n];
}

static int check(unsigned long addr, u8 info)
{
	if (TYPE(info) == TYPE_IO || (TYPE(info) == TYPE_EXEC && LENGTH(info) != 1) || addr & (LENGTH(info) - 1) ||
	    addr + LENGTH(info) - 1 < addr)
		return -EINVAL;
	return addr + LENGTH(info) - 1 >= TASK_SIZE_MAX && !capable(CAP_SYS_ADMIN) ? -EPERM : 0;
}

/* What they are for has changed. */
static int update(struct task_struct *t, struct thread_debug *td)
{
	static const u8 kinds[] = { [TYPE_EXEC] = WATCH_EXEC, [TYPE_WRITE] = WATCH_WRITE, [TYPE_ACCESS] = WATCH_READ | WATCH_WRITE };
	struct isa_debug *d = &td->isa;
	unsigned int i;

	for (i = 0; i < WATCHES; i++)
		td->watch[i] = (struct watch){ d->addr[i], LENGTH(d->info[i]), d->on & 1 << i ? kinds[TYPE(d->info[i])] : 0 };
	return t->mm ? watch_update(t->mm) : 0;
}

static int set_control(struct task_struct *t, struct thread_debug *td, unsigned long dr7)
{
	struct isa_debug *d = &td->isa;
	u8 info[WATCHES], on = 0;
	unsigned int i;
	int ret;

	for (i = 0; i < WATCHES; i++) {
		info[i] = dr7 >> (16 + 4 * i) & 15;
		if (dr7 >> 2 * i & 3)
			on |= 1 << i;
		else if (!d->addr[i])
			continue;
		ret = check(d->addr[i], info[i]);
		if (ret)
			return ret;
	}
	memcpy(d->info, info, sizeof(info));
	d->on = on;
	ret = update(t, td);
	if (!ret) {
		d->dr7 = dr7;
	} else {
		d->on = 0;
		memset(td->watch, 0, sizeof(td->watch));
	}
	return ret;
}

static int set_address(struct task_struct *t, struct thread_debug *td, unsigned int n, unsigned long addr)
{
	bool on = td->isa.on & 1 << n;
	int ret = check(addr, on ? td->isa.info[n] : TYPE_WRITE);

	if (ret)
		return ret;
	td->isa.addr[n] = addr;
	return on ? update(t, td) : 0;
}

int debugreg_set(struct task_struct *t, unsigned int n, unsigned long v)
{
	struct thread_debug *td;

	if (n == 6) {
		t->thread.dr6 = v ^ DR6_FIXED;
		return 0;
	}
	if (n == 4 || n == 5)
		return -EIO;
	td = debug_of(t);
	if (!td)
		return -ENOMEM;
	return n == 7 ? set_control(t, td, v & ~DR7_RESERVED) ?: (td->isa.dr7 = v, 0) : set_address(t, td, n, v);
}

/* Of one with two operands in memory the other one faults no more when the page is the same. */
static void note_both(struct thread_debug *td, const struct pt_regs *r, const struct insn *insn, unsigned int size)
{
	u8 op = insn->opcode.bytes[0], reg = X86_MODRM_REG(insn->modrm.bytes[0]);

	if (op == 0xa4 || op == 0xa5 || op == 0xa6 || op == 0xa7) {	/* movs, cmps */
		watch_note(td, r->ip, (struct watch_access){ r->si, size, WATCH_READ });
		watch_note(td, r->ip, (struct watch_access){ r->di, size, op < 0xa6 ? WATCH_WRITE : WATCH_READ });
	} else if (op == 0xff && (reg == 2 || reg == 6)) {		/* call, push */
		watch_note(td, r->ip, (struct watch_access){ r->sp - size, size, WATCH_WRITE });
	} else if (op == 0x8f) {
		watch_note(td, r->ip, (struct watch_access){ r->sp, size, WATCH_READ });
	}
}

static void note_instruction(struct thread_debug *td, const struct pt_regs *r, unsigned long addr, unsigned int kind)
{
	u8 text[MAX_INSN_SIZE];
	unsigned int n = insn_text(current->mm, r->ip, text), size = 8;
	struct insn insn;
	bool known = n && insn_decode(&insn, text, n, INSN_MODE_64) >= 0;

	if (known)
		size = insn_access_size(&insn);
	watch_note(td, r->ip, (struct watch_access){ addr, size, kind });
	if (known && !insn_is_avx(&insn) && insn.opcode.nbytes == 1 && kind != WATCH_EXEC)
		note_both(td, r, &insn, size);
}

/* A page fault of user code. */
void debug_access(struct pt_regs *regs, unsigned long addr, unsigned long code)
{
	unsigned int kind = watch_kind(code);
	struct thread_debug *td;

	if (!watch_fault(regs->ip, addr, kind))
		return;
	local_irq_enable();
	td = debug_of(current);
	if (td)
		note_instruction(td, regs, addr, kind);
}

static void report(struct pt_regs *regs, unsigned long dr6, int code)
{
	current->thread.dr6 = dr6;
	current->thread.trap_nr = X86_TRAP_DB;
	current->thread.error_code = 0;
	force_sig_fault(SIGTRAP, code, (void __user *)regs->ip);
}

/* The first byte behind the prefixes. */
static u8 opcode_at(unsigned long ip)
{
	u8 text[MAX_INSN_SIZE];
	unsigned int n = insn_text(current->mm, ip, text);
	struct insn insn;

	return n && insn_decode(&insn, text, n, INSN_MODE_64) >= 0 ? insn.opcode.bytes[0] : 0;
}

/*
 * Current has come in, by a trap of the processor's perhaps. The trap flag is what it was without
 * us.
 */
void debug_entered(struct pt_regs *regs, int trap)
{
	struct thread_debug *td = current->thread.debug;
	struct isa_debug *d;

	watch_entered();
	if (!td)
		return;
	d = &td->isa;
	d->was_alone = d->alone;
	d->done = d->alone && trap == X86_TRAP_DB;
	d->alone = false;
	if (!d->was_alone || d->steps)
		return;
	if (!d->done || opcode_at(td->ip) != 0x9d)
		regs->flags &= ~X86_EFLAGS_TF;
}

/* pushf has our trap flag in what it has put there. */
static void mend_pushed_flags(const struct thread_debug *td, const struct pt_regs *regs)
{
	u8 __user *at = (u8 __user *)regs->sp + 1;
	u8 flags;

	if (!td->isa.steps && opcode_at(td->ip) == 0x9c && !get_user(flags, at))
		put_user(flags & ~(X86_EFLAGS_TF >> 8), at);
}

/* A single step has ended, as the host says with code. */
bool debug_step(struct pt_regs *regs, int code)
{
	struct thread_debug *td = current->thread.debug;
	unsigned long hits = 0;
	bool step = true;

	if (code != TRAP_TRACE)
		return false;
	local_irq_enable();
	if (td && td->isa.done) {
		mend_pushed_flags(td, regs);
		hits = watch_access_hits(td);
		step = td->isa.steps;
		td->ip = 0;
		td->isa.done = false;
	}
	if (step && test_thread_flag(TIF_BLOCKSTEP) && td && !step_is_branch(td->isa.from, regs->ip))
		step = false;
	if (!step && !hits)
		return true;
	clear_thread_flag(TIF_BLOCKSTEP);
	report(regs, hits | (step ? DR_STEP : 0), step ? TRAP_TRACE : TRAP_HWBKPT);
	return true;
}

/*
 * An int3, behind which ip is: is it ours? What another thread watches is none of current's
 * business.
 */
bool debug_breakpoint(struct pt_regs *regs)
{
	struct thread_debug *td = current->thread.debug;
	unsigned long ip = regs->ip - 1, hits = watch_exec_hits(td, ip);

	if (!watch_breakpoint(ip))
		return false;
	if (td && td->isa.was_alone && td->ip == ip) {	/* it is the program's */
		td->ip = 0;
		return false;
	}
	regs->ip = ip;
	if (hits) {
		regs->flags |= X86_EFLAGS_RF;
		report(regs, hits, TRAP_HWBKPT);
		return true;
	}
	local_irq_enable();
	td = debug_of(current);
	if (td)
		note_instruction(td, regs, ip, WATCH_EXEC);
	return true;
}

static void run_alone(struct thread_debug *td, struct pt_regs *regs)
{
	watch_run_alone(td);
	td->isa.alone = true;
	td->isa.steps = regs->flags & X86_EFLAGS_TF;
	regs->flags |= X86_EFLAGS_TF;
}

/* Current goes to user mode. False: it has waited, and there may be more to do. */
bool debug_leaves(struct pt_regs *regs)
{
	bool watched = current->mm && current->mm->context.debug;
	struct thread_debug *td = current->thread.debug;

	bases_load();
	if (!watched && !td && !test_thread_flag(TIF_BLOCKSTEP)) {
		clear_thread_flag(TIF_DEBUG);
		return true;
	}
	if (test_thread_flag(TIF_BLOCKSTEP))
		td = debug_of(current);
	if (watch_waited())
		return false;
	if (td) {
		td->isa.from = regs->ip;
		if (td->ip != regs->ip)
			td->ip = 0;
		/* Behind a hit the instruction is not hit again. */
		if (!td->ip && regs->flags & X86_EFLAGS_RF && watch_breakpoint(regs->ip))
			note_instruction(td, regs, regs->ip, WATCH_EXEC);
	}
	if (watched && td && td->ip)
		run_alone(td, regs);
	else
		watch_close();
	return true;
}
