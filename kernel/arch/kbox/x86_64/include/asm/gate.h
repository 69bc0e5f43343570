/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_GATE_H
#define _ASM_KBOX_GATE_H
#include <linux/const.h>
/*
 * The host's GS base is so far above what the gate reads by it (struct isa_host_thread). That is
 * beyond all memory of the kernel, where nothing is mapped: a guest that uses GS without a base
 * of its own faults.
 */
#define GATE_DISTANCE	_AC(0x82000000000, UL)
#define GATE_MAGIC	-0x6b626f79	/* sign-extended: such a word is in no program's memory by chance */
#ifndef __ASSEMBLY__
struct file;
struct mm_struct;
struct host_thread;
struct pt_regs;
/*
 * gate.S: where slots jump to. It finds its task by the GS base (segments.c), so there is nothing
 * to do for it here.
 */
extern void kbox_gate_before(void);
extern void kbox_gate_at(void);
extern char kbox_gate_taken[], kbox_gate_bounce[];
static inline int kbox_gate_new(struct mm_struct *mm) { return 0; }
static inline void kbox_gate_open(void) { }
static inline void kbox_gate_share(struct mm_struct *mm) { }
static inline void kbox_gate_close(struct host_thread *h) { }
static inline void kbox_gate_free(struct mm_struct *mm) { }
static inline void kbox_gate_moved(struct mm_struct *mm) { }
/* Its way out needs sahf. */
extern bool have_lahf;
static inline bool gate_leaves(void) { return have_lahf; }
/* It has saved all of them. */
static inline bool gate_take_regs(struct pt_regs *regs) { return true; }
/*
 * It does not serve a task with a GS base of its own, or with flags that the kernel must not run
 * with.
 */
#define gate_refuses(regs) (current->thread.own_gs || (regs)->flags & 0x44500 /* AC NT DF TF */)
/* landing.c */
#ifdef CONFIG_KBOX_REWRITE
extern unsigned long kbox_landing_ip(struct mm_struct *mm, unsigned long ip, bool breakpoint);
extern bool kbox_stepped(struct mm_struct *mm, struct pt_regs *regs);
#else
static inline unsigned long kbox_landing_ip(struct mm_struct *mm, unsigned long ip, bool breakpoint) { return 0; }
static inline bool kbox_stepped(struct mm_struct *mm, struct pt_regs *regs) { return false; }
#endif
#endif
#endif
