// SPDX-License-Identifier: GPL-2.0-only
/*
 * FS and GS bases: the host thread's own, so only their owner reads or sets them, on its host
 * thread. While a task has no GS base, the host's is where the gate looks for the task (gate.S).
 */
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/sched/task_stack.h>
#include <linux/uaccess.h>
#include <uapi/asm/prctl.h>
#include <asm/boot.h>
#include <asm/host.h>
#include <asm/hostthread.h>
#include <asm/hosttrap.h>
#include <asm/rewrite.h>
#include <asm/ptrace.h>
#include <asm/segments.h>
#include <asm/unistd.h>

/*
 * HWCAP2_FSGSBASE (kernel: arch/x86/include/uapi/asm/hwcap2.h): user mode may use the
 * instructions.
 */
static bool have_instructions(void)
{
	return kbox_boot->hwcap2 & 2;
}

/*
 * Without the instructions each change of a base is a call of the host's. Only a base of 0 is had
 * without one: that of the flat data segment, which is in SS.
 */
static void load_flat_fs(void)
{
	asm volatile("movl %%ss, %%eax; movl %%eax, %%fs" : : : "eax", "memory");
}

void set_fsbase(unsigned long base)
{
	current->thread.fsbase = base;
	if (have_instructions())
		asm volatile("wrfsbase %0" : : "r" (base));
	else if (!base)
		load_flat_fs();
	else
		host_set_fs(base);
}

/* The host's GS base while the guest has none: far from all that is mapped. */
static unsigned long gate_gs(void)
{
	struct host_thread *h = current->thread.host;

	return kbox_rewrites() ? (unsigned long)&h->isa.gate_regs + GATE_DISTANCE : 0;
}

/* A spare has it from the task before, perhaps. */
static void load_gs(unsigned long base)
{
	struct isa_host_thread *isa = &current->thread.host->isa;

	if (have_instructions())
		asm volatile("wrgsbase %0" : : "r" (base));
	else if (isa->gs != base)
		host_set_gs(base);
	isa->gs = base;
}

static void set_gs(unsigned long base, bool own)
{
	current->thread.gsbase = base;
	current->thread.own_gs = own;
	load_gs(own ? base : gate_gs());
}

/* For a new program: on the host most often nothing changes. */
void clear_gsbase(void)
{
	set_gs(0, false);
}

void set_gsbase(unsigned long base)
{
	/* Guest code may have loaded the selector meanwhile, and with it another base. */
	current->thread.host->isa.gs = ~0UL;
	set_gs(base, base);
}

/* A tracer has set current's. */
void bases_load(void)
{
	if (likely(!current->thread.bases_set))
		return;
	current->thread.bases_set = false;
	set_fsbase(current->thread.fsbase);
	set_gsbase(current->thread.gsbase);
}

/* A tracer, or a core file, is to find them. */
void bases_save(void)
{
	get_fsbase();
	get_gsbase();
}

unsigned long get_fsbase(void)
{
	bases_load();
	if (have_instructions())
		asm volatile("rdfsbase %0" : "=r" (current->thread.fsbase));
	return current->thread.fsbase;
}

/*
 * By the instruction the guest may have given itself one, which the gate has seen before the
 * kernel does.
 */
unsigned long get_gsbase(void)
{
	struct thread_struct *t = &current->thread;

	bases_load();
	if (have_instructions()) {
		asm volatile("rdgsbase %0" : "=r" (t->gsbase));
		t->own_gs = t->gsbase != gate_gs();
		if (!t->own_gs)
			t->gsbase = 0;
	}
	return t->gsbase;
}

/* Current, on its own host thread, makes p. */
void tls_copy(struct task_struct *p, const struct kernel_clone_args *args)
{
	if (!args->fn) {
		p->thread.fsbase = get_fsbase();
		p->thread.gsbase = get_gsbase();
		p->thread.own_gs = current->thread.own_gs;
	}
	if (args->flags & CLONE_SETTLS)
		p->thread.fsbase = args->tls;
}

/* Current begins to run on this host thread. */
void tls_load(void)
{
	struct isa_host_thread *isa = &current->thread.host->isa;

	isa->gate_regs = current_pt_regs();
	isa->gate_magic = GATE_MAGIC;
	set_fsbase(current->thread.fsbase);
	set_gs(current->thread.gsbase, current->thread.own_gs);
}

/* The gate has found no task by this host thread's base. */
void gs_refused(struct host_thread *h)
{
	h->isa.gs = ~0UL;
}

/*
 * The gate takes for granted that it is called from the code segment that the task's registers
 * have. This task has another, from which it may return to ours without a trap. From here on it is
 * served by traps.
 */
void gate_not_wanted(void)
{
	if (kbox_rewrites() && !current->thread.own_gs)
		set_gs(get_gsbase(), true);
}

/*
 * Does the instruction there address memory by GS? The last of its prefixes for FS and GS counts.
 */
static bool uses_gs(unsigned long ip)
{
	u8 byte, segment = 0;
	int i;

	for (i = 0; i < 14 && !get_user(byte, (u8 __user *)ip + i); i++) {
		switch (byte) {
		case 0x64: case 0x65:
			segment = byte;
			continue;
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x66: case 0x67: case 0xf0: case 0xf2: case 0xf3:
			continue;
		}
		break;
	}
	return segment == 0x65;
}

/*
 * A guest without a GS base has used GS, and has found ours. From here on its base is 0 on the
 * host, too, and its calls come in by traps. True: what it has tried is to be done again.
 */
bool gs_used(unsigned long ip)
{
	if (current->thread.own_gs || get_gsbase() || !kbox_rewrites())
		return false;
	local_irq_enable();	/* as in kbox_page_fault(), to read what the guest executes */
	if (!uses_gs(ip))
		return false;
	set_gs(0, true);
	return true;
}
