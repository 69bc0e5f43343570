/* SPDX-License-Identifier: GPL-2.0-only */
/* One segment, with the pages of data before it. What it exports, the ISA says: vdso(7). */
#include <asm/page.h>
#include <asm/vdso.h>
#include <asm/vdso/isa.h>

SECTIONS
{
	PROVIDE(_vdso_data = . - VVAR_PAGES * PAGE_SIZE);
	PROVIDE(_vdso_rng_data = _vdso_data + VVAR_RNG_OFFSET);
	PROVIDE(_timens_data = _vdso_data + VVAR_TIMENS_PAGE * PAGE_SIZE);
	. = SIZEOF_HEADERS;
	.hash		: { *(.hash) }			:text
	.gnu.hash	: { *(.gnu.hash) }
	.dynsym		: { *(.dynsym) }
	.dynstr		: { *(.dynstr) }
	.gnu.version	: { *(.gnu.version) }
	.gnu.version_d	: { *(.gnu.version_d) }
	.gnu.version_r	: { *(.gnu.version_r) }
	.dynamic	: { *(.dynamic) }		:text :dynamic
	.rodata		: { *(.rodata*) *(.got*) }	:text
	.note		: { *(.note.*) }		:text :note
	.eh_frame_hdr	: { *(.eh_frame_hdr) }		:text :eh_frame_hdr
	.eh_frame	: { KEEP(*(.eh_frame)) }	:text
	.text		: { *(.text*) }			:text
	/DISCARD/	: { *(.data*) *(.bss*) *(.discard*) *(.note.GNU-stack) *(.note.gnu.property) *(.modinfo) *(__bug_table) }
}

PHDRS
{
	text		PT_LOAD FLAGS(5) FILEHDR PHDRS;
	dynamic		PT_DYNAMIC FLAGS(4);
	note		PT_NOTE FLAGS(4);
	eh_frame_hdr	PT_GNU_EH_FRAME;
}

VERSION
{
	VDSO_VERSION {
	global:
		VDSO_EXPORTS
	local: *;
	};
}
