// SPDX-License-Identifier: GPL-2.0-only
/* Interrupts: bits of a word in shared memory, taken where interrupts are enabled. */
#include <linux/irq.h>
#include <linux/interrupt.h>
#include <linux/irqdomain.h>
#include <asm/irq_regs.h>
#include <asm/kbox.h>

unsigned long kbox_irqs_on;
unsigned int *kbox_irq_pending = (void *)(KBOX_PAGE_OFFSET + KBOX_BOOT_PHYS +
					  offsetof(struct kbox_boot, irq_pending));
u32 kbox_irqs_of_user;		/* those that have come while user code ran, and are not taken yet */
static int in_irqs;

/* Interrupts are on and something is pending. Handlers run with interrupts off, one after the other. */
void kbox_take_irqs(void)
{
	struct pt_regs *old, regs = { };
	u32 bits;
	int irq;

	if (in_irqs || in_hardirq())
		return;
	while (kbox_irqs_on && (bits = xchg(kbox_irq_pending, 0))) {
		kbox_irqs_on = 0;
		in_irqs = 1;
		old = set_irq_regs(&regs);
		instruction_pointer_set(&regs, xchg(&kbox_irqs_of_user, 0) ? 0 : (unsigned long)kbox_take_irqs);
		irq_enter();
		for (irq = 0; bits; irq++, bits >>= 1)
			if (bits & 1)
				generic_handle_irq(irq);
		in_irqs = 0;
		kbox_admit_entrants();	/* also where the holder of the CPU is long in the kernel */
		irq_exit();
		set_irq_regs(old);
		kbox_irqs_on = 1;
	}
}

void kbox_cpu_relax(void)
{
	host_pause();
	if (kbox_irqs_on && READ_ONCE(*kbox_irq_pending))
		kbox_take_irqs();
}

static void nothing(struct irq_data *d) { }

static struct irq_chip kbox_chip = {
	.name = "kbox", .irq_mask = nothing, .irq_unmask = nothing, .irq_ack = nothing,
};

void __init init_IRQ(void)
{
	int i;

	for (i = 0; i < NR_IRQS; i++)
		irq_set_chip_and_handler(i, &kbox_chip, handle_simple_irq);
}
