/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/* asm/layout.h says what these are. All of it is also where user addresses have 39 bits. */
#define KBOX_HOME_START		KBOX_ADDR(0x6200000000)
#define KBOX_HOME_GUARD		KBOX_ADDR(0x20000000)
#define KBOX_PAGE_OFFSET	KBOX_ADDR(0x6240000000)	/* below it the gate has its tables (asm/thread.h) */
#define KBOX_MEM_END		KBOX_VMALLOC_START	/* guest memory ends here at the latest */
#define KBOX_VMALLOC_START	KBOX_ADDR(0x6e00000000)
#define KBOX_VMALLOC_END	KBOX_ADDR(0x6f00000000)
#define KBOX_HOST_VDSO		KBOX_ADDR(0x6f80000000)
#define KBOX_HOME_END		KBOX_ADDR(0x7000000000)
