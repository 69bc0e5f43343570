/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_BACKING_H
#define KBOX_BACKING_H
extern void backing_init(void);
#endif
