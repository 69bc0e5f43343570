/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_GROW_H
#define KBOX_GROW_H
struct page;
extern unsigned long grow_boot_pages(unsigned long taken);
extern void grow_move_arrays(struct page *pages, unsigned long *blocks);
extern void grow_init(void);
extern void grow_wake(void);
#endif
