/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_PROCESSOR_H
#define _ASM_KBOX_VDSO_PROCESSOR_H
#ifndef __ASSEMBLY__
/* A spinning kernel waits for a device, that is for another host thread: take interrupts. */
extern void kbox_cpu_relax(void);
#define cpu_relax() kbox_cpu_relax()
/* A spinning host thread that waits for another one. */
#define host_pause() asm volatile("pause")
#endif
#endif
