/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_CURRENT_H
#define _ASM_KBOX_CURRENT_H
#ifndef __ASSEMBLY__
struct task_struct;
/* A variable, not derived from the stack: one CPU, and kernel code runs on any stack. */
extern struct task_struct *current_task;
#define current current_task
#endif
#endif
