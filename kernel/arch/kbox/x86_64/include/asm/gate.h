/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_GATE_H
#define _ASM_KBOX_GATE_H
struct file;
struct mm_struct;
struct host_thread;
struct pt_regs;
/* gate.S: where slots jump to. It finds its task by the GS base (segments.c), so there is nothing to do for it here. */
extern void kbox_gate_before(void);
extern void kbox_gate_at(void);
extern char kbox_gate_taken[], kbox_gate_bounce[];
static inline int kbox_gate_new(struct mm_struct *mm) { return 0; }
static inline void kbox_gate_open(void) { }
static inline void kbox_gate_share(struct mm_struct *mm) { }
static inline void kbox_gate_close(struct host_thread *h) { }
static inline void kbox_gate_free(struct mm_struct *mm) { }
/* It has saved all of them. */
static inline bool gate_take_regs(struct pt_regs *regs) { return true; }
/* It does not serve a task with a GS base of its own, or with flags that the kernel must not run with. */
#define gate_refuses(regs) (current->thread.gsbase || (regs)->flags & 0x44500 /* AC NT DF TF */)
static inline void kbox_promote(struct file *file, bool has_interp) { }
/* landing.c */
extern unsigned long kbox_landing_ip(struct mm_struct *mm, unsigned long ip, bool breakpoint);
extern bool kbox_stepped(struct mm_struct *mm, struct pt_regs *regs);
#endif
