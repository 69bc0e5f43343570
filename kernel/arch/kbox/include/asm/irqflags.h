/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_IRQFLAGS_H
#define _ASM_KBOX_IRQFLAGS_H
#include <linux/compiler.h>
/*
 * Interrupts never arrive asynchronously: "enabled" only means that a pending
 * one is taken here, where they are enabled.
 */
extern unsigned long kbox_irqs_on;
extern unsigned int *kbox_irq_pending;
extern void kbox_take_irqs(void);
static __always_inline unsigned long arch_local_save_flags(void) { return kbox_irqs_on; }
static __always_inline void arch_local_irq_disable(void)
{
	kbox_irqs_on = 0;
	barrier();
}
static __always_inline void arch_local_irq_enable(void)
{
	barrier();
	kbox_irqs_on = 1;
	if (unlikely(READ_ONCE(*kbox_irq_pending)))
		kbox_take_irqs();
}
static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long f = kbox_irqs_on;

	arch_local_irq_disable();
	return f;
}
static __always_inline void arch_local_irq_restore(unsigned long f)
{
	if (f)
		arch_local_irq_enable();
}
static __always_inline int arch_irqs_disabled_flags(unsigned long f) { return !f; }
static __always_inline int arch_irqs_disabled(void) { return !kbox_irqs_on; }
#endif
