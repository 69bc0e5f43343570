/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_FUTEX_H
#define _ASM_KBOX_FUTEX_H
/* Exclusives, always: the other side is user code on another core, UP kernel or not. */
#include <linux/futex.h>
#include <linux/uaccess.h>
#define FUTEX_LL(insn)							\
	asm volatile("1:\tldaxr %w[old],%[mem]\n\t" insn "\n"		\
		     "3:\tstlxr %w[fail],%w[tmp],%[mem]\n"		\
		     "\tcbnz %w[fail],1b\n\tdmb ish\n2:\n"		\
		     ".section .fixup,\"ax\"\n4:\tmov %w[ret],%[efault]\n\tb 2b\n.previous\n" \
		     EX(1b, 4b) EX(3b, 4b)				\
		     : [old] "=&r" (oldval), [tmp] "=&r" (tmp), [fail] "=&r" (fail), [ret] "+r" (ret), \
		       [mem] "+Q" (*(u32 __force *)uaddr)		\
		     : [arg] "r" (oparg), [efault] "i" (-EFAULT) : "memory")
static inline int arch_futex_atomic_op_inuser(int op, int oparg, int *oval, u32 __user *uaddr)
{
	int oldval = 0, ret = 0, tmp, fail;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	switch (op) {
	case FUTEX_OP_SET:
		FUTEX_LL("mov %w[tmp],%w[arg]");
		break;
	case FUTEX_OP_ADD:
		FUTEX_LL("add %w[tmp],%w[old],%w[arg]");
		break;
	case FUTEX_OP_OR:
		FUTEX_LL("orr %w[tmp],%w[old],%w[arg]");
		break;
	case FUTEX_OP_ANDN:
		FUTEX_LL("bic %w[tmp],%w[old],%w[arg]");
		break;
	case FUTEX_OP_XOR:
		FUTEX_LL("eor %w[tmp],%w[old],%w[arg]");
		break;
	default:
		return -ENOSYS;
	}
	if (!ret)
		*oval = oldval;
	return ret;
}
static inline int futex_atomic_cmpxchg_inatomic(u32 *uval, u32 __user *uaddr, u32 oldval, u32 newval)
{
	int ret = 0, fail;
	u32 val = 0;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	asm volatile("1:\tldaxr %w[val],%[mem]\n\teor %w[fail],%w[val],%w[old]\n\tcbnz %w[fail],2f\n"
		     "3:\tstlxr %w[fail],%w[new],%[mem]\n\tcbnz %w[fail],1b\n\tdmb ish\n2:\n"
		     ".section .fixup,\"ax\"\n4:\tmov %w[ret],%[efault]\n\tb 2b\n.previous\n"
		     EX(1b, 4b) EX(3b, 4b)
		     : [val] "+&r" (val), [fail] "=&r" (fail), [ret] "+r" (ret), [mem] "+Q" (*(u32 __force *)uaddr)
		     : [old] "r" (oldval), [new] "r" (newval), [efault] "i" (-EFAULT) : "memory");
	*uval = val;
	return ret;
}
#undef FUTEX_LL
#endif
