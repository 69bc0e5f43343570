/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * asm/layout.h says what these are. What is GATE_DISTANCE above guest memory is never mapped either
 * (asm/gate.h).
 */
#define KBOX_HOME_START		KBOX_ADDR(0x400000000000)
#define KBOX_HOME_GUARD		KBOX_ADDR(0x8000000000)
#define KBOX_PAGE_OFFSET	KBOX_ADDR(0x408000000000)
#define KBOX_MEM_END		KBOX_ADDR(0x468000000000)	/* guest memory ends here at the latest */
#define KBOX_VMALLOC_START	KBOX_ADDR(0x470000000000)
#define KBOX_VMALLOC_END	KBOX_ADDR(0x471000000000)
#define KBOX_HOST_VDSO		KBOX_ADDR(0x478000000000)
#define KBOX_HOME_END		KBOX_ADDR(0x500000000000)
