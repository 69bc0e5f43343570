/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_BOOT_H
#define _ASM_BOOT_H
/* What launcher and kernel share. kernel/setup.c */
#include <uapi/asm/kbox.h>

extern struct kbox_boot *const kbox_boot;
extern struct kbox_shared *const kbox_shared;
void kbox_start(struct kbox_boot *boot);
void kbox_resume(struct kbox_boot *boot);

/* For kbox --stats. */
static inline void kbox_count(enum kbox_count what)
{
	kbox_shared->count[what].n++;
}

/* The supervisor's doorbell, by KBOX_BELL_*: drivers/bell.c. From any context. */
void kbox_ring(int bell);
#endif
