/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that waits until interrupts are enabled: an interrupt that the kernel raises itself. */
#ifndef _ASM_KBOX_IRQ_WORK_H
#define _ASM_KBOX_IRQ_WORK_H
static inline bool arch_irq_work_has_interrupt(void) { return true; }
#endif
