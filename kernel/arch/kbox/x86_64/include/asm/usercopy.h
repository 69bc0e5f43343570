/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_USERCOPY_H
#define _ASM_KBOX_USERCOPY_H
/* For asm/uaccess.h. */
#define kbox_tagged_access_ok(addr, size)	false
#define EX(from, to) \
	".section __ex_table,\"a\"\n.balign 8\n.quad " #from ", " #to "\n.previous\n"

static __always_inline unsigned long __kbox_rep_movs(void *to, const void *from, unsigned long n)
{
	asm volatile("1:\trep movsb\n2:\n" EX(1b, 2b)
		     : "+c" (n), "+D" (to), "+S" (from) : : "memory");
	return n;
}

static __always_inline unsigned long
raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	if (__builtin_constant_p(n)) {
		int err = 0;

		switch (n) {
		case 1: {
			u8 v;
			asm volatile("1:\tmovb %2,%b1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $1,%0\n\txorl %k1,%k1\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=&q" (v) : "m" (*(const u8 __force *)from));
			*(u8 *)to = v;
			return err;
		}
		case 2: {
			u16 v;
			asm volatile("1:\tmovw %2,%w1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $2,%0\n\txorl %k1,%k1\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=&r" (v) : "m" (*(const u16 __force *)from));
			*(u16 *)to = v;
			return err;
		}
		case 4: {
			u32 v;
			asm volatile("1:\tmovl %2,%k1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $4,%0\n\txorl %k1,%k1\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=&r" (v) : "m" (*(const u32 __force *)from));
			*(u32 *)to = v;
			return err;
		}
		case 8: {
			u64 v;
			asm volatile("1:\tmovq %2,%1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $8,%0\n\txorl %k1,%k1\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=&r" (v) : "m" (*(const u64 __force *)from));
			*(u64 *)to = v;
			return err;
		}
		}
	}
	return __kbox_rep_movs(to, (const void __force *)from, n);
}

static __always_inline unsigned long
raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	if (__builtin_constant_p(n)) {
		int err = 0;

		switch (n) {
		case 1:
			asm volatile("1:\tmovb %b2,%1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $1,%0\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=m" (*(u8 __force *)to) : "q" (*(const u8 *)from));
			return err;
		case 2:
			asm volatile("1:\tmovw %w2,%1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $2,%0\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=m" (*(u16 __force *)to) : "r" (*(const u16 *)from));
			return err;
		case 4:
			asm volatile("1:\tmovl %k2,%1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $4,%0\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=m" (*(u32 __force *)to) : "r" (*(const u32 *)from));
			return err;
		case 8:
			asm volatile("1:\tmovq %2,%1\n2:\n"
				     ".section .fixup,\"ax\"\n3:\tmovl $8,%0\n\tjmp 2b\n.previous\n" EX(1b, 3b)
				     : "+r" (err), "=m" (*(u64 __force *)to) : "r" (*(const u64 *)from));
			return err;
		}
	}
	return __kbox_rep_movs((void __force *)to, from, n);
}

static __always_inline unsigned long __clear_user(void __user *to, unsigned long n)
{
	asm volatile("1:\trep stosb\n2:\n" EX(1b, 2b)
		     : "+c" (n), "+D" (to) : "a" (0) : "memory");
	return n;
}
#endif
