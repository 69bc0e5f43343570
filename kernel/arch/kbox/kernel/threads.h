/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KBOX_THREADS_H
#define KBOX_THREADS_H
/* What threads.c and renew.c have in common. With the CPU in hand. */
#include <asm/hostthread.h>

/* The host makes the thread or process of this record, which parks; false: it refuses. */
bool host_thread_begin(struct host_thread *h);
bool host_process_begin(struct host_thread *h);
/* Current runs on this host thread, which has nothing of it yet. */
void host_thread_settle(struct host_thread *h);
/* Those without a task were another box's. */
void host_threads_forget(void);
#endif
