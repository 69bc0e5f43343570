/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_SYSCALL_H
#define _ASM_KBOX_SYSCALL_H
#include <uapi/linux/audit.h>
#include <linux/sched.h>
#include <asm/ptrace.h>
typedef long (*sys_call_ptr_t)(unsigned long, unsigned long, unsigned long,
			       unsigned long, unsigned long, unsigned long);
extern const sys_call_ptr_t sys_call_table[];
extern bool kbox_in_user(const struct task_struct *t);
/*
 * The registers of a task in user code are those with which it went there, after a system call
 * perhaps.
 */
static inline int syscall_get_nr(struct task_struct *t, struct pt_regs *r)
{
	return kbox_in_user(t) ? -1 : r->orig_ax;
}
static inline void syscall_rollback(struct task_struct *t, struct pt_regs *r) { r->ax = r->orig_ax; }
static inline long syscall_get_error(struct task_struct *t, struct pt_regs *r)
{
	return IS_ERR_VALUE(r->ax) ? r->ax : 0;
}
static inline long syscall_get_return_value(struct task_struct *t, struct pt_regs *r) { return r->ax; }
static inline void syscall_set_return_value(struct task_struct *t, struct pt_regs *r, int error, long val)
{
	r->ax = (long)error ?: val;
}
static inline void syscall_get_arguments(struct task_struct *t, struct pt_regs *r, unsigned long *a)
{
	a[0] = r->di; a[1] = r->si; a[2] = r->dx; a[3] = r->r10; a[4] = r->r8; a[5] = r->r9;
}
/* For kernel/syscall.c. */
static __always_inline void syscall_begin(struct pt_regs *r, long nr)
{
	r->orig_ax = nr;
	r->ax = -ENOSYS;
	r->cx = r->ip;
	r->r11 = r->flags;
}
static __always_inline void syscall_call(struct pt_regs *r, sys_call_ptr_t fn)
{
	r->ax = fn(r->di, r->si, r->dx, r->r10, r->r8, r->r9);
}
/* Tracers know by themselves whether a call begins or ends. */
static __always_inline unsigned long syscall_mark(struct pt_regs *r, int end) { return 0; }
static __always_inline void syscall_unmark(struct pt_regs *r, unsigned long mark) { }
static __always_inline void syscall_unknown(struct pt_regs *r, int nr) { }
/* rt_sigreturn has made these registers. */
static __always_inline bool syscall_left(struct pt_regs *r) { return r->orig_ax == -1; }
static inline int syscall_get_arch(struct task_struct *t) { return AUDIT_ARCH_X86_64; }
static inline bool arch_syscall_is_vdso_sigreturn(struct pt_regs *regs) { return false; }
#endif
