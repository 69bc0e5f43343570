/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _ASM_KBOX_ELF_H
#define _ASM_KBOX_ELF_H
#include <asm/boot.h>
#include <asm/ptrace.h>
#include <asm/user.h>
#include <asm/auxvec.h>
#include <asm/elf_state.h>
typedef unsigned long elf_greg_t;
#define ELF_NGREG (sizeof(struct user_regs_struct) / sizeof(elf_greg_t))
typedef elf_greg_t elf_gregset_t[ELF_NGREG];
typedef struct user_i387_struct elf_fpregset_t;
#define ELF_CLASS	ELFCLASS64
#define ELF_DATA	ELFDATA2LSB
#define ELF_ARCH	EM_X86_64
#define ELF_PLATFORM	"x86_64"
#define elf_check_arch(x)	((x)->e_machine == EM_X86_64)
#define ELF_EXEC_PAGESIZE	4096
/* As the ISA's own port: PIE programs two thirds up, where others expect them. */
#define ELF_ET_DYN_BASE		0x555555554000UL
#define ELF_HWCAP		(kbox_boot->hwcap)
#define ELF_HWCAP2		(kbox_boot->hwcap2)
#define STACK_RND_MASK		0x3fffffUL	/* pages: 16 GiB */
#define CORE_DUMP_USE_REGSET
#define ELF_PLAT_INIT(r, load_addr) memset((r), 0, offsetof(struct pt_regs, orig_ax))
/* As the ISA's own port: what setarch(8) has set outlasts exec. */
#define SET_PERSONALITY(ex)	set_personality(current->personality & ~READ_IMPLIES_EXEC)
#define ARCH_DLINFO do {						\
	NEW_AUX_ENT(AT_SYSINFO_EHDR, current->mm->context.vdso);	\
	NEW_AUX_ENT(AT_MINSIGSTKSZ, kbox_boot->minsigstksz);		\
} while (0)
#define ARCH_HAS_SETUP_ADDITIONAL_PAGES 1
struct linux_binprm;
extern int arch_setup_additional_pages(struct linux_binprm *bprm, int uses_interp);
#endif
