/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's version, for ld.so. */
#include <linux/version.h>
#include <linux/elfnote.h>

ELFNOTE_START(Linux, 0, "a")
	.long LINUX_VERSION_CODE
ELFNOTE_END
