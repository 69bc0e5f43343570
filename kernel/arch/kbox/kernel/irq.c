// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts: bits of a word in shared memory, taken where interrupts are enabled. */
#include <linux/sched/task_stack.h>
#include <linux/irq.h>
#include <linux/irq_work.h>
#include <linux/interrupt.h>
#include <linux/irqdomain.h>
#include <asm/boot.h>
#include <asm/irq_regs.h>
#include <asm/vcpu.h>

/*
 * What has been interrupted. User code's registers are known if its host thread has come in; else
 * it only counts whose code it was.
 */
static struct pt_regs interrupted(void)
{
	struct host_thread *h = current->thread.host;
	struct pt_regs regs = { };

	if (!xchg(&this_vcpu()->irqs_of_user, 0))
		instruction_pointer_set(&regs, (unsigned long)kbox_take_irqs);
	else if (h && h == this_vcpu()->host && h->state == HT_KERNEL)
		regs = *task_pt_regs(current);
	return regs;
}

/*
 * Interrupts are on and something is pending. Handlers run with interrupts off, one after the
 * other.
 */
void kbox_take_irqs(void)
{
	struct pt_regs *old, regs;
	bool told;	/* lockdep, that they are on: not by those that are raw */
	u32 bits;
	int irq;

	if (this_vcpu()->in_irqs || in_hardirq())
		return;
	while (this_vcpu()->irqs_on && (bits = xchg(this_vcpu()->irq_pending, 0))) {
		this_vcpu()->irqs_on = 0;
		this_vcpu()->in_irqs = true;
		told = lockdep_hardirqs_enabled();
		trace_hardirqs_off();
		regs = interrupted();
		old = set_irq_regs(&regs);
		irq_enter();
		for (irq = 0; bits; irq++, bits >>= 1)
			if (bits & 1)
				generic_handle_irq(irq);
		this_vcpu()->in_irqs = false;
		kbox_admit_entrants();	/* also where the holder of the CPU is long in the kernel */
		irq_exit();
		set_irq_regs(old);
		if (told)
			trace_hardirqs_on();
		this_vcpu()->irqs_on = 1;
	}
}

void kbox_cpu_relax(void)
{
	host_pause();
	if (this_vcpu()->irqs_on && READ_ONCE(*this_vcpu()->irq_pending))
		kbox_take_irqs();
}

static void nothing(struct irq_data *d) { }

static struct irq_chip kbox_chip = {
	.name = "kbox", .irq_mask = nothing, .irq_unmask = nothing, .irq_ack = nothing,
};

/* Also by the kernel itself, for what has to wait until interrupts are on (linux/irq_work.h). */
void arch_irq_work_raise(void)
{
	__sync_fetch_and_or(this_vcpu()->irq_pending, 1 << KBOX_IRQ_WORK);
}

static irqreturn_t work_irq(int irq, void *dev)
{
	irq_work_run();
	return IRQ_HANDLED;
}

static int __init work_irq_init(void)
{
	return request_irq(KBOX_IRQ_WORK, work_irq, 0, "work", NULL);
}
early_initcall(work_irq_init);

void __init init_IRQ(void)
{
	int i;

	for (i = 0; i < NR_IRQS; i++)
		irq_set_chip_and_handler(i, &kbox_chip, handle_simple_irq);
}
