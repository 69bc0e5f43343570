/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ELF_STATE_H
#define _ASM_KBOX_ELF_STATE_H
/* binfmt_elf asks the port while it can still refuse: process.c. There is no state. */
struct arch_elf_state { };
#define INIT_ARCH_ELF_STATE { }
#define arch_elf_pt_proc(ehdr, phdr, file, is_interpreter, state) 0
extern int arch_check_elf(void *ehdr, bool has_interpreter, void *interpreter, struct arch_elf_state *state);
#endif
