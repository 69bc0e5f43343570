/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_IRQFLAGS_H
#define _ASM_KBOX_IRQFLAGS_H
#include <linux/compiler.h>
#include <asm/current.h>
/*
 * Interrupts never arrive asynchronously: "enabled" only means that a pending
 * one is taken here, where they are enabled.
 */
extern void kbox_take_irqs(void);
static __always_inline unsigned long arch_local_save_flags(void) { return this_vcpu()->irqs_on; }
static __always_inline void arch_local_irq_disable(void)
{
	this_vcpu()->irqs_on = 0;
	barrier();
}
static __always_inline void arch_local_irq_enable(void)
{
	barrier();
	this_vcpu()->irqs_on = 1;
	if (unlikely(READ_ONCE(*this_vcpu()->irq_pending)))
		kbox_take_irqs();
}
static __always_inline unsigned long arch_local_irq_save(void)
{
	unsigned long f = this_vcpu()->irqs_on;

	arch_local_irq_disable();
	return f;
}
static __always_inline void arch_local_irq_restore(unsigned long f)
{
	if (f)
		arch_local_irq_enable();
}
static __always_inline int arch_irqs_disabled_flags(unsigned long f) { return !f; }
static __always_inline int arch_irqs_disabled(void) { return !this_vcpu()->irqs_on; }
#endif
