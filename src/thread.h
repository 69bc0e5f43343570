/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef THREAD_H
#define THREAD_H

/* The thread is locked in when this returns, so that its filter may come; die()s. */
void start_thread(void *(*fn)(void *), void *arg);

/* The same; before that it calls this, which may do what it may not later. */
void start_thread_with(void (*before)(void), void *(*fn)(void *), void *arg);
#endif
