/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef THREAD_H
#define THREAD_H

/* The thread is locked in when this returns, so that its filter may come; die()s. */
void start_thread(void *(*fn)(void *), void *arg);
#endif
