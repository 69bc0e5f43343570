/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_USERCOPY_H
#define _ASM_KBOX_USERCOPY_H
/* For asm/uaccess.h. */
#define EX(from, to) \
	".section __ex_table,\"a\"\n.balign 8\n.quad " #from ", " #to "\n.previous\n"

/* Loads and stores ignore the top byte of an address, and bit 55 says which half it is of. */
#define untagged_addr(addr) ({						\
	u64 addr_ = (__force u64)(addr);				\
	(__force __typeof__(addr))(addr_ & sign_extend64(addr_, 55));	\
})
extern bool kbox_tagged_access_ok(unsigned long addr, unsigned long size);

/* usercopy.S: both give the bytes that were not done. */
extern unsigned long __kbox_copy(void *to, const void *from, unsigned long n);
extern unsigned long __kbox_clear(void *to, unsigned long n);

#define KBOX_LOAD(insn, w, type, from, to, n) ({						\
	u64 v;											\
	asm volatile("1:\t" insn " %" w "1,%2\n2:\n"						\
		     ".section .fixup,\"ax\"\n3:\tmov %w0,%3\n\tmov %1,xzr\n\tb 2b\n.previous\n" EX(1b, 3b) \
		     : "+r" (err), "=&r" (v) : "Q" (*(const type __force *)(from)), "i" (n));	\
	*(type *)(to) = v;									\
})
#define KBOX_STORE(insn, w, type, to, from, n)							\
	asm volatile("1:\t" insn " %" w "2,%1\n2:\n"						\
		     ".section .fixup,\"ax\"\n3:\tmov %w0,%3\n\tb 2b\n.previous\n" EX(1b, 3b)	\
		     : "+r" (err), "=Q" (*(type __force *)(to)) : "r" ((u64)*(const type *)(from)), "i" (n))

static __always_inline unsigned long raw_copy_from_user(void *to, const void __user *from, unsigned long n)
{
	int err = 0;

	if (__builtin_constant_p(n)) {
		switch (n) {
		case 1:
			KBOX_LOAD("ldrb", "w", u8, from, to, 1);
			return err;
		case 2:
			KBOX_LOAD("ldrh", "w", u16, from, to, 2);
			return err;
		case 4:
			KBOX_LOAD("ldr", "w", u32, from, to, 4);
			return err;
		case 8:
			KBOX_LOAD("ldr", "x", u64, from, to, 8);
			return err;
		}
	}
	return __kbox_copy(to, (const void __force *)from, n);
}

static __always_inline unsigned long raw_copy_to_user(void __user *to, const void *from, unsigned long n)
{
	int err = 0;

	if (__builtin_constant_p(n)) {
		switch (n) {
		case 1:
			KBOX_STORE("strb", "w", u8, to, from, 1);
			return err;
		case 2:
			KBOX_STORE("strh", "w", u16, to, from, 2);
			return err;
		case 4:
			KBOX_STORE("str", "w", u32, to, from, 4);
			return err;
		case 8:
			KBOX_STORE("str", "x", u64, to, from, 8);
			return err;
		}
	}
	return __kbox_copy((void __force *)to, from, n);
}

static __always_inline unsigned long __clear_user(void __user *to, unsigned long n)
{
	return __kbox_clear((void __force *)to, n);
}
#endif
