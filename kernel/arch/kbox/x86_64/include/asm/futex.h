/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_FUTEX_H
#define _ASM_KBOX_FUTEX_H
/* Always with the lock prefix: the other side is user code on another core, UP kernel or not. */
#include <linux/futex.h>
#include <linux/uaccess.h>
#define FIX ".section .fixup,\"ax\"\n3:\tmovl %[efault],%[ret]\n\tjmp 2b\n.previous\n"
#define FUTEX_OP1(insn)							\
	asm volatile("1:\t" insn "\n2:\n" FIX EX(1b, 3b)		\
		     : [old] "=r" (oldval), [ret] "=r" (ret), "+m" (*(u32 __force *)uaddr) \
		     : [efault] "i" (-EFAULT), "0" (oparg), "1" (0))
#define FUTEX_OP2(insn)							\
	asm volatile("1:\tmovl %[mem],%%eax\n4:\tmovl %%eax,%k[tmp]\n\t" insn " %[arg],%k[tmp]\n" \
		     "5:\tlock; cmpxchgl %k[tmp],%[mem]\n\tjnz 4b\n2:\n" FIX EX(1b, 3b) EX(5b, 3b) \
		     : "=&a" (oldval), [ret] "=&r" (ret), [mem] "+m" (*(u32 __force *)uaddr), [tmp] "=&r" (tmp) \
		     : [efault] "i" (-EFAULT), [arg] "r" (oparg), "1" (0))
static inline int arch_futex_atomic_op_inuser(int op, int oparg, int *oval, u32 __user *uaddr)
{
	int oldval = 0, ret, tmp;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	switch (op) {
	case FUTEX_OP_SET:
		FUTEX_OP1("xchgl %[old],%2");
		break;
	case FUTEX_OP_ADD:
		FUTEX_OP1("lock; xaddl %[old],%2");
		break;
	case FUTEX_OP_OR:
		FUTEX_OP2("orl");
		break;
	case FUTEX_OP_ANDN:
		oparg = ~oparg;
		FUTEX_OP2("andl");
		break;
	case FUTEX_OP_XOR:
		FUTEX_OP2("xorl");
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
	int ret = 0;

	if (!access_ok(uaddr, sizeof(u32)))
		return -EFAULT;
	asm volatile("1:\tlock; cmpxchgl %[new],%[mem]\n2:\n" FIX EX(1b, 3b)
		     : [ret] "+r" (ret), "+a" (oldval), [mem] "+m" (*(u32 __force *)uaddr)
		     : [efault] "i" (-EFAULT), [new] "r" (newval) : "memory");
	*uval = oldval;
	return ret;
}
#undef FIX
#endif
