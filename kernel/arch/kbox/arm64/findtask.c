// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the gate (gate.S) finds its task: EL0 has no register of its own for that. A host process
 * with one thread has the address of that one's registers in a page at a fixed address; one with
 * more has a table by thread pointers, which both libcs set at clone. A thread without a pointer of
 * its own is not found and makes its calls by traps.
 *
 * Everything here is done with the CPU in hand. The gate reads without it, but a thread's own entry
 * is only made and ended by that thread, or before it runs.
 */
#include <linux/gfp.h>
#include <linux/mman.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <asm/boot.h>
#include <asm/gate.h>
#include <asm/hostmm.h>
#include <asm/rewrite.h>
#include <asm/tlbflush.h>
#include <asm/unistd.h>
#include <asm/vcpu.h>

struct gate_entry { unsigned long key; struct pt_regs *regs; };

static unsigned long gate_key(unsigned long tp)
{
	return ror64(tp ^ tp >> 9, 12);
}

static struct gate_entry *entry_of(struct mm_struct *mm, unsigned long key)
{
	return mm->context.gate_table + (key & (GATE_ENTRIES - 1));
}

static void map_fixed(unsigned long addr, void *page, unsigned int order)
{
	host_mm_map(host_mm_of(this_vcpu()->host->mm), addr, virt_to_pfn(page), 1UL << order, PROT_READ);
}

#define TABLE_ORDER get_order(GATE_ENTRIES * sizeof(struct gate_entry))

/* The mm is new. */
int kbox_gate_new(struct mm_struct *mm)
{
	if (!kbox_rewrites())
		return 0;
	mm->context.gate_page = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	return mm->context.gate_page ? 0 : -ENOMEM;
}

/* How many other threads of the mm have this key. */
static unsigned int others(struct mm_struct *mm, const struct task_struct *but, unsigned long key)
{
	struct task_struct *g, *t;
	unsigned int n = 0;

	for_each_process_thread(g, t)
		n += t != but && t->mm == mm && t->thread.gate_key == key;
	return n;
}

/*
 * Current has this key. Of threads with the same one none is found, nor one whose place is taken.
 */
static void table_enter(struct mm_struct *mm, unsigned long key)
{
	struct gate_entry *e = entry_of(mm, key);

	if (current->thread.gate_key != key) {
		kbox_gate_close(current->thread.host);
		current->thread.gate_key = key;
	}
	if (!key || (e->key && e->key != key))
		return;
	if (e->key == key) {
		if (e->regs != current_pt_regs())
			e->regs = NULL;
		return;
	}
	e->regs = others(mm, current, key) ? NULL : current_pt_regs();
	smp_wmb();
	WRITE_ONCE(e->key, key);
}

/* The task of h ends, or has another thread pointer now. */
void kbox_gate_close(struct host_thread *h)
{
	unsigned long key = h->task->thread.gate_key;
	struct gate_entry *e;

	if (!key || !h->mm || !h->mm->context.gate_table)
		return;
	h->task->thread.gate_key = 0;
	e = entry_of(h->mm, key);
	if (e->key == key && (e->regs == task_pt_regs(h->task) || others(h->mm, h->task, key) < 2))
		WRITE_ONCE(e->key, 0);
}

static unsigned long current_key(void)
{
	unsigned long tp;

	asm volatile("mrs %0, tpidr_el0" : "=r" (tp));
	return gate_key(tp);
}

static void map_both(mm_context_t *c)
{
	map_fixed(KBOX_GATE_PAGE, c->gate_page, 0);
	if (c->gate_table)
		map_fixed(KBOX_GATE_TABLE, c->gate_table, TABLE_ORDER);
	c->gate_mapped = this_vcpu()->host;
}

/* Current, on its own host thread, has come in from user code or is about to run it. */
void kbox_gate_open(void)
{
	mm_context_t *c = &current->mm->context;

	if (!c->gate_page || current->flags & PF_USER_WORKER)
		return;
	if (!c->gate_mapped)
		map_both(c);
	if (c->host.threads > 1) {
		if (c->gate_table)
			table_enter(current->mm, current_key());
		return;
	}
	if (c->gate_mapped != this_vcpu()->host) {
		map_fixed(KBOX_GATE_PAGE, c->gate_page, 0);
		c->gate_mapped = this_vcpu()->host;
	}
	WRITE_ONCE(*c->gate_page, current_pt_regs());
}

/* Current's mm is about to have one thread more: from now on the table counts. */
void kbox_gate_share(struct mm_struct *mm)
{
	mm_context_t *c = &mm->context;

	if (!c->gate_page)
		return;
	WRITE_ONCE(*c->gate_page, NULL);
	if (!c->gate_table) {
		c->gate_table = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOFAIL, TABLE_ORDER);
		map_fixed(KBOX_GATE_TABLE, c->gate_table, TABLE_ORDER);
	} else if (c->host.threads == 1) {
		memset(c->gate_table, 0, GATE_ENTRIES * sizeof(struct gate_entry));
	}
	table_enter(mm, current_key());
}

/* The mm has a new host process, which has nothing mapped. */
void kbox_gate_moved(struct mm_struct *mm)
{
	mm->context.gate_mapped = NULL;
}

/* The mm goes. */
void kbox_gate_free(struct mm_struct *mm)
{
	free_page((unsigned long)mm->context.gate_page);
	free_pages((unsigned long)mm->context.gate_table, TABLE_ORDER);
}
