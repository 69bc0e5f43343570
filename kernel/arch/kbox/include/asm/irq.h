/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_IRQ_H
#define _ASM_KBOX_IRQ_H
#define NR_IRQS 32
#endif
