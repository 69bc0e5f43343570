/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_VDSO_PROCESSOR_H
#define _ASM_KBOX_VDSO_PROCESSOR_H
#ifndef __ASSEMBLY__
#ifdef BUILD_VDSO
#define cpu_relax() host_pause()
#else
/* A spinning kernel waits for a device, that is for another host thread: take interrupts. */
extern void kbox_cpu_relax(void);
#define cpu_relax() kbox_cpu_relax()
#endif
/* A spinning host thread that waits for another one. */
#define host_pause() asm volatile("pause")
#endif
#endif
