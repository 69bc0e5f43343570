/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PROFILED_H
#define _ASM_KBOX_PROFILED_H
/* kernel/perf.c */
#ifdef CONFIG_PERF_EVENTS
extern bool kbox_profiled(struct task_struct *t);
#else
static inline bool kbox_profiled(struct task_struct *t) { return false; }
#endif
#endif
