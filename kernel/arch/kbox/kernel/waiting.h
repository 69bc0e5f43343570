/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _KBOX_WAITING_H
#define _KBOX_WAITING_H
/* What fn returns, made by a worker: with all rights, and nobody kills it. Sleeps. */
int call_in_worker(int (*fn)(void *arg), void *arg);
void call_waiting_in(const char *directory);
#endif
