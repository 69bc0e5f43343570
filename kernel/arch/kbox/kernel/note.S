/* SPDX-License-Identifier: GPL-2.0-only */
/* What the launcher must know of the image (src/elf.c): struct kbox_image. */
#include <linux/elfnote.h>
#include <uapi/asm/kbox.h>

ELFNOTE_START(kbox, KBOX_NOTE_IMAGE, "a")
	.quad	KBOX_ABI
	.quad	__hostcall_start, __hostcall_end
	.quad	_text, __image_text_end
	.quad	__init_begin, _einittext_page
ELFNOTE_END
