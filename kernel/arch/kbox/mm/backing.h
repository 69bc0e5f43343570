/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_BACKING_H
#define KBOX_BACKING_H
extern unsigned long backing_size(unsigned long pages);
extern void backing_init(void *map);
extern void host_populate(const void *start, unsigned long size);
#endif
