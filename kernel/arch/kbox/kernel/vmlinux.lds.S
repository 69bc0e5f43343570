/* SPDX-License-Identifier: GPL-2.0-only */
#include <uapi/asm/layout.h>
#include <asm/page.h>
#include <asm/cache.h>
#include <asm/thread_info.h>
#include <asm-generic/vmlinux.lds.h>
/*
 * Tracing is set up when somebody asks for it, which is after the initial data has gone:
 * kernel/tracing.c
 */
#undef FTRACE_EVENTS
#define FTRACE_EVENTS()
#undef TRACE_SYSCALLS
#define TRACE_SYSCALLS()

#ifdef __aarch64__
OUTPUT_FORMAT("elf64-littleaarch64")
OUTPUT_ARCH(aarch64)
#elif defined(__x86_64__)
OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
#else
#error "the linker's name of this instruction set is not known"
#endif
ENTRY(_start)
ASSERT(__exit_end > __exit_start, "the way out has no restartable section")
ASSERT(__hostcall_end == __exit_end, "the way out makes host calls, too")

SECTIONS
{
	. = KBOX_PAGE_OFFSET + KBOX_IMAGE_PHYS;
	_text = .;
	_stext = .;
	jiffies = jiffies_64;
	.text : {
		__hostcall_start = .;
		*(.text.hostcall)
		/*
		 * Restartable: an IPI that finds its ip here starts over, so nothing else belongs
		 * in it.
		 */
		__exit_start = .;
		*(.text.exit_user)
		__exit_end = .;
		__hostcall_end = .;
		__user_text_start = .;
		*(.text.user)
		__user_text_end = .;
		HEAD_TEXT
		TEXT_TEXT
		SCHED_TEXT
		LOCK_TEXT
		KPROBES_TEXT
		IRQENTRY_TEXT
		SOFTIRQENTRY_TEXT
		*(.fixup)
		*(.gnu.warning)
		. = ALIGN(PAGE_SIZE);
		_etext = .;
		/*
		 * What the launcher need not write to memory, as text: the names of symbols, which
		 * are seldom looked at.
		 */
		*.kallsyms.o(.rodata .rodata.*)
	}
	. = ALIGN(PAGE_SIZE);
	__image_text_end = .;
	RO_DATA(PAGE_SIZE)
	.waiting : {
		__waiting_start = .;
		KEEP(*(SORT(.waiting.*)))
		__waiting_end = .;
	}
	. = ALIGN(PAGE_SIZE);
	__init_begin = .;
	INIT_TEXT_SECTION(PAGE_SIZE)
	.exit.text : { EXIT_TEXT }
	. = ALIGN(PAGE_SIZE);
	_einittext_page = .;
	INIT_DATA_SECTION(16)
	.exit.data : { EXIT_DATA }
	PERCPU_SECTION(L1_CACHE_BYTES)
	. = ALIGN(PAGE_SIZE);
	__init_end = .;
	_sdata = .;
	RW_DATA(L1_CACHE_BYTES, PAGE_SIZE, THREAD_SIZE)
	.tracing : ALIGN(8) {
		BOUNDED_SECTION(_ftrace_events)
		BOUNDED_SECTION_BY(_ftrace_eval_map, _ftrace_eval_maps)
		BOUNDED_SECTION_BY(__syscalls_metadata, _syscalls_metadata)
	}
	_edata = .;
	BSS_SECTION(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE)
	_end = .;
	STABS_DEBUG
	DWARF_DEBUG
	ELF_DETAILS
	/DISCARD/ : { *(.altinstructions) *(.altinstr_replacement) *(.smp_locks) *(.altinstr_aux) }
	DISCARDS
}
