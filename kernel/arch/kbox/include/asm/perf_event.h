/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_PERF_EVENT_H
#define _ASM_KBOX_PERF_EVENT_H
struct pt_regs;
extern unsigned long perf_instruction_pointer(struct pt_regs *regs);
#define perf_instruction_pointer perf_instruction_pointer
#define perf_misc_flags(regs)	(user_mode(regs) ? PERF_RECORD_MISC_USER : PERF_RECORD_MISC_KERNEL)
/* Of the kernel's function that an event is counted in. */
#define perf_arch_fetch_caller_regs(regs, caller) do {				\
	instruction_pointer_set(regs, caller);					\
	user_stack_pointer_set(regs, (unsigned long)__builtin_frame_address(0));	\
} while (0)
#endif
