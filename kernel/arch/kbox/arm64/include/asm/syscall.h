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
	return kbox_in_user(t) ? -1 : r->syscallno;
}
static inline void syscall_rollback(struct task_struct *t, struct pt_regs *r) { r->regs[0] = r->orig_x0; }
static inline long syscall_get_error(struct task_struct *t, struct pt_regs *r)
{
	return IS_ERR_VALUE(r->regs[0]) ? r->regs[0] : 0;
}
static inline long syscall_get_return_value(struct task_struct *t, struct pt_regs *r) { return r->regs[0]; }
static inline void syscall_set_return_value(struct task_struct *t, struct pt_regs *r, int error, long val)
{
	r->regs[0] = (long)error ?: val;
}
static inline void syscall_get_arguments(struct task_struct *t, struct pt_regs *r, unsigned long *a)
{
	a[0] = r->orig_x0;
	memcpy(a + 1, r->regs + 1, 5 * sizeof(*a));
}
static inline int syscall_get_arch(struct task_struct *t) { return AUDIT_ARCH_AARCH64; }
static inline bool arch_syscall_is_vdso_sigreturn(struct pt_regs *regs) { return false; }
/* For kernel/syscall.c. */
static __always_inline void syscall_begin(struct pt_regs *r, int nr)
{
	r->orig_x0 = r->regs[0];
	r->syscallno = nr;
	if (unlikely(nr == NO_SYSCALL))
		r->regs[0] = -ENOSYS;
}
static __always_inline void syscall_call(struct pt_regs *r, sys_call_ptr_t fn)
{
	r->regs[0] = fn(r->regs[0], r->regs[1], r->regs[2], r->regs[3], r->regs[4], r->regs[5]);
}
/* rt_sigreturn has made these registers. */
static __always_inline bool syscall_left(struct pt_regs *r) { return r->syscallno == NO_SYSCALL; }
/*
 * As report_syscall() of arch/arm64: x7 tells a tracer whether the call begins (0) or ends, and
 * whatever it sets is lost.
 */
static __always_inline unsigned long syscall_mark(struct pt_regs *r, int end)
{
	unsigned long mark = r->regs[7];

	r->regs[7] = end;
	return mark;
}
static __always_inline void syscall_unmark(struct pt_regs *r, unsigned long mark)
{
	r->regs[7] = mark;
}
/* Where it has become -1, a tracer or a filter has set the result. */
static __always_inline void syscall_unknown(struct pt_regs *r, int nr)
{
	if (nr != NO_SYSCALL)
		r->regs[0] = -ENOSYS;
}
#endif
