/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_GATE_H
#define _ASM_KBOX_GATE_H
#include <linux/linkage.h>
/* gate.S: where slots jump to. */
extern void kbox_gate(void);
extern void kbox_gate_first(void);
extern void kbox_gate_last(void);
struct mm_struct;
struct host_thread;
struct pt_regs;
/* syscalls.c */
struct clone_args;
struct sigaction;
extern asmlinkage long kbox_sys_clone(unsigned long flags, unsigned long sp, int __user *ptid, unsigned long tls, int __user *ctid);
extern asmlinkage long kbox_sys_clone3(struct clone_args __user *args, size_t size);
extern asmlinkage long kbox_sys_rt_sigaction(int sig, const struct sigaction __user *new, struct sigaction __user *old, size_t size);
extern asmlinkage long kbox_sys_personality(unsigned int persona);
/* promoted.c */
extern struct host_thread *kbox_promoted_call(struct pt_regs *regs, unsigned int nr, unsigned int kind);
#ifdef CONFIG_KBOX_REWRITE
/* findtask.c: how it finds its task. */
extern int kbox_gate_new(struct mm_struct *mm);
extern void kbox_gate_open(void);
extern void kbox_gate_share(struct mm_struct *mm);
extern void kbox_gate_close(struct host_thread *h);
extern void kbox_gate_free(struct mm_struct *mm);
extern void kbox_gate_moved(struct mm_struct *mm);
/* slotregs.c */
extern bool gate_take_regs(struct pt_regs *regs);
#else
static inline int kbox_gate_new(struct mm_struct *mm) { return 0; }
static inline void kbox_gate_open(void) { }
static inline void kbox_gate_share(struct mm_struct *mm) { }
static inline void kbox_gate_close(struct host_thread *h) { }
static inline void kbox_gate_free(struct mm_struct *mm) { }
static inline void kbox_gate_moved(struct mm_struct *mm) { }
static inline bool gate_take_regs(struct pt_regs *regs) { return true; }
#endif
/* process.c, regset.c */
extern void tls_save(void);
extern u64 kbox_user_pstate(u64 pstate);
#define gate_refuses(regs) false
static inline bool gate_leaves(void) { return true; }
#endif
