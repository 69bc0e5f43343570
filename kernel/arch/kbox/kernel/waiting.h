/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KBOX_WAITING_H
#define _KBOX_WAITING_H
void call_waiting_in(const char *directory);
#endif
